//! What tells speech from music, hum and noise beside the embedded net, which passes all of these: level, periodicity,
//! and how long tones stay where they are.

use std::collections::VecDeque;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::sound::level_db;

/// Frame length in samples: 16 ms, as the embedded net takes it.
pub(super) const FRAME: usize = 256;
/// Samples of the spectrum's window; it begins [`WINDOW_LEAD`] before the frame.
pub(super) const WINDOW: usize = 1024;
/// What of the window lies before the frame.
pub(super) const WINDOW_LEAD: usize = 384;

/// Pitch periods looked at, in samples: 70 to 400 Hz.
const PERIODS: std::ops::Range<usize> = 40..228;
/// Spectral lines of the periodicity: 78 to 1000 Hz, where voices have most of their power and rumble has little.
const VOICE_LINES: std::ops::Range<usize> = 5..64;
/// Spectral lines compared over time: 62 to 4000 Hz.
const TONE_LINES: std::ops::Range<usize> = 4..256;
/// Half width, in lines, of the average that is taken from the spectrum to leave its fine structure.
const ENVELOPE_HALF_WIDTH: usize = 8;
/// Frames between the spectra compared: 160 ms, longer than a voice holds a pitch within a line.
const TONE_DISTANCE: usize = 10;

/// Features of one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct SoundFeatures {
    /// Decibels of full scale.
    pub(super) level_db: f32,
    /// Highest autocorrelation over the pitch periods, 0..=1. In speech it swings between voiced and unvoiced sounds; in
    /// noise it is always low, in music always alike.
    pub(super) periodicity: f32,
    /// Correlation of the spectrum's fine structure with that of 160 ms before, -1..=1: high for tones that are held.
    pub(super) tone_persistence: f32,
}

/// Computes the features frame by frame.
pub(super) struct FeatureExtractor {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    hann: Vec<f32>,
    fine_structures: VecDeque<Vec<f32>>,
    window: Vec<f32>,
    spectrum: Vec<Complex32>,
    correlation: Vec<f32>,
}

impl FeatureExtractor {
    pub(super) fn new() -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(WINDOW);
        Self {
            inverse: planner.plan_fft_inverse(WINDOW),
            hann: (0..WINDOW)
                .map(|n| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / (WINDOW - 1) as f32).cos())
                .collect(),
            fine_structures: VecDeque::with_capacity(TONE_DISTANCE + 1),
            window: vec![0.0; WINDOW],
            spectrum: forward.make_output_vec(),
            correlation: vec![0.0; WINDOW],
            forward,
        }
    }

    /// Features of the frame within `window`, which holds [`WINDOW`] samples.
    pub(super) fn next(&mut self, window: &[f32]) -> SoundFeatures {
        for ((to, from), hann) in self.window.iter_mut().zip(window).zip(&self.hann) {
            *to = from * hann;
        }
        self.forward
            .process(&mut self.window, &mut self.spectrum)
            .expect("the buffers are made by the plan");
        let power: Vec<f32> = self.spectrum.iter().map(Complex32::norm_sqr).collect();
        SoundFeatures {
            level_db: level_db(&window[WINDOW_LEAD..WINDOW_LEAD + FRAME]),
            periodicity: self.periodicity(&power),
            tone_persistence: self.tone_persistence(&power),
        }
    }

    /// Autocorrelation of the spectrum's square root: peaks are sharper than those of the power's.
    fn periodicity(&mut self, power: &[f32]) -> f32 {
        for (line, (to, power)) in self.spectrum.iter_mut().zip(power).enumerate() {
            let magnitude = if VOICE_LINES.contains(&line) { power.sqrt() } else { 0.0 };
            *to = Complex32::new(magnitude, 0.0);
        }
        self.inverse
            .process(&mut self.spectrum, &mut self.correlation)
            .expect("the buffers are made by the plan");
        let peak = self.correlation[PERIODS].iter().copied().fold(0.0, f32::max);
        peak / (self.correlation[0] + 1e-9)
    }

    fn tone_persistence(&mut self, power: &[f32]) -> f32 {
        let logarithms: Vec<f32> = power[TONE_LINES].iter().map(|power| (power + 1e-9).ln()).collect();
        let fine = fine_structure(&logarithms);
        let persistence = if self.fine_structures.len() == TONE_DISTANCE {
            let before = self.fine_structures.pop_front().expect("its length was just seen");
            correlation(&fine, &before)
        } else {
            0.0
        };
        self.fine_structures.push_back(fine);
        persistence
    }
}

/// Each value less the mean of its surroundings; the edges stand for what is beyond them.
fn fine_structure(values: &[f32]) -> Vec<f32> {
    let at = |index: isize| values[index.clamp(0, values.len() as isize - 1) as usize];
    let half = ENVELOPE_HALF_WIDTH as isize;
    let width = (2 * half + 1) as f32;
    let mut sum: f32 = (-half..=half).map(at).sum();
    (0..values.len() as isize)
        .map(|index| {
            let value = at(index) - sum / width;
            sum += at(index + half + 1) - at(index - half);
            value
        })
        .collect()
}

fn correlation(left: &[f32], right: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(left, right) / (dot(left, left) * dot(right, right) + 1e-9).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_tone_is_periodic_and_persistent_and_noise_neither() {
        let tone: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.05).sin() * 0.1).collect(); // 127 Hz
        let mut state = 1_u32;
        let noise: Vec<f32> = (0..16_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 83_886_080.0 - 0.1
            })
            .collect();
        let last = |samples: &[f32]| {
            let mut extractor = FeatureExtractor::new();
            (0..20)
                .map(|at| extractor.next(&samples[at * FRAME..][..WINDOW]))
                .last()
                .unwrap()
        };
        let (tone, noise) = (last(&tone), last(&noise));
        assert!(tone.periodicity > 0.8 && tone.tone_persistence > 0.6, "{tone:?}");
        assert!(noise.periodicity < 0.3 && noise.tone_persistence < 0.3, "{noise:?}");
        assert!((tone.level_db + 23.0).abs() < 1.0, "{tone:?}");
    }
}
