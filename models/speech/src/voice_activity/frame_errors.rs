//! How much speech a detector missed, and how much it invented.

use crate::sound::Span;

/// Milliseconds of agreement and error between reference and detection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameErrors {
    /// Speech of the reference.
    pub speech_ms: i64,
    /// Of this, not found.
    pub missed_ms: i64,
    /// What is not speech by the reference.
    pub silence_ms: i64,
    /// Of this, taken for speech.
    pub false_ms: i64,
}

impl FrameErrors {
    /// Compares spans over a recording of `duration_ms`. Spans may overlap: speech of two at once counts once.
    pub fn between(reference: &[Span], found: &[Span], duration_ms: i64) -> Self {
        let (reference, found) = (union(reference, duration_ms), union(found, duration_ms));
        let length = |spans: &[Span]| spans.iter().map(Span::duration_ms).sum::<i64>();
        let both: i64 = reference
            .iter()
            .map(|span| found.iter().map(|other| span.overlap_ms(other)).sum::<i64>())
            .sum();
        let speech_ms = length(&reference);
        Self {
            speech_ms,
            missed_ms: speech_ms - both,
            silence_ms: duration_ms - speech_ms,
            false_ms: length(&found) - both,
        }
    }

    /// Both recordings together.
    pub fn and(self, other: Self) -> Self {
        Self {
            speech_ms: self.speech_ms + other.speech_ms,
            missed_ms: self.missed_ms + other.missed_ms,
            silence_ms: self.silence_ms + other.silence_ms,
            false_ms: self.false_ms + other.false_ms,
        }
    }

    /// Share of the speech that was missed; zero where there is none.
    pub fn miss_rate(&self) -> f64 {
        self.missed_ms as f64 / self.speech_ms.max(1) as f64
    }

    /// Share of the rest that was taken for speech; zero where there is none.
    pub fn false_alarm_rate(&self) -> f64 {
        self.false_ms as f64 / self.silence_ms.max(1) as f64
    }
}

/// The same time as `spans` cover, as spans apart, within 0 and `duration_ms`.
fn union(spans: &[Span], duration_ms: i64) -> Vec<Span> {
    let mut sorted: Vec<Span> = spans
        .iter()
        .map(|span| Span::new(span.start_ms.clamp(0, duration_ms), span.end_ms.clamp(0, duration_ms)))
        .collect();
    sorted.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(sorted.len());
    for span in sorted {
        match joined.last_mut() {
            Some(last) if span.start_ms <= last.end_ms => last.end_ms = last.end_ms.max(span.end_ms),
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_speech_counts_once() {
        let reference = [Span::new(100, 300), Span::new(200, 400)];
        let found = [Span::new(150, 500), Span::new(900, 2000)];
        let errors = FrameErrors::between(&reference, &found, 1000);
        assert_eq!((errors.speech_ms, errors.missed_ms), (300, 50));
        assert_eq!((errors.silence_ms, errors.false_ms), (700, 200));
    }
}
