//! Clients that change what is in the library, give out tokens, and ask.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::ledger::{Fate, Part, Token};
use super::load::{Deed, Load, Unanswered};
use super::random::Random;
use super::talk::new_word;

/// A change of one value of a meeting.
struct Change {
    deed: Deed,
    method: &'static str,
    path: String,
    body: Value,
    name: String,
    original: String,
    value: String,
}

/// Corrects what meetings say of themselves until the load is over.
pub(super) fn correct(load: &Load, mut random: Random, _: &[Vec<i16>]) {
    while !load.is_over() {
        let part = random.choose(Part::ALL.to_vec()).unwrap();
        let claimed = load.ledger().claim(&mut random, &[part]);
        if let Some((key, id)) = claimed {
            if let Some(change) = Change::of(load, &mut random, part, &key, &id) {
                change.make(load, part, &key);
            }
            load.ledger().release(&key, &[part]);
        }
        load.pause(&mut random);
    }
}

impl Change {
    /// What could be changed of a part of a meeting; nothing where there is nothing.
    fn of(load: &Load, random: &mut Random, part: Part, key: &str, id: &str) -> Option<Self> {
        let meeting = format!("/v1/meetings/{id}");
        let word = new_word();
        match part {
            Part::Title => {
                let title = format!("Soak {key} {word}");
                Some(Self {
                    deed: Deed::Correct,
                    method: "PATCH",
                    path: meeting,
                    body: json!({ "title": title }),
                    name: "title".to_owned(),
                    original: format!("Soak {key}"),
                    value: title,
                })
            }
            Part::Words => {
                let read = load.read(&format!("{meeting}/transcript"))?;
                let utterances = read["utterances"].as_array().unwrap().clone();
                // What tells the meeting from others stays.
                let others = utterances.into_iter().filter(|one| !text(&one["text"]).contains(key));
                let chosen = random.choose(others.collect())?;
                let value = format!("We looked at {word} again and found nothing new.");
                Some(Self {
                    deed: Deed::Correct,
                    method: "PATCH",
                    path: format!("{meeting}/utterances/{}", text(&chosen["id"])),
                    body: json!({ "text": value }),
                    name: text(&chosen["id"]),
                    original: text(&chosen["text"]),
                    value,
                })
            }
            Part::Names => {
                let read = load.read(&format!("{meeting}/transcript"))?;
                let utterances = read["utterances"].as_array().unwrap().clone();
                let chosen = random.choose(utterances)?;
                let (label, value) = (text(&chosen["speaker"]), format!("Ann {word}"));
                Some(Self {
                    deed: Deed::Correct,
                    method: "PUT",
                    path: format!("{meeting}/speakers/{}", encoded(&label)),
                    body: json!({ "name": value }),
                    original: label.clone(),
                    name: label,
                    value,
                })
            }
            Part::Actions => {
                let read = load.read(&format!("{meeting}/minutes"))?;
                let chosen = random.choose(read["actions"].as_array().unwrap().clone())?;
                // Some are opened again.
                let value = if chosen["status"] == "done" { "open" } else { "done" };
                let is_wanted = value == "done" || random.one_in(4);
                is_wanted.then(|| Self {
                    deed: Deed::Mark,
                    method: "PATCH",
                    path: format!("{meeting}/actions/{}", text(&chosen["id"])),
                    body: json!({ "status": value }),
                    name: text(&chosen["id"]),
                    original: "open".to_owned(),
                    value: value.to_owned(),
                })
            }
        }
    }

    fn make(&self, load: &Load, part: Part, key: &str) {
        let is_certain = match load.send(self.deed, self.method, &self.path, &self.body) {
            Ok(answer) if answer.status == 200 => true,
            // Corrections made new minutes meanwhile, which have no such action any more.
            Ok(answer) if answer.status == 404 && part == Part::Actions => return,
            Ok(answer) => return load.fault(format!("{} is answered {} {}", self.path, answer.status, answer.text())),
            Err(Unanswered::Busy) => return,
            Err(Unanswered::Killed) => false,
        };
        let mut ledger = load.ledger();
        ledger
            .of(key)
            .change(part, &self.name, &self.original, &self.value, is_certain);
    }
}

/// Deletes meetings until the load is over: any that is listed, whether its job has ended or not.
pub(super) fn delete(load: &Load, mut random: Random, _: &[Vec<i16>]) {
    while !load.is_over() {
        // Less often than meetings come.
        for _ in 0..5 {
            load.pause(&mut random);
        }
        let Some(read) = load.read("/v1/meetings?q=soak&limit=500") else {
            return;
        };
        let Some(listed) = random.choose(read["items"].as_array().unwrap().clone()) else {
            continue;
        };
        let key = text(&listed["title"]).split(' ').nth(1).unwrap_or_default().to_owned();
        if load.ledger().claim_all_of(&key) {
            delete_one(load, &key, &text(&listed["id"]));
            load.ledger().release(&key, &Part::ALL);
        }
    }
}

fn delete_one(load: &Load, key: &str, id: &str) {
    let before = {
        let mut ledger = load.ledger();
        let kept = ledger.of(key);
        kept.id = Some(id.to_owned());
        std::mem::replace(&mut kept.fate, Fate::PerhapsGone)
    };
    let fate = match load.call(Deed::Delete, "DELETE", &format!("/v1/meetings/{id}"), &[], &[]) {
        Ok(answer) if answer.status == 200 => {
            let receipt = answer.json();
            if receipt["subject"] != id || !receipt["completed_at"].is_string() || receipt["files"] == json!([]) {
                load.fault(format!("the receipt of {id} is {receipt}"));
            }
            Fate::Gone
        }
        Ok(answer) => {
            load.fault(format!(
                "the deletion of {id} is answered {} {}",
                answer.status,
                answer.text()
            ));
            before
        }
        Err(Unanswered::Busy) => before,
        Err(Unanswered::Killed) => Fate::PerhapsGone,
    };
    load.ledger().of(key).fate = fate;
}

/// Gives out tokens, revokes some, and tries all of them, until the load is over; beside the server, up or down.
pub(super) fn give_out_tokens(load: &Load, mut random: Random, _: &[Vec<i16>]) {
    while !load.is_over() {
        let open: Vec<usize> = {
            let ledger = load.ledger();
            let open = ledger.tokens.iter().enumerate().filter(|(_, token)| !token.is_revoked);
            open.map(|(number, _)| number).collect()
        };
        if open.len() > 3 && random.one_in(2) {
            let number = random.choose(open).unwrap();
            let id = load.ledger().tokens[number].id.clone();
            load.bench.text(&["tokens", "revoke", &id]);
            load.ledger().tokens[number].is_revoked = true;
        } else {
            let name = new_word();
            let person = format!("{name}@example.org");
            let made = load.bench.json(&["tokens", "add", &name, "--person", &person]);
            load.ledger().tokens.push(Token {
                id: text(&made["token"]["id"]),
                secret: text(&made["secret"]),
                is_revoked: false,
            });
        }
        let tried = random.choose(load.ledger().tokens.clone()).unwrap();
        try_token(load, &tried);
        load.pause(&mut random);
    }
}

/// A token opens, or is refused where it was revoked.
pub(super) fn try_token(load: &Load, token: &Token) {
    let Some((caller, kills)) = load.caller() else { return };
    match caller
        .asking_with(&token.secret)
        .try_call("GET", "/v1/session", &[], &[])
    {
        Ok(answer) => {
            let expected = if token.is_revoked { 401 } else { 200 };
            if answer.status != expected && answer.status != 503 {
                load.fault(format!(
                    "token {} is answered {}, not {expected}",
                    token.id, answer.status
                ));
            }
        }
        Err(error) if load.kills() == kills => load.fault(format!("GET /v1/session: {error}")),
        Err(_) => {}
    }
}

/// Asks until the load is over; what stands is found, what is gone is not.
pub(super) fn ask(load: &Load, mut random: Random, _: &[Vec<i16>]) {
    while !load.is_over() {
        match random.below(8) {
            0..4 => look_for_one(load, &mut random),
            4 => drop(load.read("/v1/search?q=calendar+release&limit=100")),
            5 => drop(load.read(&format!(
                "/v1/actions?status={}",
                ["open", "done", "all"][random.below(3)]
            ))),
            6 => drop(load.read(["/v1/suggest?q=pass", "/v1/people", "/v1/jobs", "/v1/live"][random.below(4)])),
            _ => recommend(load),
        }
        load.wait(random.up_to(Duration::from_millis(300)));
    }
}

fn look_for_one(load: &Load, random: &mut Random) {
    let known = |load: &Load| -> Vec<(String, String, Fate)> {
        let ledger = load.ledger();
        let ended = ledger
            .meetings
            .iter()
            .filter(|(_, kept)| matches!(kept.fate, Fate::Stands | Fate::Gone));
        let is_text = ended.filter(|(_, kept)| kept.is_text());
        is_text
            .filter_map(|(key, kept)| Some((key.clone(), kept.id.clone()?, kept.fate)))
            .collect()
    };
    let Some((key, id, fate)) = random.choose(known(load)) else {
        return;
    };
    let Some(found) = load.read(&format!("/v1/search?q={key}&limit=100")) else {
        return;
    };
    let is_found = ids_in(&found["hits"]).contains(&id);
    // Only where nothing happened to it meanwhile.
    let stands_so = known(load).iter().any(|(other, _, now)| *other == key && *now == fate);
    if stands_so && is_found != (fate == Fate::Stands) {
        let finds = ids_in(&found["hits"]);
        load.fault(format!("{key} ({id}) {fate:?}, and a search for it finds {finds:?}"));
    }
}

fn recommend(load: &Load) {
    let context = json!({ "context": { "text": "calendar release, the security audit and the password reset" } });
    match load.send(Deed::Read, "POST", "/v1/recommendations", &context) {
        Ok(answer) if answer.status != 200 => {
            load.fault(format!("recommendations: {} {}", answer.status, answer.text()))
        }
        _ => {}
    }
}

/// The meetings that things were found in.
pub(super) fn ids_in(found: &Value) -> BTreeSet<String> {
    let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
    found
        .iter()
        .filter_map(|one| Some(one["meeting"].as_str()?.to_owned()))
        .collect()
}

/// A text of an answer.
pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text, not {value}"))
        .to_owned()
}

/// A label as part of an address.
fn encoded(label: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    label.bytes().map(byte).collect()
}
