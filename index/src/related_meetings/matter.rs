//! What it is about: TF-IDF of stemmed words, less the mean over all meetings, compared by cosine.

use std::sync::LazyLock;

use super::{Members, length_of};
use crate::keyword_search::inverse_document_frequency;
use crate::vocabulary::Numbering;

/// Terms over a pool of meetings.
pub(super) struct Matter {
    /// In how many meetings of the pool each term stands.
    holding: Vec<u32>,
    /// The mean of all meetings' vectors of length 1, and the square of its length.
    mean: Vec<f32>,
    mean_square: f32,
    /// Length of each meeting's vector of weights.
    norms: Vec<f32>,
    /// Each meeting's product with the mean.
    product_with_mean: Vec<f32>,
}

impl Matter {
    pub(super) fn new(numbering: &Numbering, members: &Members) -> Self {
        let mut matter = Self {
            holding: Vec::with_capacity(numbering.len()),
            mean: Vec::with_capacity(numbering.len()),
            mean_square: 0.0,
            norms: Vec::new(),
            product_with_mean: vec![0.0; members.count],
        };
        let mut squares = vec![0.0_f32; members.count];
        for holders in numbering.all_holders() {
            let holding = members.holding(holders).count();
            matter.holding.push(holding as u32);
            let rarity = rarity(holding, members.count);
            for (position, count) in members.holding(holders) {
                let weight = dampened(count as u32) * rarity;
                squares[position] += weight * weight;
            }
        }
        matter.norms = squares.into_iter().map(|square| square.sqrt().max(1e-9)).collect();
        for (term, holders) in (0..).zip(numbering.all_holders()) {
            let rarity = matter.rarity(term, members);
            let weights = || {
                let holding = members.holding(holders);
                holding.map(|(position, count)| (position, dampened(count as u32) * rarity / matter.norms[position]))
            };
            let mean = weights().map(|(_, weight)| weight).sum::<f32>() / members.count.max(1) as f32;
            for (position, weight) in weights() {
                matter.product_with_mean[position] += weight * mean;
            }
            matter.mean_square += mean * mean;
            matter.mean.push(mean);
        }
        matter
    }

    /// In how many meetings of the pool a term stands.
    pub(super) fn holding(&self, term: u32) -> usize {
        self.holding[term as usize] as usize
    }

    fn rarity(&self, term: u32, members: &Members) -> f32 {
        rarity(self.holding(term), members.count)
    }

    /// Cosine of the text and each meeting, both less the mean.
    pub(super) fn compare(&self, numbering: &Numbering, members: &Members, text: &[(u32, f32)]) -> Vec<f32> {
        let weights: Vec<(u32, f32)> = text
            .iter()
            .map(|&(term, count)| (term, dampened(count as u32) * self.rarity(term, members)))
            .collect();
        let square: f32 = weights.iter().map(|(_, weight)| weight * weight).sum();
        let norm = square.sqrt().max(1e-9);
        let mut products = vec![0.0_f32; members.count];
        let mut text_mean = 0.0;
        for (term, weight) in weights {
            text_mean += weight / norm * self.mean[term as usize];
            let rarity = self.rarity(term, members);
            for (position, count) in members.holding(numbering.holders(term)) {
                let of_meeting = dampened(count as u32) * rarity / self.norms[position];
                products[position] += of_meeting * weight / norm;
            }
        }
        let norm_less_mean =
            |product_with_mean: f32| length_of(f64::from(1.0 - 2.0 * product_with_mean + self.mean_square));
        let text_norm = norm_less_mean(text_mean);
        let score = |(product, &meeting_mean): (f32, &f32)| {
            let product = product - text_mean - meeting_mean + self.mean_square;
            (f64::from(product) / (norm_less_mean(meeting_mean) * text_norm)) as f32
        };
        products.into_iter().zip(&self.product_with_mean).map(score).collect()
    }
}

/// Of a term that no meeting of the pool holds: nothing, as the viewer may not see those that do.
fn rarity(holding: usize, meetings: usize) -> f32 {
    match holding {
        0 => 0.0,
        holding => inverse_document_frequency(holding, meetings),
    }
}

/// The weight of a term that stands `count` times, which is at least 1.
pub(super) fn dampened(count: u32) -> f32 {
    /// Most terms stand a few times.
    static KNOWN: LazyLock<[f32; 64]> = LazyLock::new(|| std::array::from_fn(|count| 1.0 + (count as f32).ln()));
    match KNOWN.get(count as usize) {
        Some(&weight) => weight,
        None => 1.0 + (count as f32).ln(),
    }
}
