//! The learnt rates, as they are written and read.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use datasets::Language;

use super::features::{COUNT_FEATURES, PAIR_FEATURES, WORD_FEATURES};

/// What minutes of other meetings taught; see `weights/README.md` for how each file was made.
#[derive(Clone, Debug, PartialEq)]
pub struct SalienceWeights {
    /// Weights of [`super::word_features`].
    pub word: [f32; WORD_FEATURES],
    /// Weights of [`super::count_features`].
    pub count: [f32; COUNT_FEATURES],
    /// Weights of [`super::pair_features`].
    pub pair: [f32; PAIR_FEATURES],
    /// Rarity of a word that no meeting seen in training had.
    pub unseen_rarity: f32,
    /// Words seen in training.
    pub words: HashMap<String, WordKnowledge>,
    /// Pairs of words seen in minutes.
    pub pairs: HashMap<(String, String), PairKnowledge>,
}

/// What is known of a word from other meetings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WordKnowledge {
    /// Logarithm of the share of meetings without it, over 5: 0 in every meeting, about 1 in hardly any.
    pub rarity: f32,
    /// Added to the logarithm of its expected count in minutes.
    pub offset: f32,
    /// How often minutes had it before another word.
    pub in_minutes: f32,
}

/// What is known of a pair of words from other minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairKnowledge {
    /// How often minutes had it.
    pub in_minutes: f32,
    /// Logarithm of its rate per word of minutes.
    pub rate: f32,
    /// Added to the log-odds of its occurrence.
    pub offset: f32,
}

/// A weights file is not what [`SalienceWeights::to_text`] writes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line} of the salience weights: expected {expected}, found `{found}`")]
pub struct ParseWeightsError {
    /// Counted from 1.
    pub line: usize,
    /// What should stand there.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}

static ENGLISH: LazyLock<SalienceWeights> = LazyLock::new(|| embedded(include_str!("../../weights/salience-en.tsv")));
static OTHER: LazyLock<SalienceWeights> = LazyLock::new(|| embedded(include_str!("../../weights/salience-fr.tsv")));

fn embedded(text: &str) -> SalienceWeights {
    SalienceWeights::from_text(text).expect("the embedded weights are read by a test")
}

impl SalienceWeights {
    /// The weights that come with greffier for `language`.
    pub fn of_language(language: Language) -> &'static Self {
        if language == Language::ENGLISH {
            &ENGLISH
        } else {
            &OTHER
        }
    }

    /// One record a line, fields separated by tabs.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |fields: &[&dyn std::fmt::Display]| {
            for (position, field) in fields.iter().enumerate() {
                let separator = if position == 0 { "" } else { "\t" };
                // Writing to a string cannot fail.
                let _ = write!(text, "{separator}{field}");
            }
            text.push('\n');
        };
        for (name, weights) in [("word", &self.word[..]), ("count", &self.count), ("pair", &self.pair)] {
            let joined: Vec<String> = weights.iter().map(ToString::to_string).collect();
            line(&[&name, &joined.join(" ")]);
        }
        line(&[&"unseen", &self.unseen_rarity]);
        let mut words: Vec<_> = self.words.iter().collect();
        words.sort_by_key(|(word, _)| word.as_str());
        for (word, known) in words {
            line(&[
                &"w",
                word,
                &short(known.rarity),
                &short(known.offset),
                &short(known.in_minutes),
            ]);
        }
        let mut pairs: Vec<_> = self.pairs.iter().collect();
        pairs.sort_by_key(|(pair, _)| *pair);
        for ((first, second), known) in pairs {
            line(&[
                &"p",
                first,
                second,
                &short(known.in_minutes),
                &short(known.rate),
                &short(known.offset),
            ]);
        }
        text
    }

    /// Reads what [`SalienceWeights::to_text`] wrote.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn from_text(text: &str) -> Result<Self, ParseWeightsError> {
        let mut weights = Self {
            word: [0.0; WORD_FEATURES],
            count: [0.0; COUNT_FEATURES],
            pair: [0.0; PAIR_FEATURES],
            unseen_rarity: 1.0,
            words: HashMap::new(),
            pairs: HashMap::new(),
        };
        for (number, line) in (1..).zip(text.lines()) {
            weights.read_line(line).ok_or_else(|| ParseWeightsError {
                line: number,
                expected: "a kind and its fields",
                found: line.to_owned(),
            })?;
        }
        Ok(weights)
    }

    fn read_line(&mut self, line: &str) -> Option<()> {
        let fields: Vec<&str> = line.split('\t').collect();
        match *fields.as_slice() {
            ["word", values] => fill(&mut self.word, values)?,
            ["count", values] => fill(&mut self.count, values)?,
            ["pair", values] => fill(&mut self.pair, values)?,
            ["unseen", value] => self.unseen_rarity = value.parse().ok()?,
            ["w", word, rarity, offset, in_minutes] => {
                let known = WordKnowledge {
                    rarity: rarity.parse().ok()?,
                    offset: offset.parse().ok()?,
                    in_minutes: in_minutes.parse().ok()?,
                };
                self.words.insert(word.to_owned(), known);
            }
            ["p", first, second, in_minutes, rate, offset] => {
                let known = PairKnowledge {
                    in_minutes: in_minutes.parse().ok()?,
                    rate: rate.parse().ok()?,
                    offset: offset.parse().ok()?,
                };
                self.pairs.insert((first.to_owned(), second.to_owned()), known);
            }
            _ => return None,
        }
        Some(())
    }
}

fn fill(weights: &mut [f32], values: &str) -> Option<()> {
    let mut values = values.split(' ');
    for weight in weights.iter_mut() {
        *weight = values.next()?.parse().ok()?;
    }
    values.next().is_none().then_some(())
}

/// Three decimals are enough for a weight and keep the file small.
fn short(value: f32) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_weights_can_be_read() {
        assert!(SalienceWeights::of_language(Language::ENGLISH).words.len() > 1000);
        assert!(
            SalienceWeights::of_language(Language::FRENCH)
                .word
                .iter()
                .any(|weight| *weight != 0.0)
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let weights = SalienceWeights::of_language(Language::ENGLISH);
        assert_eq!(SalienceWeights::from_text(&weights.to_text()).as_ref(), Ok(weights));
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = SalienceWeights::from_text("unseen\t1\nw\tonly\n").unwrap_err();
        assert_eq!(error.line, 2);
    }
}
