//! Who spoke when, on one lane with several people. **Experimental**: the embedded default knows voices by mean and spread
//! of their spectra, which tells people apart in clear talk and fails in meetings heard by one microphone. A track for
//! each participant is always better; a trained [`SpeakerEmbedding`] is better too.
//!
//! Speech is cut into windows, windows are clustered (spectral clustering of Ng, Jordan and Weiss, 2001), and the clusters'
//! voices then draw the borders again, frame by frame (mixtures and Viterbi, as Ajmera and Wooters, "A robust speaker
//! clustering algorithm", 2003), merging voices that one mixture explains as well as two. A trained embedding needs no such
//! help: its clusters are merged where they are no further apart than windows of one voice.

mod attribution;
mod clustering;
mod k_means;
mod mfcc;
mod mixture;
mod resegmentation;
mod voice_encoder;

use serde::{Deserialize, Serialize};

pub use attribution::attribute;
pub use mfcc::SpectralStatistics;
pub use voice_encoder::{VoiceEncoder, VoiceEncoderError};

use crate::sound::{SAMPLES_PER_MS, Span, duration_ms};
use clustering::{cluster, merge_close};
use mfcc::{FRAME_MS, mfcc};
use resegmentation::resegment;

/// Samples of a frame.
const FRAME_SAMPLES: usize = FRAME_MS as usize * SAMPLES_PER_MS;
/// Length of the windows whose voices are clustered: 1.5 s of speech, pauses left out.
const WINDOW_FRAMES: usize = 150;
/// From one window to the next: 0.25 s.
const HOP_FRAMES: usize = 25;
/// Most windows: clustering takes the cube of them. In longer talk they lie further apart.
const WINDOWS_MAX: usize = 700;
/// Of a window's likenesses to others, the share that counts in full: of spectra, and of a trained embedding.
const LIKENESS_SHARE: f32 = 0.4;
const TRAINED_LIKENESS_SHARE: f32 = 0.2;
/// Less than this between two clusters of a trained embedding, and they are one voice.
const TRAINED_MARGIN: f32 = 0.08;
/// Windows that are embedded at once.
const BATCH: usize = 32;

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

/// Turns sound into a vector that is alike for the same voice. An installed model is one; it is asked for
/// windows of 1.5 s, or less where there is no more.
pub trait SpeakerEmbedding: Send {
    /// The voice in each window's samples; always vectors of one length.
    fn embed(&mut self, windows: &[&[f32]]) -> Vec<Vec<f32>>;

    /// Whether it knows voices from many people, so that its word counts for more than that of the spectra at hand.
    fn is_trained(&self) -> bool;
}

/// Turns of the speakers within `speech`, in order and apart; all of it has a speaker. Speech of two at once is given to
/// one. Takes seconds for an hour of speech.
pub fn diarize(
    samples: &[f32],
    speech: &[Span],
    embedding: &mut dyn SpeakerEmbedding,
    options: &DiarizationOptions,
) -> Vec<SpeakerTurn> {
    let mut diarizer = Diarizer::new(embedding);
    for span in speech {
        diarizer.add(span.start_ms, span.of(samples));
    }
    diarizer.finish(options)
}

/// Hears the speech of a lane piece by piece, and in the end tells who spoke. Keeps some 10 kB for each second of speech.
pub struct Diarizer<'a> {
    embedding: &'a mut dyn SpeakerEmbedding,
    /// The spectra of all speech, frame by frame.
    frames: Vec<Vec<f32>>,
    /// Of each frame, when it begins and ends.
    spans: Vec<Span>,
    /// First frame of each window and the one after the last; voices of those that are embedded.
    windows: Vec<(usize, usize)>,
    voices: Vec<Vec<f32>>,
    /// Sound of the windows that are not embedded yet.
    waiting: Vec<Vec<f32>>,
    /// From one window to the next, in frames.
    hop: usize,
    /// Speech, pauses left out, from the frame `unheard_from` on.
    unheard: Vec<f32>,
    unheard_from: usize,
}

impl<'a> Diarizer<'a> {
    /// Knows nobody yet.
    pub fn new(embedding: &'a mut dyn SpeakerEmbedding) -> Self {
        Self {
            embedding,
            frames: Vec::new(),
            spans: Vec::new(),
            windows: Vec::new(),
            voices: Vec::new(),
            waiting: Vec::new(),
            hop: HOP_FRAMES,
            unheard: Vec::new(),
            unheard_from: 0,
        }
    }

    /// Hears one span of speech, after all before. What is shorter than 25 ms is passed over.
    pub fn add(&mut self, start_ms: i64, samples: &[f32]) {
        let first = self.frames.len();
        self.frames.extend(mfcc(samples));
        let end = self.frames.len();
        for frame in 0..(end - first) as i64 {
            let begin_ms = start_ms + frame * FRAME_MS;
            self.spans.push(Span::new(begin_ms, begin_ms + FRAME_MS));
        }
        if end > first {
            // The last frame stands for what is left after it.
            self.spans[end - 1].end_ms = start_ms + duration_ms(samples.len());
        }
        self.unheard
            .extend_from_slice(&samples[..(end - first) * FRAME_SAMPLES]);
        while self.next_window() + WINDOW_FRAMES <= self.frames.len() {
            self.take_window(WINDOW_FRAMES);
        }
        let heard = self.next_window().min(self.frames.len());
        self.unheard.drain(..(heard - self.unheard_from) * FRAME_SAMPLES);
        self.unheard_from = heard;
    }

    /// First frame of the window after all.
    fn next_window(&self) -> usize {
        self.windows.last().map_or(0, |(from, _)| from + self.hop)
    }

    /// Takes the next window, of `frames`, and embeds those that wait once they are many.
    fn take_window(&mut self, frames: usize) {
        let from = self.next_window();
        let begin = (from - self.unheard_from) * FRAME_SAMPLES;
        let sound = self.unheard[begin..begin + frames * FRAME_SAMPLES].to_vec();
        self.waiting.push(sound);
        self.windows.push((from, from + frames));
        if self.waiting.len() == BATCH {
            self.embed_waiting();
        }
        if self.windows.len() == WINDOWS_MAX {
            self.embed_waiting();
            every_second(&mut self.windows);
            every_second(&mut self.voices);
            self.hop *= 2;
        }
    }

    fn embed_waiting(&mut self) {
        let windows: Vec<&[f32]> = self.waiting.iter().map(Vec::as_slice).collect();
        self.voices.extend(self.embedding.embed(&windows));
        self.waiting.clear();
    }

    /// Turns of the speakers, in order and apart.
    pub fn finish(mut self, options: &DiarizationOptions) -> Vec<SpeakerTurn> {
        if self.frames.is_empty() {
            return Vec::new();
        }
        if self.windows.is_empty() {
            self.take_window(self.frames.len());
        }
        self.embed_waiting();
        if self.embedding.is_trained() {
            let mut of_windows = cluster(&self.voices, options.speakers, TRAINED_LIKENESS_SHARE);
            merge_close(&self.voices, &mut of_windows, TRAINED_MARGIN);
            let of_frames = nearest_window(self.frames.len(), &self.windows, &of_windows);
            return turns(&self.spans, &of_frames);
        }
        normalize(&mut self.voices);
        let of_windows = cluster(&self.voices, options.speakers, LIKENESS_SHARE);
        let of_frames = nearest_window(self.frames.len(), &self.windows, &of_windows);
        normalize(&mut self.frames);
        turns(&self.spans, &resegment(&self.frames, of_frames, options.speakers))
    }
}

fn every_second<T>(of: &mut Vec<T>) {
    let mut keep = false;
    of.retain(|_| {
        keep = !keep;
        keep
    });
}

/// For each frame, the label of the window whose middle is nearest. Windows are in order.
fn nearest_window(frames: usize, windows: &[(usize, usize)], labels: &[usize]) -> Vec<usize> {
    let mut nearest = 0;
    (0..frames)
        .map(|frame| {
            let distance = |window: usize| (windows[window].0 + windows[window].1).abs_diff(2 * frame);
            while nearest + 1 < windows.len() && distance(nearest + 1) <= distance(nearest) {
                nearest += 1;
            }
            labels[nearest]
        })
        .collect()
}

fn turns(spans: &[Span], labels: &[usize]) -> Vec<SpeakerTurn> {
    let mut turns: Vec<SpeakerTurn> = Vec::new();
    let mut order: Vec<usize> = Vec::new();
    for (span, label) in spans.iter().zip(labels) {
        let speaker = order.iter().position(|known| known == label).unwrap_or_else(|| {
            order.push(*label);
            order.len() - 1
        });
        match turns.last_mut() {
            Some(last) if last.speaker == speaker && last.span.end_ms == span.start_ms => {
                last.span.end_ms = span.end_ms
            }
            _ => turns.push(SpeakerTurn { span: *span, speaker }),
        }
    }
    turns
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
