//! How well speakers are told apart: diarization error rate against references in RTTM.
//!
//! By default as published figures are most often counted: no collar, and speech of several at once counts for each of
//! them. Where a UEM file says which time was annotated, only that is scored.

mod references;

use std::collections::BTreeSet;
use std::time::Duration;

use datasets::formats::rttm::SpeakerTurn;
use datasets::{SpeakerLabel, TimeSpan};
use serde::Serialize;

pub use references::{ReadReferencesError, Reference, References, read_references};

use crate::metrics::diarization_error_rate::{DiarizationErrors, ScoredTime, diarization_errors};

/// How errors are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DiarizationEvaluation {
    /// Time before and after each border of the reference that is left out, in milliseconds; 250 is NIST's.
    pub collar_ms: i64,
    /// Whether time in which several speak in the reference is left out.
    pub skip_overlap: bool,
}

/// Who was found to speak when.
#[derive(Clone, Debug)]
pub struct Diarized {
    /// By any names.
    pub turns: Vec<SpeakerTurn>,
    /// Length of the recording.
    pub audio: Duration,
    /// What it took, from opening the file.
    pub computing: Duration,
}

/// Tells the speakers of a recording apart; the message says why it could not.
pub type Diarize<'a> = &'a mut dyn FnMut(&Reference) -> Result<Diarized, String>;

/// Figures over all recordings. Rates are in per cent of the speech: the time of all speakers, added up.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DiarizationScores {
    /// Recordings that were scored.
    pub recordings: usize,
    /// Missed, false alarm and confusion together; `None` where nobody speaks.
    pub diarization_error_rate: Option<f64>,
    /// Speakers not found.
    pub missed: Option<f64>,
    /// Speakers where there are fewer.
    pub false_alarm: Option<f64>,
    /// Speakers taken for others.
    pub confusion: Option<f64>,
    /// What the rates are counted over.
    pub speech_seconds: f64,
    /// Left out around each border of the reference.
    pub collar_seconds: f64,
    /// Whether time in which several speak counts.
    pub overlap_scored: bool,
    /// Computing time by audio time.
    pub real_time_factor: Option<f64>,
    /// The recordings one by one.
    pub per_recording: Vec<RecordingScores>,
    /// Recordings with a reference whose sound is not in the folder.
    pub without_sound: Vec<String>,
    /// Recordings that could not be heard, and why.
    pub failed: Vec<FailedRecording>,
}

/// Figures of one recording, in per cent of its speech.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordingScores {
    /// Its name.
    pub recording: String,
    /// Speakers of the reference.
    pub speakers: usize,
    /// Speakers found.
    pub speakers_found: usize,
    /// Missed, false alarm and confusion together.
    pub diarization_error_rate: Option<f64>,
    /// Speakers not found.
    pub missed: Option<f64>,
    /// Speakers where there are fewer.
    pub false_alarm: Option<f64>,
    /// Speakers taken for others.
    pub confusion: Option<f64>,
}

/// A recording that could not be heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedRecording {
    /// Its name.
    pub recording: String,
    /// Why.
    pub error: String,
}

/// Tells the speakers of all recordings apart and scores what was found. What fails is reported, and the rest goes on.
/// `on_recording` hears what came of each.
pub fn evaluate(
    references: &References,
    evaluation: &DiarizationEvaluation,
    diarize: Diarize<'_>,
    on_recording: &mut dyn FnMut(Result<&RecordingScores, &FailedRecording>),
) -> DiarizationScores {
    let mut scores = DiarizationScores {
        collar_seconds: evaluation.collar_ms as f64 / 1000.0,
        overlap_scored: !evaluation.skip_overlap,
        without_sound: references.without_sound.clone(),
        ..DiarizationScores::default()
    };
    let mut all = DiarizationErrors::default();
    let (mut audio, mut computing) = (Duration::ZERO, Duration::ZERO);
    for reference in &references.recordings {
        match diarize(reference) {
            Ok(diarized) => {
                let errors = errors(reference, &diarized.turns, evaluation);
                all = all.and(errors);
                audio += diarized.audio;
                computing += diarized.computing;
                let of_recording = recording_scores(reference, &diarized.turns, &errors);
                on_recording(Ok(&of_recording));
                scores.per_recording.push(of_recording);
            }
            Err(error) => {
                let failed = FailedRecording {
                    recording: reference.recording.clone(),
                    error,
                };
                on_recording(Err(&failed));
                scores.failed.push(failed);
            }
        }
    }
    scores.recordings = scores.per_recording.len();
    [
        scores.diarization_error_rate,
        scores.missed,
        scores.false_alarm,
        scores.confusion,
    ] = rates(&all);
    scores.speech_seconds = all.speech_ms as f64 / 1000.0;
    scores.real_time_factor = (!audio.is_zero()).then(|| computing.as_secs_f64() / audio.as_secs_f64());
    scores
}

fn errors(reference: &Reference, found: &[SpeakerTurn], evaluation: &DiarizationEvaluation) -> DiarizationErrors {
    let scored = ScoredTime {
        annotated: reference.annotated.clone(),
        collar_ms: evaluation.collar_ms,
        skip_overlap: evaluation.skip_overlap,
    };
    diarization_errors(&spans(&reference.turns), &spans(found), &scored)
}

fn spans(turns: &[SpeakerTurn]) -> Vec<(TimeSpan, &SpeakerLabel)> {
    turns.iter().map(|turn| (turn.span, &turn.speaker)).collect()
}

fn recording_scores(reference: &Reference, found: &[SpeakerTurn], errors: &DiarizationErrors) -> RecordingScores {
    let [diarization_error_rate, missed, false_alarm, confusion] = rates(errors);
    RecordingScores {
        recording: reference.recording.clone(),
        speakers: reference.speakers(),
        speakers_found: speakers(found),
        diarization_error_rate,
        missed,
        false_alarm,
        confusion,
    }
}

/// All, missed, false alarm and confusion, in per cent.
fn rates(errors: &DiarizationErrors) -> [Option<f64>; 4] {
    let shares = [errors.missed_ms, errors.false_alarm_ms, errors.confusion_ms].map(|ms| errors.share(ms));
    let [missed, false_alarm, confusion] = shares;
    [errors.rate(), missed, false_alarm, confusion].map(|share| share.map(|share| 100.0 * share))
}

fn speakers(turns: &[SpeakerTurn]) -> usize {
    turns.iter().map(|turn| &turn.speaker).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use datasets::MediaTime;

    use super::*;

    fn turns(turns: &[(i64, i64, &str)]) -> Vec<SpeakerTurn> {
        let turn = |&(start, end, speaker): &(i64, i64, &str)| SpeakerTurn {
            speaker: SpeakerLabel::new(speaker),
            span: TimeSpan::new(MediaTime(start), MediaTime(end)),
        };
        turns.iter().map(turn).collect()
    }

    #[test]
    fn recordings_are_weighed_by_their_speech_and_a_failed_one_is_named() {
        let recording = |name: &str, end| Reference {
            recording: name.to_owned(),
            sound: PathBuf::from(name),
            turns: turns(&[(0, end, "ann")]),
            annotated: None,
        };
        let references = References {
            recordings: vec![
                recording("good", 3000),
                recording("deaf", 1000),
                recording("broken", 9000),
            ],
            without_sound: vec!["lost".to_owned()],
        };
        let mut diarize = |reference: &Reference| match reference.recording.as_str() {
            "broken" => Err("no sound".to_owned()),
            name => Ok(Diarized {
                turns: if name == "good" {
                    reference.turns.clone()
                } else {
                    Vec::new()
                },
                audio: Duration::from_secs(4),
                computing: Duration::from_secs(1),
            }),
        };
        let scores = evaluate(
            &references,
            &DiarizationEvaluation::default(),
            &mut diarize,
            &mut |_| {},
        );
        assert_eq!(scores.diarization_error_rate, Some(25.0));
        assert_eq!((scores.missed, scores.confusion), (Some(25.0), Some(0.0)));
        assert_eq!((scores.recordings, scores.real_time_factor), (2, Some(0.25)));
        assert_eq!(scores.failed[0].recording, "broken");
        assert_eq!(scores.without_sound, ["lost"]);
        assert_eq!(
            (scores.per_recording[1].speakers, scores.per_recording[1].speakers_found),
            (1, 0)
        );
    }
}
