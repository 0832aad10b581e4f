//! Shortens what was said to clauses that stand by themselves: the utterances of a speaker that continue each other are
//! joined, cut where clauses begin and end, and freed of what only holds talk together. Nothing is added; the words of
//! a clause stand in the order they were said, and each knows its utterance.

mod clauses;
mod grammar;
mod lexicon;
mod speech_turns;
mod trimming;

pub use clauses::{Clause, clauses};
pub use speech_turns::{SpeechTurn, Unit, join_utterances};
pub(crate) use trimming::trim;

/// A word with the punctuation that follows it, and the utterance it was said in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// As it is written.
    pub text: String,
    /// In lower case, without the punctuation around it.
    pub bare: String,
    /// Position of the utterance in the transcript.
    pub utterance: usize,
}

impl Token {
    /// The word `text` of the utterance at position `utterance`.
    pub fn new(text: impl Into<String>, utterance: usize) -> Self {
        let text = text.into();
        let bare = text
            .trim_matches(|c: char| !c.is_alphanumeric())
            .replace('’', "'")
            .to_lowercase();
        Self { text, bare, utterance }
    }

    /// The punctuation after the word.
    pub fn mark(&self) -> &str {
        &self.text[self.text.trim_end_matches(is_mark).len()..]
    }

    /// Whether the word ends a sentence.
    pub fn ends_sentence(&self) -> bool {
        self.text.ends_with(['.', '?', '!', '…', ';'])
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | '…')
}
