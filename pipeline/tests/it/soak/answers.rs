//! What the index answers, as it came to be and made anew: the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ledger::Fate;
use super::leftovers::check_nothing_is_new;
use super::load::Load;
use super::start;
use crate::server::Server;

/// What is asked, beside a word of some meetings.
const QUERIES: [&str; 8] = [
    "password reset",
    "calendar release",
    "security audit and backups",
    "the figures by Friday",
    "what did Ben Carter say about the release",
    "traduction de la documentation",
    "we decided to call the new project",
    "budget",
];
/// Words of meetings that are asked for.
const WORDS: usize = 20;
/// Scores are sums of numbers in single precision, whose order depends on where a meeting lies in the index.
const NEAR: f64 = 1e-4;

/// What was found in one answer: how much in all, how it is distributed, and each thing with its score.
#[derive(Debug)]
struct Found {
    question: String,
    total: Value,
    facets: Value,
    items: BTreeMap<String, Vec<(String, f64)>>,
}

/// Stops the server, takes its answers from the index as it is and from one made anew, and compares them.
pub(super) fn check_against_a_rebuild(load: &Load, server: Server) {
    let words: Vec<String> = {
        let ledger = load.ledger();
        let stand = ledger.meetings.iter().filter(|(_, kept)| kept.fate == Fate::Stands);
        stand.map(|(key, _)| key.clone()).take(WORDS).collect()
    };
    assert!(server.stop().success());
    let server = start(load);
    check_nothing_is_new(load, &server);
    let before = answers(&server, &words);
    assert!(server.stop().success());
    load.bench.text(&["index", "rebuild"]);
    let server = start(load);
    let after = answers(&server, &words);
    let things: usize = before.iter().flat_map(|found| found.items.values()).map(Vec::len).sum();
    println!(
        "{} answers with {things} things compared with those of an index made anew",
        before.len()
    );
    if things == 0 {
        load.fault("nothing was found at all".to_owned());
    }
    for (before, after) in before.iter().zip(&after) {
        let differences = before.differences(after);
        if !differences.is_empty() {
            load.fault(format!(
                "{}: the index made anew differs: {}",
                before.question,
                differences.join("; ")
            ));
        }
    }
}

fn answers(server: &Server, words: &[String]) -> Vec<Found> {
    let queries = QUERIES
        .iter()
        .map(|query| query.replace(' ', "+"))
        .chain(words.iter().cloned());
    let kinds = [
        "",
        "&kind=meeting",
        "&kind=action",
        "&person=Ben+Carter",
        "&mode=keyword&from=2026-04-01",
    ];
    let searches = queries.flat_map(|query| kinds.map(|kind| format!("/v1/search?q={query}{kind}&limit=100")));
    let mut all: Vec<Found> = searches
        .map(|path| Found::of(path.clone(), &server.get(&path).json(), "hits"))
        .collect();
    let texts = QUERIES.iter().map(|query| (*query).to_owned());
    let words = words
        .iter()
        .map(|word| format!("the project {word} and the figures of {word}"));
    for text in texts.chain(words) {
        let context = json!({ "context": { "text": text }, "limit": 50 });
        let answer = server.send("POST", "/v1/recommendations", &context);
        all.push(Found::of(
            format!("recommendations for {text:?}"),
            &answer.json(),
            "items",
        ));
    }
    all
}

impl Found {
    fn of(question: String, answer: &Value, list: &str) -> Self {
        let mut items: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
        for item in answer[list]
            .as_array()
            .unwrap_or_else(|| panic!("{question}: {answer}"))
        {
            let place =
                ["meeting", "context_item", "statement", "person", "first", "last"].map(|name| item[name].as_str());
            let name = place.map(Option::unwrap_or_default).join(" ");
            let of_kind = items.entry(item["kind"].as_str().unwrap().to_owned()).or_default();
            of_kind.push((name, item["score"].as_f64().unwrap()));
        }
        Self {
            question,
            total: answer["total"].clone(),
            facets: answer["facets"].clone(),
            items,
        }
    }

    /// How two answers differ. Where a list is cut, what scores as much as its last may be one or another.
    fn differences(&self, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        if self.total != other.total {
            differences.push(format!("{} in all, {} anew", self.total, other.total));
        }
        if self.facets != other.facets {
            differences.push(format!("facets {} and {} anew", self.facets, other.facets));
        }
        if self.items.keys().ne(other.items.keys()) {
            differences.push(format!(
                "kinds {:?} and {:?} anew",
                self.items.keys(),
                other.items.keys()
            ));
        }
        for (kind, items) in &self.items {
            let Some(others) = other.items.get(kind) else { continue };
            if items.len() != others.len() {
                differences.push(format!("{} of {kind}, {} anew", items.len(), others.len()));
            }
            for (ours, theirs, whose) in [(items, others, "as it was"), (others, items, "made anew")] {
                let scores: BTreeMap<&str, f64> = theirs.iter().map(|(name, score)| (name.as_str(), *score)).collect();
                let least = ours.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
                for (name, score) in ours {
                    let is_same = match scores.get(name.as_str()) {
                        Some(other) => (other - score).abs() < NEAR,
                        None => score - least < NEAR,
                    };
                    if !is_same {
                        let other = scores.get(name.as_str());
                        differences.push(format!(
                            "{kind} {name} scores {score} in the index {whose}, {other:?} in the other"
                        ));
                    }
                }
            }
        }
        differences.truncate(6);
        differences
    }
}
