//! Spectral clustering: windows that are alike, directly or through others, come together.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, SymmetricEigen};

use super::k_means::k_means;

/// What the others count.
const UNLIKE_WEIGHT: f32 = 0.01;
/// Most speakers that are looked for.
const SPEAKERS_MAX: usize = 8;

/// The cluster of each vector, of whose likenesses a `share` counts in full: `count` clusters, or as many as the gap between eigenvalues shows.
pub(super) fn cluster(vectors: &[Vec<f32>], count: Option<usize>, share: f32) -> Vec<usize> {
    let windows = vectors.len();
    let count = count.map(|count| count.clamp(1, (windows / 4).max(1)));
    if count == Some(1) || windows < 8 {
        return vec![0; windows];
    }
    let (values, eigenvectors) = smallest_eigenvectors(&laplacian(&likeness(vectors, share)));
    let count = count.unwrap_or_else(|| largest_gap(&values));
    if count == 1 {
        return vec![0; windows];
    }
    let rows: Vec<Vec<f32>> = (0..windows)
        .map(|row| {
            let values: Vec<f32> = (0..count).map(|column| eigenvectors[column][row]).collect();
            let length = values.iter().map(|value| value * value).sum::<f32>().sqrt() + 1e-9;
            values.into_iter().map(|value| value / length).collect()
        })
        .collect();
    k_means(&rows, count, 10)
}

/// Brings clusters of unit vectors together, the closest first, whose members are less than `margin` closer to their own
/// than to those of the other, as mean cosines: a voice that was cut into several. Labels stay, some are no more used.
pub(super) fn merge_close(vectors: &[Vec<f32>], labels: &mut [usize], margin: f32) {
    while let Some((kept, merged, apart)) = closest(vectors, labels) {
        if apart >= margin {
            break;
        }
        for label in labels.iter_mut().filter(|label| **label == merged) {
            *label = kept;
        }
    }
}

/// The two closest clusters, and how much closer their members are to their own.
fn closest(vectors: &[Vec<f32>], labels: &[usize]) -> Option<(usize, usize, f32)> {
    let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
    for (vector, label) in vectors.iter().zip(labels) {
        clusters.entry(*label).or_default().add(vector);
    }
    let pairs = clusters.iter().flat_map(|(a, of_a)| {
        let later = clusters.range(a + 1..);
        later.map(move |(b, of_b)| (*a, *b, (of_a.within() + of_b.within()) / 2.0 - of_a.between(of_b)))
    });
    pairs.min_by(|a, b| a.2.total_cmp(&b.2))
}

/// Unit vectors by their sum, which gives the mean cosine of all pairs at once.
#[derive(Default)]
struct Cluster {
    count: f32,
    sum: Vec<f32>,
}

impl Cluster {
    fn add(&mut self, vector: &[f32]) {
        self.count += 1.0;
        self.sum.resize(vector.len(), 0.0);
        self.sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
    }

    /// Mean cosine of two different members.
    fn within(&self) -> f32 {
        let all: f32 = self.sum.iter().map(|sum| sum * sum).sum();
        (all - self.count) / (self.count * (self.count - 1.0)).max(1.0)
    }

    /// Mean cosine of a member of each.
    fn between(&self, other: &Cluster) -> f32 {
        let all: f32 = self.sum.iter().zip(&other.sum).map(|(a, b)| a * b).sum();
        all / (self.count * other.count)
    }
}

/// Cosines of the angles between vectors, moved to 0..1; small ones count little.
fn likeness(vectors: &[Vec<f32>], share: f32) -> DMatrix<f32> {
    let windows = vectors.len();
    let length = |vector: &[f32]| vector.iter().map(|value| value * value).sum::<f32>().sqrt() + 1e-9;
    let lengths: Vec<f32> = vectors.iter().map(|vector| length(vector)).collect();
    let mut likeness = DMatrix::from_fn(windows, windows, |a, b| {
        let dot: f32 = vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum();
        if a == b {
            0.0
        } else {
            (dot / (lengths[a] * lengths[b]) + 1.0) / 2.0
        }
    });
    for mut row in likeness.row_iter_mut() {
        let mut sorted: Vec<f32> = row.iter().copied().collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let threshold = sorted[((windows as f32 * share) as usize).min(windows - 1)];
        row.apply(|value| *value *= if *value < threshold { UNLIKE_WEIGHT } else { 1.0 });
    }
    let transposed = likeness.transpose();
    likeness.zip_map(&transposed, f32::max)
}

fn laplacian(likeness: &DMatrix<f32>) -> DMatrix<f32> {
    let scale: Vec<f32> = likeness.row_iter().map(|row| 1.0 / (row.sum() + 1e-9).sqrt()).collect();
    DMatrix::from_fn(likeness.nrows(), likeness.ncols(), |a, b| {
        let identity = if a == b { 1.0 } else { 0.0 };
        identity - likeness[(a, b)] * scale[a] * scale[b]
    })
}

/// The smallest eigenvalues, ascending, with their vectors.
fn smallest_eigenvectors(matrix: &DMatrix<f32>) -> (Vec<f32>, Vec<Vec<f32>>) {
    let eigen = SymmetricEigen::new(matrix.clone());
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
    order.truncate(SPEAKERS_MAX + 1);
    let values = order.iter().map(|&at| eigen.eigenvalues[at]).collect();
    let vectors = order
        .iter()
        .map(|&at| eigen.eigenvectors.column(at).iter().copied().collect())
        .collect();
    (values, vectors)
}

/// How many eigenvalues lie before the largest gap.
fn largest_gap(values: &[f32]) -> usize {
    let gaps = values.windows(2).map(|pair| pair[1] - pair[0]).enumerate();
    gaps.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(1, |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;

    fn clouds(count: usize) -> Vec<Vec<f32>> {
        let mut random = SplitMix(7);
        (0..60)
            .map(|n| {
                (0..12)
                    .map(|at| if at % count == n % count { 3.0 } else { 0.0 } + 0.5 * random.centred())
                    .collect()
            })
            .collect()
    }

    #[test]
    fn clouds_are_found_with_their_number_given() {
        for count in 2..5 {
            let labels = cluster(&clouds(count), Some(count), 0.4);
            assert!((0..60).all(|n| labels[n] == labels[n % count]), "{count}: {labels:?}");
            let mut firsts = labels[..count].to_vec();
            firsts.sort_unstable();
            firsts.dedup();
            assert_eq!(firsts.len(), count);
        }
    }

    #[test]
    fn a_voice_cut_into_several_is_one_again_and_two_stay_two() {
        let unit = |vector: Vec<f32>| {
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            vector.into_iter().map(|value| value / length).collect::<Vec<f32>>()
        };
        let vectors: Vec<Vec<f32>> = clouds(2).into_iter().map(unit).collect();
        let mut labels: Vec<usize> = (0..60).map(|n| n % 4).collect();
        merge_close(&vectors, &mut labels, 0.08);
        assert_eq!(labels, (0..60).map(|n| n % 2).collect::<Vec<usize>>());
    }

    #[test]
    fn one_voice_or_little_speech_is_one_cluster() {
        assert_eq!(cluster(&clouds(2), Some(1), 0.4), vec![0; 60]);
        assert_eq!(cluster(&clouds(2)[..5], None, 0.4), vec![0; 5]);
    }
}
