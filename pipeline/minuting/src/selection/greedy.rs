//! The greedy choice under a budget, lazily evaluated: a gain only ever shrinks, so the best of the old gains is the
//! best of all if it still is after being worked out anew.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::SelectionOptions;
use super::candidates::Candidate;
use crate::salience::{Expectation, WordId};

/// Two statements that share more of their pairs of words than this say the same.
const SHARED_PAIRS_MAX: f32 = 0.5;

/// With fewer words left than this, nothing more is looked for.
const WORDS_LEFT_MIN: usize = 5;

/// Positions of the chosen candidates, in the order they were said; together they cost at most `words_max`.
pub(super) fn choose(
    candidates: &[&Candidate],
    expectation: &mut Expectation<'_>,
    words_max: usize,
    options: &SelectionOptions,
) -> Vec<usize> {
    let mut cover = Cover::default();
    let mut queue: BinaryHeap<Offer> = BinaryHeap::with_capacity(candidates.len());
    for (position, candidate) in candidates.iter().enumerate() {
        let gain = cover.gain(candidate, expectation, options);
        queue.push(Offer {
            gain,
            position,
            round: 0,
        });
    }
    let (mut chosen, mut words_left) = (Vec::<usize>::new(), words_max);
    while let Some(offer) = queue.pop() {
        let candidate = candidates[offer.position];
        if words_left < WORDS_LEFT_MIN || offer.gain <= 0.0 {
            break;
        }
        if candidate.cost > words_left || chosen.iter().any(|&other| repeats(candidate, candidates[other])) {
            continue;
        }
        if offer.round < chosen.len() {
            let gain = cover.gain(candidate, expectation, options);
            queue.push(Offer {
                gain,
                round: chosen.len(),
                ..offer
            });
            continue;
        }
        cover.add(candidate);
        words_left -= candidate.cost;
        chosen.push(offer.position);
    }
    chosen.sort_unstable_by_key(|&position| (candidates[position].turn, candidates[position].start));
    chosen
}

/// Whether `candidate` comes from the same words as `other`, or says nearly the same in the same words.
fn repeats(candidate: &Candidate, other: &Candidate) -> bool {
    let overlap = candidate.turn == other.turn && candidate.start < other.end && other.start < candidate.end;
    overlap || {
        let pairs = |candidate: &Candidate| candidate.words.len().saturating_sub(1).max(1);
        let shared = candidate
            .words
            .windows(2)
            .filter(|pair| other.words.windows(2).any(|other| other == *pair))
            .count();
        shared as f32 > SHARED_PAIRS_MAX * pairs(candidate).min(pairs(other)) as f32
    }
}

/// A candidate with its gain at the time when `round` statements were chosen.
#[derive(PartialEq)]
struct Offer {
    gain: f32,
    position: usize,
    round: usize,
}

impl Eq for Offer {}

impl Ord for Offer {
    /// By gain, then the earlier candidate first, so that the choice is the same every time.
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain
            .total_cmp(&other.gain)
            .then(other.position.cmp(&self.position))
    }
}

impl PartialOrd for Offer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How often the chosen statements have each word and pair.
#[derive(Default)]
struct Cover {
    words: HashMap<WordId, usize>,
    pairs: HashMap<(WordId, WordId), usize>,
}

impl Cover {
    fn add(&mut self, candidate: &Candidate) {
        for &word in &candidate.words {
            *self.words.entry(word).or_default() += 1;
        }
        for pair in candidate.words.windows(2) {
            *self.pairs.entry((pair[0], pair[1])).or_default() += 1;
        }
    }

    /// Expected words and pairs that `candidate` adds to those shared with minutes, over its cost.
    fn gain(&self, candidate: &Candidate, expectation: &mut Expectation<'_>, options: &SelectionOptions) -> f32 {
        let mut value = 0.0;
        for (at, &word) in candidate.words.iter().enumerate() {
            let before = candidate.words[..at].iter().filter(|&&other| other == word).count();
            let times = self.words.get(&word).copied().unwrap_or(0) + before + 1;
            value += expectation.at_least(word, times);
        }
        for (at, pair) in candidate.words.windows(2).enumerate() {
            let before = candidate
                .words
                .windows(2)
                .take(at)
                .filter(|other| *other == pair)
                .count();
            let pair = (pair[0], pair[1]);
            let taken = self.pairs.get(&pair).copied().unwrap_or(0) + before;
            let again = options.pair_again.powi(i32::try_from(taken).unwrap_or(i32::MAX));
            value += options.pair_value * expectation.pair(pair) * again;
        }
        value * readability(candidate, options) / (candidate.cost as f32).powf(options.cost_exponent)
    }
}

fn readability(candidate: &Candidate, options: &SelectionOptions) -> f32 {
    let factor = |holds: bool, factor: f32| if holds { factor } else { 1.0 };
    factor(candidate.needs_context, options.context_factor)
        * factor(candidate.persons.addressed, options.addressed_factor)
        * factor(candidate.is_question, options.question_factor)
        * factor(candidate.words.len() < options.short_below_words, options.short_factor)
        * options.cut_factor.powi(i32::try_from(candidate.cuts).unwrap_or(0))
}
