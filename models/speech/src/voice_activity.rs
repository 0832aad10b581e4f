//! Where is speech? Nothing reaches the recognizer that is not, because a recognizer invents text for what is no speech.
//!
//! A [`SpeechProbability`] judges frames; a [`SpanGate`] makes spans of its judgements. [`EmbeddedDetector`] needs no
//! download; [`SileroDetector`] runs when its file is installed. [`SpeechDetector`] joins the two for streams, and
//! [`speech_spans`] for whole recordings.

mod embedded;
mod frame_errors;
mod gate;
mod silero;
mod sound_features;

pub use embedded::EmbeddedDetector;
pub use frame_errors::FrameErrors;
pub use gate::{GateOptions, SpanGate, SpeechEvent};
pub use silero::{SileroDetector, SileroError, SileroPace};

use crate::sound::{SAMPLE_RATE_HZ, Span};

/// Judges sound frame by frame, as it comes.
pub trait SpeechProbability: Send {
    /// Length of the frames it judges, in samples.
    fn frame_samples(&self) -> usize;

    /// How the gate over its probabilities is best set.
    fn gate_options(&self) -> GateOptions;

    /// Takes the next samples, in any amount, and appends the probability of speech in 0..=1 of each frame that can now
    /// be judged. Frames are in order and none is left out; a detector that looks ahead gives them late.
    fn push(&mut self, samples: &[f32], probabilities: &mut Vec<f32>);

    /// Judges what is left; the last frame may be shorter. After this the detector is as new.
    fn finish(&mut self, probabilities: &mut Vec<f32>);
}

/// Speech spans of a stream.
pub struct SpeechDetector {
    frames: Box<dyn SpeechProbability>,
    gate: SpanGate,
    probabilities: Vec<f32>,
}

impl SpeechDetector {
    /// A detector at time zero, with the gate its frames' judge advises.
    pub fn new(frames: Box<dyn SpeechProbability>) -> Self {
        let options = frames.gate_options();
        Self::with_gate(frames, options)
    }

    /// A detector at time zero with a gate of one's own.
    pub fn with_gate(frames: Box<dyn SpeechProbability>, options: GateOptions) -> Self {
        let gate = SpanGate::new(options, frames.frame_samples());
        Self {
            frames,
            gate,
            probabilities: Vec::new(),
        }
    }

    /// Takes the next samples and appends what became known: speech began, speech ended.
    pub fn push(&mut self, samples: &[f32], events: &mut Vec<SpeechEvent>) {
        self.frames.push(samples, &mut self.probabilities);
        self.gate(events);
    }

    /// Ends the stream: an open span is closed.
    pub fn finish(&mut self, events: &mut Vec<SpeechEvent>) {
        self.frames.finish(&mut self.probabilities);
        self.gate(events);
        events.extend(self.gate.finish());
    }

    /// Up to where it is known whether there is speech.
    pub fn decided_ms(&self) -> i64 {
        self.gate.decided_ms()
    }

    /// No speech that is not announced yet will begin before this.
    pub fn undecided_from_ms(&self) -> i64 {
        self.gate.undecided_from_ms()
    }

    /// The speech that still lasts, if any does: its begin, padding included, and its last frame so far.
    pub fn open_speech(&self) -> Option<Span> {
        self.gate.open_speech()
    }

    fn gate(&mut self, events: &mut Vec<SpeechEvent>) {
        for probability in self.probabilities.drain(..) {
            events.extend(self.gate.push(probability));
        }
    }
}

/// Speech spans of a whole recording, in order and apart from each other.
pub fn speech_spans(samples: &[f32], frames: Box<dyn SpeechProbability>) -> Vec<Span> {
    let mut detector = SpeechDetector::new(frames);
    let mut events = Vec::new();
    for second in samples.chunks(SAMPLE_RATE_HZ) {
        detector.push(second, &mut events);
    }
    detector.finish(&mut events);
    ended(&events)
}

/// The spans that ended, out of `events`.
pub fn ended(events: &[SpeechEvent]) -> Vec<Span> {
    events
        .iter()
        .filter_map(|event| match event {
            SpeechEvent::Ended { span, .. } => Some(*span),
            SpeechEvent::Started { .. } => None,
        })
        .collect()
}
