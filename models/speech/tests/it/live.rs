//! Live with real words: the demo model follows two lanes that espeak-ng speaks, on a clock that runs as real time would.

use std::time::Instant;

use speech::streaming::{LiveEngines, LiveEvent, LiveLane, LiveOptions};
use speech::transcript::{Word, text_of};
use speech::transcription::{TranscribeOptions, transcribe};
use speech::voice_activity::{EmbeddedDetector, SpeechDetector};
use speech::whisper::{WhisperOptions, WhisperRecognizer};

use crate::demo_model::{demo_model, speak};

const SENTENCES: [&str; 8] = [
    "We decided to review the final contract.",
    "Anna will send the budget by Friday.",
    "The next meeting is on Tuesday.",
    "The problem is that the server is too slow.",
    "Can you check the report before Monday, Peter?",
    "I think that we should test the new application.",
    "The finance team has twenty open questions.",
    "Who will prepare the presentation tomorrow?",
];
/// Sound taken at once.
const PIECE_MS: usize = 200;

struct FollowedLane {
    samples: Vec<f32>,
    live: LiveLane,
    committed: Vec<Word>,
}

fn detector() -> SpeechDetector {
    SpeechDetector::new(Box::new(EmbeddedDetector::new()))
}

fn lane(voice: &str, first: usize) -> Option<FollowedLane> {
    let mut samples = vec![0.0; 16_000 * (1 + first)];
    for sentence in (0..SENTENCES.len()).map(|at| SENTENCES[(at + first) % SENTENCES.len()]) {
        samples.extend(speak(voice, sentence)?);
        samples.extend(vec![0.0; 16_000]);
    }
    // What is measured is the policy, on any machine, however busy.
    let options = LiveOptions {
        step_by_run: 0,
        ..LiveOptions::default()
    };
    Some(FollowedLane {
        samples,
        live: LiveLane::new(detector(), options),
        committed: Vec::new(),
    })
}

/// How long after its end a word was committed, in milliseconds.
struct Lag {
    /// With an engine that takes no time: what the policy costs.
    policy_ms: i64,
    /// With the time that the engine took here, one lane after the other.
    here_ms: i64,
}

/// Follows the lanes together.
fn follow(lanes: &mut [FollowedLane], recognizer: &mut WhisperRecognizer) -> Vec<Lag> {
    let longest = lanes.iter().map(|lane| lane.samples.len()).max().unwrap();
    let end = longest.div_ceil(PIECE_MS * 16);
    let (mut clock_ms, mut lags) = (0.0, Vec::new());
    for piece in 1..=end + 1 {
        // The sound of the piece is there once it was spoken, and taken once the engine is free.
        let spoken_ms = (piece * PIECE_MS) as i64;
        clock_ms = f64::max(clock_ms, spoken_ms as f64);
        for lane in &mut *lanes {
            let start = Instant::now();
            let mut engines = LiveEngines {
                chosen: recognizer,
                smaller: None,
            };
            let mut events = Vec::new();
            let at = |piece: usize| (piece * PIECE_MS * 16).min(lane.samples.len());
            // No backlog is told: on a busy machine nothing is to be left out of the comparison.
            if piece > end {
                lane.live.finish(&mut engines, &mut events).unwrap();
            } else {
                let samples = &lane.samples[at(piece - 1)..at(piece)];
                lane.live.push(samples, 0, &mut engines, &mut events).unwrap();
            }
            clock_ms += start.elapsed().as_secs_f64() * 1000.0;
            for event in events {
                if let LiveEvent::Committed { words, .. } = event {
                    lags.extend(words.iter().map(|word| Lag {
                        policy_ms: spoken_ms - word.end_ms,
                        here_ms: clock_ms as i64 - word.end_ms,
                    }));
                    lane.committed.extend(words);
                }
            }
        }
    }
    lags
}

/// Median and 99 % of what is measured.
fn percentiles(lags: impl Iterator<Item = i64>) -> (i64, i64) {
    let mut sorted: Vec<i64> = lags.collect();
    sorted.sort_unstable();
    (sorted[sorted.len() / 2], sorted[sorted.len() * 99 / 100])
}

#[test]
fn words_come_soon_and_are_those_of_the_file() {
    let Some(model) = demo_model() else { return };
    let (Some(first), Some(second)) = (lane("en-us", 0), lane("en-gb", 3)) else {
        return;
    };
    let mut lanes = [first, second];
    let mut recognizer = WhisperRecognizer::new(model, WhisperOptions::demo(1)).unwrap();
    let start = Instant::now();
    let lags = follow(&mut lanes, &mut recognizer);
    let seconds: f64 = lanes.iter().map(|lane| lane.samples.len() as f64 / 16_000.0).sum();
    let policy_ms = percentiles(lags.iter().map(|lag| lag.policy_ms));
    let here_ms = percentiles(lags.iter().map(|lag| lag.here_ms));
    println!(
        "{} words, lag in ms (median, 99 %): policy {policy_ms:?}, here {here_ms:?}",
        lags.len()
    );
    println!("{:.2} of real time a lane", start.elapsed().as_secs_f64() / seconds);
    let (mut same, mut of) = (0, 0);
    for lane in &lanes {
        let options = TranscribeOptions::default();
        let file = transcribe(&lane.samples, detector(), &mut recognizer, &options, &mut |_| ()).unwrap();
        let words: Vec<Word> = file
            .utterances
            .into_iter()
            .flat_map(|utterance| utterance.words)
            .collect();
        println!("live: {}\nfile: {}", text_of(&lane.committed), text_of(&words));
        of += words.len();
        same += words
            .iter()
            .filter(|word| lane.committed.iter().any(|live| near(live, word)))
            .count();
    }
    println!("{same} of {of} words of the file were live the same");
    assert!(policy_ms.0 < 1500 && policy_ms.1 < 4000, "{policy_ms:?}");
    assert!(same * 10 >= of * 9, "{same} of {of}");
}

fn near(live: &Word, word: &Word) -> bool {
    live.text == word.text && (live.end_ms - word.end_ms).abs() < 700
}
