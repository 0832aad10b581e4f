//! Linear models over words and measurements: small enough to be committed, fast enough to run on every sentence.
//!
//! A model is logistic regression. Words and other marks stand as 32-bit hashes of their names, so that a model needs no
//! dictionary; measurements are numbers that the model standardises itself. The weights are made by the training
//! programs in `benches/evaluation`.

mod weights_file;

use std::collections::HashMap;

pub use weights_file::ParseModelError;

/// What is known of one example.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// Hashes of the marks that are present, see [`Features::mark`]; each counts once.
    pub marks: Vec<u32>,
    /// Measurements, always the same ones in the same order for one model.
    pub measures: Vec<f32>,
}

impl Features {
    /// Notes that the mark with this name is present: the parts are hashed as if written one after another.
    pub fn mark(&mut self, parts: &[&str]) {
        self.marks.push(hash(parts));
    }

    /// Brings the marks into order and drops those that were noted twice; to be called once, after the last mark.
    pub fn finish(mut self) -> Self {
        self.marks.sort_unstable();
        self.marks.dedup();
        self
    }

    /// What each mark counts: examples with many marks must not outweigh the others.
    pub fn mark_value(&self) -> f32 {
        1.0 / (self.marks.len().max(1) as f32).sqrt()
    }
}

/// FNV-1a, 64 bits folded to 32: the same on every machine, as weights on disk need. Source: Fowler, Noll and Vo.
fn hash(parts: &[&str]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    (hash ^ (hash >> 32)) as u32
}

/// How a model sees one measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// Mean over the training examples.
    pub mean: f32,
    /// Standard deviation over the training examples; never zero.
    pub deviation: f32,
    /// Weight of the standardised value.
    pub weight: f32,
}

/// Logistic regression with its weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinearModel {
    /// Added to every score.
    pub bias: f32,
    /// Measurements in the order of [`Features::measures`].
    pub measures: Vec<Measure>,
    /// Weight by mark; marks that are not known weigh nothing.
    pub marks: HashMap<u32, f32>,
}

impl LinearModel {
    /// The log odds of `features`; positive where the answer is rather yes.
    pub fn score(&self, features: &Features) -> f32 {
        let marks: f32 = features.marks.iter().filter_map(|mark| self.marks.get(mark)).sum();
        let measures = self.measures.iter().zip(&features.measures);
        let measures: f32 = measures
            .map(|(of, value)| (value - of.mean) / of.deviation * of.weight)
            .sum();
        self.bias + marks * features.mark_value() + measures
    }

    /// The probability of yes, in 0..=1.
    pub fn probability(&self, features: &Features) -> f32 {
        sigmoid(self.score(features))
    }
}

/// The probability that log odds of `score` stand for.
pub fn sigmoid(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_hashed_alike_everywhere() {
        // FNV-1a of "foobar" is 85944171f73967e8.
        assert_eq!(hash(&["foo", "bar"]), 0xf739_67e8 ^ 0x8594_4171);
    }

    #[test]
    fn a_score_adds_what_is_known() {
        let mut features = Features {
            marks: Vec::new(),
            measures: vec![5.0],
        };
        for word in ["a", "b", "c", "c", "d"] {
            features.mark(&["w:", word]);
        }
        let features = features.finish();
        let model = LinearModel {
            bias: 1.0,
            measures: vec![Measure {
                mean: 3.0,
                deviation: 2.0,
                weight: 0.5,
            }],
            marks: HashMap::from([(hash(&["w:a"]), 4.0), (hash(&["w:x"]), 100.0)]),
        };
        assert_eq!(features.marks.len(), 4);
        assert!((model.score(&features) - (1.0 + 4.0 / 2.0 + 0.5)).abs() < 1e-6);
        assert!((sigmoid(0.0) - 0.5).abs() < 1e-9);
    }
}
