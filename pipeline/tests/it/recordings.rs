//! From sound to minutes with the built program. Real words need a real model: the shared demo model is used where it is.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::workbench::{Workbench, random_model, sample, shared, silence};

/// What takes longer hangs.
const HANG: Duration = Duration::from_secs(120);

#[test]
fn without_a_speech_model_the_demo_one_hears_what_it_knows_and_says_what_it_is() {
    let bench = Workbench::new();
    let report = bench.json(&["run", &sample("2026-03-05-release-planning-tracks.mka")]);
    let warnings = report["transcript"]["warnings"].to_string();
    assert!(warnings.contains("greffier models pull whisper-base"), "{warnings}");
    assert_eq!(report["transcript"]["speakers"].as_array().unwrap().len(), 4);
    assert!(!report["minutes"]["abstract"].as_array().unwrap().is_empty());
    assert_eq!(report["supported_share"], 1.0);
}

#[test]
fn the_demo_model_refuses_a_real_recording_and_says_what_to_install() {
    let Some(clip) = shared("audio/jfk/jfk.wav") else {
        return;
    };
    let said = Workbench::new().failure(1, &["run", &clip]);
    assert!(said.contains("greffier models pull whisper-base"), "{said}");
}

#[test]
fn a_file_that_is_no_model_is_named() {
    let bench = Workbench::new();
    let recording = silence(&bench, "2026-03-05-silence.wav", 1);
    let model = bench.write("model.bin", "not a model").to_string_lossy().into_owned();
    let said = bench.failure(1, &["run", &recording, "--speech-model", &model]);
    assert!(said.contains("model.bin"), "{said}");
}

#[test]
fn silence_gives_a_meeting_without_a_word_and_keeps_the_recording() {
    let bench = Workbench::new();
    let recording = silence(&bench, "2026-03-05-silence.wav", 5);
    let model = random_model(&bench);
    let report = bench.json(&["run", &recording, "--speech-model", &model]);
    assert_eq!(report["transcript"]["words"], 0, "{report}");
    assert_eq!(report["transcript"]["engine"], "whisper");
    let source = &report["meeting"]["source"]["file_name"];
    assert_eq!(source, "2026-03-05-silence.wav");
    let kept = bench.path("library/meetings/2026-03-05-silence/source/2026-03-05-silence.wav");
    assert_eq!(std::fs::read(kept).unwrap(), std::fs::read(&recording).unwrap());
}

#[test]
fn each_channel_is_a_speaker_and_nothing_is_transcribed_twice() {
    let (Some(recording), Some(model)) = (
        shared("audio/faster-whisper/stereo_diarization.wav"),
        shared("demo-model/demo-en-fr-q5_1.bin"),
    ) else {
        return;
    };
    let bench = Workbench::new();
    let run = ["run", &recording, "--speech-model", &model];
    let first = bench.json(&run);
    assert_eq!(
        first["transcript"]["speakers"],
        serde_json::json!(["Speaker 1", "Speaker 2"])
    );
    assert!(first["transcript"]["words"].as_u64().unwrap() > 5, "{first}");
    // The same file, model and settings: the transcript of the first run stands.
    let transcripts = || {
        let folder = bench.path("library/meetings/stereo-diarization/transcript");
        std::fs::read_dir(folder).unwrap().count()
    };
    assert_eq!(bench.json(&run)["transcript"], first["transcript"]);
    assert_eq!(transcripts(), 1);
    bench.json(&[&run[..], &["--spoken-language", "en"]].concat());
    assert_eq!(transcripts(), 2);
}

/// The process that `parent` started, once there is one.
fn child_of(parent: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a file that another process writes has no condition to wait on"
)]
fn an_engine_that_dies_costs_neither_the_program_nor_what_was_done() {
    let (Some(recording), Some(model)) = (
        shared("audio/azure/aboutSpeechSdk.wav"),
        shared("demo-model/demo-en-fr-q5_1.bin"),
    ) else {
        return;
    };
    let bench = Workbench::new();
    let run = ["run", &recording, "--speech-model", &model];
    let program = bench
        .command()
        .args(run)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let journal = || std::fs::read_dir(bench.path("library/work")).ok()?.next()?.ok();
    let journaled = || {
        journal()
            .and_then(|entry| std::fs::read_to_string(entry.path()).ok())
            .unwrap_or_default()
    };
    let begin = Instant::now();
    while journaled().lines().count() < 2 {
        assert!(begin.elapsed() < HANG, "no window is done");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Others may write to the library meanwhile.
    bench.text(&["run", &sample("2026-03-05-release-planning.vtt")]);
    let engine = child_of(program.id()).expect("the engine is a process of its own");
    assert!(
        Command::new("kill")
            .args(["-9", &engine.to_string()])
            .status()
            .unwrap()
            .success()
    );
    let output = program.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the speech engine died") && said.contains("aboutSpeechSdk.wav"),
        "{said}"
    );
    // What is in the journal is not recognized again: it is changed here, and stays so.
    let path = journal().unwrap().path();
    let windows = std::fs::read_to_string(&path).unwrap();
    let first: serde_json::Value = serde_json::from_str(windows.lines().next().unwrap()).unwrap();
    let word = first["window"]["segments"][0]["words"][0]["text"].as_str().unwrap();
    std::fs::write(
        &path,
        windows.replacen(&format!("\"text\":\"{word}\""), "\"text\":\"Zebra\"", 1),
    )
    .unwrap();
    let report = bench.json(&run);
    let id = report["meeting"]["id"].as_str().unwrap();
    assert!(bench.text(&["export", id, "--format", "vtt"]).contains("Zebra"));
    assert!(journal().is_none(), "a meeting that is kept needs no journal");
}

#[test]
fn what_was_taken_out_can_be_read_and_put_back() {
    let Some(recording) = shared("audio/faster-whisper/stereo_diarization.wav") else {
        return;
    };
    let bench = Workbench::new();
    // What a model that knows nothing makes of speech is what the guards are there for.
    let model = random_model(&bench);
    let report = bench.json(&["run", &recording, "--speech-model", &model]);
    let id = report["meeting"]["id"].as_str().unwrap();
    let taken_out = bench.json(&["restore", id]);
    let count = taken_out.as_array().unwrap().len();
    assert!(count > 0 && report["transcript"]["suppressed"] == count, "{report}");
    let text = taken_out[0]["text"].as_str().unwrap();
    let stands = || {
        let shown = bench.json(&["show", id]);
        let utterances = shown["transcript"]["utterances"].as_array().unwrap().clone();
        utterances.iter().any(|utterance| utterance["text"] == text)
    };
    assert!(!stands());
    bench.json(&["restore", id, "1"]);
    assert!(stands());
    assert_eq!(bench.json(&["restore", id]).as_array().unwrap().len(), count - 1);
    assert!(bench.failure(1, &["restore", id, "99"]).contains("no number 99"));
}
