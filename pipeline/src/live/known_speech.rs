//! Where speech is, as it was found before: for a second pass over parts of a lane, to the millisecond.

use speech::sound::{SAMPLES_PER_MS, Span};
use speech::voice_activity::{GateOptions, SpeechDetector, SpeechProbability};

/// Judges milliseconds by spans that are known.
struct KnownSpeech {
    /// In order and apart.
    spans: Vec<Span>,
    now_ms: i64,
    pending: usize,
}

/// A detector that finds `spans`, in order and apart, and nothing else.
pub(super) fn detector_of(spans: Vec<Span>) -> SpeechDetector {
    SpeechDetector::new(Box::new(KnownSpeech {
        spans,
        now_ms: 0,
        pending: 0,
    }))
}

impl SpeechProbability for KnownSpeech {
    fn frame_samples(&self) -> usize {
        SAMPLES_PER_MS
    }

    fn gate_options(&self) -> GateOptions {
        GateOptions {
            on: 0.5,
            off: 0.5,
            speech_ms_min: 0,
            pause_ms_max: 0,
            pad_ms: 0,
        }
    }

    fn push(&mut self, samples: &[f32], probabilities: &mut Vec<f32>) {
        self.pending += samples.len();
        let end_ms = self.now_ms + (self.pending / SAMPLES_PER_MS) as i64;
        self.pending %= SAMPLES_PER_MS;
        let mut at = self.spans.partition_point(|span| span.end_ms <= self.now_ms);
        for now_ms in self.now_ms..end_ms {
            while self.spans.get(at).is_some_and(|span| span.end_ms <= now_ms) {
                at += 1;
            }
            let is_speech = self.spans.get(at).is_some_and(|span| span.start_ms <= now_ms);
            probabilities.push(f32::from(u8::from(is_speech)));
        }
        self.now_ms = end_ms;
    }

    fn finish(&mut self, _probabilities: &mut Vec<f32>) {
        (self.now_ms, self.pending) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use speech::voice_activity::ended;

    use super::*;

    proptest! {
        #[test]
        fn what_is_known_is_found(
            lengths in prop::collection::vec((1_i64..300, 1_i64..300), 0..12),
            piece in 1_usize..5000,
        ) {
            let mut end_ms = 0;
            let spans: Vec<Span> = lengths.into_iter().map(|(pause, length)| {
                let start_ms = end_ms + pause;
                end_ms = start_ms + length;
                Span::new(start_ms, end_ms)
            }).collect();
            let mut detector = detector_of(spans.clone());
            let mut events = Vec::new();
            for piece in vec![0.0; end_ms as usize * SAMPLES_PER_MS + 7].chunks(piece) {
                detector.push(piece, &mut events);
            }
            detector.finish(&mut events);
            prop_assert_eq!(ended(&events), spans);
        }
    }
}
