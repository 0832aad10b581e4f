//! How far each lane is on the disk, and how far the meeting: what the recorder tells and the followers wait for.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Samples in a millisecond of a lane.
pub(super) const SAMPLES_PER_MS: u64 = audio::SAMPLE_RATE_HZ as u64 / 1000;
/// Sound that a source hands over at once; between two pieces the meeting's clock runs on for this long.
pub(super) const PIECE_MS: u64 = 100;

/// A lane on disk.
#[derive(Clone, Debug)]
pub(super) struct LaneProgress {
    pub(super) path: PathBuf,
    /// As the source names it.
    pub(super) name: Option<String>,
    /// The sample at which it joined.
    pub(super) start: u64,
    /// The sample up to which it can be read.
    pub(super) end: u64,
}

/// Shared by recorder and followers.
#[derive(Debug, Default)]
pub(super) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

/// What is known at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) lanes: Vec<LaneProgress>,
    /// How much of each lane its follower has taken, in samples.
    pub(super) taken: Vec<u64>,
    /// No sound will come any more.
    pub(super) ended: bool,
    /// Up to where the source was heard, and when that was known.
    heard: Option<(Instant, u64)>,
}

impl State {
    /// Where the meeting is now.
    fn now_ms(&self) -> i64 {
        self.heard.map_or(0, |(at, heard_ms)| {
            let since = if self.ended { 0 } else { at.elapsed().as_millis() as u64 };
            (heard_ms + since.min(PIECE_MS)) as i64
        })
    }

    /// Sound of the slowest lane that was not taken yet.
    fn waiting_ms(&self) -> u64 {
        let waiting = self.lanes.iter().zip(&self.taken);
        let samples = waiting.map(|(lane, taken)| lane.end.saturating_sub(*taken)).max();
        samples.unwrap_or(0) / SAMPLES_PER_MS
    }
}

impl Progress {
    /// A lane joins.
    pub(super) fn add_lane(&self, lane: LaneProgress) {
        let mut state = self.state();
        state.taken.push(lane.start);
        state.lanes.push(lane);
        self.changed.notify_all();
    }

    /// All lanes grew by `samples`; the source was heard up to `heard_ms`.
    pub(super) fn grow(&self, samples: u64, heard_ms: u64) {
        let mut state = self.state();
        for lane in &mut state.lanes {
            lane.end += samples;
        }
        state.heard = Some((Instant::now(), heard_ms));
        self.changed.notify_all();
    }

    /// The follower of `lane` has taken it up to sample `end`.
    pub(super) fn take(&self, lane: usize, end: u64) {
        self.state().taken[lane] = end;
        self.changed.notify_all();
    }

    /// No sound will come any more.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }

    /// Where the meeting is now, in milliseconds.
    pub(super) fn now_ms(&self) -> i64 {
        self.state().now_ms()
    }

    /// What is known now.
    pub(super) fn now(&self) -> State {
        self.state().clone()
    }

    /// Samples of each lane that are on the disk.
    pub(super) fn recorded(&self) -> u64 {
        self.state().lanes.first().map_or(0, |lane| lane.end)
    }

    /// The lanes as they are.
    pub(super) fn lanes(&self) -> Vec<LaneProgress> {
        self.state().lanes.clone()
    }

    /// Waits until `is_enough`, and tells what is known then.
    pub(super) fn wait(&self, is_enough: impl Fn(&State) -> bool) -> State {
        let waited = self.changed.wait_while(self.state(), |state| !is_enough(state));
        waited.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until less than `ms` waits for the slowest follower, or for `at_most`; tells whether it does.
    pub(super) fn wait_for_followers(&self, ms: u64, at_most: Duration) -> bool {
        let is_behind = |state: &mut State| state.waiting_ms() >= ms;
        let waited = self.changed.wait_timeout_while(self.state(), at_most, is_behind);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Numbers that are set one by one are whole, whoever panicked.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
