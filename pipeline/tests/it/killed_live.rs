//! Kills live meetings wherever they are: what was read is on the disk but for a second, what was shown stands, and
//! `greffier recover` makes a meeting of it, killed itself or not.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use audio::LaneReader;
use serde_json::Value;

use crate::live_workbench::{babble, check_what_was_shown_stands, pcm, spoken_lanes, start, transcript};
use crate::workbench::Workbench;
use crate::workbench::{random_model, sample, shared};

/// Feeds a live meeting as a microphone would, and kills it when it was fed `until_ms` of sound; gives how many bytes
/// that was, and what was told.
fn kill_live(bench: &Workbench, model: &str, input: &[u8], until_ms: usize) -> (usize, Vec<Value>) {
    let arguments = ["-", "--channels", "2", "--rate", "48000", "--speech-model", model];
    let mut child = start(bench, &arguments);
    let mut stdin = child.stdin.take().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    std::thread::scope(|scope| {
        let told = scope.spawn(move || {
            let whole = output.lines().map_while(Result::ok);
            whole.filter_map(|line| serde_json::from_str(&line).ok()).collect()
        });
        let (_alive, pace) = std::sync::mpsc::channel::<()>();
        let mut fed = 0;
        // Tenths of a second, at four times the pace of talk.
        for piece in input[..until_ms * BYTES_PER_MS].chunks(100 * BYTES_PER_MS) {
            let _ = pace.recv_timeout(Duration::from_millis(25));
            stdin.write_all(piece).unwrap();
            fed += piece.len();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        (fed, told.join().unwrap())
    })
}

/// Of two channels at 48 kHz.
const BYTES_PER_MS: usize = 48 * 4;
/// Bytes that a pipe holds before its writer waits.
const PIPE_BYTES: usize = 1 << 16;

#[test]
fn kill_9_costs_a_second_and_what_was_shown_stands() {
    let bench = Workbench::new();
    let real = shared("demo-model/demo-en-fr-q5_1.bin").zip(spoken_lanes(&bench));
    let (model, lanes) = real.unwrap_or_else(|| (random_model(&bench), [babble(20), babble(20)]));
    // At 48 kHz, by repetition: a pipe then holds a third of a second.
    let thrice = |lane: &[f32]| lane.iter().flat_map(|&sample| [sample; 3]).collect::<Vec<_>>();
    let input = pcm(&[&thrice(&lanes[0]), &thrice(&lanes[1])]);
    let mut random = 0x2545_f491_u64 ^ u64::from(std::process::id());
    for from_ms in [20, 2500, 7000] {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let until_ms = from_ms + (random >> 33) as usize % 3000;
        let (fed, told) = kill_live(&bench, &model, &input, until_ms);
        let unfinished = bench.json(&["recover", "--list"]);
        let unfinished = unfinished.as_array().unwrap();
        // What the pipe does not hold was read: from then on it counts.
        let read_ms = (fed.saturating_sub(PIPE_BYTES) / BYTES_PER_MS) as i64;
        let recorded_ms = unfinished.first().map_or(0, |one| one["recorded_ms"].as_i64().unwrap());
        println!(
            "killed after {until_ms} ms of sound: {read_ms} ms were read, {recorded_ms} ms are there, {} lines",
            told.len()
        );
        assert!(recorded_ms >= read_ms - 1000, "{recorded_ms} of {read_ms}");
        if recorded_ms == 0 {
            bench.json(&["recover"]);
            continue;
        }
        let doctor = bench.text(&["doctor"]);
        assert!(doctor.contains("greffier recover"), "{doctor}");
        let recovered = bench.json(&["recover"]);
        let meeting = &recovered[0]["meeting"];
        assert!(recovered[0]["minutes"]["coverage"].is_object(), "{recovered}");
        let stands = transcript(&bench, meeting);
        check_what_was_shown_stands(&stands, &told, false);
        let id = meeting["id"].as_str().unwrap();
        let kept = bench.path(&format!("library/meetings/{id}/source/{id}.wav"));
        let kept_ms = LaneReader::open(&kept).unwrap().map(|block| block.len).sum::<usize>() as i64 / 16;
        assert_eq!(kept_ms, recorded_ms);
        assert_eq!(bench.json(&["recover"]), serde_json::json!([]));
        assert!(bench.json(&["show"]).to_string().contains(id));
    }
}

/// Killed while it recovers, it recovers all the same, and to the same.
#[test]
fn a_recovery_that_is_killed_is_done_again() {
    let bench = Workbench::new();
    let model = random_model(&bench);
    let voice = babble(4);
    let thrice: Vec<f32> = voice.iter().flat_map(|&sample| [sample; 3]).collect();
    let input = pcm(&[&thrice, &thrice]);
    kill_live(&bench, &model, &input, 4000);
    let before = copy_of(&bench.path("library"), &bench.path("copy"));
    for millis in [30, 120, 400] {
        let mut child = bench
            .command()
            .args(["--json", "recover"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (_alive, moment) = std::sync::mpsc::channel::<()>();
        let _ = moment.recv_timeout(Duration::from_millis(millis));
        let _ = child.kill();
        child.wait().unwrap();
    }
    bench.json(&["recover"]);
    let copy = before.to_str().unwrap();
    bench.json(&["--library", copy, "recover"]);
    let [killed, whole] = [vec!["show"], vec!["--library", copy, "show"]].map(|show| bench.json(&show));
    assert_eq!(killed.as_array().unwrap().len(), 1, "{killed}");
    assert_eq!(killed, whole);
    let id = killed[0]["id"].as_str().unwrap();
    let text = |library: &[&str]| bench.text(&[library, &["export", id, "--format", "vtt"]].concat());
    assert_eq!(text(&[]), text(&["--library", copy]));
}

/// Nothing that was heard before the kill is heard again: a word that is changed meanwhile where it was kept is in the
/// transcript.
#[test]
fn a_recovery_that_is_killed_goes_on_where_it_was() {
    let bench = Workbench::new();
    let lanes = beginning(&sample("2026-03-05-release-planning-tracks.mka"), 12);
    let thrice = |lane: &[f32]| lane.iter().flat_map(|&sample| [sample; 3]).collect::<Vec<_>>();
    let input = pcm(&[&thrice(&lanes[0]), &thrice(&lanes[1])]);
    kill_live(&bench, "demo", &input, 12_000);
    let live = only_folder_of(&bench.path("library/live"));
    // As if nothing had been heard live.
    let _ = std::fs::remove_file(live.join("journal.jsonl"));
    let mut child = bench.command().arg("recover").stdout(Stdio::null()).spawn().unwrap();
    let (_alive, moment) = std::sync::mpsc::channel::<()>();
    let (path, kept) = loop {
        let _ = moment.recv_timeout(Duration::from_millis(5));
        assert!(child.try_wait().unwrap().is_none(), "it ended before it kept a word");
        let Some(path) = windows_file(&live) else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        if whole.contains("\"text\":") {
            break (path, whole.to_owned());
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let word = kept.find("\"text\":\"").unwrap() + "\"text\":\"".len();
    let end = word + kept[word..].find('"').unwrap();
    std::fs::write(&path, format!("{}Ouagadougou{}", &kept[..word], &kept[end..])).unwrap();
    let recovered = bench.json(&["recover"]);
    let text = transcript(&bench, &recovered[0]["meeting"]).to_string();
    assert!(text.contains("Ouagadougou"), "{text}");
    assert!(!live.exists());
}

/// Wherever the journal ends, be it in the middle of a word: what stands is there once, and goes on with other words.
#[test]
fn words_at_the_moment_of_the_kill_are_there_once() {
    let bench = Workbench::new();
    let lanes = beginning(&sample("2026-03-05-release-planning-tracks.mka"), 14);
    let thrice = |lane: &[f32]| lane.iter().flat_map(|&sample| [sample; 3]).collect::<Vec<_>>();
    let input = pcm(&[&thrice(&lanes[0]), &thrice(&lanes[1])]);
    kill_live(&bench, "demo", &input, 14_000);
    let journal = only_folder_of(&bench.path("library/live")).join("journal.jsonl");
    let lines: Vec<String> = std::fs::read_to_string(&journal)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let words_of = |line: &String| -> Vec<String> {
        let entry: Value = serde_json::from_str(line).unwrap_or_default();
        let words = entry["told"]["words"].as_array().cloned().unwrap_or_default();
        let texts = words.iter().map(|word| letters(word["text"].as_str().unwrap()));
        texts.collect()
    };
    let mut cuts = 0;
    for end in (1..lines.len())
        .filter(|&end| !words_of(&lines[end - 1]).is_empty())
        .take(8)
    {
        let copy = copy_of(&bench.path("library"), &bench.path(&format!("cut-{end}")));
        let cut = only_folder_of(&copy.join("live")).join("journal.jsonl");
        std::fs::write(&cut, lines[..end].join("\n") + "\n").unwrap();
        let stood = words_of(&lines[end - 1]);
        let library = copy.to_str().unwrap();
        let recovered = bench.json(&["--library", library, "recover"]);
        let id = recovered[0]["meeting"]["id"].as_str().unwrap();
        let export = bench.text(&["--library", library, "export", id, "--format", "json"]);
        let export: Value = serde_json::from_str(&export).unwrap();
        let utterances = export["transcript"]["utterances"].as_array().unwrap();
        let mut texts = utterances.iter().map(|utterance| utterance["text"].as_str().unwrap());
        let last = stood.last().unwrap();
        let twice = texts.find(|text| {
            let words: Vec<String> = text.split_whitespace().map(letters).collect();
            words.windows(2).any(|pair| pair[0] == *last && pair[1] == *last)
        });
        assert_eq!(twice, None, "cut after {}", lines[end - 1]);
        cuts += 1;
    }
    assert!(cuts > 2, "the model heard too little: {lines:?}");
}

fn letters(word: &str) -> String {
    let letters = word.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The first seconds of each lane.
fn beginning(recording: &str, seconds: usize) -> [Vec<f32>; 2] {
    let mut lanes = [const { Vec::new() }; 2];
    for block in LaneReader::open(Path::new(recording)).unwrap() {
        for (lane, sound) in lanes.iter_mut().zip(&block.lanes) {
            lane.extend(&sound.samples);
        }
    }
    lanes.iter_mut().for_each(|lane| lane.truncate(seconds * 16_000));
    lanes
}

fn only_folder_of(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).unwrap();
    let path = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none());
    path
}

fn windows_file(live: &Path) -> Option<PathBuf> {
    let mut paths = std::fs::read_dir(live)
        .ok()?
        .map_while(|entry| Some(entry.ok()?.path()));
    paths.find(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("windows-"))
    })
}

fn copy_of(from: &Path, to: &Path) -> PathBuf {
    let copied = Command::new("cp").arg("-r").args([from, to]).status().unwrap();
    assert!(copied.success());
    to.to_owned()
}
