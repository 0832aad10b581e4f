//! How it is said: every word's rate as a deviation from its mean rate over all meetings, in standard deviations, cut at
//! three, compared by cosine. This is cosine delta of authorship attribution (Burrows 2002; Evert et al. 2017), here over
//! the whole vocabulary. The chance error of a rate in a short text is added to its variance.
//!
//! A text holds few of all words, and in what it does not hold all texts of one length are alike: their product with each
//! meeting is made once, and a text adds what its own words change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Members, length_of};
use crate::vocabulary::Numbering;

/// Deviations beyond this many standard deviations say no more (the usual cut of Burrows's delta).
const DEVIATION_MAX: f32 = 3.0;
/// A word of a single meeting compares nothing.
const MEETINGS_WITH_WORD_MIN: f32 = 2.0;

/// Rates of words over a pool.
pub(super) struct Manner {
    rates: Vec<Rate>,
    /// Of each meeting of the pool, in words.
    lengths: Vec<f32>,
    /// Length of each meeting's vector of deviations; infinite where that is rounding.
    norms: Vec<f64>,
    /// By the length of the text; few, as [`rounded`] gives few.
    backgrounds: Mutex<HashMap<u32, Arc<Background>>>,
}

/// How often a word stands in the meetings of the pool.
#[derive(Clone, Copy)]
struct Rate {
    /// 0 for a word that compares nothing, as is the variance.
    mean: f32,
    variance: f32,
    /// Deviation of a meeting that does not hold the word.
    without: f32,
    /// Deviations in one unit of rate; 0 for a word that compares nothing.
    scale: f32,
}

/// A text of so many words, none of them known, compared with the pool.
struct Background {
    /// Product with a meeting that holds no word.
    base: f64,
    /// Of the length of the text's vector.
    square: f64,
    /// By how much the product with each meeting exceeds `base`.
    products: Vec<f64>,
}

impl Rate {
    fn new(sum: f32, squares: f32, holding: f32, meetings: f32, usual_length: f32) -> Self {
        if holding < MEETINGS_WITH_WORD_MIN {
            return Self {
                mean: 0.0,
                variance: 0.0,
                without: 0.0,
                scale: 0.0,
            };
        }
        let mean = sum / meetings;
        let variance = (squares / meetings - mean * mean).max(0.0);
        let deviation = (variance + mean / usual_length).sqrt().max(1e-9);
        Self {
            mean,
            variance,
            without: (-mean / deviation).max(-DEVIATION_MAX),
            scale: 1.0 / deviation,
        }
    }

    /// Of a rate in a text of `length` words.
    fn deviation(&self, rate: f32, length: f32) -> f32 {
        let deviation = (self.variance + self.mean / length).sqrt().max(1e-9);
        ((rate - self.mean) / deviation).clamp(-DEVIATION_MAX, DEVIATION_MAX)
    }

    /// Of a rate in a meeting: by how much its deviation exceeds that of a meeting without the word.
    fn excess(&self, rate: f32) -> f32 {
        ((rate - self.mean) * self.scale).clamp(-DEVIATION_MAX, DEVIATION_MAX) - self.without
    }

    fn compares(&self) -> bool {
        self.mean > 0.0
    }
}

impl Manner {
    pub(super) fn new(numbering: &Numbering, members: &Members) -> Self {
        let mut lengths = vec![0.0_f32; members.count];
        for holders in numbering.all_holders() {
            members
                .holding(holders)
                .for_each(|(position, count)| lengths[position] += count);
        }
        lengths.iter_mut().for_each(|length| *length = length.max(1.0));
        let meetings = members.count.max(1) as f32;
        let usual_length = (lengths.iter().sum::<f32>() / meetings).max(1.0);
        let mut without_square = 0.0_f64;
        let mut squares = vec![0.0_f64; members.count];
        let rates = numbering.all_holders().map(|holders| {
            let (mut sum, mut sum_of_squares, mut holding) = (0.0, 0.0, 0.0);
            for (position, count) in members.holding(holders) {
                let rate = count / lengths[position];
                (sum, sum_of_squares, holding) = (sum + rate, sum_of_squares + rate * rate, holding + 1.0);
            }
            let rate = Rate::new(sum, sum_of_squares, holding, meetings, usual_length);
            without_square += f64::from(rate.without * rate.without);
            for (position, count) in members.holding(holders).filter(|_| rate.compares()) {
                let deviation = rate.excess(count / lengths[position]) + rate.without;
                squares[position] += f64::from(deviation * deviation - rate.without * rate.without);
            }
            rate
        });
        Self {
            rates: rates.collect(),
            norms: squares
                .into_iter()
                .map(|square| length_of(without_square + square))
                .collect(),
            lengths,
            backgrounds: Mutex::default(),
        }
    }

    /// Cosine delta of the text and each meeting.
    pub(super) fn compare(
        &self,
        numbering: &Numbering,
        members: &Members,
        text: &[(u32, f32)],
        text_words: f32,
    ) -> Vec<f32> {
        let text_words = text_words.max(1.0);
        let length = rounded(text_words as u32);
        let background = self.background(numbering, members, length);
        let Background {
            mut base, mut square, ..
        } = *background;
        let mut products = background.products.clone();
        for &(word, count) in text {
            let rate = self.rates[word as usize];
            if !rate.compares() {
                continue;
            }
            let without = rate.deviation(0.0, length as f32);
            let deviation = rate.deviation(count / text_words, length as f32);
            let more = deviation - without;
            base += f64::from(more * rate.without);
            square += f64::from(deviation * deviation - without * without);
            for (position, count) in members.holding(numbering.holders(word)) {
                products[position] += f64::from(more * rate.excess(count / self.lengths[position]));
            }
        }
        let text_norm = length_of(square);
        let meetings = products.into_iter().zip(&self.norms);
        meetings
            .map(|(product, norm)| ((base + product) / (norm * text_norm)) as f32)
            .collect()
    }

    fn background(&self, numbering: &Numbering, members: &Members, length: u32) -> Arc<Background> {
        // A poisoned lock holds whole entries all the same.
        let remembered = || self.backgrounds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = remembered().get(&length) {
            return Arc::clone(known);
        }
        let made = Arc::new(self.without_words(numbering, members, length as f32));
        remembered().insert(length, Arc::clone(&made));
        made
    }

    fn without_words(&self, numbering: &Numbering, members: &Members, length: f32) -> Background {
        let mut background = Background {
            base: 0.0,
            square: 0.0,
            products: vec![0.0; members.count],
        };
        let words = self.rates.iter().zip(numbering.all_holders());
        for (rate, holders) in words.filter(|(rate, _)| rate.compares()) {
            let without = rate.deviation(0.0, length);
            background.base += f64::from(without * rate.without);
            background.square += f64::from(without * without);
            for (position, count) in members.holding(holders) {
                background.products[position] += f64::from(without * rate.excess(count / self.lengths[position]));
            }
        }
        background
    }
}

/// A length to three binary digits: how much chance lies in a rate need not be known better.
fn rounded(words: u32) -> u32 {
    let step = 1 << words.max(1).ilog2().saturating_sub(2);
    (words + step / 2) / step * step
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Counts = Vec<(u32, u16)>;

    /// The same by its definition, word by word.
    fn by_definition(meetings: &[Counts], text: &Counts) -> Vec<f64> {
        let length = |counts: &Counts| counts.iter().map(|&(_, count)| f64::from(count)).sum::<f64>().max(1.0);
        let rate = |counts: &Counts, word: u32| {
            let held = counts.iter().find(|held| held.0 == word);
            held.map_or(0.0, |held| f64::from(held.1)) / length(counts)
        };
        let count = meetings.len() as f64;
        let usual = meetings.iter().map(length).sum::<f64>() / count;
        let mut deviations = vec![Vec::new(); meetings.len() + 1];
        for word in 0..20 {
            let rates: Vec<f64> = meetings.iter().map(|meeting| rate(meeting, word)).collect();
            if rates.iter().filter(|rate| **rate > 0.0).count() < 2 {
                continue;
            }
            let mean = rates.iter().sum::<f64>() / count;
            let variance = rates.iter().map(|rate| rate * rate).sum::<f64>() / count - mean * mean;
            let deviation = |rate: f64, length: f64| {
                let deviation = (variance.max(0.0) + mean / length).sqrt();
                ((rate - mean) / deviation).clamp(-3.0, 3.0)
            };
            for (deviations, rate) in deviations.iter_mut().zip(rates) {
                deviations.push(deviation(rate, usual));
            }
            deviations[meetings.len()].push(deviation(rate(text, word), f64::from(rounded(length(text) as u32))));
        }
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let norm = |a: &[f64]| length_of(product(a, a));
        let (of_meetings, of_text) = deviations.split_at(meetings.len());
        let cosine = |a: &Vec<f64>| product(a, &of_text[0]) / (norm(a) * norm(&of_text[0]));
        of_meetings.iter().map(cosine).collect()
    }

    fn counts() -> impl Strategy<Value = Counts> {
        prop::collection::btree_map(0_u32..20, 1_u16..5, 1..12).prop_map(|counts| counts.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_a_text_changes_gives_what_the_definition_gives(
            meetings in prop::collection::vec(counts(), 2..8),
            text in counts(),
        ) {
            let numbering = Numbering::new(meetings.iter().map(Vec::as_slice));
            let members = Members { positions: (0..meetings.len() as u32).collect(), count: meetings.len() };
            let manner = Manner::new(&numbering, &members);
            let known = text.iter().filter_map(|&(word, count)| Some((numbering.get(word)?, f32::from(count))));
            let words = text.iter().map(|&(_, count)| f32::from(count)).sum();
            let found = manner.compare(&numbering, &members, &known.collect::<Vec<_>>(), words);
            for (found, expected) in found.into_iter().zip(by_definition(&meetings, &text)) {
                prop_assert!((f64::from(found) - expected).abs() < 1e-3, "{found} and not {expected}");
            }
        }
    }

    #[test]
    fn lengths_are_few() {
        let lengths: Vec<u32> = [1, 7, 8, 9, 100, 750, 12_345].into_iter().map(rounded).collect();
        assert_eq!(lengths, [1, 7, 8, 10, 96, 768, 12_288]);
        let mut all: Vec<u32> = (1..100_000).map(rounded).collect();
        all.dedup();
        assert!(all.len() < 70, "{}", all.len());
    }
}
