//! Kills `greffier corpus` wherever it is, again and again; the last run must end where one undisturbed run ends.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::workbench::Workbench;

const MEETINGS: usize = 24;
const KILLS: u64 = 8;

/// Transcripts that differ in what they speak of, long enough that a kill falls into the work.
fn write_corpus(bench: &Workbench) {
    let subjects = [
        "budget",
        "calendar",
        "security audit",
        "recruitment",
        "training",
        "backup",
        "translation",
        "office",
    ];
    for number in 0..MEETINGS {
        let subject = subjects[number % subjects.len()];
        let mut text = String::new();
        for turn in 0..120 {
            text.push_str(&format!(
                "Ann: We looked at the {subject} of team {number} again, point {turn} is still open.\n\
                 Bob: I will send the figures about the {subject} to team {number} before Friday.\n"
            ));
        }
        bench.write(&format!("corpus/team-{number:02}.txt"), &text);
    }
}

fn answers(bench: &Workbench, library: &str) -> Vec<Value> {
    let library = bench.path(library);
    let ask = |arguments: &[&str]| bench.json(&[&["--library", library.to_str().unwrap()], arguments].concat());
    let mut meetings = ask(&["show"]);
    let mut answers: Vec<Value> = ["security audit", "figures before Friday"]
        .iter()
        .map(|text| ask(&["search", text]))
        .collect();
    answers.push(meetings.take());
    answers.push(ask(&["actions"]));
    answers
}

#[test]
fn a_killed_corpus_ends_where_an_undisturbed_one_does() {
    let bench = Workbench::new();
    write_corpus(&bench);
    let corpus = bench.path("corpus");
    let corpus = corpus.to_str().unwrap();
    let killed = bench.path("killed");
    for kill in 0..KILLS {
        let mut child = bench
            .command()
            .args(["corpus", corpus, "--out", killed.to_str().unwrap(), "--jobs", "2"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_millis(30 + kill * 45);
        while Instant::now() < until {
            std::thread::yield_now();
        }
        // It may have ended by itself: then this round tests that a finished corpus stays as it is.
        let _ = child.kill();
        child.wait().unwrap();
    }
    let whole = bench.path("whole");
    for out in [&killed, &whole] {
        let summary = bench.json(&["corpus", corpus, "--out", out.to_str().unwrap()]);
        assert_eq!(summary["meetings"], MEETINGS, "{summary}");
        assert_eq!(summary["skipped"], serde_json::json!([]));
    }
    // Not assert_eq: what differs is pages long.
    assert!(
        answers(&bench, "killed") == answers(&bench, "whole"),
        "a killed and an undisturbed corpus answer alike"
    );
}
