//! The words of a meeting: sentences, tokens, stems, stop words, and speech made readable. Everything else in this
//! crate reads text through these, so that a word counted in one place is the same word in another.

pub mod cleaning;
pub mod sentences;
mod slips;
pub mod stemming;
pub mod stop_words;
pub mod tokens;

pub use cleaning::clean;
pub use sentences::split_sentences;
pub use stemming::Stemmer;
pub use stop_words::is_stop_word;
pub use tokens::{words, words_in};
