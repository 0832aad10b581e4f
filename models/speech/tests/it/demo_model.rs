//! Real words: sentences that espeak-ng speaks, heard by the project's demo model of a few hundred words. Skipped where
//! either is absent.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use speech::recognizer::{Effort, Recognizer, Window};
use speech::sound::{Span, duration_ms};
use speech::transcript::Word;
use speech::transcription::{TranscribeOptions, transcribe};
use speech::voice_activity::{EmbeddedDetector, SpeechDetector};
use speech::whisper::{WhisperModel, WhisperOptions, WhisperRecognizer};

use crate::clips::{decode_file, shared};

/// The demo model, or nothing, said on the screen.
pub(crate) fn demo_model() -> Option<Arc<WhisperModel>> {
    let path = shared()?.join("demo-model/demo-en-fr-q5_1.bin");
    if !path.is_file() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(Arc::new(WhisperModel::load(&path).unwrap()))
}

/// espeak-ng's reading at 16 kHz, or nothing, said on the screen.
pub(crate) fn speak(voice: &str, text: &str) -> Option<Vec<f32>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = tempfile::Builder::new().suffix(".wav").tempfile_in(folder).unwrap();
    let spoken = Command::new("espeak-ng")
        .args(["-v", voice, "-s", "150", "-w"])
        .arg(path.path())
        .arg(text)
        .status();
    if !spoken.is_ok_and(|status| status.success()) {
        println!("skipped: no espeak-ng to speak");
        return None;
    }
    Some(at_16_khz(path.path()))
}

/// espeak-ng gives 22.05 kHz; lines between the samples do for a voice without much above 7 kHz.
fn at_16_khz(path: &Path) -> Vec<f32> {
    let (samples, rate, _) = decode_file(path);
    let step = f64::from(rate) / 16_000.0;
    (0..(samples.len() as f64 / step) as usize - 1)
        .map(|at| {
            let place = at as f64 * step;
            let (left, share) = (place as usize, place.fract() as f32);
            samples[left] * (1.0 - share) + samples[left + 1] * share
        })
        .collect()
}

const SPOKEN: [(&str, &str); 4] = [
    ("en-us", "We decided to review the final contract."),
    ("en-us", "Anna will send the budget by Friday."),
    ("fr", "Nous avons trois questions pour le client."),
    ("en-us", "The next meeting is on Tuesday."),
];

#[test]
fn sentences_are_heard_where_they_are_spoken_and_in_their_language() {
    let Some(model) = demo_model() else { return };
    let mut samples = vec![0.0; 16_000];
    let mut times = Vec::new();
    for (voice, text) in SPOKEN {
        let Some(sentence) = speak(voice, text) else { return };
        let start_ms = duration_ms(samples.len());
        samples.extend(sentence);
        times.push((start_ms, duration_ms(samples.len())));
        samples.extend(vec![0.0; 24_000]);
    }
    let mut recognizer = WhisperRecognizer::new(model, WhisperOptions::demo(1)).unwrap();
    let options = TranscribeOptions::default();
    let detector = SpeechDetector::new(Box::new(EmbeddedDetector::new()));
    let transcript = transcribe(&samples, detector, &mut recognizer, &options, &mut |_| ()).unwrap();
    for utterance in &transcript.utterances {
        println!("{:?} {:?} {}", utterance.span, utterance.language, utterance.text());
    }
    // The model is small and mishears; that most words come at their place and in their language is what is checked.
    let mut heard = 0;
    for ((voice, text), (start_ms, end_ms)) in SPOKEN.iter().zip(times) {
        let at = Span::new(start_ms - 300, end_ms + 300);
        let language = voice[..2].to_owned();
        let here: Vec<&Word> = transcript
            .utterances
            .iter()
            .filter(|utterance| utterance.language.as_ref() == Some(&language))
            .flat_map(|utterance| &utterance.words)
            .filter(|word| word.span().overlap_ms(&at) == word.span().duration_ms())
            .collect();
        heard += text
            .split(' ')
            .filter(|word| here.iter().any(|heard| heard.text == *word))
            .count();
    }
    let spoken: usize = SPOKEN.iter().map(|(_, text)| text.split(' ').count()).sum();
    println!("{heard} of {spoken} words");
    assert!(heard * 10 >= spoken * 8, "{heard} of {spoken} words");
}

#[test]
fn a_noise_is_heard_as_nothing() {
    let Some(model) = demo_model() else { return };
    let mut recognizer = WhisperRecognizer::new(model, WhisperOptions::demo(1)).unwrap();
    for (name, samples) in crate::noises::noises(4) {
        let window = Window {
            samples: &samples,
            language: None,
            vocabulary: "",
            context: "",
            effort: Effort::Fitted,
        };
        let text: Vec<String> = recognizer
            .recognize(&window)
            .unwrap()
            .iter()
            .map(|segment| segment.text())
            .collect();
        println!("{name:24} {text:?}");
        let tonal = [
            "siren",
            "violin, vibrato",
            "chords",
            "plucked melody",
            "chords, melody, drums",
        ];
        // The model takes music for speech; the detector before it does not.
        assert!(text.is_empty() || tonal.contains(&name), "{name} {text:?}");
    }
}
