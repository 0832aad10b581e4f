//! What the learnt rates look at. The order of the features is that of the weights.

use super::spoken_words::{SpokenWord, SpokenWords};
use super::weights::{PairKnowledge, SalienceWeights, WordKnowledge};

/// Number of features of a word.
pub const WORD_FEATURES: usize = 17;
/// Number of features of the question whether minutes have a word at least so many times.
pub const COUNT_FEATURES: usize = 10;
/// Number of features of a pair of words.
pub const PAIR_FEATURES: usize = 19;

/// Logarithm of the rate that stands for a pair never seen in minutes: below that of any that was.
const UNSEEN_PAIR_RATE: f32 = -12.0;

/// Features of the logarithm of a word's expected count in minutes, per word of minutes.
pub fn word_features(word: &SpokenWord, spoken: &SpokenWords, rarity: f32) -> [f32; WORD_FEATURES] {
    let content = if word.is_stop_word { 0.0 } else { 1.0 };
    let said = (word.count as f32).ln_1p();
    let flag = |holds: bool| if holds { 1.0 } else { 0.0 };
    [
        content,
        said,
        said * content,
        (word.turns as f32).ln_1p() * content,
        word.speakers as f32 / spoken.speakers as f32 * content,
        word.parts as f32 / 10.0 * content,
        word.core_rank * content,
        word.core_rank.sqrt() * content,
        (1.0 - word.first) * content,
        flag(word.text.chars().all(|c| c.is_ascii_digit())),
        word.text.chars().count().min(10) as f32 / 10.0 * content,
        flag(word.count == 0),
        flag(word.count == 1) * content,
        (spoken.total.max(1) as f32 / 5000.0).ln() * content,
        rarity * content,
        rarity * said * content,
        1.0,
    ]
}

/// Features of the log-odds that minutes have a word at least `times` times, when it is expected `e^expected` times.
pub fn count_features(expected: f32, times: usize, is_stop_word: bool) -> [f32; COUNT_FEATURES] {
    let times_ln = (times as f32).ln();
    let stop = if is_stop_word { 1.0 } else { 0.0 };
    let first = if times == 1 { 1.0 } else { 0.0 };
    [
        1.0,
        expected,
        times_ln,
        expected * times_ln,
        stop,
        stop * expected,
        stop * times_ln,
        stop * expected * times_ln,
        first,
        first * expected,
    ]
}

/// One word of a pair: what was said of it, its expected count in minutes (logarithm) and what is known of it.
#[derive(Clone, Copy)]
pub struct PairSide<'a> {
    /// What was said of it.
    pub word: &'a SpokenWord,
    /// Logarithm of its expected count.
    pub expected: f32,
}

/// Features of the log-odds that minutes of `words_max` words have the pair `first second`, said `count` times.
pub fn pair_features(
    [first, second]: [PairSide<'_>; 2],
    count: u32,
    spoken: &SpokenWords,
    known: Option<&PairKnowledge>,
    known_first: Option<&WordKnowledge>,
    words_max: usize,
) -> [f32; PAIR_FEATURES] {
    let (a, b) = (first.expected, second.expected);
    let said = (count as f32).ln_1p();
    let flag = |holds: bool| if holds { 1.0 } else { 0.0 };
    let content = flag(!first.word.is_stop_word && !second.word.is_stop_word);
    let stop = flag(first.word.is_stop_word && second.word.is_stop_word);
    let alone = (first.word.count + 1) as f32 * (second.word.count + 1) as f32;
    let association = ((count as f32 + 0.1) * spoken.total.max(1) as f32 / alone).ln() / 5.0;
    let in_minutes = known.map_or(0.0, |known| known.in_minutes);
    let rate = known
        .filter(|known| known.in_minutes > 0.0)
        .map_or(UNSEEN_PAIR_RATE, |known| known.rate);
    let before_any = known_first.map_or(0.0, |known| known.in_minutes);
    let follows = ((in_minutes + 0.05) / (before_any + 5.0)).ln() / 5.0 + 1.0;
    [
        1.0,
        a,
        b,
        a * b / 5.0,
        said,
        flag(count == 0),
        association,
        content,
        stop,
        content * said,
        stop * said,
        content * a,
        content * b,
        stop * a,
        stop * b,
        (rate - UNSEEN_PAIR_RATE) / 6.0,
        flag(rate > UNSEEN_PAIR_RATE),
        follows,
        (words_max.max(1) as f32 / 300.0).ln(),
    ]
}

impl SalienceWeights {
    /// Rarity of `word` over the meetings of the training.
    pub fn rarity(&self, word: &str) -> f32 {
        self.words.get(word).map_or(self.unseen_rarity, |known| known.rarity)
    }
}
