//! Spectral clustering: windows that are alike, directly or through others, come together.

use nalgebra::{DMatrix, SymmetricEigen};

use super::k_means::k_means;
use super::normalize;

/// Of each window's likenesses, the share that counts in full.
const LIKENESS_SHARE: f32 = 0.4;
/// What the others count.
const UNLIKE_WEIGHT: f32 = 0.01;
/// Most speakers that are looked for.
const SPEAKERS_MAX: usize = 8;

/// The cluster of each vector: `count` clusters, or as many as the gap between eigenvalues shows.
pub(super) fn cluster(mut vectors: Vec<Vec<f32>>, count: Option<usize>) -> Vec<usize> {
    let windows = vectors.len();
    let count = count.map(|count| count.clamp(1, (windows / 4).max(1)));
    if count == Some(1) || windows < 8 {
        return vec![0; windows];
    }
    normalize(&mut vectors);
    let (values, eigenvectors) = smallest_eigenvectors(&laplacian(&likeness(&vectors)));
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

/// Cosines of the angles between vectors, moved to 0..1; small ones count little.
fn likeness(vectors: &[Vec<f32>]) -> DMatrix<f32> {
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
        let threshold = sorted[((windows as f32 * LIKENESS_SHARE) as usize).min(windows - 1)];
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
            let labels = cluster(clouds(count), Some(count));
            assert!((0..60).all(|n| labels[n] == labels[n % count]), "{count}: {labels:?}");
            let mut firsts = labels[..count].to_vec();
            firsts.sort_unstable();
            firsts.dedup();
            assert_eq!(firsts.len(), count);
        }
    }

    #[test]
    fn one_voice_or_little_speech_is_one_cluster() {
        assert_eq!(cluster(clouds(2), Some(1)), vec![0; 60]);
        assert_eq!(cluster(clouds(2)[..5].to_vec(), None), vec![0; 5]);
    }
}
