//! Time within a recording, in whole milliseconds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds from the start of the recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(pub i64);

/// From `start` up to `end`, in the time of the recording; `start <= end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeSpan {
    /// When it begins.
    pub start: MediaTime,
    /// When it ends.
    pub end: MediaTime,
}

impl MediaTime {
    /// Rounds seconds to the nearest millisecond; what is not a number becomes zero.
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1000.0).round() as i64)
    }

    /// The time in seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// `01:02:03`, for people.
    pub fn clock(self) -> String {
        let seconds = self.0.max(0) / 1000;
        format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

impl fmt::Display for MediaTime {
    /// `01:02:03.004`, as WebVTT writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.clock(), self.0.max(0) % 1000)
    }
}

impl TimeSpan {
    /// The span between the two times, whichever comes first.
    pub fn new(a: MediaTime, b: MediaTime) -> Self {
        Self {
            start: a.min(b),
            end: a.max(b),
        }
    }

    /// Length in milliseconds.
    pub fn duration_ms(&self) -> i64 {
        self.end.0 - self.start.0
    }

    /// Length of the common part in milliseconds, zero when the spans only touch or are apart.
    pub fn overlap_ms(&self, other: &Self) -> i64 {
        (self.end.0.min(other.end.0) - self.start.0.max(other.start.0)).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_as_in_webvtt() {
        assert_eq!(MediaTime(3_723_004).to_string(), "01:02:03.004");
        assert_eq!(MediaTime::from_seconds(1.57), MediaTime(1570));
    }

    #[test]
    fn overlap_is_symmetric_and_never_negative() {
        let span = |a, b| TimeSpan::new(MediaTime(a), MediaTime(b));
        assert_eq!(span(0, 10).overlap_ms(&span(5, 20)), 5);
        assert_eq!(span(5, 20).overlap_ms(&span(0, 10)), 5);
        assert_eq!(span(0, 10).overlap_ms(&span(10, 20)), 0);
        assert_eq!(span(0, 1).overlap_ms(&span(10, 20)), 0);
    }
}
