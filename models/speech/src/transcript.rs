//! What comes out: words with times, the segments they came in, and what was taken out again.

use serde::{Deserialize, Serialize};

use crate::sound::Span;

/// A word as the recognizer wrote it, punctuation included, without the spaces around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// When it begins.
    pub start_ms: i64,
    /// When it ends; not before it begins.
    pub end_ms: i64,
    /// As written.
    pub text: String,
    /// The recognizer's mean probability over its tokens, 0..=1.
    pub probability: f32,
}

/// One timed piece as the recognizer emits it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TranscriptSegment {
    /// From its first to its last sound, by the recognizer.
    pub span: Span,
    /// Its words in order; at least one.
    pub words: Vec<Word>,
    /// ISO 639-1 code of the language it was decoded in; `None` for a model of one language.
    pub language: Option<String>,
    /// Mean natural logarithm of the tokens' probabilities; zero is certain.
    pub average_log_probability: f32,
    /// The recognizer's probability that the whole window held no speech.
    pub no_speech_probability: f32,
}

/// Why text was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// No speech was detected there.
    NotSpeech,
    /// The same words over and over.
    Loop,
    /// A phrase that recognizers are known to invent.
    Boilerplate,
    /// The recognizer itself gave it little probability.
    LowProbability,
}

/// A segment that was taken out of the transcript, whole, so that it can be put back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suppressed {
    /// As it came from the recognizer.
    pub segment: TranscriptSegment,
    /// Why it does not stand in the transcript.
    pub reason: SuppressionReason,
}

impl Word {
    /// When it was said.
    pub fn span(&self) -> Span {
        Span::new(self.start_ms, self.end_ms)
    }
}

impl TranscriptSegment {
    /// The words with spaces between.
    pub fn text(&self) -> String {
        text_of(&self.words)
    }

    /// The same, `by_ms` later.
    pub fn shifted(mut self, by_ms: i64) -> Self {
        self.span = self.span.shifted(by_ms);
        for word in &mut self.words {
            word.start_ms += by_ms;
            word.end_ms += by_ms;
        }
        self
    }
}

/// The words with spaces between.
pub fn text_of(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    texts.join(" ")
}
