//! What a live meeting tells, numbered, so that who was away hears what was missed. What stands is in a file of the
//! meeting's folder before it is told; of what is replaced by something later, such as partial text, the last is kept.
//! So memory is bounded, however long the meeting and however slow its readers.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use datasets::{MeetingId, Minutes};
use index::Recommendation;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::live::LiveMessage;
use crate::service::queue::JobId;

/// In the meeting's folder.
const FILE: &str = "told.jsonl";
/// Events that stand and are in memory; earlier ones are read from the file.
const KEPT_MAX: usize = 256;
/// Numbers that an end of the process may have taken with it: what follows must have higher ones.
const JUMP: u64 = 1 << 32;

/// What is told.
#[derive(Clone, Debug)]
pub enum Notice {
    /// By the machinery of live meetings.
    Told(LiveMessage),
    /// So many samples of each track are safe on disk.
    Accepted {
        /// At 16 kHz, from the meeting's begin.
        samples: u64,
    },
    /// The minutes so far.
    Minutes(Box<Minutes>),
    /// What matters to what was said of late.
    Recommendations(Vec<Recommendation>),
    /// All that was said is written down, and a job makes the meeting of it.
    Ended {
        /// The job.
        job: JobId,
    },
    /// The meeting is in the library.
    Finished {
        /// Its id there; `None` where no sound came.
        meeting: Option<MeetingId>,
    },
    /// It never began, or its job was given up; what was recorded is on disk.
    Failed,
}

/// A notice with its number.
#[derive(Debug)]
pub struct Event {
    /// Greater than of all before, not always by one.
    pub seq: u64,
    /// What is told.
    pub notice: Notice,
}

/// An event as it is told again.
#[derive(Clone, Debug)]
pub enum Replayed {
    /// From memory.
    Event(Arc<Event>),
    /// A line of the file: the JSON of a [`Notice::Told`] with its number.
    Line {
        /// Its number.
        seq: u64,
        /// As it was written.
        json: String,
    },
}

/// A line of the file.
#[derive(Serialize)]
pub struct ToldLine<'a> {
    /// The number.
    pub seq: u64,
    /// What was told.
    #[serde(flatten)]
    pub message: &'a LiveMessage,
}

#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

/// All that a meeting tells.
pub(super) struct EventLog {
    state: Mutex<State>,
    last: watch::Sender<u64>,
}

struct State {
    file: File,
    last: u64,
    /// The last event that is in the file alone.
    evicted: u64,
    kept: VecDeque<Arc<Event>>,
    standing: usize,
}

impl Notice {
    /// Whether it is told again to whoever missed it, however much came after.
    fn stands(&self) -> Option<&LiveMessage> {
        match self {
            Self::Told(message) if !matches!(message, LiveMessage::Partial { .. } | LiveMessage::Lag { .. }) => {
                Some(message)
            }
            _ => None,
        }
    }

    /// Whether it says all that `before` said, or what has become of it.
    fn replaces(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Told(LiveMessage::Partial { at, .. }), Self::Told(LiveMessage::Partial { at: before, .. }))
            | (Self::Told(LiveMessage::Lag { at, .. }), Self::Told(LiveMessage::Lag { at: before, .. })) => {
                at.lane == before.lane
            }
            (Self::Accepted { .. }, Self::Accepted { .. })
            | (Self::Minutes(_), Self::Minutes(_))
            | (Self::Recommendations(_), Self::Recommendations(_)) => true,
            _ => false,
        }
    }
}

impl EventLog {
    /// The log in the folder `dir`: a new one, or what is there of one.
    pub(super) fn open(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(FILE);
        let failed = || format!("opening `{}`", path.display());
        let is_new = !path.exists();
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let file = file.with_context(failed)?;
        let lines = BufReader::new(&file).lines();
        let last = lines.map_while(Result::ok).filter_map(|line| seq_of(&line)).last();
        let last = if is_new { 0 } else { last.unwrap_or(0) + JUMP };
        Ok(Self {
            state: Mutex::new(State {
                file,
                last,
                evicted: last,
                kept: VecDeque::new(),
                standing: 0,
            }),
            last: watch::Sender::new(last),
        })
    }

    /// Tells `notice`.
    pub(super) fn push(&self, notice: Notice) {
        let mut state = self.state();
        let seq = state.last + 1;
        state.last = seq;
        if let Some(message) = notice.stands() {
            if let Err(error) = write_line(&state.file, seq, message) {
                // It is in the journal all the same, and will be in the transcript.
                tracing::error!(%error, "an event of a live meeting is not written down");
            }
            state.standing += 1;
            state.evict();
        } else {
            state.kept.retain(|before| !notice.replaces(&before.notice));
        }
        state.kept.push_back(Arc::new(Event { seq, notice }));
        drop(state);
        self.last.send_replace(seq);
    }

    /// Number of the last event.
    pub(super) fn last(&self) -> u64 {
        self.state().last
    }

    /// Changes with every event.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// What came after event `after`, in order. Reads the file where that is long ago.
    pub(super) fn since(&self, after: u64) -> anyhow::Result<Vec<Replayed>> {
        let state = self.state();
        let mut replayed = Vec::new();
        if after < state.evicted {
            let mut file = state.file.try_clone().context("reading what was told")?;
            file.seek(SeekFrom::Start(0))?;
            for line in BufReader::new(file).lines() {
                let json = line.context("reading what was told")?;
                match seq_of(&json) {
                    Some(seq) if seq > state.evicted => break,
                    Some(seq) if seq > after => replayed.push(Replayed::Line { seq, json }),
                    _ => {}
                }
            }
        }
        let kept = state.kept.iter().filter(|event| event.seq > after);
        replayed.extend(kept.cloned().map(Replayed::Event));
        drop(state);
        replayed.sort_by_key(Replayed::seq);
        Ok(replayed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn evict(&mut self) {
        while self.standing > KEPT_MAX {
            let Some(at) = self.kept.iter().position(|event| event.notice.stands().is_some()) else {
                return;
            };
            self.evicted = self.kept.remove(at).map_or(self.evicted, |event| event.seq);
            self.standing -= 1;
        }
    }
}

impl Replayed {
    /// The event's number.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Event(event) => event.seq,
            Self::Line { seq, .. } => *seq,
        }
    }
}

fn write_line(mut file: &File, seq: u64, message: &LiveMessage) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(&ToldLine { seq, message })?;
    line.push(b'\n');
    Ok(file.write_all(&line)?)
}

fn seq_of(line: &str) -> Option<u64> {
    serde_json::from_str::<Numbered>(line).ok().map(|line| line.seq)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use speech::sound::Span;

    use super::*;
    use crate::live::At;

    fn at(lane: usize) -> At {
        At {
            lane,
            speaker: None,
            start_ms: 0,
            end_ms: 0,
            lag_ms: 0,
        }
    }

    fn notice(kind: usize) -> Notice {
        match kind {
            0 | 1 => Notice::Told(LiveMessage::Partial {
                at: at(kind),
                text: "the".to_owned(),
            }),
            2 => Notice::Accepted { samples: 1600 },
            _ => Notice::Told(LiveMessage::Empty {
                at: at(0),
                covers: Span::new(0, 1),
            }),
        }
    }

    proptest! {
        /// Whoever comes back hears all that stands, the last of all else, in order, however much there was.
        #[test]
        fn nothing_that_stands_is_missed(kinds in prop::collection::vec(0_usize..8, 0..900), after in 0_u64..900) {
            let folder = tempfile::tempdir().unwrap();
            let log = EventLog::open(folder.path()).unwrap();
            for &kind in &kinds {
                log.push(notice(kind));
            }
            let replayed: Vec<u64> = log.since(after).unwrap().iter().map(Replayed::seq).collect();
            let expected = (1_u64..).zip(&kinds).filter(|&(seq, kind)| {
                let is_last = *kind > 2 || kinds[seq as usize..].iter().all(|later| later != kind);
                seq > after && is_last
            });
            prop_assert_eq!(replayed, expected.map(|(seq, _)| seq).collect::<Vec<_>>());
            prop_assert!(log.state().kept.len() <= KEPT_MAX + 4);
            // After a crash the file tells the same, and numbers go on above all that were given.
            drop(log);
            let again = EventLog::open(folder.path()).unwrap();
            let stands = kinds.iter().filter(|&&kind| kind > 2).count();
            prop_assert_eq!(again.since(0).unwrap().len(), stands);
            again.push(notice(2));
            prop_assert!(again.last() > kinds.len() as u64);
        }
    }
}
