//! Decodes the recordings of a manifest and prints what was heard, for scripts/train_demo_model/score.py:
//!
//!     cargo run --release -p speech --example decode -- MODEL MANIFEST.tsv [--windows] > decoded.tsv
//!
//! Columns: reference, text, manner, file, speech outside the model's domain and all speech in milliseconds; with
//! `--windows` a row for each window in place of the text: file, manner, milliseconds of speech, milliseconds without
//! text, average log probability, text. Recordings are WAV or Opus of one channel at 16 or 48 kHz (others: convert first).

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example that prints, with the decoder of the tests"
)]

#[path = "../tests/it/clips.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests, which use all of it")]
mod clips;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use speech::card::ModelCard;
use speech::domain::{DomainTally, average_log_probability};
use speech::sound::SAMPLE_RATE_HZ;
use speech::transcription::{LaneTranscriber, LaneTranscript, RecognizedWindow, TranscribeOptions};
use speech::voice_activity::{EmbeddedDetector, SpeechDetector};
use speech::whisper::{WhisperModel, WhisperOptions, WhisperRecognizer};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, manifest, flags @ ..] = arguments.as_slice() else {
        return Err("usage: decode MODEL MANIFEST.tsv [--windows]".into());
    };
    let (model, manifest) = (PathBuf::from(model), PathBuf::from(manifest));
    let card = ModelCard::beside(&model)?;
    let loaded = Arc::new(WhisperModel::load(&model)?);
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let table = std::fs::read_to_string(&manifest)?;
    let mut rows = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let names = rows.next().ok_or("the manifest is empty")?;
    let column = |name: &str| names.iter().position(|found| *found == name);
    let (file, language, reference) = (
        column("file").ok_or("no column `file`")?,
        column("lang").ok_or("no column `lang`")?,
        column("reference_transcript"),
    );
    for row in rows {
        let threads = 1;
        let options = card
            .as_ref()
            .map_or_else(|| WhisperOptions::demo(threads), |card| card.whisper_options(threads));
        let language = Some(row[language]).filter(|code| options.languages.iter().any(|known| known == code));
        let mut recognizer = WhisperRecognizer::new(Arc::clone(&loaded), options.clone())?;
        let samples = clips::recording(&folder.join(row[file]));
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).copied().unwrap_or("");
        let manner = cell(column("manner"));
        let windows = windows(&samples, language, &mut recognizer)?;
        let mut tally = DomainTally::default();
        for window in &windows {
            if let Some(card) = &card {
                tally.add(window, card);
            }
            if flags.iter().any(|flag| flag == "--windows") {
                println!("{}\t{}\t{}", row[file], manner, facts(window));
            }
        }
        if flags.is_empty() {
            let transcript = LaneTranscript::from_windows(windows, &TranscribeOptions::default().utterances);
            let texts: Vec<String> = transcript.utterances.iter().map(|utterance| utterance.text()).collect();
            let reference = cell(reference);
            let (outside, all) = (tally.outside_ms, tally.speech_ms());
            println!(
                "{reference}\t{}\t{manner}\t{}\t{outside}\t{all}",
                texts.join(" "),
                row[file]
            );
        }
    }
    Ok(())
}

fn windows(
    samples: &[f32],
    language: Option<&str>,
    recognizer: &mut WhisperRecognizer,
) -> Result<Vec<RecognizedWindow>, Box<dyn Error>> {
    let options = TranscribeOptions {
        language: language.map(str::to_owned),
        ..TranscribeOptions::default()
    };
    let detector = SpeechDetector::new(Box::new(EmbeddedDetector::new()));
    let mut lane = LaneTranscriber::new(detector, recognizer, options, Vec::new());
    let mut windows = Vec::new();
    for second in samples.chunks(SAMPLE_RATE_HZ) {
        lane.push(second, &mut windows)?;
    }
    lane.finish(&mut windows)?;
    Ok(windows)
}

fn facts(window: &RecognizedWindow) -> String {
    let speech_ms: i64 = window.pieces.iter().map(|piece| piece.duration_ms()).sum();
    let empty_ms: i64 = window.empty.iter().map(|piece| piece.duration_ms()).sum();
    let average = average_log_probability(window).unwrap_or(f32::NEG_INFINITY);
    let suppressed = window.suppressed.iter().map(|suppressed| &suppressed.segment);
    let texts: Vec<String> = window
        .segments
        .iter()
        .chain(suppressed)
        .map(|segment| segment.text())
        .collect();
    format!("{speech_ms}\t{empty_ms}\t{average:.4}\t{}", texts.join(" "))
}
