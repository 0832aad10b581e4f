//! What tests of live meetings share: people who speak, the program as it listens, and what its events promise.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use audio::{LaneReader, WavFile};
use serde_json::Value;
use speech::sound::Span;
use speech::voice_activity::{EmbeddedDetector, speech_spans};

use crate::workbench::Workbench;

pub(crate) const SENTENCES: [&str; 6] = [
    "We decided to review the final contract.",
    "Anna will send the budget by Friday.",
    "The next meeting is on Tuesday.",
    "The problem is that the server is too slow.",
    "I think that we should test the new application.",
    "The finance team has twenty open questions.",
];

/// Two people who take turns, a lane each; nothing where nobody can speak them, said on the screen.
pub(crate) fn spoken_lanes(bench: &Workbench) -> Option<[Vec<f32>; 2]> {
    let mut lanes = [vec![0.0; 8000], vec![0.0; 8000]];
    for (number, sentence) in SENTENCES.iter().enumerate() {
        let path = bench.path("sentence.wav");
        let voice = ["en-us", "en-gb"][number % 2];
        let spoken = Command::new("espeak-ng")
            .args(["-v", voice, "-s", "150", "-w", path.to_str().unwrap(), sentence])
            .status();
        if !spoken.is_ok_and(|status| status.success()) {
            println!("skipped: no espeak-ng to speak");
            return None;
        }
        let samples: Vec<f32> = LaneReader::open(&path)
            .unwrap()
            .flat_map(|block| block.lanes[0].samples.clone())
            .collect();
        lanes[number % 2].extend(&samples);
        let end = lanes[number % 2].len() + 9600;
        lanes.iter_mut().for_each(|lane| lane.resize(end, 0.0));
    }
    Some(lanes)
}

/// A voice-like sound that needs no program: pulses through changing resonances, with pauses.
pub(crate) fn babble(seconds: usize) -> Vec<f32> {
    let mut samples = Vec::with_capacity(seconds * 16_000);
    for at in 0..seconds * 16_000 {
        let time = at as f32 / 16_000.0;
        let pitch = 120.0 + 25.0 * (time * 2.3).sin();
        let loud = if (time * 0.4).fract() < 0.7 {
            0.5 + 0.5 * (time * 25.0).sin()
        } else {
            0.0
        };
        let tone = |harmonic: f32| (time * pitch * harmonic * std::f32::consts::TAU).sin() / harmonic;
        samples.push((1..12).map(|harmonic| tone(harmonic as f32)).sum::<f32>() * loud * 0.1);
    }
    samples
}

pub(crate) fn pcm(lanes: &[&[f32]]) -> Vec<u8> {
    let frames = 0..lanes[0].len();
    frames
        .flat_map(|at| lanes.iter().flat_map(move |lane| audio::to_i16(lane[at]).to_le_bytes()))
        .collect()
}

pub(crate) fn stereo_file(bench: &Workbench, name: &str, lanes: &[Vec<f32>; 2]) -> String {
    let path = bench.path(name);
    let mut file = WavFile::with_channels(&path, 2).unwrap();
    let frames: Vec<f32> = lanes[0]
        .iter()
        .zip(&lanes[1])
        .flat_map(|(&left, &right)| [left, right])
        .collect();
    file.write(&frames).unwrap();
    file.finish().unwrap();
    path.to_string_lossy().into_owned()
}

pub(crate) fn events(stdout: &[u8]) -> Vec<Value> {
    let lines = String::from_utf8(stdout.to_vec()).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

/// Runs a live meeting to its end.
pub(crate) fn live(bench: &Workbench, arguments: &[&str], input: &[u8]) -> Vec<Value> {
    let mut child = start(bench, arguments);
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    events(&output.stdout)
}

pub(crate) fn start(bench: &Workbench, arguments: &[&str]) -> Child {
    let mut command = bench.command();
    command.args(["--json", "live"]).args(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

pub(crate) fn transcript(bench: &Workbench, meeting: &Value) -> Value {
    let export = bench.text(&["export", meeting["id"].as_str().unwrap(), "--format", "json"]);
    let export: Value = serde_json::from_str(&export).unwrap();
    export["transcript"].clone()
}

/// Words in lower case, without signs.
pub(crate) fn plain_words(text: &str) -> Vec<String> {
    let plain = |word: &str| {
        word.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    text.split_whitespace().map(plain).collect()
}

pub(crate) fn text_of(transcript: &Value, speaker: &str) -> String {
    let utterances = transcript["utterances"].as_array().unwrap().iter();
    let texts = utterances.filter(|utterance| utterance["speaker"] == speaker);
    texts
        .map(|utterance| utterance["text"].as_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Word error rate of `heard` against `reference`: edit distance by the length of the reference.
pub(crate) fn word_error_rate(reference: &str, heard: &str) -> f64 {
    let (reference, heard) = (plain_words(reference), plain_words(heard));
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (at, word) in reference.iter().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in heard.iter().enumerate() {
            let changed = corner + usize::from(word != other);
            corner = row[column + 1];
            row[column + 1] = changed.min(corner + 1).min(row[column] + 1);
        }
    }
    row[heard.len()] as f64 / reference.len() as f64
}

pub(crate) fn span(value: &Value) -> Span {
    Span::new(value["start_ms"].as_i64().unwrap(), value["end_ms"].as_i64().unwrap())
}

/// All speech of each lane, from where it joined, is covered once, by events in order.
pub(crate) fn check_coverage(events: &[Value], lanes: &[&[f32]]) {
    let joined = of_kind(events, "speaker");
    assert_eq!(joined.len(), lanes.len());
    for joined in joined {
        let number = joined["lane"].as_u64().unwrap() as usize;
        let start_ms = joined["start_ms"].as_i64().unwrap();
        let of_lane = events
            .iter()
            .filter(|event| event["lane"] == number && event["covers"].is_object());
        let covers: Vec<Span> = of_lane.map(|event| span(&event["covers"])).collect();
        assert!(
            covers.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms),
            "{covers:?}"
        );
        // As the spool holds it: 16 bits.
        let lane = &lanes[number][start_ms as usize * 16..];
        let heard: Vec<f32> = lane
            .iter()
            .map(|&sample| audio::from_i16(audio::to_i16(sample)))
            .collect();
        for speech in speech_spans(&heard, Box::new(EmbeddedDetector::new())) {
            let speech = speech.shifted(start_ms);
            let covered: i64 = covers.iter().map(|span| span.overlap_ms(&speech)).sum();
            assert_eq!(covered, speech.duration_ms(), "{speech:?} {covers:?}");
        }
    }
}

/// What was committed to each utterance, in order.
pub(crate) fn committed(events: &[Value]) -> BTreeMap<String, String> {
    let mut utterances: BTreeMap<String, String> = BTreeMap::new();
    for event in of_kind(events, "committed") {
        if let Some(id) = event["utterance"].as_str() {
            let text = utterances.entry(id.to_owned()).or_default();
            text.push(' ');
            text.push_str(event["text"].as_str().unwrap());
        }
    }
    utterances
}

/// The transcript has what was committed, word for word, under the same ids; `all` of it, or with more around, and then also
/// under the id that took the place of the one that was told.
pub(crate) fn check_what_was_shown_stands(transcript: &Value, events: &[Value], all: bool) {
    let utterances = transcript["utterances"].as_array().unwrap();
    let shown = committed(events);
    for (id, text) in &shown {
        let id = transcript["replaced"][id].as_str().filter(|_| !all).unwrap_or(id);
        let stands = utterances.iter().find(|utterance| utterance["id"] == id);
        let stands = stands.unwrap_or_else(|| panic!("{id} {text} is not in {transcript}"));
        let (stands, text) = (stands["text"].as_str().unwrap().trim(), text.trim());
        assert!(
            if all { stands == text } else { stands.contains(text) },
            "{id}: {text:?} became {stands:?}"
        );
    }
    if all {
        assert_eq!(utterances.len(), shown.len());
    }
}
