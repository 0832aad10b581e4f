//! Mel-frequency cepstra: the shape of the spectrum of a voice, in few numbers.
//! Source: Davis and Mermelstein, "Comparison of parametric representations…", 1980.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use super::SpeakerEmbedding;
use crate::sound::SAMPLES_PER_MS;

/// From one frame to the next.
pub(super) const FRAME_MS: i64 = 10;
const WINDOW: usize = 25 * SAMPLES_PER_MS;
const TRANSFORM: usize = 512;
const BANDS: usize = 40;
const LOWEST_HZ: f32 = 60.0;
const HIGHEST_HZ: f32 = 7600.0;
/// The first, which is the level, is left out.
const COEFFICIENTS: std::ops::Range<usize> = 1..20;

/// The embedding with nothing to download: mean and spread of the cepstra.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpectralStatistics;

impl SpeakerEmbedding for SpectralStatistics {
    fn embed(&mut self, windows: &[&[f32]]) -> Vec<Vec<f32>> {
        windows.iter().map(|samples| mean_and_spread(&mfcc(samples))).collect()
    }

    fn is_trained(&self) -> bool {
        false
    }
}

fn mean_and_spread(frames: &[Vec<f32>]) -> Vec<f32> {
    let count = frames.len().max(1) as f32;
    let of = |component: usize| frames.iter().map(move |frame| frame[component]);
    let means: Vec<f32> = (0..COEFFICIENTS.len())
        .map(|component| of(component).sum::<f32>() / count)
        .collect();
    let spreads = means.iter().enumerate().map(|(component, mean)| {
        let variance = of(component).map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        variance.sqrt()
    });
    means.iter().copied().chain(spreads.collect::<Vec<_>>()).collect()
}

/// One vector of 19 for each 10 ms that begins a whole window of 25 ms.
pub(super) fn mfcc(samples: &[f32]) -> Vec<Vec<f32>> {
    let mut analysis = Analysis::new();
    let step = FRAME_MS as usize * SAMPLES_PER_MS;
    let count = (samples.len() + step).saturating_sub(WINDOW) / step;
    (0..count).map(|at| analysis.frame(samples, at * step)).collect()
}

struct Analysis {
    transform: Arc<dyn RealToComplex<f32>>,
    hamming: Vec<f32>,
    bands: Vec<Vec<(usize, f32)>>,
    cosines: Vec<Vec<f32>>,
}

impl Analysis {
    fn new() -> Self {
        let angle = |n: usize| std::f32::consts::TAU * n as f32 / (WINDOW - 1) as f32;
        let cosine = |k: usize, band: usize| {
            let angle = std::f32::consts::PI * k as f32 * (band as f32 + 0.5) / BANDS as f32;
            angle.cos() * (2.0 / BANDS as f32).sqrt()
        };
        Self {
            transform: RealFftPlanner::new().plan_fft_forward(TRANSFORM),
            hamming: (0..WINDOW).map(|n| 0.54 - 0.46 * angle(n).cos()).collect(),
            bands: mel_bands(),
            cosines: COEFFICIENTS
                .map(|k| (0..BANDS).map(|band| cosine(k, band)).collect())
                .collect(),
        }
    }

    fn frame(&mut self, samples: &[f32], from: usize) -> Vec<f32> {
        let mut window = self.transform.make_input_vec();
        for (n, hamming) in self.hamming.iter().enumerate() {
            let at = from + n;
            let before = at.checked_sub(1).map_or(0.0, |at| samples[at]);
            window[n] = (samples[at] - 0.97 * before) * hamming;
        }
        let mut spectrum = self.transform.make_output_vec();
        self.transform
            .process(&mut window, &mut spectrum)
            .expect("the buffers are made by the plan");
        let logarithms: Vec<f32> = self
            .bands
            .iter()
            .map(|band| {
                (band
                    .iter()
                    .map(|&(line, weight)| spectrum[line].norm_sqr() * weight)
                    .sum::<f32>()
                    + 1e-8)
                    .ln()
            })
            .collect();
        self.cosines
            .iter()
            .map(|row| {
                row.iter()
                    .zip(&logarithms)
                    .map(|(cosine, logarithm)| cosine * logarithm)
                    .sum()
            })
            .collect()
    }
}

/// Triangles evenly spaced on the mel scale, as lines and weights.
fn mel_bands() -> Vec<Vec<(usize, f32)>> {
    let to_mel = |hz: f32| 2595.0 * (1.0 + hz / 700.0).log10();
    let to_hz = |mel: f32| 700.0 * (10.0_f32.powf(mel / 2595.0) - 1.0);
    let (low, high) = (to_mel(LOWEST_HZ), to_mel(HIGHEST_HZ));
    let corner = |n: usize| to_hz(low + (high - low) * n as f32 / (BANDS + 1) as f32);
    let line_hz = 16_000.0 / TRANSFORM as f32;
    (0..BANDS)
        .map(|band| {
            let (start, peak, end) = (corner(band), corner(band + 1), corner(band + 2));
            (0..=TRANSFORM / 2)
                .filter_map(|line| {
                    let hz = line as f32 * line_hz;
                    let weight = ((hz - start) / (peak - start)).min((end - hz) / (end - peak));
                    (weight > 0.0).then_some((line, weight))
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_fit_their_sound_and_level_does_not_matter() {
        assert_eq!(mfcc(&vec![0.1; 399]).len(), 0);
        assert_eq!(mfcc(&vec![0.1; 400]).len(), 1);
        assert_eq!(mfcc(&vec![0.1; 16_000]).len(), 98);
        let sound: Vec<f32> = (0..4000).map(|n| ((n * n) as f32 * 0.001).sin() * 0.5).collect();
        let quiet: Vec<f32> = sound.iter().map(|x| x * 0.1).collect();
        for (a, b) in mfcc(&sound).iter().zip(&mfcc(&quiet)) {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.05));
        }
    }
}
