//! Whose turn it is to compute: so many at once as the machine can serve, in the order in which they asked, so that no
//! meeting, however far behind, keeps another from being heard.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Turns that are taken and given back.
#[derive(Debug)]
pub(super) struct Turns {
    at_once: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: u64,
    ended: u64,
}

/// A turn; it ends when this is dropped.
pub(in crate::live) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Turns of which `at_once` may be had at once.
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            at_once: at_once.max(1) as u64,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Waits for a turn.
    pub(super) fn take(&self) -> Turn<'_> {
        let mut state = self.state();
        let number = state.asked;
        state.asked += 1;
        let is_early = |state: &mut State| number >= state.ended + self.at_once;
        let waited = self.changed.wait_while(state, is_early);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        Turn(self)
    }

    /// Numbers that are set one by one are whole, whoever panicked.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state().ended += 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_allowed_compute_at_once_and_all_come_to_it() {
        let turns = Turns::new(2);
        let (now, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _turn = turns.take();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
        assert_eq!(done.into_inner(), 16 * 50);
    }
}
