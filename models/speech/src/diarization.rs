//! Who spoke when, on one lane with several people. **Experimental**: the embedded default knows voices by mean and spread
//! of their spectra, which tells people apart in clear talk and fails in meetings heard by one microphone. A track for
//! each participant is always better; a trained [`SpeakerEmbedding`] is better too.
//!
//! Speech is cut into windows, windows are clustered (spectral clustering of Ng, Jordan and Weiss, 2001), and the clusters'
//! voices then draw the borders again, frame by frame (mixtures and Viterbi, as Ajmera and Wooters, "A robust speaker
//! clustering algorithm", 2003), merging voices that one mixture explains as well as two.

mod attribution;
mod clustering;
mod error_rate;
mod k_means;
mod mfcc;
mod mixture;
mod resegmentation;

use serde::{Deserialize, Serialize};

pub use attribution::attribute;
pub use error_rate::{DiarizationErrors, diarization_errors};
pub use mfcc::SpectralStatistics;

use crate::sound::Span;
use clustering::cluster;
use mfcc::{FRAME_MS, mfcc};
use resegmentation::resegment;

/// Length of the windows that are clustered.
const WINDOW_MS: i64 = 1500;
/// Least distance between the begins of windows.
const HOP_MS: i64 = 250;
/// Most windows: clustering takes the cube of them. In longer talk they lie further apart.
const WINDOWS_MAX: i64 = 700;

/// A time in which one speaker speaks. Speakers are numbered from zero in order of their first turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerTurn {
    /// When.
    pub span: Span,
    /// Who.
    pub speaker: usize,
}

/// What is known of the speakers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiarizationOptions {
    /// How many speak, where that is known; it is a great help. Fewer may be found.
    pub speakers: Option<usize>,
}

/// Turns sound into a vector that is alike for the same voice. An installed model is one; it is asked for windows of
/// 1.5 s and more.
pub trait SpeakerEmbedding {
    /// The voice in `samples`; always as long.
    fn embed(&mut self, samples: &[f32]) -> Vec<f32>;
}

/// Turns of the speakers within `speech`, in order and apart; all of it has a speaker. Speech of two at once is given to
/// one. Takes seconds for an hour of speech.
pub fn diarize(
    samples: &[f32],
    speech: &[Span],
    embedding: &mut dyn SpeakerEmbedding,
    options: &DiarizationOptions,
) -> Vec<SpeakerTurn> {
    let voice = Voice::of(samples, speech);
    if voice.frames.is_empty() {
        return Vec::new();
    }
    let windows = voice.windows();
    let vectors: Vec<Vec<f32>> = windows
        .iter()
        .map(|&(from, to)| embedding.embed(&voice.samples(from, to)))
        .collect();
    let of_windows = cluster(vectors, options.speakers);
    let of_frames: Vec<usize> = (0..voice.frames.len())
        .map(|frame| {
            let distance = |(from, to): &(usize, usize)| (from + to).abs_diff(2 * frame);
            let nearest = (0..windows.len()).min_by_key(|&window| distance(&windows[window]));
            nearest.map_or(0, |window| of_windows[window])
        })
        .collect();
    voice.turns(&resegment(&voice.frames, of_frames, options.speakers))
}

/// The speech of a lane, one frame after the other with the pauses left out.
struct Voice<'a> {
    lane: &'a [f32],
    /// Of each frame, when it begins.
    starts_ms: Vec<i64>,
    /// Of each frame, its spectrum.
    frames: Vec<Vec<f32>>,
}

impl<'a> Voice<'a> {
    fn of(lane: &'a [f32], speech: &[Span]) -> Self {
        let all = mfcc(lane);
        let (mut starts_ms, mut frames) = (Vec::new(), Vec::new());
        for span in speech {
            let first = span.start_ms.max(0) / FRAME_MS;
            for at in first..(span.end_ms / FRAME_MS).min(all.len() as i64) {
                starts_ms.push(at * FRAME_MS);
                frames.push(all[at as usize].clone());
            }
        }
        normalize(&mut frames);
        Self {
            lane,
            starts_ms,
            frames,
        }
    }

    /// Windows as first frame and frame after the last.
    fn windows(&self) -> Vec<(usize, usize)> {
        let frames = self.frames.len();
        let length = (WINDOW_MS / FRAME_MS) as usize;
        let hop = ((HOP_MS / FRAME_MS) as usize).max(frames / WINDOWS_MAX as usize);
        (0..=frames.saturating_sub(length))
            .step_by(hop)
            .map(|from| (from, (from + length).min(frames)))
            .collect()
    }

    fn samples(&self, from: usize, to: usize) -> Vec<f32> {
        let frame = |start_ms: &i64| Span::new(*start_ms, start_ms + FRAME_MS).of(self.lane);
        self.starts_ms[from..to].iter().flat_map(frame).copied().collect()
    }

    fn turns(&self, speakers: &[usize]) -> Vec<SpeakerTurn> {
        let mut turns: Vec<SpeakerTurn> = Vec::new();
        let mut order: Vec<usize> = Vec::new();
        for (&start_ms, label) in self.starts_ms.iter().zip(speakers) {
            let speaker = order.iter().position(|known| known == label).unwrap_or_else(|| {
                order.push(*label);
                order.len() - 1
            });
            match turns.last_mut() {
                Some(last) if last.speaker == speaker && last.span.end_ms == start_ms => {
                    last.span.end_ms = start_ms + FRAME_MS;
                }
                _ => turns.push(SpeakerTurn {
                    span: Span::new(start_ms, start_ms + FRAME_MS),
                    speaker,
                }),
            }
        }
        turns
    }
}

/// Makes each component's mean zero and its spread one.
fn normalize(vectors: &mut [Vec<f32>]) {
    let Some(length) = vectors.first().map(Vec::len) else {
        return;
    };
    let count = vectors.len() as f32;
    for component in 0..length {
        let mean = vectors.iter().map(|vector| vector[component]).sum::<f32>() / count;
        let variance = vectors
            .iter()
            .map(|vector| (vector[component] - mean).powi(2))
            .sum::<f32>()
            / count;
        let scale = 1.0 / (variance.sqrt() + 1e-6);
        for vector in &mut *vectors {
            vector[component] = (vector[component] - mean) * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_speech_has_no_turns_and_one_speaker_has_it_all() {
        let samples: Vec<f32> = (0..48_000).map(|n| (n as f32 * 0.07).sin() * 0.2).collect();
        let mut embedding = SpectralStatistics;
        assert!(diarize(&samples, &[], &mut embedding, &DiarizationOptions::default()).is_empty());
        let speech = [Span::new(100, 700), Span::new(1500, 2900)];
        let options = DiarizationOptions { speakers: Some(1) };
        let turns = diarize(&samples, &speech, &mut embedding, &options);
        let spans: Vec<Span> = turns.iter().map(|turn| turn.span).collect();
        assert_eq!(spans, speech);
        assert!(turns.iter().all(|turn| turn.speaker == 0));
    }
}
