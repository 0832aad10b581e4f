//! Transcribes one lane from begin to end: what is speech is packed into windows that are cut at pauses, each window is
//! recognized, and what the guards do not believe is set aside.
//!
//! Samples are pushed and forgotten as soon as their window is done, so that hours take no more memory than minutes. A
//! window's text depends on the sound, the parameters and the window before it alone: a transcription that was stopped
//! goes on from the windows it has.

mod lane;
mod lane_buffer;
mod utterances;
mod windows;

use serde::{Deserialize, Serialize};

pub use lane::{LaneTranscriber, TranscribeError};
pub use utterances::{Utterance, UtteranceOptions, utterances};

pub(crate) use lane_buffer::LaneBuffer;
pub(crate) use utterances::ends_sentence;

use crate::guards::GuardOptions;
use crate::recognizer::{Effort, Recognizer};
use crate::sound::{SAMPLE_RATE_HZ, Span};
use crate::transcript::{Suppressed, TranscriptSegment};
use crate::voice_activity::SpeechDetector;

/// How a lane is transcribed.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscribeOptions {
    /// Where the guards draw their lines.
    pub guards: GuardOptions,
    /// Words that are likely to occur: names, terms.
    pub vocabulary: String,
    /// ISO 639-1 code of the language that is likely at the begin.
    pub language: Option<String>,
    /// How much is computed.
    pub effort: Effort,
    /// Where utterances end.
    pub utterances: UtteranceOptions,
}

impl Default for TranscribeOptions {
    fn default() -> Self {
        Self {
            guards: GuardOptions::default(),
            vocabulary: String::new(),
            language: None,
            effort: Effort::Full,
            utterances: UtteranceOptions::default(),
        }
    }
}

/// What came of one window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecognizedWindow {
    /// The speech it held, in the lane's time, in order.
    pub pieces: Vec<Span>,
    /// What stands, in the lane's time.
    pub segments: Vec<TranscriptSegment>,
    /// What was set aside.
    pub suppressed: Vec<Suppressed>,
    /// Speech for which the recognizer gave no text, when asked twice.
    pub empty: Vec<Span>,
}

/// What was said on a lane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LaneTranscript {
    /// In order of time.
    pub utterances: Vec<Utterance>,
    /// What was set aside, in order of time.
    pub suppressed: Vec<Suppressed>,
    /// Where speech was detected.
    pub speech: Vec<Span>,
    /// Speech for which the recognizer gave no text.
    pub empty: Vec<Span>,
}

impl LaneTranscript {
    /// Puts the windows of a lane together.
    pub fn from_windows(windows: Vec<RecognizedWindow>, options: &UtteranceOptions) -> Self {
        let mut transcript = Self::default();
        let mut segments = Vec::new();
        for window in windows {
            transcript.speech.extend(window.pieces);
            transcript.suppressed.extend(window.suppressed);
            transcript.empty.extend(window.empty);
            segments.extend(window.segments);
        }
        transcript.utterances = utterances(&segments, options);
        transcript
    }
}

/// Transcribes samples at hand. `on_progress` hears, window by window, up to which millisecond all is done.
///
/// # Errors
/// When the recognizer is stopped or fails.
pub fn transcribe(
    samples: &[f32],
    detector: SpeechDetector,
    recognizer: &mut dyn Recognizer,
    options: &TranscribeOptions,
    on_progress: &mut dyn FnMut(i64),
) -> Result<LaneTranscript, TranscribeError> {
    let mut lane = LaneTranscriber::new(detector, recognizer, options.clone(), Vec::new());
    let mut windows = Vec::new();
    for second in samples.chunks(SAMPLE_RATE_HZ) {
        let before = windows.len();
        lane.push(second, &mut windows)?;
        if windows.len() > before {
            on_progress(lane.done_ms());
        }
    }
    lane.finish(&mut windows)?;
    on_progress((samples.len() * 1000 / SAMPLE_RATE_HZ) as i64);
    Ok(LaneTranscript::from_windows(windows, &options.utterances))
}
