//! From probabilities of frames to spans of speech: hysteresis, short pauses closed, short bursts dropped, edges padded.

use crate::sound::{SAMPLES_PER_MS, Span};

/// How spans are made of probabilities. All lengths are of the lane's time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateOptions {
    /// Speech begins at this probability.
    pub on: f32,
    /// Speech lasts while the probability is at least this; not above `on`.
    pub off: f32,
    /// Less speech than this is dropped.
    pub speech_ms_min: i64,
    /// A pause up to this length does not end speech.
    pub pause_ms_max: i64,
    /// Added before and after, so that soft first and last sounds are kept.
    pub pad_ms: i64,
}

/// What became known of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SpeechEvent {
    /// Speech lasts, and began then.
    Started {
        /// Begin, padding included.
        start_ms: i64,
    },
    /// Speech came to its end.
    Ended {
        /// Begin and end, padding included. The begin is that of the event before.
        span: Span,
        /// Mean probability of its frames of speech, 0..=1.
        confidence: f32,
    },
}

/// Makes spans of one stream's probabilities.
///
/// A span is announced as soon as it is long enough to stay and ended once the pause after it is too long to be closed;
/// the spans of a stream do not touch.
pub struct SpanGate {
    options: GateOptions,
    frame_samples: usize,
    frames: usize,
    speaking: bool,
    burst: Option<Burst>,
    ended_ms: i64,
}

/// Frames of speech with no long pause within.
struct Burst {
    start_ms: i64,
    speech_end_ms: i64,
    speech_ms: i64,
    probability_ms: f32,
    announced_ms: Option<i64>,
}

impl SpanGate {
    /// A gate at time zero over frames of `frame_samples`.
    pub fn new(options: GateOptions, frame_samples: usize) -> Self {
        Self {
            options,
            frame_samples,
            frames: 0,
            speaking: false,
            burst: None,
            ended_ms: 0,
        }
    }

    /// Takes the next frame's probability; at most one thing becomes known by it.
    pub fn push(&mut self, probability: f32) -> Option<SpeechEvent> {
        let from_ms = self.decided_ms();
        self.frames += 1;
        let to_ms = self.decided_ms();
        let threshold = if self.speaking {
            self.options.off
        } else {
            self.options.on
        };
        self.speaking = probability >= threshold;
        if self.speaking {
            self.speech(from_ms, to_ms, probability)
        } else {
            self.pause(to_ms)
        }
    }

    /// Ends the stream.
    pub fn finish(&mut self) -> Option<SpeechEvent> {
        let end = self.close(self.decided_ms());
        self.speaking = false;
        end
    }

    /// Up to where frames were taken.
    pub fn decided_ms(&self) -> i64 {
        (self.frames * self.frame_samples / SAMPLES_PER_MS) as i64
    }

    /// The announced speech that still lasts: its begin, padding included, and its last frame so far.
    pub fn open_speech(&self) -> Option<Span> {
        let burst = self.burst.as_ref()?;
        Some(Span::new(burst.announced_ms?, burst.speech_end_ms))
    }

    /// No span that is not announced yet will begin before this.
    pub fn undecided_from_ms(&self) -> i64 {
        let from_ms = match &self.burst {
            None => self.decided_ms(),
            Some(burst) if burst.announced_ms.is_some() => burst.speech_end_ms,
            Some(burst) => burst.start_ms,
        };
        (from_ms - self.options.pad_ms).max(self.ended_ms)
    }

    fn speech(&mut self, from_ms: i64, to_ms: i64, probability: f32) -> Option<SpeechEvent> {
        let burst = self.burst.get_or_insert(Burst {
            start_ms: from_ms,
            speech_end_ms: from_ms,
            speech_ms: 0,
            probability_ms: 0.0,
            announced_ms: None,
        });
        burst.speech_ms += to_ms - from_ms;
        burst.speech_end_ms = to_ms;
        burst.probability_ms += probability * (to_ms - from_ms) as f32;
        if burst.announced_ms.is_some() || burst.speech_ms < self.options.speech_ms_min {
            return None;
        }
        let start_ms = (burst.start_ms - self.options.pad_ms).max(self.ended_ms);
        burst.announced_ms = Some(start_ms);
        Some(SpeechEvent::Started { start_ms })
    }

    fn pause(&mut self, now_ms: i64) -> Option<SpeechEvent> {
        let burst = self.burst.as_ref()?;
        // The padding of two spans must not touch, or the first would end after the second began.
        let pause_ms_max = self.options.pause_ms_max.max(2 * self.options.pad_ms);
        (now_ms - burst.speech_end_ms > pause_ms_max)
            .then(|| self.close(now_ms))
            .flatten()
    }

    fn close(&mut self, now_ms: i64) -> Option<SpeechEvent> {
        let burst = self.burst.take()?;
        let start_ms = burst.announced_ms?;
        self.ended_ms = (burst.speech_end_ms + self.options.pad_ms).min(now_ms);
        Some(SpeechEvent::Ended {
            span: Span::new(start_ms, self.ended_ms),
            confidence: burst.probability_ms / burst.speech_ms.max(1) as f32,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::voice_activity::ended;

    const OPTIONS: GateOptions = GateOptions {
        on: 0.5,
        off: 0.3,
        speech_ms_min: 96,
        pause_ms_max: 64,
        pad_ms: 32,
    };

    fn gate(options: GateOptions, probabilities: &[f32]) -> Vec<SpeechEvent> {
        let mut gate = SpanGate::new(options, 16 * SAMPLES_PER_MS);
        let mut events: Vec<_> = probabilities.iter().filter_map(|&p| gate.push(p)).collect();
        events.extend(gate.finish());
        events
    }

    fn check(pattern: &str, expected: &[(i64, i64)]) {
        let probabilities: Vec<f32> = pattern
            .chars()
            .map(|c| match c {
                '#' => 0.9,
                '-' => 0.4,
                _ => 0.0,
            })
            .collect();
        let spans: Vec<_> = ended(&gate(OPTIONS, &probabilities))
            .iter()
            .map(|span| (span.start_ms, span.end_ms))
            .collect();
        assert_eq!(spans, expected, "{pattern}");
    }

    #[test]
    fn spans_are_padded_joined_over_pauses_and_dropped_when_short() {
        check("....########......", &[(32, 224)]);
        check("....#---#---......", &[(32, 224)]); // hysteresis: what began stays at lower probability
        check("....----------....", &[]);
        check("....##............", &[]); // too short
        check("...###..###.......", &[(16, 208)]); // a short pause within
        check("########", &[(0, 128)]); // no padding beyond the recording
        check("######......######", &[(0, 128), (160, 288)]);
    }

    proptest! {
        /// Whatever the probabilities: spans are in order, apart, within the stream, each announced first with the same
        /// begin, and every frame over the upper threshold within a burst long enough is in a span.
        #[test]
        fn spans_are_in_order_and_announced(
            probabilities in prop::collection::vec(0.0_f32..1.0, 0..400),
            pad_ms in 0_i64..200,
            pause_ms_max in 0_i64..300,
            speech_ms_min in 0_i64..200,
        ) {
            let options = GateOptions { pad_ms, pause_ms_max, speech_ms_min, ..OPTIONS };
            let events = gate(options, &probabilities);
            let mut again = SpanGate::new(options, 16 * SAMPLES_PER_MS);
            for &probability in &probabilities {
                let from_ms = again.undecided_from_ms();
                if let Some(SpeechEvent::Started { start_ms }) = again.push(probability) {
                    prop_assert!(start_ms >= from_ms);
                }
            }
            let mut last_end = 0;
            for pair in events.chunks(2) {
                let [SpeechEvent::Started { start_ms }, SpeechEvent::Ended { span, confidence }] = pair else {
                    panic!("not announced and ended in turn: {events:?}");
                };
                prop_assert_eq!(*start_ms, span.start_ms);
                prop_assert!(span.start_ms >= last_end && span.end_ms > span.start_ms);
                prop_assert!(span.end_ms <= probabilities.len() as i64 * 16);
                prop_assert!((OPTIONS.off..=1.0).contains(confidence));
                last_end = span.end_ms;
            }
            let spans = ended(&events);
            if speech_ms_min <= 16 {
                for (at, _) in probabilities.iter().enumerate().filter(|(_, p)| **p >= OPTIONS.on) {
                    let frame = Span::new(at as i64 * 16, at as i64 * 16 + 16);
                    prop_assert!(spans.iter().any(|span| span.overlap_ms(&frame) == 16), "{at} {spans:?}");
                }
            }
        }
    }
}
