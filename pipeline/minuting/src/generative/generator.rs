//! What a language model is to the minutes: it reads a passage once and answers questions about it in JSON.

use std::ops::ControlFlow;

use serde_json::Value;

/// Hears of tokens as they are read and written, so many more each time, and may call the work off.
pub type OnTokens<'a> = dyn FnMut(usize) -> ControlFlow<()> + 'a;

/// A language model, on this machine or on a server.
pub trait TextGenerator {
    /// What made the text, for the provenance of the minutes.
    fn description(&self) -> GeneratorDescription;

    /// The most tokens that passage, question and answer may take together.
    fn context_tokens(&self) -> usize;

    /// How many tokens `text` takes; an upper estimate where the model's own tokenizer is out of reach.
    fn count_tokens(&self, text: &str) -> usize;

    /// Reads `system` and then `passage`, so that questions about them share what was computed.
    ///
    /// # Errors
    /// [`GenerateError`].
    fn read<'a>(
        &'a self,
        system: &str,
        passage: &str,
        on_tokens: &mut OnTokens<'_>,
    ) -> Result<Box<dyn PassageReader + 'a>, GenerateError>;
}

/// A passage that was read.
pub trait PassageReader {
    /// The answer to `question`, at most `tokens_max` long: JSON that follows `schema`. An answer that was asked for
    /// before is no part of what the next question sees.
    ///
    /// # Errors
    /// [`GenerateError`].
    fn ask(
        &mut self,
        question: &str,
        schema: &Value,
        tokens_max: usize,
        on_tokens: &mut OnTokens<'_>,
    ) -> Result<Answer, GenerateError>;
}

/// What a model wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// As it came.
    pub text: String,
    /// Whether the model ended it, and not the limit on its tokens.
    pub is_whole: bool,
}

/// What a model is, as provenance tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GeneratorDescription {
    /// The engine that runs it: `lucie`, `remote`.
    pub engine: String,
    /// The model's name.
    pub model: String,
    /// SHA-256 of its weights, where they are at hand.
    pub model_sha256: Option<String>,
}

/// No answer came.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Somebody wants the work to stop. What was done stays done.
    #[error("stopped")]
    Stopped,
    /// Nobody answers: no later passage would fare better now.
    #[error("the language model cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// This one failed; others may succeed.
    #[error("the language model failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer is no JSON of the form that was asked for, twice.
    #[error("the language model's answer does not have the form that was asked for: {found}")]
    Malformed {
        /// What is wrong with it; never what was said.
        found: String,
    },
    /// No passage could be read: these would be minutes of nothing.
    #[error("the language model could read no part of the meeting: {reason}")]
    NothingRead {
        /// Why the first failed.
        reason: String,
    },
}
