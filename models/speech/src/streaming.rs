//! Transcribes a lane while it is spoken. What may still change is shown as partial; what is committed never changes.
//!
//! Speech is gathered from its begin on and recognized again each time more of it has come. Words on which two runs in
//! turn agree, and that end well before the end of what was heard, are committed (LocalAgreement-2 of Macháček, Dabre and
//! Bojar, "Turning Whisper into real-time transcription system", 2023, with the cut at the end of AlignAtt). When speech
//! ends, the rest is. Every millisecond of speech is covered by what is committed, suppressed, said to be empty, or put
//! off.
//!
//! When the engine is too slow, [`LoadLevel`] steps down and says so; a pass over the recording makes good what is missing.

mod agreement;
mod completion;
mod lane;
mod load;

use serde::{Deserialize, Serialize};

pub use agreement::beyond;
pub use lane::{LiveEngines, LiveLane};
pub use load::LoadLevel;

use crate::guards::GuardOptions;
use crate::sound::Span;
use crate::transcript::{Suppressed, Word};

/// How a lane is followed.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveOptions {
    /// New speech after which it is recognized again.
    pub step_ms: i64,
    /// And at least as many times what the last run took, so that lanes that share a processor are all heard in time; with
    /// 0, what is heard does not depend on the clock.
    pub step_by_run: u32,
    /// Words that end nearer to the end of what was heard are not committed yet.
    pub end_margin_ms: i64,
    /// Longest speech that is recognized again and again; at most what the recognizer hears well.
    pub buffer_ms_max: i64,
    /// Sound waiting to be taken, from which on less is computed.
    pub backlog_ms_max: i64,
    /// Words that are likely to occur: names, terms.
    pub vocabulary: String,
    /// ISO 639-1 code of the language that is likely at the begin.
    pub language: Option<String>,
    /// Where the guards draw their lines.
    pub guards: GuardOptions,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            step_ms: 300,
            step_by_run: 3,
            end_margin_ms: 200,
            buffer_ms_max: 15_000,
            backlog_ms_max: 3000,
            vocabulary: String::new(),
            language: None,
            guards: GuardOptions::default(),
        }
    }
}

/// What became known of a lane. All times are the lane's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LiveEvent {
    /// What is heard now beyond what is committed; replaces the partial before.
    Partial {
        /// May change.
        words: Vec<Word>,
    },
    /// Words that stay.
    Committed {
        /// After all that was committed before. None where nothing was said after them: then they cover what is left.
        words: Vec<Word>,
        /// ISO 639-1 code; `None` for a model of one language.
        language: Option<String>,
        /// Speech that is accounted for by them.
        covers: Span,
    },
    /// Text that the guards set aside.
    Suppressed {
        /// As it came, less what was already committed.
        suppressed: Suppressed,
        /// Speech that is accounted for by it; empty where other text stands for it.
        covers: Span,
    },
    /// Speech for which the recognizer gave no text, when asked twice.
    Empty {
        /// Speech that is accounted for.
        covers: Span,
    },
    /// Speech that was not recognized: the engine was too slow, or failed. It is in the recording.
    Deferred {
        /// Speech that is put off.
        covers: Span,
        /// What the engine said, if it failed.
        error: Option<String>,
    },
    /// The engine is slower than the talk, or has caught up.
    Lag {
        /// Sound that waits to be taken.
        backlog_ms: i64,
        /// What is computed from now on.
        level: LoadLevel,
    },
}

impl LiveEvent {
    /// Speech that is accounted for by this event.
    pub fn covers(&self) -> Option<Span> {
        match self {
            Self::Committed { covers, .. }
            | Self::Suppressed { covers, .. }
            | Self::Empty { covers }
            | Self::Deferred { covers, .. } => Some(*covers),
            Self::Partial { .. } | Self::Lag { .. } => None,
        }
    }

    /// The same, `by_ms` later: for a lane that joined when the recording had begun.
    pub fn shifted(mut self, by_ms: i64) -> Self {
        match &mut self {
            Self::Partial { words } => shift(words, by_ms),
            Self::Committed { words, covers, .. } => {
                shift(words, by_ms);
                *covers = covers.shifted(by_ms);
            }
            Self::Suppressed { suppressed, covers } => {
                suppressed.segment.span = suppressed.segment.span.shifted(by_ms);
                shift(&mut suppressed.segment.words, by_ms);
                *covers = covers.shifted(by_ms);
            }
            Self::Empty { covers } | Self::Deferred { covers, .. } => *covers = covers.shifted(by_ms),
            Self::Lag { .. } => {}
        }
        self
    }
}

fn shift(words: &mut [Word], by_ms: i64) {
    for word in words {
        word.start_ms += by_ms;
        word.end_ms += by_ms;
    }
}
