//! How well recordings are transcribed: word error rate where somebody wrote down what is said, invented utterances where
//! nobody speaks, and speed.

mod manifest;
mod scores;

use std::time::Duration;

use datasets::{Language, SpeakerLabel, Transcript};

pub use manifest::{Clip, ReadManifestError, read_manifest};
pub use scores::{FailedClip, LanguageScores, TranscriptionScores, WordCounts};

use self::scores::Totals;
use crate::metrics::word_error_rate::{WordErrors, word_errors, word_errors_by_speaker, words};

/// What came of one clip.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The text as a user would get it, after all guards.
    pub transcript: Transcript,
    /// Length of the recording.
    pub audio: Duration,
    /// What transcribing it took, from opening the file.
    pub computing: Duration,
}

/// A clip that could not be transcribed.
#[derive(Debug, thiserror::Error)]
pub enum HearError {
    /// No sound was found in the file.
    #[error("no sound in it: {0}")]
    Decode(String),
    /// There is sound, and the recognizer failed on it.
    #[error("not transcribed: {0}")]
    Recognize(String),
}

/// Transcribes a clip.
pub type Hear<'a> = &'a mut dyn FnMut(&Clip) -> Result<Heard, HearError>;

/// What one clip scored, for showing it.
#[derive(Clone, Debug)]
pub struct ClipScore {
    /// Against the reference; `None` where there is none.
    pub errors: Option<WordErrors>,
    /// Utterances found where nobody speaks.
    pub false_utterances: usize,
    /// Computing time by audio time.
    pub real_time_factor: f64,
}

/// Transcribes and scores all clips. What fails is counted and reported, and the rest goes on. `on_clip` hears what came
/// of each.
pub fn evaluate(
    clips: &[Clip],
    hear: Hear<'_>,
    on_clip: &mut dyn FnMut(&Clip, Result<&ClipScore, &HearError>),
) -> TranscriptionScores {
    let mut totals = Totals::default();
    for clip in clips {
        match hear(clip) {
            Ok(heard) => {
                let score = score(clip, &heard);
                totals.add(clip, &heard, &score);
                on_clip(clip, Ok(&score));
            }
            Err(error) => {
                totals.fail(clip, &error);
                on_clip(clip, Err(&error));
            }
        }
    }
    totals.scores()
}

fn score(clip: &Clip, heard: &Heard) -> ClipScore {
    ClipScore {
        errors: clip
            .reference
            .as_ref()
            .map(|reference| errors(reference, &heard.transcript, clip.language)),
        false_utterances: if clip.has_speech {
            0
        } else {
            heard.transcript.utterances.len()
        },
        real_time_factor: heard.computing.as_secs_f64() / heard.audio.as_secs_f64().max(f64::EPSILON),
    }
}

/// Errors in order of time; speaker by speaker where both the reference and the transcript tell speakers apart, since
/// what two say at once has no order.
fn errors(reference: &str, transcript: &Transcript, language: Option<Language>) -> WordErrors {
    let words = |text: &str| words(text, language);
    let (parts, speakers) = (parts(reference), speakers(transcript));
    if parts.len() > 1 && speakers.len() > 1 {
        let [parts, speakers] = [parts, speakers].map(|texts| texts.iter().map(|text| words(text)).collect::<Vec<_>>());
        return word_errors_by_speaker(&parts, &speakers);
    }
    let said: Vec<&str> = transcript
        .utterances
        .iter()
        .map(|utterance| utterance.text.as_str())
        .collect();
    word_errors(&words(reference), &words(&said.join(" ")))
}

/// What each speaker of a reference says, where it is told as `[left] … [right] …`; else all of it.
fn parts(reference: &str) -> Vec<String> {
    let mut parts: Vec<(&str, String)> = Vec::new();
    for piece in reference.trim().split('[').filter(|piece| !piece.is_empty()) {
        let (label, text) = piece.split_once(']').unwrap_or(("", piece));
        append(&mut parts, label, text);
    }
    if reference.trim().starts_with('[') {
        parts.into_iter().map(|(_, text)| text).collect()
    } else {
        vec![reference.to_owned()]
    }
}

/// What each speaker of a transcript says.
fn speakers(transcript: &Transcript) -> Vec<String> {
    let mut speakers: Vec<(Option<&SpeakerLabel>, String)> = Vec::new();
    for utterance in &transcript.utterances {
        append(&mut speakers, utterance.speaker.as_ref(), &utterance.text);
    }
    speakers.into_iter().map(|(_, text)| text).collect()
}

fn append<K: PartialEq>(texts: &mut Vec<(K, String)>, key: K, text: &str) {
    match texts.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => {
            known.push(' ');
            known.push_str(text);
        }
        None => texts.push((key, text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use datasets::Utterance;

    use super::*;

    fn clip(language: &str, reference: Option<&str>, has_speech: bool) -> Clip {
        Clip {
            file: "a.wav".to_owned(),
            path: "a.wav".into(),
            line: 2,
            language: language.parse::<Language>().ok(),
            reference: reference.map(str::to_owned),
            has_speech,
        }
    }

    /// What was heard, as `speaker: text`.
    fn heard(said: &[(&str, &str)]) -> Heard {
        let utterance = |(position, (speaker, text)): (usize, &(&str, &str))| Utterance {
            speaker: Some(SpeakerLabel::new(*speaker)),
            ..Utterance::new(Utterance::id_at(position), (*text).to_owned())
        };
        Heard {
            transcript: Transcript {
                utterances: said.iter().enumerate().map(utterance).collect(),
                ..Transcript::default()
            },
            audio: Duration::from_secs(10),
            computing: Duration::from_secs(2),
        }
    }

    fn run(cases: &[(Clip, Result<Heard, &str>)]) -> TranscriptionScores {
        let clips: Vec<Clip> = cases.iter().map(|(clip, _)| clip.clone()).collect();
        let mut results = cases.iter();
        let mut hear = |_: &Clip| match results.next().unwrap().1.clone() {
            Ok(heard) => Ok(heard),
            Err(error) => Err(HearError::Decode(error.to_owned())),
        };
        evaluate(&clips, &mut hear, &mut |_, _| {})
    }

    #[test]
    fn errors_are_summed_over_clips_and_told_by_language() {
        let scores = run(&[
            (
                clip("en", Some("one two three four"), true),
                Ok(heard(&[("A", "one two"), ("A", "four")])),
            ),
            (clip("fr", Some("l'accord"), true), Ok(heard(&[("A", "L’accord !")]))),
            (clip("en", None, true), Ok(heard(&[("A", "no reference")]))),
        ]);
        assert!((scores.word_error_rate.unwrap() - 100.0 / 6.0).abs() < 1e-9);
        assert_eq!(scores.per_language["en"].word_error_rate, Some(25.0));
        assert_eq!(scores.per_language["fr"].words.reference_words, 2);
        assert_eq!(
            (scores.words.scored_clips, scores.clips, scores.false_utterances),
            (2, 3, 0)
        );
        assert_eq!(scores.real_time_factor, Some(0.2));
    }

    #[test]
    fn what_is_found_where_nobody_speaks_is_invented() {
        let scores = run(&[
            (clip("-", None, false), Ok(heard(&[("A", "thank you"), ("A", "bye")]))),
            (clip("-", None, false), Ok(heard(&[]))),
        ]);
        assert_eq!((scores.clips_without_speech, scores.false_utterances), (2, 2));
        assert_eq!(scores.word_error_rate, None);
    }

    #[test]
    fn a_reference_by_speakers_is_compared_speaker_by_speaker() {
        let check = |said: &[(&str, &str)], reference: &str| {
            let scores = run(&[(clip("en", Some(reference), true), Ok(heard(said)))]);
            assert_eq!(scores.word_error_rate, Some(0.0), "{reference}");
        };
        let two = [
            ("Speaker 2", "he began"),
            ("Speaker 1", "the horizon"),
            ("Speaker 2", "a complaint"),
        ];
        check(&two, "[left] He began a complaint. [right] The horizon.");
        check(&two, "[right] The horizon. [left] He began [left] a complaint.");
        check(&two, "he began the horizon a complaint");
        check(&two, "he began [laughs] the horizon a [coughs] complaint");
        // Nobody told the speakers apart: what counts is the order.
        check(
            &[("A", "and so it begins"), ("A", "yes")],
            "[S1] and so it begins [S2] yes",
        );
    }

    #[test]
    fn a_failed_clip_is_named_and_not_counted_as_decoded() {
        let scores = run(&[
            (clip("en", Some("one"), true), Err("it ends before its first frame")),
            (clip("en", Some("one"), true), Ok(heard(&[("A", "one")]))),
        ]);
        assert_eq!((scores.clips, scores.decoded, scores.failed.len()), (2, 1, 1));
        assert!(scores.failed[0].error.contains("first frame"), "{scores:?}");
        assert_eq!(scores.word_error_rate, Some(0.0));
    }
}
