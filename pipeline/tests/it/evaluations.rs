//! `greffier evaluate` on recordings: what it prints, and that what is broken is named.

use crate::workbench::{Workbench, random_model, sample, shared, silence};

#[test]
fn silence_has_no_words_and_a_broken_clip_is_skipped() {
    let bench = Workbench::new();
    let model = random_model(&bench);
    silence(&bench, "clips/quiet.wav", 3);
    bench.write("clips/broken.wav", "RIFF and no more");
    let manifest = bench.write(
        "clips/manifest.tsv",
        "file\tlang\treference_transcript\nquiet.wav\ten\tone two three\nquiet.wav\t-\nbroken.wav\ten\tfour\n",
    );
    let arguments = [
        "evaluate",
        "speech",
        "--manifest",
        manifest.to_str().unwrap(),
        "--model",
        &model,
    ];
    let output = bench.output(&[&["--json"], &arguments[..]].concat());
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let scores: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (key, expected) in [
        ("clips", 3.0),
        ("decoded", 2.0),
        ("word_error_rate", 100.0),
        ("deletions", 3.0),
        ("clips_without_speech", 1.0),
        ("false_utterances", 0.0),
        ("audio_seconds", 6.0),
    ] {
        assert_eq!(scores[key].as_f64(), Some(expected), "{key} {scores:#}");
    }
    assert_eq!(scores["per_language"]["en"]["reference_words"], 3);
    assert!(scores["real_time_factor"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (&scores["failed"][0]["file"], &scores["failed"][0]["line"]),
        (&"broken.wav".into(), &4.into())
    );
    let shown = String::from_utf8(bench.output(&arguments).stdout).unwrap();
    assert!(
        shown.contains("FAILED  broken.wav") && shown.contains("2 of 3 clips decoded"),
        "{shown}"
    );
}

#[test]
fn a_manifest_that_is_none_is_named_with_its_line() {
    let bench = Workbench::new();
    let model = random_model(&bench);
    let manifest = bench.write("manifest.tsv", "file\tlang\na.wav\ten\tmore\n");
    let said = bench.failure(
        1,
        &[
            "evaluate",
            "speech",
            "--manifest",
            manifest.to_str().unwrap(),
            "--model",
            &model,
        ],
    );
    assert!(said.contains("manifest.tsv:2"), "{said}");
}

/// The figures to hold on public clips; on others it will be worse.
#[test]
fn voices_are_told_apart_on_meetings_and_clips() {
    let bench = Workbench::new();
    for (folder, error_rate_max) in [
        ("", 40.0),
        ("pyannote", 40.0),
        ("speakrs", 20.0),
        ("picovoice-falcon", 20.0),
    ] {
        let Some(data) = shared(&format!("audio/{folder}")) else {
            return;
        };
        let scores = bench.json(&["evaluate", "diarization", "--data", &data]);
        let rate = scores["diarization_error_rate"].as_f64().unwrap();
        println!("{folder:16} {rate:.1} %");
        assert!(rate < error_rate_max, "{scores:#}");
        let parts = ["missed", "false_alarm", "confusion"].map(|part| scores[part].as_f64().unwrap());
        assert!((parts.iter().sum::<f64>() - rate).abs() < 1e-6, "{scores:#}");
        assert_eq!(scores["failed"], serde_json::json!([]));
        if folder.is_empty() {
            assert_eq!(scores["recordings"], 13);
        }
    }
}

#[test]
fn a_folder_without_references_and_a_broken_line_are_named() {
    let bench = Workbench::new();
    silence(&bench, "data/a.wav", 1);
    let data = bench.path("data");
    let arguments = ["evaluate", "diarization", "--data", data.to_str().unwrap()];
    assert!(
        bench
            .failure(1, &arguments)
            .contains("no recording with both its sound and a reference")
    );
    bench.write(
        "data/a.rttm",
        "SPEAKER a 1 0.1 0.5 <NA> <NA> ann <NA> <NA>\nSPEAKER a 1 zero 1 <NA> <NA> bob\n",
    );
    assert!(bench.failure(1, &arguments).contains("a.rttm at line 2"));
}

/// Word errors of the demo model on the sample meetings, in percent, with room for another processor's rounding; the
/// measured ones are on its card, `models/demo/README.md`.
const SAMPLE_WORD_ERRORS_MAX: f64 = 16.0;

#[test]
fn the_demo_model_hears_the_sample_meetings_as_well_as_its_card_says() {
    let manifest = sample("manifest.tsv");
    let scores = Workbench::new().json(&["evaluate", "speech", "--manifest", &manifest, "--model", "demo"]);
    println!("{scores:#}");
    assert_eq!((&scores["clips"], &scores["decoded"]), (&4.into(), &4.into()));
    let rate = scores["word_error_rate"].as_f64().unwrap();
    assert!(rate <= SAMPLE_WORD_ERRORS_MAX, "{rate}");
}
