//! The end of a live meeting, as everything that waits sees it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Shared by all threads of a live meeting.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_asked: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Asks for the end.
    pub fn ask(&self) {
        *self.state() = true;
        self.0.changed.notify_all();
    }

    /// Whether the meeting is to end.
    pub fn is_asked(&self) -> bool {
        *self.state()
    }

    /// Waits until `due`, or until the end is asked for; tells whether it was.
    pub fn wait_until(&self, due: Instant) -> bool {
        let wait = due.saturating_duration_since(Instant::now());
        let waited = self
            .0
            .changed
            .wait_timeout_while(self.state(), wait, |is_asked| !*is_asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// It is whole, whoever panicked while it was held.
    fn state(&self) -> MutexGuard<'_, bool> {
        self.0.is_asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_waits_is_woken() {
        let stop = Stop::default();
        assert!(!stop.wait_until(Instant::now()));
        let asker = stop.clone();
        let far = Instant::now() + Duration::from_secs(3600);
        std::thread::scope(|scope| {
            scope.spawn(|| asker.ask());
            assert!(stop.wait_until(far));
        });
        assert!(stop.is_asked());
    }
}
