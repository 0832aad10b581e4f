//! A thread that follows lanes as they grow on the disk, and tells what it hears.

use std::sync::mpsc::SyncSender;

use audio::LaneFollower;
use speech::streaming::{LiveEvent, LiveLane, LiveOptions};
use speech::voice_activity::{EmbeddedDetector, SpeechDetector};

use super::engine::{Lent, LiveEngine};
use super::progress::{LaneProgress, Progress, SAMPLES_PER_MS, State};

/// Sound that is taken at once: less would be more work, more would be late.
const TAKEN_SAMPLES: u64 = 200 * SAMPLES_PER_MS;
/// On a machine that is behind, more is: then the model runs less often over the same speech.
const TAKEN_SAMPLES_MAX: u64 = 1000 * SAMPLES_PER_MS;

/// What a follower tells.
#[derive(Debug)]
pub(super) enum Told {
    /// A lane joined.
    Joined {
        lane: usize,
        name: Option<String>,
        start_ms: i64,
    },
    /// Something became known of a lane; times are the meeting's.
    Event { lane: usize, event: LiveEvent },
    /// All speech of the lane is accounted for.
    Ended { lane: usize },
}

/// A follower of every `workers`-th lane, from lane `number` on.
pub(super) struct Follower<'a> {
    pub(super) number: usize,
    pub(super) workers: usize,
    pub(super) engine: &'a LiveEngine,
    pub(super) options: &'a LiveOptions,
    /// Whether sound comes as it is spoken; otherwise it waits for the followers, and nothing is ever put off.
    pub(super) is_real_time: bool,
    pub(super) progress: &'a Progress,
    pub(super) tell: SyncSender<Told>,
}

/// A lane that is followed.
struct Followed {
    number: usize,
    reader: LaneFollower,
    live: LiveLane,
    start_ms: i64,
    taken: u64,
    has_ended: bool,
}

impl Follower<'_> {
    /// Follows until all lanes have ended.
    ///
    /// # Errors
    /// When no recognizer can be made, or the disk is broken. What was not told then is found in the recording.
    pub(super) fn follow(self) -> anyhow::Result<()> {
        let mut lanes: Vec<Followed> = Vec::new();
        loop {
            let state = self.progress.wait(|state| self.has_work(state, &lanes));
            self.join_new(&state, &mut lanes)?;
            if state.ended && lanes.iter().all(|lane| lane.has_ended) {
                return Ok(());
            }
            if !lanes.iter().any(|lane| is_due(lane, &state)) {
                continue;
            }
            let mut lent = self.engine.lend()?;
            // More has come while others had their turns.
            let state = self.progress.now();
            let open = lanes.iter_mut().filter(|lane| !lane.has_ended);
            // Whoever waits longest comes first.
            if let Some(lane) = open.max_by_key(|lane| waiting(lane, &state)) {
                let waits = waiting(lane, &state);
                self.advance(lane, waits, &mut lent)?;
            }
        }
    }

    fn is_mine(&self, lane: usize) -> bool {
        lane % self.workers == self.number
    }

    fn has_work(&self, state: &State, lanes: &[Followed]) -> bool {
        let mine = (0..state.lanes.len()).filter(|&lane| self.is_mine(lane)).count();
        state.ended || mine > lanes.len() || lanes.iter().any(|lane| is_due(lane, state))
    }

    fn join_new(&self, state: &State, lanes: &mut Vec<Followed>) -> anyhow::Result<()> {
        let mine = state.lanes.iter().enumerate().filter(|&(lane, _)| self.is_mine(lane));
        for (number, lane) in mine.skip(lanes.len()) {
            let LaneProgress { path, name, start, .. } = lane;
            let start_ms = (start / SAMPLES_PER_MS) as i64;
            lanes.push(Followed {
                number,
                reader: LaneFollower::open(path, *start)?,
                live: LiveLane::new(
                    SpeechDetector::new(Box::new(EmbeddedDetector::new())),
                    self.options.clone(),
                ),
                start_ms,
                taken: *start,
                has_ended: false,
            });
            self.tell(Told::Joined {
                lane: number,
                name: name.clone(),
                start_ms,
            });
        }
        Ok(())
    }

    /// Takes the next sound of a lane, of which `waits` samples are there, or ends it.
    fn advance(&self, lane: &mut Followed, waits: u64, lent: &mut Lent<'_>) -> anyhow::Result<()> {
        let mut events = Vec::new();
        let mut engines = lent.engines();
        let mut samples = Vec::new();
        // At full speed there is always more; taken as a microphone gives it, it is heard as from a microphone.
        let taken_max = if self.is_real_time {
            TAKEN_SAMPLES_MAX
        } else {
            TAKEN_SAMPLES
        };
        let count = lane.reader.read(waits.min(taken_max) as usize, &mut samples)? as u64;
        if count == 0 {
            lane.live.finish(&mut engines, &mut events)?;
            lane.has_ended = true;
        } else {
            let backlog = if self.is_real_time { waits - count } else { 0 };
            let backlog_ms = (backlog / SAMPLES_PER_MS) as i64;
            lane.live.push(&samples, backlog_ms, &mut engines, &mut events)?;
            lane.taken += count;
        }
        for event in events {
            self.tell(Told::Event {
                lane: lane.number,
                event: event.shifted(lane.start_ms),
            });
        }
        if lane.has_ended {
            self.tell(Told::Ended { lane: lane.number });
        } else {
            self.progress.take(lane.number, lane.taken);
        }
        Ok(())
    }

    fn tell(&self, told: Told) {
        // Who listens does so until all followers have ended.
        let _ = self.tell.send(told);
    }
}

/// Samples of the lane that were not taken yet.
fn waiting(lane: &Followed, state: &State) -> u64 {
    state.lanes[lane.number].end - lane.taken
}

/// Whether enough waits to be worth a turn.
fn is_due(lane: &Followed, state: &State) -> bool {
    !lane.has_ended && (state.ended || waiting(lane, state) >= TAKEN_SAMPLES)
}
