//! Live meetings: opened, spoken into over connections that break, ended or left, and heard to their end after a kill.

use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::Message;

use super::clients::text;
use super::ledger::Heard;
use super::load::{Deed, Load, Unanswered};
use super::random::Random;
use crate::live_client::LiveClient;

/// Samples of a frame: a tenth of a second.
const FRAME: usize = 1600;
/// Least and most frames of a meeting.
const FRAMES_MIN: usize = 30;
const FRAMES_MAX: usize = 150;
/// Frames from one break of the connection to the next, on average.
const BREAK_ONE_IN: usize = 50;
/// Sound is sent at about twice the pace of talk.
const PACE: Duration = Duration::from_millis(50);

/// A live meeting of this client.
struct Meeting {
    opened: Value,
    id: String,
    sent: Vec<Vec<i16>>,
    /// The last event that was told.
    last: u64,
    accepted: u64,
    is_over: bool,
}

/// Holds live meetings, one after the other, until the load is over.
pub(super) fn hold(load: &Load, mut random: Random, sound: &[Vec<i16>]) {
    while !load.is_over() {
        let frames = FRAMES_MIN + random.below(FRAMES_MAX - FRAMES_MIN);
        let from = random.below(sound[0].len() - frames * FRAME);
        let sent: Vec<Vec<i16>> = sound
            .iter()
            .map(|track| track[from..from + frames * FRAME].to_vec())
            .collect();
        let pace = ["live", "fast"][random.below(2)];
        let request = json!({ "title": "Held", "pace": pace, "tracks": vec![json!({}); sent.len()] });
        match load.send(Deed::Open, "POST", "/v1/live", &request) {
            Ok(answer) if answer.status == 201 => Meeting::new(load, answer.json(), sent).hold(load, &mut random),
            Ok(answer) => load.fault(format!(
                "a live meeting is opened with {} {}",
                answer.status,
                answer.text()
            )),
            // What was opened without an answer has no sound, and leaves nothing.
            Err(_) => {}
        }
        load.pause(&mut random);
    }
}

impl Meeting {
    fn new(load: &Load, opened: Value, sent: Vec<Vec<i16>>) -> Self {
        let id = text(&opened["id"]);
        let heard = Heard {
            sent: sent.clone(),
            accepted: 0,
            committed: Vec::new(),
        };
        load.ledger().live.insert(id.clone(), heard);
        Self {
            opened,
            id,
            sent,
            last: 0,
            accepted: 0,
            is_over: false,
        }
    }

    /// Connects, again and again, until the meeting is over.
    fn hold(&mut self, load: &Load, random: &mut Random) {
        while !self.is_over {
            let Some((caller, kills)) = load.caller() else { return };
            match LiveClient::connect_if_there(&caller, &self.opened, self.last) {
                Some(Ok(client)) => self.speak(load, random, client, kills),
                // Finished before the kill: the library has it.
                Some(Err(404)) if kills > 0 => return,
                Some(Err(status)) => return load.fault(format!("the live meeting {} is refused: {status}", self.id)),
                None if load.kills() == kills => {
                    return load.fault(format!("the live meeting {} cannot be reached", self.id));
                }
                None => {}
            }
        }
    }

    /// Sends what is not accepted yet, and hears what is told, as long as the connection lasts.
    fn speak(&mut self, load: &Load, random: &mut Random, mut client: LiveClient, kills: usize) {
        let stands = client.hello["accepted"].as_u64().unwrap();
        if stands < self.accepted {
            load.fault(format!(
                "{}: {} samples were accepted, {stands} are there",
                self.id, self.accepted
            ));
        }
        // One that was cut short takes no more sound.
        if client.hello["state"] == "listening" {
            for at in (stands as usize..self.sent[0].len()).step_by(FRAME) {
                if random.one_in(BREAK_ONE_IN) {
                    // The connection is gone without a word.
                    return self.take(load, &mut client);
                }
                let is_sent = (0..).zip(&self.sent).all(|(number, track)| {
                    let end = (at + FRAME).min(track.len());
                    client.send_samples(number, at, &track[at..end])
                });
                client.hear(PACE);
                self.take(load, &mut client);
                if !is_sent || client.closed.is_some() {
                    break;
                }
            }
            self.end(load, random, &mut client);
        }
        while client.closed.is_none() {
            client.hear(Duration::from_millis(100));
            self.take(load, &mut client);
        }
        if !self.is_over && load.kills() == kills && client.closed != Some(1012) {
            load.fault(format!("{} is closed with {:?} before its end", self.id, client.closed));
            self.is_over = true;
        }
    }

    /// Ends the meeting in one of three ways; the third is to say nothing.
    fn end(&self, load: &Load, random: &mut Random, client: &mut LiveClient) {
        load.begin(Deed::Finish);
        match random.below(3) {
            0 => {
                client.send(Message::text(r#"{"type": "finish"}"#));
            }
            1 => match load.call(Deed::Finish, "POST", &format!("/v1/live/{}/finish", self.id), &[], &[]) {
                // It may have been finished before a kill.
                Ok(answer) if matches!(answer.status, 202 | 404) => {}
                Ok(answer) => load.fault(format!(
                    "{} is finished with {} {}",
                    self.id,
                    answer.status,
                    answer.text()
                )),
                Err(Unanswered::Busy | Unanswered::Killed) => {}
            },
            _ => {}
        }
    }

    /// Takes down what was told.
    fn take(&mut self, load: &Load, client: &mut LiveClient) {
        for event in client.events.drain(..) {
            let Some(number) = event["seq"].as_u64() else { continue };
            if number <= self.last {
                load.fault(format!("{}: event {number} is told after {}", self.id, self.last));
            }
            self.last = number;
            let mut ledger = load.ledger();
            let heard = ledger.live.get_mut(&self.id).unwrap();
            match event["event"].as_str() {
                Some("accepted") => {
                    heard.accepted = heard.accepted.max(event["samples"].as_u64().unwrap());
                    self.accepted = heard.accepted;
                }
                Some("committed") => heard.committed.push(event),
                Some("finished") => self.is_over = true,
                Some("failed") => {
                    self.is_over = true;
                    drop(ledger);
                    load.fault(format!("the live meeting {} failed", self.id));
                }
                _ => {}
            }
        }
    }
}
