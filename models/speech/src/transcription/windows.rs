//! Packs speech into windows as long as the recognizer hears well, leaving out what lies between; and maps the window's
//! times back to the lane's.

use crate::sound::Span;
use crate::transcript::TranscriptSegment;

use super::LaneBuffer;

/// A pause up to this length is kept in the window; of a longer one only the detector's padding is.
pub(super) const PAUSE_MS_MAX: i64 = 800;

/// Speech of a lane that is recognized at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WindowPlan {
    /// In the lane's time, in order and apart.
    pub(super) pieces: Vec<Span>,
}

impl WindowPlan {
    /// Length of the window.
    pub(super) fn duration_ms(&self) -> i64 {
        self.pieces.iter().map(Span::duration_ms).sum()
    }

    /// Whether `speech` still belongs into a window of `window_ms_max` whose speech lies no more than `apart_ms_max` apart.
    pub(super) fn has_room_for(&self, speech: Span, window_ms_max: i64, apart_ms_max: i64) -> bool {
        if self
            .end_ms()
            .is_some_and(|end_ms| speech.start_ms - end_ms > apart_ms_max)
        {
            return false;
        }
        let pause = self.pause_before(speech).unwrap_or(0);
        self.duration_ms() + pause + speech.duration_ms() <= window_ms_max
    }

    /// Adds speech that lies after all before.
    pub(super) fn add(&mut self, speech: Span) {
        match self.pause_before(speech) {
            Some(_) => self.pieces.last_mut().expect("there is a pause after one").end_ms = speech.end_ms,
            None => self.pieces.push(speech),
        }
    }

    /// When the window begins.
    pub(super) fn start_ms(&self) -> Option<i64> {
        self.pieces.first().map(|piece| piece.start_ms)
    }

    /// When it ends.
    pub(super) fn end_ms(&self) -> Option<i64> {
        self.pieces.last().map(|piece| piece.end_ms)
    }

    /// The window's samples.
    pub(super) fn samples(&self, lane: &LaneBuffer) -> Vec<f32> {
        self.pieces.iter().flat_map(|piece| lane.get(*piece)).copied().collect()
    }

    /// The part of the window from `lane_ms` on.
    pub(super) fn after(&self, lane_ms: i64) -> Self {
        let rest = self.pieces.iter().filter(|piece| piece.end_ms > lane_ms);
        Self {
            pieces: rest
                .map(|piece| Span::new(piece.start_ms.max(lane_ms), piece.end_ms))
                .collect(),
        }
    }

    /// Moves segments from the window's time to the lane's. A word lies where its middle does and ends with its piece.
    pub(super) fn to_lane(&self, mut segments: Vec<TranscriptSegment>) -> Vec<TranscriptSegment> {
        for segment in &mut segments {
            for word in &mut segment.words {
                let (piece, offset_ms) = self.piece_at(i64::midpoint(word.start_ms, word.end_ms));
                let moved = |ms: i64| (ms + offset_ms).clamp(piece.start_ms, piece.end_ms);
                (word.start_ms, word.end_ms) = (moved(word.start_ms), moved(word.end_ms));
            }
            if let (Some(first), Some(last)) = (segment.words.first(), segment.words.last()) {
                segment.span = Span::new(first.start_ms, last.end_ms);
            }
        }
        segments
    }

    /// The piece at a time of the window, and how much later it lies in the lane.
    fn piece_at(&self, window_ms: i64) -> (Span, i64) {
        let mut from_ms = 0;
        let mut found = (Span::new(0, 0), 0);
        for piece in &self.pieces {
            found = (*piece, piece.start_ms - from_ms);
            from_ms += piece.duration_ms();
            if window_ms < from_ms {
                break;
            }
        }
        found
    }

    /// The pause between the window and `speech` if it is short enough to be kept.
    fn pause_before(&self, speech: Span) -> Option<i64> {
        let pause = speech.start_ms - self.pieces.last()?.end_ms;
        (pause <= PAUSE_MS_MAX).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sound::SAMPLES_PER_MS;
    use crate::transcript::Word;

    fn samples_of(ms: i64) -> usize {
        ms as usize * SAMPLES_PER_MS
    }

    #[test]
    fn short_pauses_are_kept_and_long_ones_left_out() {
        let mut plan = WindowPlan::default();
        plan.add(Span::new(1000, 3000));
        plan.add(Span::new(3500, 4000));
        plan.add(Span::new(9000, 9500));
        assert_eq!(plan.pieces, [Span::new(1000, 4000), Span::new(9000, 9500)]);
        assert_eq!(plan.duration_ms(), 3500);
        assert!(plan.has_room_for(Span::new(20_000, 20_500), 4000, 20_000));
        assert!(!plan.has_room_for(Span::new(20_000, 20_501), 4000, 20_000));
        assert!(!plan.has_room_for(Span::new(20_000, 20_001), 4000, 10_499));
        assert_eq!(plan.after(3900).pieces, [Span::new(3900, 4000), Span::new(9000, 9500)]);
    }

    proptest! {
        /// A sample of the window is the sample of the lane that its time maps to, and words stay in order.
        #[test]
        fn times_map_back_exactly(spans in prop::collection::vec((0_i64..2000, 1_i64..1500), 1..8), at in 0.0_f64..1.0) {
            let mut lane = LaneBuffer::default();
            let mut plan = WindowPlan::default();
            let mut end_ms = 0;
            for (pause, length) in spans {
                plan.add(Span::new(end_ms + pause, end_ms + pause + length));
                end_ms += pause + length;
            }
            let sound: Vec<f32> = (0..samples_of(end_ms)).map(|n| n as f32).collect();
            lane.push(&sound);
            let window = plan.samples(&lane);
            prop_assert_eq!(window.len(), samples_of(plan.duration_ms()));
            let at_ms = (at * (plan.duration_ms() - 1) as f64) as i64;
            let word = |start_ms: i64, end_ms: i64| Word { start_ms, end_ms, text: "a".into(), probability: 1.0 };
            let segment = TranscriptSegment {
                span: Span::new(0, 0),
                words: vec![word(at_ms, at_ms + 1), word(at_ms + 1, plan.duration_ms())],
                language: None,
                average_log_probability: 0.0,
                no_speech_probability: 0.0,
            };
            let words = &plan.to_lane(vec![segment])[0].words;
            prop_assert_eq!(window[samples_of(at_ms)], sound[samples_of(words[0].start_ms)]);
            prop_assert!(words[0].end_ms <= words[1].start_ms && words[1].start_ms <= words[1].end_ms);
        }
    }
}
