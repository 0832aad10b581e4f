//! A track's clock: where its sound stands in the recording, by what was decoded and by the time stamps of packets.
//!
//! What was decoded is exact but knows no pauses; time stamps know pauses but may be coarse, shifted or damaged. So
//! sound follows sound, and time stamps only say where silence lies between.

use std::time::Duration;

/// A packet that begins this much after the end of the one before leaves a gap, which is filled with silence: somebody
/// joined late, was muted, or sent nothing while silent. Below it lie the delays of codecs and the millisecond clock of
/// Matroska. In seconds.
const GAP_MIN: f64 = 0.1;

/// A longer gap is a damaged time stamp. In seconds.
const GAP_MAX: f64 = 4.0 * 3600.0;

/// A packet that begins this much before the end of the one before it is on another clock. In seconds.
const OVERLAP_MAX: f64 = 1.0;

/// A file whose first time stamp is at most this begins at zero, and what is missing before is silence. In seconds.
const ORIGIN_MIN: f64 = 1.0;

/// The sound may end this much before, and a gap this much after, the length that the file states. In seconds.
const LENGTH_TOLERANCE: f64 = 1.0;

/// Times are in seconds.
pub(super) struct TrackClock {
    /// Length of the sound so far, silence included.
    position: f64,
    /// Taken off time stamps to have the position.
    offset: f64,
    has_origin: bool,
    /// Length of the track as the file states it.
    declared: Option<Duration>,
    /// How often the time stamps jumped, and where first.
    jumps: Option<(u64, Duration)>,
}

impl TrackClock {
    /// A clock of a track that begins `delay` after the recording and is `declared` long from there.
    pub(super) fn new(delay: Duration, declared: Option<Duration>) -> Self {
        Self {
            position: 0.0,
            offset: -delay.as_secs_f64(),
            has_origin: false,
            declared: declared.map(|length| length + delay),
            jumps: None,
        }
    }

    pub(super) fn position(&self) -> Duration {
        Duration::from_secs_f64(self.position)
    }

    pub(super) fn declared(&self) -> Option<Duration> {
        self.declared
    }

    pub(super) fn jumps(&self) -> Option<(u64, Duration)> {
        self.jumps
    }

    /// Whether the sound ends before the file says that it does.
    pub(super) fn is_short(&self) -> bool {
        self.declared
            .is_some_and(|declared| declared.as_secs_f64() - self.position > LENGTH_TOLERANCE)
    }

    /// Takes the time stamp of the first packet of the file, of whatever track. A recording that was cut out of a longer
    /// one keeps the time stamps of that one: its clock begins there, for all tracks alike. Later calls do nothing.
    pub(super) fn set_origin(&mut self, stamp: f64) {
        if !std::mem::replace(&mut self.has_origin, true) && stamp > ORIGIN_MIN {
            self.offset += stamp;
            // Whether the length that is stated counts from there is anybody's guess.
            self.declared = None;
        }
    }

    /// Silence between the sound so far and a packet with this time stamp.
    pub(super) fn gap_before(&mut self, stamp: f64) -> f64 {
        let gap = stamp - self.offset - self.position;
        let end = self
            .declared
            .map_or(f64::INFINITY, |length| length.as_secs_f64() + LENGTH_TOLERANCE);
        let is_beyond_end = gap >= GAP_MIN && self.position + gap > end;
        if !(-OVERLAP_MAX..=GAP_MAX).contains(&gap) || is_beyond_end {
            // The sound goes on from where it is, and the time stamps with it.
            self.offset += gap;
            self.jumps.get_or_insert((0, Duration::from_secs_f64(self.position))).0 += 1;
            0.0
        } else if gap < GAP_MIN {
            0.0
        } else {
            gap
        }
    }

    /// Goes on by the length of sound or silence.
    pub(super) fn advance(&mut self, seconds: f64) {
        self.position += seconds;
    }

    /// Another stream follows in the same file, whose time stamps begin at zero again.
    pub(super) fn restart(&mut self) {
        self.offset = -self.position;
        // The length that was stated is that of the first stream.
        self.declared = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The positions at which packets of 20 ms with these time stamps begin.
    fn positions(clock: &mut TrackClock, stamps: &[f64]) -> Vec<f64> {
        stamps
            .iter()
            .map(|&stamp| {
                clock.set_origin(stamp);
                let gap = clock.gap_before(stamp);
                clock.advance(gap);
                let begin = clock.position;
                clock.advance(0.02);
                (begin * 1000.0).round() / 1000.0
            })
            .collect()
    }

    fn check(delay: u64, declared: Option<u64>, stamps: &[f64], expected: &[f64], jumps: u64) {
        let mut clock = TrackClock::new(Duration::from_secs(delay), declared.map(Duration::from_secs));
        assert_eq!(positions(&mut clock, stamps), expected, "{stamps:?}");
        assert_eq!(clock.jumps.map_or(0, |(jumps, _)| jumps), jumps, "{stamps:?}");
    }

    #[test]
    fn sound_stands_where_its_time_stamp_says() {
        check(0, None, &[0.0, 0.02, 0.04], &[0.0, 0.02, 0.04], 0);
        // Coarse stamps and codec delays move nothing.
        check(0, None, &[0.007, 0.021, 0.0], &[0.0, 0.02, 0.04], 0);
        // Muted from 0.02 to 5.
        check(0, None, &[0.0, 5.0, 5.02], &[0.0, 5.0, 5.02], 0);
        // An edit list that begins with nothing.
        check(3, Some(60), &[0.0, 0.02], &[3.0, 3.02], 0);
        // A piece of a longer recording.
        check(0, Some(4), &[1000.0, 1000.02, 1002.0], &[0.0, 0.02, 2.0], 0);
    }

    #[test]
    fn damaged_time_stamps_insert_no_hours() {
        check(0, None, &[0.0, 9e9, 0.04, 0.06], &[0.0, 0.02, 0.04, 0.06], 2);
        check(0, Some(10), &[0.0, 30.0, 30.02], &[0.0, 0.02, 0.04], 1);
        // Back to an earlier clock; pauses on it still count.
        check(0, None, &[0.0, 500.0, 0.0, 7.0], &[0.0, 500.0, 500.02, 507.02], 1);
    }

    proptest! {
        /// Whatever the stamps, sound never goes back, and no pause is longer than any pause.
        #[test]
        fn positions_only_grow(stamps in proptest::collection::vec(-1e6..1e6_f64, 1..50)) {
            let made = positions(&mut TrackClock::new(Duration::ZERO, None), &stamps);
            for pair in made.windows(2) {
                prop_assert!(pair[1] > pair[0] && pair[1] - pair[0] < GAP_MAX + 1.0);
            }
        }
    }
}
