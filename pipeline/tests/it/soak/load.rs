//! What all clients of a soak share: the server that is up at the moment, the ledger, and what went wrong.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ledger::Ledger;
use super::random::Random;
use crate::server::{Answer, Caller, Server};
use crate::workbench::Workbench;

/// Longest pause of a client between two deeds, in a short soak and in a long one, which has more meetings to look after.
const PAUSE_MAX: [Duration; 2] = [Duration::from_millis(600), Duration::from_secs(4)];
/// From how long on a soak is a long one.
const LONG_SECONDS: u64 = 300;

/// What clients do, for whoever wants to kill the server just then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    Upload,
    Piece,
    Open,
    Finish,
    Correct,
    Mark,
    Delete,
    Read,
}

impl Deed {
    /// Those that change something.
    pub(super) const CHANGES: [Self; 7] = [
        Self::Upload,
        Self::Piece,
        Self::Open,
        Self::Finish,
        Self::Correct,
        Self::Mark,
        Self::Delete,
    ];
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The server was killed: it may have done what it was asked, or not.
    Killed,
    /// It said that it is busy: it has done nothing.
    Busy,
}

pub(super) struct Load {
    pub(super) bench: Workbench,
    /// The token of whoever runs the server.
    pub(super) operator: String,
    pause_max: Duration,
    ledger: Mutex<Ledger>,
    state: Mutex<State>,
    changed: Condvar,
    faults: Mutex<Vec<String>>,
    counts: Mutex<BTreeMap<String, usize>>,
}

#[derive(Default)]
struct State {
    /// The server, while there is one.
    caller: Option<Caller>,
    kills: usize,
    is_over: bool,
    /// No server will come any more.
    is_gone: bool,
    /// The deed that the killer waits for.
    wanted: Option<Deed>,
}

/// Ends the load when dropped; when that is by a panic, nobody waits for a server any more.
pub(super) struct Over<'a>(&'a Load);

impl Load {
    pub(super) fn new(bench: Workbench, operator: &str, seconds: u64) -> Self {
        Self {
            bench,
            operator: operator.to_owned(),
            pause_max: PAUSE_MAX[usize::from(seconds > LONG_SECONDS)],
            ledger: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
            faults: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// Does a client's work; a panic in it is a fault.
    pub(super) fn run(&self, name: &str, work: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.fault(format!("{name}: {}", said(panic.as_ref())));
        }
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// Takes down what went wrong, once.
    pub(super) fn fault(&self, fault: String) {
        let mut faults = self.faults.lock().unwrap();
        if !faults.contains(&fault) {
            println!("FAULT {fault}");
            faults.push(fault);
        }
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap().clone()
    }

    pub(super) fn count(&self, what: impl Into<String>) {
        *self.counts.lock().unwrap().entry(what.into()).or_default() += 1;
    }

    pub(super) fn counts(&self) -> String {
        let counts = self.counts.lock().unwrap();
        let all: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        all.join(", ")
    }

    pub(super) fn is_over(&self) -> bool {
        self.state.lock().unwrap().is_over
    }

    pub(super) fn over_when_dropped(&self) -> Over<'_> {
        Over(self)
    }

    pub(super) fn is_up(&self, server: &Server) {
        self.state.lock().unwrap().caller = Some(Caller::clone(server));
        self.changed.notify_all();
    }

    /// From now on a call that is broken off has its reason.
    pub(super) fn goes_down(&self) {
        let mut state = self.state.lock().unwrap();
        state.caller = None;
        state.kills += 1;
    }

    /// The server, as soon as one is up, and how many were killed before; none when none will come.
    pub(super) fn caller(&self) -> Option<(Caller, usize)> {
        let state = self.state.lock().unwrap();
        let is_down = |state: &mut State| state.caller.is_none() && !state.is_gone;
        let state = self.changed.wait_while(state, is_down).unwrap();
        Some((state.caller.clone()?, state.kills))
    }

    pub(super) fn kills(&self) -> usize {
        self.state.lock().unwrap().kills
    }

    /// Waits `duration`, unless no server will come any more.
    pub(super) fn wait(&self, duration: Duration) {
        let state = self.state.lock().unwrap();
        let waited = self.changed.wait_timeout_while(state, duration, |state| !state.is_gone);
        drop(waited.unwrap());
    }

    /// A pause between two deeds; none once the load is over.
    pub(super) fn pause(&self, random: &mut Random) {
        let state = self.state.lock().unwrap();
        let pause = random.up_to(self.pause_max);
        let waited = self.changed.wait_timeout_while(state, pause, |state| !state.is_over);
        drop(waited.unwrap());
    }

    /// Waits until a client begins `deed`, for `at_most`; tells whether one did.
    pub(super) fn wait_for(&self, deed: Deed, at_most: Duration) -> bool {
        let mut state = self.state.lock().unwrap();
        state.wanted = Some(deed);
        let is_wanted = |state: &mut State| state.wanted.is_some() && !state.is_over;
        let (mut state, _) = self.changed.wait_timeout_while(state, at_most, is_wanted).unwrap();
        state.wanted.take().is_none()
    }

    /// Says that a client begins `deed`.
    pub(super) fn begin(&self, deed: Deed) {
        let mut state = self.state.lock().unwrap();
        if state.wanted == Some(deed) {
            state.wanted = None;
            self.changed.notify_all();
        }
    }

    /// Asks the server that is up.
    pub(super) fn call(
        &self,
        deed: Deed,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, Unanswered> {
        let (caller, kills) = self.caller().ok_or(Unanswered::Killed)?;
        self.begin(deed);
        let began = Instant::now();
        let outcome = match caller.try_call(method, path, headers, body) {
            Ok(answer) if answer.status == 503 => {
                if answer.header("retry-after").is_none() {
                    self.fault(format!("{method} {path}: 503 without Retry-After: {}", answer.text()));
                }
                Err(Unanswered::Busy)
            }
            Ok(answer) => {
                if answer.status >= 500 {
                    self.fault(format!("{method} {path}: {} {}", answer.status, answer.text()));
                }
                Ok(answer)
            }
            Err(error) => {
                if self.kills() == kills {
                    let after = began.elapsed().as_millis();
                    self.fault(format!(
                        "{method} {path}: {error} after {after} ms, and nobody killed the server"
                    ));
                }
                Err(Unanswered::Killed)
            }
        };
        self.count(match &outcome {
            Ok(_) => format!("of {deed:?} answered"),
            Err(unanswered) => format!("of {deed:?} {unanswered:?}").to_lowercase(),
        });
        outcome
    }

    pub(super) fn send(&self, deed: Deed, method: &str, path: &str, body: &Value) -> Result<Answer, Unanswered> {
        let json = [("content-type", "application/json")];
        self.call(deed, method, path, &json, body.to_string().as_bytes())
    }

    /// Reads, however often it takes; `None` where there is nothing, or no server any more.
    pub(super) fn read(&self, path: &str) -> Option<Value> {
        loop {
            match self.call(Deed::Read, "GET", path, &[], &[]) {
                Ok(answer) if answer.status == 200 => return Some(answer.json()),
                Ok(answer) if answer.status == 404 => return None,
                Ok(answer) => {
                    self.fault(format!("GET {path}: {} {}", answer.status, answer.text()));
                    return None;
                }
                Err(Unanswered::Busy) => self.wait(Duration::from_millis(200)),
                Err(Unanswered::Killed) => {
                    if self.state.lock().unwrap().is_gone {
                        return None;
                    }
                }
            }
        }
    }
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        // A poisoned lock is no reason to leave others waiting.
        let mut state = self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.is_over = true;
        state.is_gone = std::thread::panicking();
        self.0.changed.notify_all();
    }
}

/// What a panic said.
pub(super) fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic".to_owned())
}
