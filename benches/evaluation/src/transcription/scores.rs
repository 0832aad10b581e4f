//! What is counted over all clips, and the figures that come of it.

use std::collections::BTreeMap;

use datasets::Language;
use serde::Serialize;

use super::{Clip, ClipScore, HearError, Heard};
use crate::metrics::word_error_rate::WordErrors;

/// Figures over all clips. Rates are in per cent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TranscriptionScores {
    /// Lines of the manifest.
    pub clips: usize,
    /// Clips in which sound was found.
    pub decoded: usize,
    /// Over all clips with a reference: errors by words of the references; `None` where there is none.
    pub word_error_rate: Option<f64>,
    /// The errors and what they are counted over.
    #[serde(flatten)]
    pub words: WordCounts,
    /// The same for each language of the manifest.
    pub per_language: BTreeMap<String, LanguageScores>,
    /// Clips in which nobody speaks.
    pub clips_without_speech: usize,
    /// Utterances that the transcripts of these clips hold.
    pub false_utterances: usize,
    /// Pieces of text that the guards took out, in all clips.
    pub suppressed: usize,
    /// Length of all clips that were transcribed.
    pub audio_seconds: f64,
    /// What transcribing them took, loading the model not counted.
    pub computing_seconds: f64,
    /// Computing time by audio time.
    pub real_time_factor: Option<f64>,
    /// What could not be transcribed, and why.
    pub failed: Vec<FailedClip>,
}

/// Figures over the clips of one language.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LanguageScores {
    /// In per cent.
    pub word_error_rate: Option<f64>,
    /// The errors and what they are counted over.
    #[serde(flatten)]
    pub words: WordCounts,
}

/// Errors and what they are counted over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WordCounts {
    /// Clips with a reference that were transcribed.
    pub scored_clips: usize,
    /// Words of the references.
    pub reference_words: usize,
    /// Words replaced by others.
    pub substitutions: usize,
    /// Words left out.
    pub deletions: usize,
    /// Words put in.
    pub insertions: usize,
}

/// A clip that could not be transcribed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedClip {
    /// As the manifest names it.
    pub file: String,
    /// Its line in the manifest.
    pub line: usize,
    /// Why.
    pub error: String,
}

#[derive(Default)]
pub(super) struct Totals {
    scores: TranscriptionScores,
    all: WordTotals,
    per_language: BTreeMap<String, WordTotals>,
}

#[derive(Clone, Copy, Default)]
struct WordTotals {
    clips: usize,
    errors: WordErrors,
}

impl Totals {
    pub(super) fn add(&mut self, clip: &Clip, heard: &Heard, score: &ClipScore) {
        self.scores.clips += 1;
        self.scores.decoded += 1;
        self.scores.clips_without_speech += usize::from(!clip.has_speech);
        self.scores.false_utterances += score.false_utterances;
        self.scores.suppressed += heard.transcript.suppressed.len();
        self.scores.audio_seconds += heard.audio.as_secs_f64();
        self.scores.computing_seconds += heard.computing.as_secs_f64();
        if let Some(errors) = score.errors {
            self.all.add(errors);
            let language = clip.language.as_ref().map_or("other", Language::code);
            self.per_language.entry(language.to_owned()).or_default().add(errors);
        }
    }

    pub(super) fn fail(&mut self, clip: &Clip, error: &HearError) {
        self.scores.clips += 1;
        self.scores.decoded += usize::from(matches!(error, HearError::Recognize(_)));
        self.scores.failed.push(FailedClip {
            file: clip.file.clone(),
            line: clip.line,
            error: error.to_string(),
        });
    }

    pub(super) fn scores(self) -> TranscriptionScores {
        let seconds = self.scores.audio_seconds;
        let of_language = |(language, totals): (String, WordTotals)| (language, totals.scores());
        let LanguageScores { word_error_rate, words } = self.all.scores();
        TranscriptionScores {
            word_error_rate,
            words,
            per_language: self.per_language.into_iter().map(of_language).collect(),
            real_time_factor: (seconds > 0.0).then(|| self.scores.computing_seconds / seconds),
            ..self.scores
        }
    }
}

impl WordTotals {
    fn add(&mut self, errors: WordErrors) {
        self.clips += 1;
        self.errors = self.errors.and(errors);
    }

    fn scores(&self) -> LanguageScores {
        LanguageScores {
            word_error_rate: self.errors.rate().map(|rate| 100.0 * rate),
            words: WordCounts {
                scored_clips: self.clips,
                reference_words: self.errors.words,
                substitutions: self.errors.substitutions,
                deletions: self.errors.deletions,
                insertions: self.errors.insertions,
            },
        }
    }
}
