//! Fits the rates: a Poisson regression for the counts of words, then logistic regressions for "at least so many times"
//! and for pairs, which look at the expected counts of the first.

use std::collections::{BTreeMap, HashMap, HashSet};

use minuting::salience::{
    COUNT_FEATURES, Expectation, PAIR_FEATURES, PairKnowledge, PairSide, SalienceWeights, WORD_FEATURES, WordKnowledge,
    count_features, pair_features, word_features,
};

use super::examples::Example;
use super::regression::{Design, Loss};

/// What the training may change.
#[derive(Clone, Copy, Debug)]
pub struct FitOptions {
    /// Examples in which a word must be a candidate to get an offset of its own.
    pub word_examples_min: usize,
    /// Examples in which a pair must be a candidate to get an offset of its own.
    pub pair_examples_min: usize,
    /// Strength of the pull of word offsets to zero.
    pub word_offset_penalty: f64,
    /// Strength of the pull of pair offsets to zero.
    pub pair_offset_penalty: f64,
    /// Whether content words get offsets too, or only the words that hold sentences together.
    pub content_offsets: bool,
    /// How often minutes of the training must have a pair for it to be kept.
    pub pair_occurrences_min: usize,
}

impl Default for FitOptions {
    /// Found by cross-validation over the English training meetings.
    fn default() -> Self {
        Self {
            word_examples_min: 5,
            pair_examples_min: 10,
            word_offset_penalty: 3.0,
            pair_offset_penalty: 4.0,
            content_offsets: true,
            pair_occurrences_min: 3,
        }
    }
}

/// Of the pairs that minutes do not have, one in so many is looked at, and counts for all.
const ABSENT_PAIRS_STEP: usize = 3;

/// Words rarer than this, and known for nothing else, are not kept: an unknown word is taken for a rare one.
const RARITY_KEPT_MAX: f32 = 0.75;

/// Learns rates from `examples`. Deterministic.
pub fn fit(examples: &[&Example], options: &FitOptions) -> SalienceWeights {
    let mut weights = SalienceWeights {
        word: [0.0; WORD_FEATURES],
        count: [0.0; COUNT_FEATURES],
        pair: [0.0; PAIR_FEATURES],
        unseen_rarity: 1.0,
        words: HashMap::new(),
        pairs: HashMap::new(),
    };
    learn_rarity(&mut weights, examples, options);
    fit_words(&mut weights, examples, options);
    fit_counts(&mut weights, examples);
    fit_pairs(&mut weights, examples, options);
    weights
        .words
        .retain(|_, known| known.offset != 0.0 || known.in_minutes > 0.0 || known.rarity < RARITY_KEPT_MAX);
    weights
}

/// How rare each word is over the meetings, and how often minutes have it before another word.
fn learn_rarity(weights: &mut SalienceWeights, examples: &[&Example], options: &FitOptions) {
    let mut meetings: HashMap<&str, usize> = HashMap::new();
    let mut seen = HashSet::new();
    for example in examples
        .iter()
        .filter(|example| seen.insert(example.source.id.as_str()))
    {
        for word in example.spoken.words().iter().filter(|word| word.count > 0) {
            *meetings.entry(&word.text).or_default() += 1;
        }
    }
    let rarity = |count: f32| ((seen.len() as f32 + 1.0) / (count + 0.5)).ln() / 5.0;
    weights.unseen_rarity = rarity(0.0);
    for (word, count) in meetings {
        weights.words.entry(word.to_owned()).or_default().rarity = rarity(count as f32);
    }
    if !options.content_offsets {
        return;
    }
    let unseen = weights.unseen_rarity;
    for (word, count) in examples.iter().flat_map(|example| &example.reference_firsts) {
        let known = weights.words.entry(word.clone()).or_insert(WordKnowledge {
            rarity: unseen,
            ..WordKnowledge::default()
        });
        known.in_minutes += *count as f32;
    }
}

fn fit_words(weights: &mut SalienceWeights, examples: &[&Example], options: &FitOptions) {
    let mut frequency: BTreeMap<&str, usize> = BTreeMap::new();
    for (example, &word) in examples
        .iter()
        .flat_map(|example| example.words.iter().map(move |word| (example, word)))
    {
        let word = example.spoken.word(word);
        if options.content_offsets || word.is_stop_word {
            *frequency.entry(&word.text).or_default() += 1;
        }
    }
    let frequent = frequency
        .into_iter()
        .filter(|(_, count)| *count >= options.word_examples_min);
    let own: BTreeMap<&str, u32> = frequent.map(|(word, _)| word).zip(0..).collect();
    let mut design = Design::new(WORD_FEATURES, own.len(), options.word_offset_penalty);
    for example in examples {
        for &id in &example.words {
            let word = example.spoken.word(id);
            let features = word_features(word, &example.spoken, weights.rarity(&word.text));
            let target = example.reference_words.get(&id).copied().unwrap_or(0);
            let offset = (example.words_max as f32).ln();
            let own = own.get(word.text.as_str()).copied();
            design.push(&features, own, target as f32, offset, example.weight as f32);
        }
    }
    let solution = design.solve(Loss::Poisson);
    copy(&mut weights.word, &solution);
    let unseen = weights.unseen_rarity;
    for (word, position) in own {
        let known = weights.words.entry(word.to_owned()).or_insert(WordKnowledge {
            rarity: unseen,
            ..WordKnowledge::default()
        });
        known.offset = solution[WORD_FEATURES + position as usize] as f32;
    }
}

fn copy(weights: &mut [f32], solution: &[f64]) {
    weights
        .iter_mut()
        .zip(solution)
        .for_each(|(weight, found)| *weight = *found as f32);
}

fn fit_counts(weights: &mut SalienceWeights, examples: &[&Example]) {
    let mut design = Design::new(COUNT_FEATURES, 0, 0.0);
    for example in examples {
        let mut expectation = Expectation::new(&example.spoken, weights, example.words_max);
        for &id in &example.words {
            let expected = expectation.count_ln(id);
            let times = example.reference_words.get(&id).copied().unwrap_or(0);
            let most = ((expected.exp() * 3.0) as usize + 2).min(25);
            for asked in 1..=most {
                let features = count_features(expected, asked, example.spoken.word(id).is_stop_word);
                let target = if times >= asked { 1.0 } else { 0.0 };
                design.push(&features, None, target, 0.0, example.weight as f32);
            }
        }
    }
    let solution = design.solve(Loss::Logistic);
    copy(&mut weights.count, &solution);
}

/// Occurrences of pairs and first words in minutes, all of them and by group, so that an example never sees its own.
#[derive(Default)]
struct InMinutes<'a> {
    pairs: HashMap<&'a (String, String), usize>,
    firsts: HashMap<&'a str, usize>,
    length: usize,
}

impl<'a> InMinutes<'a> {
    fn add(&mut self, example: &'a Example) {
        for (pair, count) in &example.reference_pairs {
            *self.pairs.entry(pair).or_default() += count;
        }
        for (word, count) in &example.reference_firsts {
            *self.firsts.entry(word).or_default() += count;
        }
        self.length += example.reference_length;
    }

    fn pair(&self, pair: &(String, String)) -> usize {
        self.pairs.get(pair).copied().unwrap_or(0)
    }

    fn first(&self, word: &str) -> usize {
        self.firsts.get(word).copied().unwrap_or(0)
    }
}

fn fit_pairs(weights: &mut SalienceWeights, examples: &[&Example], options: &FitOptions) {
    let mut all = InMinutes::default();
    let mut groups: HashMap<&str, InMinutes<'_>> = HashMap::new();
    for example in examples {
        all.add(example);
        groups.entry(example.group()).or_default().add(example);
    }
    let own = frequent_pairs(examples, &all, options);
    let mut design = Design::new(PAIR_FEATURES, own.len(), options.pair_offset_penalty);
    for example in examples {
        push_pairs(&mut design, weights, example, &all, &groups[example.group()], &own);
    }
    let solution = design.solve(Loss::Logistic);
    copy(&mut weights.pair, &solution);
    if !options.content_offsets {
        return;
    }
    for (pair, &count) in all
        .pairs
        .iter()
        .filter(|(_, count)| **count >= options.pair_occurrences_min)
    {
        let known = PairKnowledge {
            in_minutes: count as f32,
            rate: (count as f32 / all.length as f32).ln(),
            offset: own
                .get(*pair)
                .map_or(0.0, |position| solution[PAIR_FEATURES + *position as usize] as f32),
        };
        weights.pairs.insert((*pair).clone(), known);
    }
}

/// The pairs that get an offset of their own.
fn frequent_pairs(examples: &[&Example], all: &InMinutes<'_>, options: &FitOptions) -> BTreeMap<(String, String), u32> {
    if !options.content_offsets {
        return BTreeMap::new();
    }
    let mut frequency: BTreeMap<(String, String), usize> = BTreeMap::new();
    for example in examples {
        for &(first, second) in &example.pairs {
            let pair = (
                example.spoken.word(first).text.clone(),
                example.spoken.word(second).text.clone(),
            );
            if all.pair(&pair) >= options.pair_occurrences_min {
                *frequency.entry(pair).or_default() += 1;
            }
        }
    }
    let frequent = frequency
        .into_iter()
        .filter(|(_, count)| *count >= options.pair_examples_min);
    frequent.map(|(pair, _)| pair).zip(0..).collect()
}

fn push_pairs(
    design: &mut Design,
    weights: &SalienceWeights,
    example: &Example,
    all: &InMinutes<'_>,
    same_group: &InMinutes<'_>,
    own: &BTreeMap<(String, String), u32>,
) {
    let mut expectation = Expectation::new(&example.spoken, weights, example.words_max);
    let knows_pairs = !own.is_empty();
    for (position, &(first, second)) in example.pairs.iter().enumerate() {
        let sides = [first, second].map(|id| PairSide {
            word: example.spoken.word(id),
            expected: expectation.count_ln(id),
        });
        let pair = (sides[0].word.text.clone(), sides[1].word.text.clone());
        let present = example.reference_pairs.contains_key(&pair);
        if !present && position % ABSENT_PAIRS_STEP != 0 {
            continue;
        }
        // What other groups taught, as it will be with a new meeting.
        let elsewhere = all.pair(&pair) - same_group.pair(&pair);
        let pair_known = PairKnowledge {
            in_minutes: elsewhere as f32,
            rate: (elsewhere as f32 / (all.length - same_group.length).max(1) as f32).ln(),
            offset: 0.0,
        };
        let first_known = WordKnowledge {
            in_minutes: (all.first(&pair.0) - same_group.first(&pair.0)) as f32,
            ..WordKnowledge::default()
        };
        let features = pair_features(
            sides,
            example.spoken.pair_count((first, second)),
            &example.spoken,
            (knows_pairs && elsewhere > 0).then_some(&pair_known),
            knows_pairs.then_some(&first_known),
            example.words_max,
        );
        let (target, copies) = if present {
            (1.0, 1.0)
        } else {
            (0.0, ABSENT_PAIRS_STEP as f32)
        };
        design.push(
            &features,
            own.get(&pair).copied(),
            target,
            0.0,
            example.weight as f32 * copies,
        );
    }
}
