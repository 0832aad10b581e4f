//! k-means with spread-out first means. Source: Arthur and Vassilvitskii, "k-means++", SODA 2007.

use crate::random::SplitMix;

const ROUNDS_MAX: usize = 50;

/// The cluster of each of `vectors`; the best of `tries`, the same each time. At least one vector for each of `count`.
pub(super) fn k_means(vectors: &[Vec<f32>], count: usize, tries: u64) -> Vec<usize> {
    let attempts = (0..tries).map(|seed| attempt(vectors, count, SplitMix(seed)));
    attempts
        .min_by(|(a, _), (b, _)| a.total_cmp(b))
        .map_or_else(Vec::new, |(_, labels)| labels)
}

fn attempt(vectors: &[Vec<f32>], count: usize, mut random: SplitMix) -> (f32, Vec<usize>) {
    let mut means = first_means(vectors, count, &mut random);
    let mut labels = vec![usize::MAX; vectors.len()];
    for _ in 0..ROUNDS_MAX {
        let now: Vec<usize> = vectors.iter().map(|vector| nearest(vector, &means).0).collect();
        if now == labels {
            break;
        }
        labels = now;
        for (cluster, mean) in means.iter_mut().enumerate() {
            update_mean(
                mean,
                vectors
                    .iter()
                    .zip(&labels)
                    .filter(|(_, label)| **label == cluster)
                    .map(|(v, _)| v),
            );
        }
    }
    let spread = vectors.iter().map(|vector| nearest(vector, &means).1).sum();
    (spread, labels)
}

fn first_means(vectors: &[Vec<f32>], count: usize, random: &mut SplitMix) -> Vec<Vec<f32>> {
    let first = (random.uniform() * vectors.len() as f32) as usize;
    let mut means = vec![vectors[first.min(vectors.len() - 1)].clone()];
    while means.len() < count {
        let distances: Vec<f32> = vectors.iter().map(|vector| nearest(vector, &means).1).collect();
        let mut left = random.uniform() * distances.iter().sum::<f32>();
        let chosen = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        means.push(vectors[chosen.unwrap_or(means.len() % vectors.len())].clone());
    }
    means
}

fn nearest(vector: &[f32], means: &[Vec<f32>]) -> (usize, f32) {
    let distance = |mean: &Vec<f32>| vector.iter().zip(mean).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let distances = means.iter().map(distance).enumerate();
    distances.min_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap_or((0, 0.0))
}

fn update_mean<'a>(mean: &mut [f32], vectors: impl Iterator<Item = &'a Vec<f32>>) {
    let (mut sum, mut count) = (vec![0.0; mean.len()], 0.0_f32);
    for vector in vectors {
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        count += 1.0;
    }
    if count > 0.0 {
        mean.iter_mut().zip(sum).for_each(|(mean, sum)| *mean = sum / count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clouds_apart_are_found() {
        let mut random = SplitMix(5);
        let vectors: Vec<Vec<f32>> = (0..90)
            .map(|n| {
                vec![
                    (n % 3) as f32 * 5.0 + random.centred(),
                    (n % 3) as f32 * -3.0 + random.centred(),
                ]
            })
            .collect();
        let labels = k_means(&vectors, 3, 5);
        assert!((0..90).all(|n| labels[n] == labels[n % 3]));
        assert_ne!(labels[0], labels[1]);
        assert_ne!(labels[1], labels[2]);
    }
}
