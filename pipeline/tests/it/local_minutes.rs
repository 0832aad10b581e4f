//! Minutes by a language model on this machine, with weights that learnt something: the small model of `models/sentence`,
//! which was taught one sentence at a time and knows no JSON. What it writes is of no use; that it is held to the form, cites
//! what there is and passes the verifier is what is looked at.

use serde_json::Value;

use crate::workbench::{Workbench, sample};

const MEETING: &str = "2026-03-05-release-planning";

fn bench_with_a_meeting() -> Workbench {
    let bench = Workbench::new();
    bench.json(&["run", &sample("2026-03-05-release-planning.vtt")]);
    bench
}

fn sentence_model() -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/sentence");
    std::fs::read(format!("{folder}/greffier-sentence-q8_0.gguf")).unwrap()
}

/// The model as one that says it had been taught longer texts.
fn with_context(mut model: Vec<u8>, tokens: u32) -> Vec<u8> {
    let key = b"llama.context_length";
    let at = model.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    // The type of the value stands before it, in four bytes.
    model[at + 4..at + 8].copy_from_slice(&tokens.to_le_bytes());
    model
}

#[test]
fn a_model_that_is_too_small_leaves_the_minutes_to_the_extractive_engine() {
    let bench = bench_with_a_meeting();
    let model = bench.write_bytes("small.gguf", &sentence_model());
    let arguments = [
        "minutes",
        MEETING,
        "--engine",
        "lucie",
        "--model",
        model.to_str().unwrap(),
    ];
    let minutes = bench.json(&arguments);
    assert_eq!(minutes["provenance"]["engine"], "extractive");
}

#[test]
fn what_a_model_writes_cites_what_was_said() {
    let bench = bench_with_a_meeting();
    let model = bench.write_bytes("long.gguf", &with_context(sentence_model(), 8192));
    let arguments = [
        "minutes",
        MEETING,
        "--engine",
        "lucie",
        "--model",
        model.to_str().unwrap(),
    ];
    let minutes = bench.json(&[&arguments[..], &["--context-tokens", "4096"]].concat());
    assert_eq!(minutes["provenance"]["engine"], "lucie", "{minutes:#}");
    let shown = bench.json(&["show", MEETING]);
    let utterances = shown["transcript"]["utterances"].as_array().unwrap();
    let accounted: u64 = minutes["coverage"]["passages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|passage| passage["utterances"].as_u64().unwrap())
        .sum();
    assert_eq!(accounted, utterances.len() as u64);
    let ids: Vec<&Value> = utterances.iter().map(|utterance| &utterance["id"]).collect();
    let mut statements = Vec::new();
    collect_evidence(&minutes, &mut statements);
    for cited in &statements {
        assert!(ids.contains(cited), "{cited}");
    }
    // Once more it is the same: nothing in it is left to chance.
    let again = bench.json(&[&arguments[..], &["--context-tokens", "4096"]].concat());
    assert_eq!(again["topics"], minutes["topics"]);
}

fn collect_evidence<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field) {
                    ("evidence", Value::Array(ids)) => found.extend(ids),
                    _ => collect_evidence(field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_evidence(item, found)),
        _ => {}
    }
}
