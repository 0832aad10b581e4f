//! A detector and a recognizer that do by rule what real ones do by weights, so that what is built upon them can be
//! checked to the millisecond: speech is what is loud, and a word says how loud it was.

use speech::recognizer::{RecognizeError, Recognizer, RecognizerTraits, Window};
use speech::sound::{Span, level_db};
use speech::transcript::{TranscriptSegment, Word};
use speech::voice_activity::{GateOptions, SpeechProbability};

/// Loud frames of 10 ms are speech.
#[derive(Default)]
pub(crate) struct LoudIsSpeech(Vec<f32>);

impl SpeechProbability for LoudIsSpeech {
    fn frame_samples(&self) -> usize {
        160
    }

    fn gate_options(&self) -> GateOptions {
        GateOptions {
            on: 0.5,
            off: 0.5,
            speech_ms_min: 50,
            pause_ms_max: 300,
            pad_ms: 100,
        }
    }

    fn push(&mut self, samples: &[f32], probabilities: &mut Vec<f32>) {
        self.0.extend_from_slice(samples);
        let whole = self.0.len() / 160 * 160;
        probabilities.extend(self.0[..whole].chunks(160).map(loudness));
        self.0.drain(..whole);
    }

    fn finish(&mut self, probabilities: &mut Vec<f32>) {
        probabilities.extend(self.0.chunks(160).map(loudness));
        self.0.clear();
    }
}

fn loudness(frame: &[f32]) -> f32 {
    if level_db(frame) > -40.0 { 1.0 } else { 0.0 }
}

/// A sound of `number`: 1 to 99.
pub(crate) fn spoken(number: usize, ms: usize) -> Vec<f32> {
    vec![number as f32 / 100.0; ms * 16]
}

/// Writes each loud stretch of the same number as words of 200 ms: `n7`.
pub(crate) struct ReadsNumbers {
    pub(crate) window_ms_max: i64,
    /// Windows seen, by length in samples.
    pub(crate) windows: Vec<usize>,
    /// Hears nothing in windows shorter than this many samples.
    pub(crate) deaf_below: usize,
    /// Stops after so many milliseconds of each window.
    pub(crate) hears_ms: i64,
}

impl Default for ReadsNumbers {
    fn default() -> Self {
        Self {
            window_ms_max: 10_000,
            windows: Vec::new(),
            deaf_below: 0,
            hears_ms: i64::MAX,
        }
    }
}

impl Recognizer for ReadsNumbers {
    fn traits(&self) -> RecognizerTraits {
        RecognizerTraits {
            window_ms_max: self.window_ms_max,
            padded: true,
            takes_prompt: true,
            may_stay_silent: true,
        }
    }

    fn recognize(&mut self, window: &Window<'_>) -> Result<Vec<TranscriptSegment>, RecognizeError> {
        self.windows.push(window.samples.len());
        if window.samples.len() < self.deaf_below {
            return Ok(Vec::new());
        }
        let mut words: Vec<Word> = Vec::new();
        for (at, frame) in window.samples.chunks(160).enumerate() {
            let (number, start_ms) = ((frame[frame.len() / 2] * 100.0).round() as usize, at as i64 * 10);
            if number == 0 || start_ms >= self.hears_ms {
                continue;
            }
            let text = format!("n{number}");
            match words.last_mut() {
                Some(last) if last.text == text && last.end_ms == start_ms && start_ms - last.start_ms < 200 => {
                    last.end_ms = start_ms + 10;
                }
                _ => words.push(Word {
                    start_ms,
                    end_ms: start_ms + 10,
                    text,
                    probability: 1.0,
                }),
            }
        }
        let segments = words
            .chunk_by(|a, b| b.start_ms - a.end_ms < 500)
            .map(|words| TranscriptSegment {
                span: Span::new(words[0].start_ms, words[words.len() - 1].end_ms),
                words: words.to_vec(),
                language: Some("en".to_owned()),
                average_log_probability: -0.1,
                no_speech_probability: 0.0,
            });
        Ok(segments.collect())
    }
}
