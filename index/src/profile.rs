//! Counts the words of a text in the two ways by which meetings are compared: as they are said, and as terms.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use datasets::Language;

use crate::analyzer::{Analyzer, LentAnalyzers, for_each_word, tokens};
use crate::schema::stable_hash;
use crate::vocabulary::AlreadyHashed;

/// Counts by hash.
pub(crate) type Counts = HashMap<u32, u32, BuildHasherDefault<AlreadyHashed>>;

/// The words of a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextCounts {
    /// Every word, folded, function words included.
    pub(crate) words: Counts,
    /// Stemmed, without stop words.
    pub(crate) terms: Counts,
    /// One spelling per term, for reasons.
    pub(crate) spelling: HashMap<u32, String>,
}

/// Adds texts to counts. Remembers what became of each written word, as analysing it again is the dear part.
pub(crate) struct TextCounter {
    analyzers: LentAnalyzers,
    /// By analyzer: number of each word as written.
    known: [HashMap<Box<str>, usize, foldhash::fast::RandomState>; 3],
    /// Its hash as a word and as a term, its spelling, and how often it stands in the present text.
    written: Vec<Written>,
    /// Numbers of the words of the present text.
    touched: Vec<usize>,
}

struct Written {
    word: u32,
    term: Option<u32>,
    spelling: Box<str>,
    count: u32,
}

impl TextCounter {
    pub(crate) fn new() -> Self {
        Self {
            analyzers: LentAnalyzers::new(),
            known: Default::default(),
            written: Vec::new(),
            touched: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, text: &str, language: Language) {
        let analyzer = Analyzer::for_language(language);
        for_each_word(text, |range| {
            let word = &text[range];
            let number = match self.known[analyzer as usize].get(word) {
                Some(&number) => number,
                None => self.learn(analyzer, word),
            };
            let written = &mut self.written[number];
            if written.count == 0 {
                self.touched.push(number);
            }
            written.count += 1;
        });
    }

    /// The counts since the last call, with spellings where they are asked for.
    pub(crate) fn take(&mut self, with_spelling: bool) -> TextCounts {
        let mut counts = TextCounts::default();
        for number in self.touched.drain(..) {
            let written = &mut self.written[number];
            let count = std::mem::take(&mut written.count);
            *counts.words.entry(written.word).or_default() += count;
            if let Some(term) = written.term {
                *counts.terms.entry(term).or_default() += count;
                if with_spelling {
                    counts
                        .spelling
                        .entry(term)
                        .or_insert_with(|| written.spelling.to_string());
                }
            }
        }
        counts
    }

    fn learn(&mut self, analyzer: Analyzer, written: &str) -> usize {
        let lower = written.to_lowercase();
        let plain = tokens(self.analyzers.get(Analyzer::Other), &lower)
            .pop()
            .map_or_else(|| lower.clone(), |token| token.text);
        let term = tokens(self.analyzers.get(analyzer), &lower).pop();
        self.written.push(Written {
            word: stable_hash(&[plain.as_bytes()]) as u32,
            term: term.map(|token| term_hash(analyzer, &token.text)),
            spelling: lower.into_boxed_str(),
            count: 0,
        });
        let number = self.written.len() - 1;
        self.known[analyzer as usize].insert(written.into(), number);
        number
    }
}

/// Counts as they are stored: by hash, up to 65,535.
pub(crate) fn stored(counts: &Counts) -> Vec<(u32, u16)> {
    let mut list: Vec<(u32, u16)> = counts
        .iter()
        .map(|(&hash, &count)| (hash, u16::try_from(count).unwrap_or(u16::MAX)))
        .collect();
    list.sort_unstable();
    list
}

/// Hash of a term of one analyzer: the same stem in two languages is two terms.
pub(crate) fn term_hash(analyzer: Analyzer, term: &str) -> u32 {
    stable_hash(&[&[analyzer as u8], term.as_bytes()]) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_begin_anew_with_each_text() {
        let mut counter = TextCounter::new();
        counter.add("The budget, the Budgets and Ann's budget", Language::ENGLISH);
        let counts = counter.take(true);
        let budget = term_hash(Analyzer::English, "budget");
        assert_eq!(counts.terms.get(&budget), Some(&3));
        assert_eq!(counts.words.values().sum::<u32>(), 7);
        assert_eq!(counts.spelling.get(&budget).map(String::as_str), Some("budget"));
        counter.add("budget", Language::ENGLISH);
        assert_eq!(counter.take(false).terms.get(&budget), Some(&1));
    }
}
