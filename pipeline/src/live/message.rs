//! What a live meeting tells as it goes on: the lines of `greffier live --json`. Times are milliseconds from its begin.

use datasets::UtteranceId;
use serde::Serialize;
use speech::sound::Span;
use speech::streaming::LoadLevel;
use speech::transcript::{SuppressionReason, Word};

/// Version of the lines: raised when a field goes or changes its meaning, not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// One line.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LiveMessage {
    /// Sound is being recorded from now on.
    Started {
        /// [`SCHEMA_VERSION`].
        version: u32,
        /// The folder in the library's `live`, and the meeting's name.
        session: String,
        /// Where sound comes from.
        source: String,
        /// File name of the model.
        model: String,
    },
    /// A lane joined; who speaks on it.
    Speaker {
        /// Where and when.
        #[serde(flatten)]
        at: At,
    },
    /// What is heard beyond what is committed; replaces the partial before on this lane.
    Partial {
        /// From the first word to the last.
        #[serde(flatten)]
        at: At,
        /// May change; empty when nothing is pending.
        text: String,
    },
    /// Words that stay. Those of one utterance come in one line or in several.
    Committed {
        /// From the first word to the last.
        #[serde(flatten)]
        at: At,
        /// Which utterance they continue or begin; none where no word was said in what is covered.
        #[serde(skip_serializing_if = "Option::is_none")]
        utterance: Option<UtteranceId>,
        /// The words with spaces between.
        text: String,
        /// One by one.
        words: Vec<WordTime>,
        /// ISO 639-1 code, where the model tells.
        #[serde(skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        /// Speech that is accounted for.
        covers: Span,
    },
    /// Text that the guards set aside.
    Suppressed {
        /// When.
        #[serde(flatten)]
        at: At,
        /// As the recognizer gave it.
        text: String,
        /// Why.
        reason: SuppressionReason,
        /// Speech that is accounted for; empty where other text stands for it.
        covers: Span,
    },
    /// Speech in which the recognizer found no words.
    Empty {
        /// All of it.
        #[serde(flatten)]
        at: At,
        /// Speech that is accounted for.
        covers: Span,
    },
    /// Speech that will be transcribed from the recording.
    Deferred {
        /// All of it.
        #[serde(flatten)]
        at: At,
        /// Speech that is accounted for.
        covers: Span,
        /// What the engine said, if it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// The engine is too slow for the talk, or has caught up.
    Lag {
        /// Where and when.
        #[serde(flatten)]
        at: At,
        /// Sound that waits.
        backlog_ms: i64,
        /// What is computed from now on.
        level: LoadLevel,
    },
}

/// Where, when, and how late.
#[derive(Clone, Debug, Serialize)]
pub struct At {
    /// Number of the lane, from 0.
    pub lane: usize,
    /// Who speaks on it, where there are several lanes or it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// Begin.
    pub start_ms: i64,
    /// End.
    pub end_ms: i64,
    /// How long ago that was said.
    pub lag_ms: i64,
}

/// A word with its time.
#[derive(Clone, Debug, Serialize)]
pub struct WordTime {
    /// As written.
    pub text: String,
    /// Begin.
    pub start_ms: i64,
    /// End.
    pub end_ms: i64,
}

impl From<&Word> for WordTime {
    fn from(word: &Word) -> Self {
        Self {
            text: word.text.clone(),
            start_ms: word.start_ms,
            end_ms: word.end_ms,
        }
    }
}
