//! Any sampling rate to 16 kHz, in pieces, without shifting or losing a sample.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use crate::{SAMPLE_RATE_HZ, pcm};

/// Rates that are resampled. Below the first there is no speech; above the second there is no recorder, only damaged
/// headers, which would make for transforms of any size.
pub(crate) const RATES_HZ: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Least length of the transform, in input frames: flat to 7.8 kHz and images below -137 dB in our measurements.
const TRANSFORM_FRAMES_MIN: usize = 4096;

/// Channels of sound on their way to 16 kHz, in step. What comes out is in place: the transform's delay is taken off. It
/// lags behind what goes in by up to two transforms (0.2 s from 44.1 or 48 kHz), until [`finish`](Self::finish).
pub struct Resampler {
    rate_hz: u32,
    /// `None` where input is at 16 kHz already.
    fft: Option<Fft<f32>>,
    waiting: Vec<Vec<f32>>,
    made: Vec<Vec<f32>>,
    /// Output frames still to be dropped: the transform's delay.
    delay: usize,
    frames_in: u64,
    frames_out: u64,
}

impl Resampler {
    /// A resampler for `channels` channels at `rate_hz`; none where no recorder has such a rate (1 to 768 kHz).
    pub fn new(rate_hz: u32, channels: usize) -> Option<Self> {
        if !RATES_HZ.contains(&rate_hz) {
            return None;
        }
        let fft = (rate_hz != SAMPLE_RATE_HZ).then(|| transform(rate_hz, channels));
        let (frames, delay) = fft
            .as_ref()
            .map_or((0, 0), |fft| (fft.output_frames_max(), fft.output_delay()));
        Some(Self {
            rate_hz,
            fft,
            waiting: vec![Vec::new(); channels],
            made: vec![vec![0.0; frames]; channels],
            delay,
            frames_in: 0,
            frames_out: 0,
        })
    }

    /// The rate it takes.
    pub(crate) fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Takes `planes`, one per channel and equally long, and appends what is ready to `out`.
    pub fn push(&mut self, planes: &[&[f32]], out: &mut [Vec<f32>]) {
        self.frames_in += planes.first().map_or(0, |plane| plane.len()) as u64;
        if self.fft.is_none() {
            for (plane, out) in planes.iter().zip(out) {
                out.extend_from_slice(plane);
            }
            return;
        }
        for (plane, waiting) in planes.iter().zip(&mut self.waiting) {
            waiting.extend_from_slice(plane);
        }
        self.run(out);
    }

    /// Appends what is still inside, so that output is exactly as long as input.
    pub fn finish(&mut self, out: &mut [Vec<f32>]) {
        let Some(chunk) = self.fft.as_ref().map(|fft| fft.input_frames_next()) else {
            return;
        };
        let total = (self.frames_in * u64::from(SAMPLE_RATE_HZ)).div_ceil(u64::from(self.rate_hz));
        while self.frames_out < total {
            for waiting in &mut self.waiting {
                waiting.resize(waiting.len() + chunk, 0.0);
            }
            self.run(out);
        }
        let surplus = (self.frames_out - total) as usize;
        for out in out {
            out.truncate(out.len() - surplus);
        }
        self.frames_out = total;
    }

    fn run(&mut self, out: &mut [Vec<f32>]) {
        let Some(fft) = &mut self.fft else { return };
        let (chunk, channels) = (fft.input_frames_next(), self.waiting.len());
        let mut used = 0;
        while self.waiting[0].len() - used >= chunk {
            let frames = self.made[0].len();
            let input = self
                .waiting
                .iter()
                .map(|waiting| &waiting[used..used + chunk])
                .collect::<Vec<_>>();
            let input = rubato::audioadapter_buffers::direct::SequentialSliceOfSlices::new(&input, channels, chunk)
                .expect("each slice is one chunk long");
            let mut output = SequentialSliceOfVecs::new_mut(&mut self.made, channels, frames)
                .expect("`made` was sized for this resampler");
            let (_, made) = fft
                .process_into_buffer(&input, &mut output, None)
                .expect("both buffers have the sizes that the resampler asked for");
            used += chunk;
            let dropped = self.delay.min(made);
            self.delay -= dropped;
            for (made_plane, out) in self.made.iter().zip(out.iter_mut()) {
                // The filter overshoots where sound is clipped.
                out.extend(made_plane[dropped..made].iter().map(|&sample| pcm::clean(sample)));
            }
            self.frames_out += (made - dropped) as u64;
        }
        for waiting in &mut self.waiting {
            waiting.drain(..used);
        }
    }
}

/// A transform whose sizes have small prime factors only: with 4098 = 2 · 3 · 683 frames, which the plain request would
/// give at 48 kHz, it is several times slower.
fn transform(rate_hz: u32, channels: usize) -> Fft<f32> {
    let rate = rate_hz as usize;
    let block = rate / gcd(rate, SAMPLE_RATE_HZ as usize);
    let blocks = (TRANSFORM_FRAMES_MIN.div_ceil(block)..)
        .find(|&blocks| is_smooth(blocks))
        .expect("there is a power of two above any number");
    Fft::new_custom(
        rate,
        SAMPLE_RATE_HZ as usize,
        blocks * block,
        1,
        channels,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
    .expect("both rates and the chunk are positive")
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn is_smooth(number: usize) -> bool {
    [2, 3, 5].iter().fold(number, |mut rest, factor| {
        while rest % factor == 0 {
            rest /= factor;
        }
        rest
    }) == 1
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    fn sine(hertz: f64, rate_hz: u32, frames: usize) -> Vec<f32> {
        (0..frames)
            .map(|frame| (TAU * hertz * frame as f64 / f64::from(rate_hz)).sin() as f32 * 0.5)
            .collect()
    }

    fn resample(input: &[f32], rate_hz: u32, piece: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate_hz, 1).unwrap();
        let mut out = vec![Vec::new()];
        for piece in input.chunks(piece) {
            resampler.push(&[piece], &mut out);
        }
        resampler.finish(&mut out);
        out.remove(0)
    }

    #[test]
    fn a_tone_comes_out_in_place_and_at_its_level() {
        for rate_hz in [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000] {
            let made = resample(&sine(440.0, rate_hz, rate_hz as usize * 2), rate_hz, 1_152);
            let wanted = sine(440.0, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ as usize * 2);
            assert_eq!(made.len(), wanted.len(), "{rate_hz}");
            // The edges ring, where the tone begins and ends at once.
            let error = (2_000..30_000)
                .map(|at| (made[at] - wanted[at]).abs())
                .fold(0.0, f32::max);
            assert!(error < 1e-3, "{rate_hz}: {error}");
        }
    }

    #[test]
    fn what_lies_above_8_khz_does_not_fold_back() {
        let made = resample(&sine(9_000.0, 48_000, 96_000), 48_000, 4_800);
        let loudest = made[2_000..30_000]
            .iter()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(loudest < 1e-4, "{loudest}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// The pieces in which sound arrives change nothing, and no sample is lost or added.
        #[test]
        fn pieces_do_not_matter(rate_hz in 1_000_u32..100_000, frames in 1_usize..20_000, piece in 1_usize..5_000) {
            let input = sine(300.0, rate_hz, frames);
            let made = resample(&input, rate_hz, piece);
            prop_assert_eq!(made.len() as u64, (frames as u64 * 16_000).div_ceil(u64::from(rate_hz)));
            prop_assert_eq!(made, resample(&input, rate_hz, frames));
        }
    }
}
