//! Samples and their times: every sound of this crate is 16 kHz mono, every time is whole milliseconds.

use serde::{Deserialize, Serialize};

/// Samples per second of every sound of this crate.
pub const SAMPLE_RATE_HZ: usize = 16_000;

/// Samples per millisecond.
pub const SAMPLES_PER_MS: usize = SAMPLE_RATE_HZ / 1000;

/// From `start_ms` up to `end_ms` in the time of the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// When it begins.
    pub start_ms: i64,
    /// When it ends; not before it begins.
    pub end_ms: i64,
}

impl Span {
    /// The span between two times; one that would end before it begins is empty at its begin.
    pub fn new(start_ms: i64, end_ms: i64) -> Self {
        Self {
            start_ms,
            end_ms: end_ms.max(start_ms),
        }
    }

    /// Length in milliseconds.
    pub fn duration_ms(&self) -> i64 {
        self.end_ms - self.start_ms
    }

    /// Length of the common part, zero where there is none.
    pub fn overlap_ms(&self, other: &Self) -> i64 {
        (self.end_ms.min(other.end_ms) - self.start_ms.max(other.start_ms)).max(0)
    }

    /// The same length, `by_ms` later.
    pub fn shifted(&self, by_ms: i64) -> Self {
        Self::new(self.start_ms + by_ms, self.end_ms + by_ms)
    }

    /// The samples of this span that `samples`, which begin at time zero, hold.
    pub fn of<'a>(&self, samples: &'a [f32]) -> &'a [f32] {
        let at = |ms: i64| (ms.max(0) as usize * SAMPLES_PER_MS).min(samples.len());
        &samples[at(self.start_ms)..at(self.end_ms)]
    }
}

/// The length of `samples` samples, rounded down.
pub fn duration_ms(samples: usize) -> i64 {
    (samples / SAMPLES_PER_MS) as i64
}

/// The sample, or silence where a broken recording has no number.
pub(crate) fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample } else { 0.0 }
}

/// Mean power of the samples in decibels of full scale; silence is -100.
pub fn level_db(samples: &[f32]) -> f32 {
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
    10.0 * (power + 1e-10).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_cuts_its_samples_and_no_more() {
        let samples = vec![0.0; 1600];
        assert_eq!(Span::new(10, 30).of(&samples).len(), 320);
        assert_eq!(Span::new(90, 500).of(&samples).len(), 160);
        assert_eq!(Span::new(-50, 10).of(&samples).len(), 160);
        assert_eq!(Span::new(700, 800).of(&samples).len(), 0);
        assert_eq!(Span::new(30, 10).duration_ms(), 0);
    }

    #[test]
    fn level_is_in_decibels_of_full_scale() {
        assert!((level_db(&[0.1; 100]) + 20.0).abs() < 0.01);
        assert_eq!(level_db(&[0.0; 100]), -100.0);
        assert_eq!(level_db(&[]), -100.0);
    }
}
