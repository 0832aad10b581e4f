//! The samples of a lane that are still needed.

use crate::sound::{SAMPLES_PER_MS, Span, duration_ms, level_db};

/// Length of the pieces among which the quietest is sought.
const QUIET_MS: i64 = 120;

/// Samples from some time on.
#[derive(Default)]
pub(crate) struct LaneBuffer {
    start_ms: i64,
    samples: Vec<f32>,
}

impl LaneBuffer {
    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.samples.extend_from_slice(samples);
    }

    /// Up to where there are samples.
    pub(crate) fn end_ms(&self) -> i64 {
        self.start_ms + duration_ms(self.samples.len())
    }

    /// Length of what is held.
    pub(crate) fn held_ms(&self) -> i64 {
        duration_ms(self.samples.len())
    }

    /// Forgets what is before `until_ms`. Done by whole seconds, so that little is moved often.
    pub(crate) fn forget(&mut self, until_ms: i64) {
        let seconds = (until_ms - self.start_ms) / 1000;
        if seconds > 0 {
            let count = (seconds as usize * 1000 * SAMPLES_PER_MS).min(self.samples.len());
            self.samples.drain(..count);
            self.start_ms += duration_ms(count);
        }
    }

    /// The samples of `span` that are held.
    pub(crate) fn get(&self, span: Span) -> &[f32] {
        span.shifted(-self.start_ms).of(&self.samples)
    }

    /// The middle of the quietest moment within `span`: where a cut does the least harm.
    pub(crate) fn quietest_ms(&self, span: Span) -> i64 {
        let middle = |from: i64| from + QUIET_MS / 2;
        (span.start_ms..(span.end_ms - QUIET_MS).max(span.start_ms + 1))
            .step_by(20)
            .min_by(|&a, &b| {
                let level = |from| level_db(self.get(Span::new(from, from + QUIET_MS)));
                level(a).total_cmp(&level(b))
            })
            .map_or(span.start_ms, middle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_moves_no_time() {
        let mut buffer = LaneBuffer::default();
        let sound: Vec<f32> = (0..16_000 * 5).map(|n| (n / 16_000) as f32).collect();
        buffer.push(&sound);
        assert_eq!(buffer.end_ms(), 5000);
        buffer.forget(2500);
        assert_eq!(buffer.end_ms(), 5000);
        assert_eq!(buffer.get(Span::new(3000, 3010)), [3.0; 160]);
        assert!(buffer.get(Span::new(0, 1500)).is_empty());
    }

    #[test]
    fn the_quietest_moment_is_found() {
        let mut buffer = LaneBuffer::default();
        let sound: Vec<f32> = (0..16_000 * 3)
            .map(|n| if (24_000..28_000).contains(&n) { 0.001 } else { 0.1 })
            .collect();
        buffer.push(&sound);
        let at = buffer.quietest_ms(Span::new(500, 2500));
        assert!((1500..=1750).contains(&at), "{at}");
    }
}
