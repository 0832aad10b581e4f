//! `greffier corpus` over a folder that holds transcripts and recordings.

use serde_json::json;

use crate::workbench::{Workbench, random_model, shared, silence};

#[test]
fn recordings_and_transcripts_become_meetings_and_a_broken_file_is_skipped() {
    let bench = Workbench::new();
    let model = random_model(&bench);
    silence(&bench, "corpus/monday/call.wav", 2);
    silence(&bench, "corpus/tuesday/call.wav", 3);
    bench.write(
        "corpus/notes.txt",
        "Ann: We ship on Friday.\nBob: I will write the notes before Friday.\n",
    );
    bench.write("corpus/broken.wav", "RIFF\0\0\0\0WAVE and no more");
    let (corpus, out) = (bench.path("corpus"), bench.path("out"));
    let arguments = [
        "--json",
        "corpus",
        corpus.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--speech-model",
        &model,
    ];
    let run = || {
        let output = bench.output(&arguments);
        assert_eq!(
            output.status.code(),
            Some(3),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let first = run();
    assert_eq!(
        (&first["meetings"], &first["unchanged"]),
        (&json!(3), &json!(0)),
        "{first:#}"
    );
    let skipped = first["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 1, "{first:#}");
    assert!(
        skipped[0]["error"].as_str().unwrap().contains("broken.wav"),
        "{first:#}"
    );
    // Two recordings of one name are two meetings.
    assert!(out.join("meetings/call/source/call.wav").exists());
    assert!(out.join("meetings/call-2/source/call.wav").exists());
    // What was kept leaves no work behind, and is not heard again.
    assert!(std::fs::read_dir(out.join("work")).map_or(0, Iterator::count) <= 1);
    let second = run();
    assert_eq!(
        (&second["meetings"], &second["unchanged"]),
        (&json!(3), &json!(3)),
        "{second:#}"
    );
}

#[test]
fn recordings_that_the_demo_model_does_not_know_are_skipped_and_transcripts_go_on() {
    let bench = Workbench::new();
    let Some(clip) = shared("audio/jfk/jfk.wav") else {
        return;
    };
    bench.write(
        "corpus/notes.txt",
        "Ann: We ship on Friday.\nBob: I will write the notes before Friday.\n",
    );
    let (corpus, out) = (bench.path("corpus"), bench.path("out"));
    std::fs::copy(clip, corpus.join("call.wav")).unwrap();
    let arguments = ["corpus", corpus.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let said = bench.failure(3, &arguments);
    assert!(said.contains("call.wav") && said.contains("models pull"), "{said}");
}
