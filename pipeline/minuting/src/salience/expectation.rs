//! The learnt rates applied to one meeting.

use std::collections::HashMap;

use super::features::{PairSide, count_features, pair_features, word_features};
use super::spoken_words::{SpokenWords, WordId};
use super::weights::SalienceWeights;

/// What minutes of a given length are expected to contain of one meeting's words. Probabilities are worked out when
/// they are first asked for.
pub struct Expectation<'a> {
    spoken: &'a SpokenWords,
    weights: &'a SalienceWeights,
    words_max: usize,
    counts: HashMap<WordId, f32>,
    at_least: HashMap<(WordId, usize), f32>,
    pairs: HashMap<(WordId, WordId), f32>,
}

impl<'a> Expectation<'a> {
    /// Expects minutes of `words_max` words.
    pub fn new(spoken: &'a SpokenWords, weights: &'a SalienceWeights, words_max: usize) -> Self {
        Self {
            spoken,
            weights,
            words_max,
            counts: HashMap::new(),
            at_least: HashMap::new(),
            pairs: HashMap::new(),
        }
    }

    /// Logarithm of the expected number of times that minutes have `word`.
    pub fn count_ln(&mut self, word: WordId) -> f32 {
        if let Some(&expected) = self.counts.get(&word) {
            return expected;
        }
        let spoken = self.spoken.word(word);
        let known = self.weights.words.get(&spoken.text);
        let features = word_features(spoken, self.spoken, self.weights.rarity(&spoken.text));
        let expected = dot(&features, &self.weights.word)
            + known.map_or(0.0, |known| known.offset)
            + (self.words_max.max(1) as f32).ln();
        self.counts.insert(word, expected);
        expected
    }

    /// Probability that minutes have `word` at least `times` times, in 0..=1.
    pub fn at_least(&mut self, word: WordId, times: usize) -> f32 {
        if let Some(&probability) = self.at_least.get(&(word, times)) {
            return probability;
        }
        let expected = self.count_ln(word);
        let features = count_features(expected, times, self.spoken.word(word).is_stop_word);
        let probability = logistic(dot(&features, &self.weights.count));
        self.at_least.insert((word, times), probability);
        probability
    }

    /// Probability that minutes have the two words one after the other, in 0..=1.
    pub fn pair(&mut self, pair: (WordId, WordId)) -> f32 {
        if let Some(&probability) = self.pairs.get(&pair) {
            return probability;
        }
        let [first, second] = [pair.0, pair.1].map(|word| PairSide {
            word: self.spoken.word(word),
            expected: self.count_ln(word),
        });
        let words = (first.word.text.clone(), second.word.text.clone());
        let known = self.weights.pairs.get(&words);
        let features = pair_features(
            [first, second],
            self.spoken.pair_count(pair),
            self.spoken,
            known,
            self.weights.words.get(&words.0),
            self.words_max,
        );
        let offset = known.map_or(0.0, |known| known.offset);
        let probability = logistic(dot(&features, &self.weights.pair) + offset);
        self.pairs.insert(pair, probability);
        probability
    }
}

fn dot(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn logistic(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds).exp())
}
