//! Live meetings with the built program: from a file, a pipe, a recorder; to their end, by Ctrl-C too.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Command;

use audio::LaneReader;
use serde_json::Value;

use crate::live_workbench::{
    SENTENCES, babble, check_coverage, check_what_was_shown_stands, live, of_kind, pcm, span, spoken_lanes, start,
    stereo_file, text_of, transcript, word_error_rate,
};
use crate::workbench::Workbench;
use crate::workbench::{random_model, shared};

#[test]
fn what_is_heard_live_is_what_the_file_says() {
    let bench = Workbench::new();
    let Some(model) = shared("demo-model/demo-en-fr-q5_1.bin") else {
        return;
    };
    let Some(lanes) = spoken_lanes(&bench) else { return };
    let file = stereo_file(&bench, "2026-03-05-weekly.wav", &lanes);
    let model = ["--speech-model", &model];
    let heard = live(
        &bench,
        &[&["--file", &file, "--pace", "fast"], &model[..]].concat(),
        b"",
    );
    assert_eq!(heard[0]["event"], "started");
    assert_eq!(heard[0]["version"], 1);
    let speakers: Vec<_> = of_kind(&heard, "speaker")
        .iter()
        .map(|event| &event["speaker"])
        .cloned()
        .collect();
    assert_eq!(speakers.len(), 2, "{speakers:?}");
    check_coverage(&heard, &[&lanes[0], &lanes[1]]);
    let finished = heard.last().unwrap();
    assert_eq!(finished["event"], "finished");
    assert_eq!(finished["reconciled_ms"], 0);
    assert!(finished["minutes"]["coverage"].is_object(), "{finished}");
    assert_eq!(finished["meeting"]["started_at"], "2026-03-05T00:00:00Z");
    let stands = transcript(&bench, &finished["meeting"]);
    check_what_was_shown_stands(&stands, &heard, true);

    let from_file = bench.json(&[&["run", &file], &model[..]].concat());
    let from_file = transcript(&bench, &from_file["meeting"]);
    for speaker in ["Speaker 1", "Speaker 2"] {
        let (file, live) = (text_of(&from_file, speaker), text_of(&stands, speaker));
        let rate = word_error_rate(&file, &live);
        println!("{speaker}: {rate:.3} between\n  file {file}\n  live {live}");
        assert!(!file.is_empty() && rate <= 0.15, "{rate}");
    }
    // The recording is the meeting's source, and can be transcribed again under the same anchors.
    let id = finished["meeting"]["id"].as_str().unwrap();
    let kept = bench.path(&format!("library/meetings/{id}/source/{id}.wav"));
    assert_eq!(
        LaneReader::open(&kept).unwrap().count(),
        lanes[0].len().div_ceil(16_000)
    );
    assert_eq!(std::fs::read_dir(bench.path("library/live")).unwrap().count(), 0);
}

/// What comes faster than it can be recognized is put off, said to be, and made good from the recording.
#[test]
fn what_is_put_off_is_transcribed_at_the_end() {
    let bench = Workbench::new();
    let Some(model) = shared("demo-model/demo-en-fr-q5_1.bin") else {
        return;
    };
    let Some(lanes) = spoken_lanes(&bench) else { return };
    let input = pcm(&[&lanes[0], &lanes[1]]);
    let arguments = ["-", "--channels", "2", "--speech-model", &model, "--title", "Fast talk"];
    let heard = live(&bench, &arguments, &input);
    let levels: Vec<_> = of_kind(&heard, "lag")
        .iter()
        .map(|event| event["level"].clone())
        .collect();
    assert!(levels.contains(&"deferred".into()), "{levels:?}");
    let deferred = of_kind(&heard, "deferred");
    let deferred_ms: i64 = deferred.iter().map(|event| span(&event["covers"]).duration_ms()).sum();
    check_coverage(&heard, &[&lanes[0], &lanes[1]]);
    let finished = heard.last().unwrap();
    assert_eq!(finished["reconciled_ms"], deferred_ms);
    assert_eq!(finished["meeting"]["title"], "Fast talk");
    let stands = transcript(&bench, &finished["meeting"]);
    check_what_was_shown_stands(&stands, &heard, false);
    let reference = SENTENCES.iter().step_by(2).copied().collect::<Vec<_>>().join(" ");
    let rate = word_error_rate(&reference, &text_of(&stands, "Speaker 1"));
    println!("{deferred_ms} ms put off; word error rate {rate:.3}");
    assert!(rate < 0.3, "{rate}: {}", text_of(&stands, "Speaker 1"));
}

#[test]
fn a_recorder_is_a_command_and_channels_can_be_mixed() {
    let bench = Workbench::new();
    let model = random_model(&bench);
    let sound = bench.path("sound.raw");
    let voice = babble(3);
    std::fs::write(&sound, pcm(&[&voice, &voice])).unwrap();
    let cat = format!("cat '{}'", sound.display());
    let heard = live(
        &bench,
        &[
            "--recorder",
            &cat,
            "--channels",
            "2",
            "--mix",
            "--rate",
            "48000",
            "--speech-model",
            &model,
        ],
        b"",
    );
    assert_eq!(of_kind(&heard, "speaker").len(), 1);
    let id = heard.last().unwrap()["meeting"]["id"].as_str().unwrap().to_owned();
    let kept = bench.path(&format!("library/meetings/{id}/source/{id}.wav"));
    // Three seconds at 16 kHz are one at 48 kHz.
    assert_eq!(
        LaneReader::open(&kept).unwrap().map(|block| block.len).sum::<usize>(),
        16_000
    );

    let broken = bench.failure(
        1,
        &[
            "live",
            "--recorder",
            "echo no such device >&2; exit 3",
            "--speech-model",
            &model,
        ],
    );
    assert!(
        broken.contains("no such device") && broken.contains("--recorder"),
        "{broken}"
    );
    let mut nothing = bench.command();
    nothing
        .args(["live", "--speech-model", &model])
        .env("PATH", bench.path("no-programs"));
    let said = String::from_utf8(nothing.output().unwrap().stderr).unwrap();
    assert!(said.contains("alsa-utils") && said.contains("--recorder"), "{said}");
    assert_eq!(
        bench.json(&["recover"]),
        serde_json::json!([]),
        "nothing is left of what never began"
    );
}

#[test]
fn ctrl_c_ends_the_meeting_and_its_minutes_are_made() {
    let bench = Workbench::new();
    let model = random_model(&bench);
    let mut child = start(&bench, &["-", "--speech-model", &model]);
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    stdin.write_all(&pcm(&[&babble(2)])).unwrap();
    // Its first lane is there, so that there is sound to keep.
    let joined = lines
        .find(|line| line.as_ref().unwrap().contains("\"speaker\""))
        .unwrap();
    joined.unwrap();
    // Another process at the same time sees it and leaves it alone.
    let seen = bench.json(&["recover"]);
    assert_eq!(seen[0]["running"], true, "{seen}");
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    let finished: Value = serde_json::from_str(&lines.last().unwrap().unwrap()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(finished["event"], "finished", "{finished}");
    assert_eq!(bench.json(&["show"]).as_array().unwrap().len(), 1);
    drop(stdin);
}
