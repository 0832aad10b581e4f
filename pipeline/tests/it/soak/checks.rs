//! The library against the ledger.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use datasets::library::{Library, Receipt};
use datasets::{ActionStatus, MeetingId, StatementId};
use serde_json::Value;

use super::clients::{ids_in, text, try_token};
use super::ledger::{Cell, Content, Fate, Heard, Kept, Part};
use super::leftovers;
use super::load::{Load, said};
use super::settled::all;
use super::talk::Talk;
use crate::live_client::check_recording;
use crate::live_workbench::check_what_was_shown_stands;
use crate::server::Server;

/// The sample that was there before.
const BEFORE: usize = 1;

/// What a check looks at.
struct Checked<'a> {
    load: &'a Load,
    server: &'a Server,
    library: Library,
    receipts: Vec<Receipt>,
    /// Ids by the word in the title, one for each meeting.
    listed: BTreeMap<String, Vec<String>>,
    count: usize,
}

/// Compares all that the server tells and holds with the ledger.
pub(super) fn check(load: &Load, server: &Server) {
    let listed = all(server, "/v1/meetings");
    let library = Library::open(load.bench.path("library")).unwrap();
    let mut by_word: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for meeting in &listed {
        let title = text(&meeting["title"]);
        if let Some(word) = title.strip_prefix("Soak ").and_then(|rest| rest.split(' ').next()) {
            by_word.entry(word.to_owned()).or_default().push(text(&meeting["id"]));
        }
    }
    let checked = Checked {
        load,
        server,
        receipts: library.receipts().unwrap(),
        library,
        listed: by_word,
        count: listed.len(),
    };
    checked.meetings();
    checked.live();
    checked.doors();
    leftovers::check(load, server, &checked.library);
    load.run("tokens", || {
        let tokens = load.ledger().tokens.clone();
        tokens.iter().for_each(|token| try_token(load, token));
        println!(
            "{} tokens, {} of them revoked",
            tokens.len(),
            tokens.iter().filter(|one| one.is_revoked).count()
        );
    });
    server
        .complaints()
        .into_iter()
        .for_each(|line| load.fault(format!("the server logged {line}")));
}

impl Checked<'_> {
    fn fault(&self, fault: String) {
        self.load.fault(fault);
    }

    fn meetings(&self) {
        let mut ledger = self.load.ledger();
        let mut meetings = std::mem::take(&mut ledger.meetings);
        let live = ledger.live.keys().cloned().collect::<Vec<_>>();
        drop(ledger);
        let mut fates: BTreeMap<String, usize> = BTreeMap::new();
        for (key, kept) in &mut meetings {
            let known = self.listed.get(key).map(Vec::as_slice).unwrap_or_default();
            match (kept.fate, known) {
                (Fate::Accepted | Fate::Stands | Fate::Sent | Fate::PerhapsGone, [id]) => {
                    if kept.id.get_or_insert_with(|| id.clone()) != id {
                        self.fault(format!("{key} was {:?} and is {id}", kept.id));
                    }
                    self.standing(key, id, kept);
                    kept.fate = Fate::Stands;
                }
                (Fate::Sent, []) => {}
                (Fate::Gone | Fate::PerhapsGone, []) => {
                    self.gone(key, kept);
                    kept.fate = Fate::Gone;
                }
                (fate, _) => self.fault(format!("{key} {fate:?} {:?} is listed as {known:?}", kept.id)),
            }
            *fates.entry(format!("{:?}", kept.fate)).or_default() += 1;
        }
        let held = live
            .iter()
            .filter(|id| self.library.contains(&MeetingId::new(id.as_str())).unwrap())
            .count();
        let expected = fates.get("Stands").copied().unwrap_or(0) + held + BEFORE;
        println!(
            "{} meetings: {fates:?} and {held} of {} live ones",
            self.count,
            live.len()
        );
        // Opened without an answer, a live meeting has no sound: it leaves no meeting.
        if self.count != expected {
            self.fault(format!("{} meetings are listed, {expected} are known", self.count));
        }
        let mut ledger = self.load.ledger();
        ledger.meetings = meetings;
        ledger.meetings_at_the_end = self.count;
    }

    /// All that was sent is there, and what was changed of it.
    fn standing(&self, key: &str, id: &str, kept: &Kept) {
        match &kept.content {
            Content::Sound(bytes) => {
                let recording = self.server.get(&format!("/v1/meetings/{id}/recording"));
                if recording.body != *bytes {
                    self.fault(format!(
                        "the recording of {id} is not what was sent: {}",
                        recording.status
                    ));
                }
            }
            Content::Text(talk) => {
                self.words(id, talk, kept);
                let found = self.server.get(&format!("/v1/search?q={key}&limit=100")).json();
                if !ids_in(&found["hits"]).contains(id) {
                    self.fault(format!("{id} is not found by its word {key}: {found}"));
                }
            }
        }
        let meeting = self.server.get(&format!("/v1/meetings/{id}")).json();
        let statuses = self.library.action_statuses(&MeetingId::new(id)).unwrap();
        for ((part, name), cell) in &kept.cells {
            let stands = match part {
                Part::Title => meeting["title"].as_str().map(str::to_owned),
                Part::Names => name_of(&meeting, name),
                Part::Actions => Some(match statuses.get(&StatementId::new(name.as_str())) {
                    Some(ActionStatus::Done) => "done".to_owned(),
                    _ => "open".to_owned(),
                }),
                // With the others.
                Part::Words => continue,
            };
            if !stands.as_ref().is_some_and(|stands| cell.may_be(stands)) {
                self.fault(format!("{part:?} {name} of {id} is {stands:?}, not {cell:?}"));
            }
            self.load.count(format!("changes of {part:?} checked"));
        }
        self.actions(id, kept);
    }

    /// What is said in a meeting is what was sent, but for what was corrected.
    fn words(&self, id: &str, talk: &Talk, kept: &Kept) {
        let read = self.server.get(&format!("/v1/meetings/{id}/transcript")).json();
        let mut texts = Vec::new();
        for utterance in read["utterances"].as_array().unwrap() {
            let (name, said) = (text(&utterance["id"]), text(&utterance["text"]));
            match kept.cells.get(&(Part::Words, name.clone())) {
                Some(cell) => {
                    if !cell.may_be(&said) {
                        self.fault(format!("utterance {name} of {id} is {said:?}, not {cell:?}"));
                    }
                    self.load.count("changes of Words checked");
                    self.corrected_is_found(id, cell, &said);
                    texts.push(cell.original.clone());
                }
                None => texts.push(said),
            }
        }
        if texts.join(" ") != talk.text() {
            self.fault(format!("{id} says {texts:?}, not {:?}", talk.text()));
        }
    }

    fn corrected_is_found(&self, id: &str, cell: &Cell, said: &str) {
        if *said == cell.original {
            return;
        }
        // "We looked at WORD again …"
        let word = said.split(' ').nth(3).unwrap_or_default();
        let found = self.server.get(&format!("/v1/search?q={word}&limit=100")).json();
        if !ids_in(&found["hits"]).contains(id) {
            self.fault(format!("{id} is not found by {word}, which was corrected: {found}"));
        }
    }

    /// The list of actions says what the library says.
    fn actions(&self, id: &str, kept: &Kept) {
        let minutes = self.server.get(&format!("/v1/meetings/{id}/minutes")).json();
        for action in minutes["actions"].as_array().unwrap() {
            let cell = kept.cells.get(&(Part::Actions, text(&action["id"])));
            let status = text(&action["status"]);
            if !cell.map_or(status == "open", |cell| cell.may_be(&status)) {
                self.fault(format!("action {} of {id} is {status}, not {cell:?}", action["id"]));
            }
            if cell.is_some_and(|cell| cell.certain == "done") {
                self.load.count("actions done and listed");
            }
        }
    }

    /// Nothing is left of it but the receipt.
    fn gone(&self, key: &str, kept: &Kept) {
        let Some(id) = &kept.id else { return };
        let of_meeting = |receipt: &&Receipt| receipt.subject == *id;
        let receipts: Vec<&Receipt> = self.receipts.iter().filter(of_meeting).collect();
        let is_good = |receipt: &Receipt| receipt.completed_at.is_some() && !receipt.files.is_empty();
        if receipts.is_empty() || !receipts.iter().all(|receipt| is_good(receipt)) {
            self.fault(format!("{id} is deleted with the receipts {receipts:?}"));
        }
        for path in ["", "/transcript", "/minutes", "/exports/vtt"] {
            let status = self.server.get(&format!("/v1/meetings/{id}{path}")).status;
            if status != 404 {
                self.fault(format!("{id}{path} is deleted, and answers {status}"));
            }
        }
        let context =
            serde_json::json!({ "context": { "text": format!("the project {key} and the figures of {key}") } });
        let related = self.server.send("POST", "/v1/recommendations", &context).text();
        let found = self.server.get(&format!("/v1/search?q={key}&limit=100")).text();
        for answer in [related, found] {
            if answer.contains(id) {
                self.fault(format!("{id} is deleted, and told of in {answer}"));
            }
        }
    }

    fn live(&self) {
        let live = std::mem::take(&mut self.load.ledger().live);
        for (id, heard) in &live {
            let checked = catch_unwind(AssertUnwindSafe(|| self.held(id, heard)));
            if let Err(panic) = checked {
                self.fault(format!("live meeting {id}: {}", said(panic.as_ref())));
            }
        }
        let accepted: u64 = live.values().map(|heard| heard.accepted).sum();
        println!("{} s of live sound were accepted", accepted / 16_000);
    }

    /// What was accepted is in the recording, what was told in the transcript.
    fn held(&self, id: &str, heard: &Heard) {
        let is_there = self.library.contains(&MeetingId::new(id)).unwrap();
        if heard.accepted == 0 && !is_there {
            return;
        }
        assert!(
            is_there,
            "{} samples were accepted, and it is not in the library",
            heard.accepted
        );
        let recording = self.load.bench.path(&format!("library/meetings/{id}/source/{id}.wav"));
        check_recording(&recording, &heard.sent, heard.accepted as usize);
        let transcript = self.server.get(&format!("/v1/meetings/{id}/transcript")).json();
        check_what_was_shown_stands(&transcript, &heard.committed, false);
        assert_eq!(self.server.get(&format!("/v1/meetings/{id}/minutes")).status, 200);
    }

    /// Receivers of messages are those who came and did not go.
    fn doors(&self) {
        let listed = self.server.get("/v1/webhooks").text();
        for (id, fate) in &self.load.ledger().webhooks {
            if (*fate == Fate::Stands && !listed.contains(id)) || (*fate == Fate::Gone && listed.contains(id)) {
                self.fault(format!("the webhook {id} {fate:?}, of {listed}"));
            }
        }
    }
}

/// The name of who speaks as `label`.
fn name_of(meeting: &Value, label: &str) -> Option<String> {
    let mut participants = meeting["participants"].as_array()?.iter();
    let speaking = participants.find(|participant| participant["speaker"] == label)?;
    Some(text(&speaking["name"]))
}
