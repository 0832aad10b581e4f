//! What a recognizer is: a window of sound in, segments of text out. Whisper is one; tests have scripted ones.

use crate::transcript::TranscriptSegment;

/// What to recognize, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Less than 30 s of one lane.
    pub samples: &'a [f32],
    /// ISO 639-1 code of the language it is most likely in, such as that of the window before.
    pub language: Option<&'a str>,
    /// Words that are likely to occur: names, terms.
    pub vocabulary: &'a str,
    /// What was said just before, if it is to be trusted.
    pub context: &'a str,
    /// How much is computed.
    pub effort: Effort,
}

/// How much is computed for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// As little as the window's length allows, one try. For hypotheses that will be replaced.
    Quick,
    /// As little as the window's length allows, tried again where the text is bad.
    Fitted,
    /// All that the model was trained with.
    Full,
}

/// What a recognizer can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecognizerTraits {
    /// Longest window in milliseconds that it hears well; under 30 s.
    pub window_ms_max: i64,
    /// Whether it was trained on windows padded to 30 s, so that each costs the same, however short; otherwise
    /// [`Effort::Full`] is [`Effort::Fitted`] to it.
    pub padded: bool,
    /// Whether vocabulary and context may be given to it.
    pub takes_prompt: bool,
    /// Whether it was trained to write nothing where nobody speaks.
    pub may_stay_silent: bool,
}

/// A window was not recognized.
#[derive(Debug, thiserror::Error)]
pub enum RecognizeError {
    /// The caller wished to stop.
    #[error("stopped by the caller")]
    Aborted,
    /// The window is longer than the model's context.
    #[error("a window of {samples} samples; at most {samples_max} fit the model")]
    WindowTooLong {
        /// Its length.
        samples: usize,
        /// The most.
        samples_max: usize,
    },
    /// The engine does not know the language.
    #[error("`{code}` is no language of the model; give an ISO 639-1 code such as `en` or `fr`")]
    Language {
        /// What was given.
        code: String,
    },
    /// The engine failed.
    #[error("the engine failed on a window of {samples} samples; free memory, or try a smaller model")]
    Engine {
        /// The window's length.
        samples: usize,
        /// What it said.
        source: whisper_rs::WhisperError,
    },
}

/// Turns windows of sound into segments of text.
pub trait Recognizer: Send {
    /// What it can be given.
    fn traits(&self) -> RecognizerTraits;

    /// The segments of the window in order, times from the window's begin; none where it hears nothing.
    ///
    /// # Errors
    /// When it was told to stop, or fails. The next window may succeed.
    fn recognize(&mut self, window: &Window<'_>) -> Result<Vec<TranscriptSegment>, RecognizeError>;
}
