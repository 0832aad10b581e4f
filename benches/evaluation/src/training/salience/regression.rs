//! Regressions over many rows of few features, with one more feature of its own in some rows.

use super::optimizer::minimize;

/// Steps of the optimizer for each regression.
const STEPS: usize = 80;

/// Pull of the weights of features to zero.
const FEATURE_PENALTY: f64 = 0.05;

/// Rows of features with, in some, one feature of its own that is 1.
pub(super) struct Design {
    features: usize,
    values: Vec<f32>,
    own: Vec<Option<u32>>,
    targets: Vec<f32>,
    offsets: Vec<f32>,
    row_weights: Vec<f32>,
    owns: usize,
    own_penalty: f64,
}

/// What is fitted.
#[derive(Clone, Copy)]
pub(super) enum Loss {
    /// Counts, with the logarithm of the rate linear in the features.
    Poisson,
    /// Yes or no, with the log-odds linear in the features.
    Logistic,
}

impl Design {
    /// An empty design of `features` shared features and `owns` that stand in some rows only.
    pub(super) fn new(features: usize, owns: usize, own_penalty: f64) -> Self {
        Self {
            features,
            values: Vec::new(),
            own: Vec::new(),
            targets: Vec::new(),
            offsets: Vec::new(),
            row_weights: Vec::new(),
            owns,
            own_penalty,
        }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, features: &[f32], own: Option<u32>, target: f32, offset: f32, weight: f32) {
        self.values.extend_from_slice(features);
        self.own.push(own);
        self.targets.push(target);
        self.offsets.push(offset);
        self.row_weights.push(weight);
    }

    /// The weights of the shared features, then of the others, that lower `loss` most.
    pub(super) fn solve(&self, loss: Loss) -> Vec<f64> {
        minimize(vec![0.0; self.features + self.owns], STEPS, |point, gradient| {
            let (dense, own) = point.split_at(self.features);
            let mut value = 0.0;
            for (position, slope) in gradient.iter_mut().enumerate() {
                let penalty = if position < self.features {
                    FEATURE_PENALTY
                } else {
                    self.own_penalty
                };
                *slope = penalty * point[position];
                value += 0.5 * penalty * point[position] * point[position];
            }
            for (row, features) in self.values.chunks_exact(self.features).enumerate() {
                let mut z = f64::from(self.offsets[row]) + self.own[row].map_or(0.0, |own_at| own[own_at as usize]);
                z += features
                    .iter()
                    .zip(dense)
                    .map(|(feature, weight)| f64::from(*feature) * weight)
                    .sum::<f64>();
                let (lost, slope) = loss.at(z, f64::from(self.targets[row]));
                let weight = f64::from(self.row_weights[row]);
                value += weight * lost;
                let slope = weight * slope;
                for (sum, feature) in gradient.iter_mut().zip(features) {
                    *sum += slope * f64::from(*feature);
                }
                if let Some(own_at) = self.own[row] {
                    gradient[self.features + own_at as usize] += slope;
                }
            }
            value
        })
    }
}

impl Loss {
    /// Loss and its slope at the linear predictor `z`.
    fn at(self, z: f64, target: f64) -> (f64, f64) {
        match self {
            Self::Poisson => {
                let rate = z.clamp(-20.0, 8.0).exp();
                (rate - target * z, rate - target)
            }
            Self::Logistic => {
                let softplus = if z > 0.0 {
                    z + (-z).exp().ln_1p()
                } else {
                    z.exp().ln_1p()
                };
                (softplus - target * z, 1.0 / (1.0 + (-z).exp()) - target)
            }
        }
    }
}
