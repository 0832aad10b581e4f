//! Counts the words of a text in the two ways by which meetings are compared: as they are said, and as terms.

use std::collections::HashMap;

use datasets::Language;
use tantivy::tokenizer::TextAnalyzer;

use crate::analyzer::{Analyzer, plain_words, tokens};
use crate::schema::stable_hash;

/// Counts by hash.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextCounts {
    /// Every word, folded, function words included.
    pub(crate) words: HashMap<u32, u32>,
    /// Stemmed, without stop words.
    pub(crate) terms: HashMap<u32, u32>,
    /// One spelling per term, for reasons.
    pub(crate) spelling: HashMap<u32, String>,
}

/// Adds texts to counts; holds the analyzers, which are dear to build.
pub(crate) struct TextCounter {
    analyzers: [TextAnalyzer; 3],
    pub(crate) counts: TextCounts,
}

impl TextCounter {
    pub(crate) fn new() -> Self {
        Self {
            analyzers: Analyzer::ALL.map(Analyzer::build),
            counts: TextCounts::default(),
        }
    }

    pub(crate) fn add(&mut self, text: &str, language: Language) {
        for token in plain_words(text) {
            *self.counts.words.entry(word_hash(&token.text)).or_default() += 1;
        }
        let analyzer = Analyzer::for_language(language);
        for token in tokens(&mut self.analyzers[analyzer as usize], text) {
            let hash = term_hash(analyzer, &token.text);
            *self.counts.terms.entry(hash).or_default() += 1;
            self.counts
                .spelling
                .entry(hash)
                .or_insert_with(|| text[token.offset_from..token.offset_to].to_owned());
        }
    }
}

/// Counts as they are stored: by hash, up to 65,535.
pub(crate) fn stored(counts: &HashMap<u32, u32>) -> Vec<(u32, u16)> {
    let mut list: Vec<(u32, u16)> = counts
        .iter()
        .map(|(&hash, &count)| (hash, u16::try_from(count).unwrap_or(u16::MAX)))
        .collect();
    list.sort_unstable();
    list
}

fn word_hash(word: &str) -> u32 {
    stable_hash(&[word.as_bytes()]) as u32
}

/// Hash of a term of one analyzer: the same stem in two languages is two terms.
pub(crate) fn term_hash(analyzer: Analyzer, term: &str) -> u32 {
    stable_hash(&[&[analyzer as u8], term.as_bytes()]) as u32
}
