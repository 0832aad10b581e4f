//! A mixture of normal distributions: the voice of a cluster, frame by frame.

use super::k_means::k_means;

/// Frames that each part of a mixture needs.
const FRAMES_PER_PART: usize = 40;
const ROUNDS: usize = 5;

/// Normal distributions without correlations between components, and their weights.
pub(super) struct Mixture {
    parts: Vec<Part>,
}

struct Part {
    log_weight: f32,
    mean: Vec<f32>,
    variance: Vec<f32>,
    /// Logarithm of the density's factor.
    log_factor: f32,
}

impl Mixture {
    /// Fits at most `parts` parts to the frames, of which there is at least one.
    pub(super) fn fit(frames: &[&Vec<f32>], parts: usize) -> Self {
        let parts = parts.min(frames.len() / FRAMES_PER_PART).max(1);
        let owned: Vec<Vec<f32>> = frames.iter().map(|frame| (*frame).clone()).collect();
        let labels = if parts > 1 {
            k_means(&owned, parts, 2)
        } else {
            vec![0; frames.len()]
        };
        let shares: Vec<Vec<f32>> = (0..parts)
            .map(|part| {
                labels
                    .iter()
                    .map(|label| if *label == part { 1.0 } else { 0.0 })
                    .collect()
            })
            .collect();
        let all = Part::fit(frames, &vec![1.0; frames.len()], None);
        let floor: Vec<f32> = all.variance.iter().map(|variance| 0.05 * variance + 1e-4).collect();
        let mut mixture = Self::from_shares(frames, &shares, &floor);
        for _ in 0..ROUNDS {
            let shares = mixture.shares(frames);
            mixture = Self::from_shares(frames, &shares, &floor);
        }
        mixture
    }

    /// Number of parts.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Natural logarithm of the frame's density.
    pub(super) fn log_density(&self, frame: &[f32]) -> f32 {
        let densities: Vec<f32> = self.parts.iter().map(|part| part.log_density(frame)).collect();
        let peak = densities.iter().copied().fold(f32::MIN, f32::max);
        peak + densities.iter().map(|density| (density - peak).exp()).sum::<f32>().ln()
    }

    fn from_shares(frames: &[&Vec<f32>], shares: &[Vec<f32>], floor: &[f32]) -> Self {
        Self {
            parts: shares
                .iter()
                .map(|shares| Part::fit(frames, shares, Some(floor)))
                .collect(),
        }
    }

    /// For each part, its share of each frame.
    fn shares(&self, frames: &[&Vec<f32>]) -> Vec<Vec<f32>> {
        let mut shares = vec![Vec::with_capacity(frames.len()); self.parts.len()];
        for frame in frames {
            let densities: Vec<f32> = self.parts.iter().map(|part| part.log_density(frame)).collect();
            let peak = densities.iter().copied().fold(f32::MIN, f32::max);
            let sum: f32 = densities.iter().map(|density| (density - peak).exp()).sum();
            for (shares, density) in shares.iter_mut().zip(densities) {
                shares.push((density - peak).exp() / sum);
            }
        }
        shares
    }
}

impl Part {
    fn fit(frames: &[&Vec<f32>], shares: &[f32], floor: Option<&[f32]>) -> Self {
        let components = frames[0].len();
        let weight = shares.iter().sum::<f32>() + 1e-6;
        let (mut mean, mut variance) = (vec![0.0; components], vec![0.0; components]);
        for (frame, share) in frames.iter().zip(shares) {
            for ((mean, square), value) in mean.iter_mut().zip(&mut variance).zip(frame.iter()) {
                *mean += share * value;
                *square += share * value * value;
            }
        }
        for (at, (mean, variance)) in mean.iter_mut().zip(&mut variance).enumerate() {
            *mean /= weight;
            *variance = (*variance / weight - *mean * *mean).max(floor.map_or(1e-4, |floor| floor[at]));
        }
        Self {
            log_weight: (weight / frames.len() as f32).ln(),
            log_factor: -0.5 * variance.iter().map(|variance| variance.ln()).sum::<f32>(),
            mean,
            variance,
        }
    }

    /// Without the factor that all frames and mixtures have in common.
    fn log_density(&self, frame: &[f32]) -> f32 {
        let distance: f32 = frame
            .iter()
            .zip(&self.mean)
            .zip(&self.variance)
            .map(|((value, mean), variance)| (value - mean) * (value - mean) / variance)
            .sum();
        self.log_weight + self.log_factor - 0.5 * distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;

    #[test]
    fn a_mixture_knows_its_own() {
        let mut random = SplitMix(3);
        let mut cloud = |at: f32| -> Vec<Vec<f32>> {
            (0..200)
                .map(|n| {
                    vec![
                        at + if n % 2 == 0 { 2.0 } else { -2.0 } + random.centred(),
                        random.centred(),
                    ]
                })
                .collect()
        };
        let (left, right) = (cloud(0.0), cloud(8.0));
        let mixture = Mixture::fit(&left.iter().collect::<Vec<_>>(), 4);
        assert_eq!(mixture.parts(), 4);
        let mean = |frames: &[Vec<f32>]| frames.iter().map(|frame| mixture.log_density(frame)).sum::<f32>() / 200.0;
        assert!(mean(&left) > mean(&right) + 10.0);
    }
}
