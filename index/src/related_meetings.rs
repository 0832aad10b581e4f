//! How much a piece of talk has in common with whole meetings, in two ways that are summed.
//!
//! *How it is said*: every word's rate as a deviation from its mean rate over all meetings, in standard deviations, cut at
//! three, compared by cosine. This is cosine delta of authorship attribution (Burrows 2002; Evert et al. 2017), here over
//! the whole vocabulary: it finds the same people and the same matter, and a word that every meeting of a scenario uses
//! counts nothing by itself. The chance error of a rate in a short text is added to its variance.
//!
//! *What it is about*: TF-IDF of stemmed words, less the mean over all meetings, compared by cosine.
//!
//! Measured while choosing (nDCG@10 on AMI train, ICSI train, ICSI dev, QMSum committees): TF-IDF 27.0, 63.0, 88.5, 87.0;
//! the first way alone 48.9, 68.4, 87.5, 99.2; both 47.9, 70.3, 88.5, 99.5.

use crate::profile::TextCounts;
use crate::vocabulary::{Counts, Numbering, Vocabulary};

/// Deviations beyond this many standard deviations say no more (the usual cut of Burrows's delta).
const DEVIATION_MAX: f32 = 3.0;
/// A word of a single meeting compares nothing.
const MEETINGS_WITH_WORD_MIN: u32 = 2;
/// What the second way adds to the first.
const WEIGHT_TERMS: f32 = 0.3;

/// Which meetings are compared: index segment and number in it.
pub(crate) type Pool = [(usize, u32)];

/// The score of each meeting of the pool, around 0 for unrelated ones, at most 1 + `WEIGHT_TERMS`.
pub(crate) fn relatedness(vocabulary: &Vocabulary, pool: &Pool, text: &TextCounts) -> Vec<f32> {
    if text.words.is_empty() {
        return vec![0.0; pool.len()];
    }
    let manner = manner(
        &vocabulary.words,
        pool,
        &numbered(&vocabulary.words, &text.words),
        total(text),
    );
    let matter = Matter::new(&vocabulary.terms, pool).compare(
        &vocabulary.terms,
        pool,
        &numbered(&vocabulary.terms, &text.terms),
    );
    manner
        .into_iter()
        .zip(matter)
        .map(|(manner, matter)| manner + WEIGHT_TERMS * matter)
        .collect()
}

fn total(text: &TextCounts) -> f32 {
    text.words.values().sum::<u32>() as f32
}

fn numbered(numbering: &Numbering, counts: &crate::profile::Counts) -> Vec<(u32, f32)> {
    let mut list: Vec<(u32, f32)> = counts
        .iter()
        .filter_map(|(&hash, &count)| Some((numbering.get(hash)?, count as f32)))
        .collect();
    list.sort_unstable_by_key(|(word, _)| *word);
    list
}

fn counts(numbering: &Numbering, (segment, meeting): (usize, u32)) -> &Counts {
    &numbering.meetings[segment][meeting as usize]
}

/// Cosine delta of the text and each meeting.
fn manner(numbering: &Numbering, pool: &Pool, text: &[(u32, f32)], text_words: f32) -> Vec<f32> {
    let vocabulary = numbering.len();
    let (mut mean, mut square, mut holding) = (
        vec![0.0_f32; vocabulary],
        vec![0.0_f32; vocabulary],
        vec![0_u32; vocabulary],
    );
    let mut lengths = Vec::with_capacity(pool.len());
    for &meeting in pool {
        let counts = counts(numbering, meeting);
        let length = counts.iter().map(|&(_, count)| f32::from(count)).sum::<f32>().max(1.0);
        for &(word, count) in counts {
            let rate = f32::from(count) / length;
            mean[word as usize] += rate;
            square[word as usize] += rate * rate;
            holding[word as usize] += 1;
        }
        lengths.push(length);
    }
    let meetings = pool.len().max(1) as f32;
    let usual_length = (lengths.iter().sum::<f32>() / meetings).max(1.0);
    // For each word: deviation of the text, of a meeting without the word, and what turns a rate into a deviation.
    let (mut of_text, mut without, mut per_rate) = (
        vec![0.0_f32; vocabulary],
        vec![0.0_f32; vocabulary],
        vec![0.0_f32; vocabulary],
    );
    let mut rates = vec![0.0_f32; vocabulary];
    for &(word, count) in text {
        rates[word as usize] = count / text_words.max(1.0);
    }
    let (mut base, mut text_square, mut without_square) = (0.0_f64, 0.0_f64, 0.0_f64);
    for word in 0..vocabulary {
        if holding[word] < MEETINGS_WITH_WORD_MIN {
            continue;
        }
        mean[word] /= meetings;
        let variance = (square[word] / meetings - mean[word] * mean[word]).max(0.0);
        let deviation = (variance + mean[word] / usual_length).sqrt().max(1e-9);
        let text_deviation = (variance + mean[word] / text_words.max(1.0)).sqrt().max(1e-9);
        per_rate[word] = 1.0 / deviation;
        without[word] = (-mean[word] / deviation).max(-DEVIATION_MAX);
        of_text[word] = ((rates[word] - mean[word]) / text_deviation).clamp(-DEVIATION_MAX, DEVIATION_MAX);
        base += f64::from(of_text[word] * without[word]);
        text_square += f64::from(of_text[word] * of_text[word]);
        without_square += f64::from(without[word] * without[word]);
    }
    let score = |(&meeting, length): (&(usize, u32), &f32)| {
        let (mut product, mut norm) = (base, without_square);
        for &(word, count) in counts(numbering, meeting) {
            let word = word as usize;
            if per_rate[word] == 0.0 {
                continue;
            }
            let deviation = (f32::from(count) / length - mean[word]) * per_rate[word];
            let deviation = deviation.clamp(-DEVIATION_MAX, DEVIATION_MAX);
            product += f64::from(of_text[word] * (deviation - without[word]));
            norm += f64::from(deviation * deviation - without[word] * without[word]);
        }
        (product / (norm.max(1e-9) * text_square.max(1e-9)).sqrt()) as f32
    };
    pool.iter().zip(&lengths).map(score).collect()
}

/// TF-IDF over a pool of meetings.
struct Matter {
    rarity: Vec<f32>,
    /// Length of each meeting's vector.
    norms: Vec<f32>,
    /// The mean of all meetings' vectors at length 1.
    mean: Vec<f32>,
}

impl Matter {
    fn new(numbering: &Numbering, pool: &Pool) -> Self {
        let mut holding = vec![0_usize; numbering.len()];
        for &meeting in pool {
            for &(term, _) in counts(numbering, meeting) {
                holding[term as usize] += 1;
            }
        }
        let rarity: Vec<f32> = holding
            .iter()
            // A term that only meetings outside the pool hold must not be felt: the viewer may not see them.
            .map(|&holding| match holding {
                0 => 0.0,
                holding => crate::keyword_search::inverse_document_frequency(holding, pool.len()),
            })
            .collect();
        let mut matter = Self {
            mean: vec![0.0; rarity.len()],
            rarity,
            norms: Vec::with_capacity(pool.len()),
        };
        for &meeting in pool {
            let counts = counts(numbering, meeting);
            let square: f32 = counts
                .iter()
                .map(|&(term, count)| matter.weight(term, f32::from(count)).powi(2))
                .sum();
            let norm = square.sqrt().max(1e-9);
            for &(term, count) in counts {
                matter.mean[term as usize] += matter.weight(term, f32::from(count)) / norm / pool.len() as f32;
            }
            matter.norms.push(norm);
        }
        matter
    }

    fn weight(&self, term: u32, count: f32) -> f32 {
        (1.0 + count.ln()) * self.rarity[term as usize]
    }

    /// Cosine of the text and each meeting, both less the mean.
    fn compare(&self, numbering: &Numbering, pool: &Pool, text: &[(u32, f32)]) -> Vec<f32> {
        let mut vector = vec![0.0_f32; self.rarity.len()];
        for &(term, count) in text {
            vector[term as usize] = self.weight(term, count);
        }
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
        let mean_square: f32 = self.mean.iter().map(|x| x * x).sum();
        let text_mean: f32 = vector.iter().zip(&self.mean).map(|(x, mean)| x / norm * mean).sum();
        let text_norm = (1.0 - 2.0 * text_mean + mean_square).max(1e-9).sqrt();
        let score = |(&meeting, meeting_norm): (&(usize, u32), &f32)| {
            let (mut product, mut meeting_mean) = (0.0, 0.0);
            for &(term, count) in counts(numbering, meeting) {
                let weight = self.weight(term, f32::from(count)) / meeting_norm;
                product += weight * vector[term as usize] / norm;
                meeting_mean += weight * self.mean[term as usize];
            }
            let meeting_norm = (1.0 - 2.0 * meeting_mean + mean_square).max(1e-9).sqrt();
            (product - text_mean - meeting_mean + mean_square) / (meeting_norm * text_norm)
        };
        pool.iter().zip(&self.norms).map(score).collect()
    }
}

/// How telling each term of `text` is among the meetings of the pool, by hash: for choosing words to look for.
pub(crate) fn telling_terms(vocabulary: &Vocabulary, pool: &Pool, text: &TextCounts) -> Vec<(u32, f32)> {
    let mut holding = vec![0_usize; vocabulary.terms.len()];
    for &meeting in pool {
        for &(term, _) in counts(&vocabulary.terms, meeting) {
            holding[term as usize] += 1;
        }
    }
    let rarity = |hash: u32| {
        let holding = vocabulary.terms.get(hash).map_or(0, |term| holding[term as usize]);
        crate::keyword_search::inverse_document_frequency(holding, pool.len())
    };
    let mut terms: Vec<(u32, f32)> = text
        .terms
        .iter()
        .map(|(&hash, &count)| (hash, (1.0 + (count as f32).ln()) * rarity(hash)))
        .collect();
    terms.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    terms
}

/// Terms of `text` that `meeting` holds too, the most telling first; `terms` as [`telling_terms`] gives them.
pub(crate) fn shared_terms(vocabulary: &Vocabulary, meeting: (usize, u32), terms: &[(u32, f32)]) -> Vec<u32> {
    let held: std::collections::HashSet<u32> = counts(&vocabulary.terms, meeting)
        .iter()
        .map(|&(term, _)| term)
        .collect();
    let is_held = |hash: &u32| vocabulary.terms.get(*hash).is_some_and(|term| held.contains(&term));
    terms.iter().map(|&(hash, _)| hash).filter(is_held).collect()
}
