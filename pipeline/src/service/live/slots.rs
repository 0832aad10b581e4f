//! How many meetings are held at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Places for meetings.
pub(super) struct Slots {
    max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    taken: usize,
    is_closed: bool,
}

/// The place of one meeting; free again when dropped.
pub(super) struct Slot(Arc<Slots>);

impl Slots {
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// A place, where there is one.
    pub(super) fn take(self: &Arc<Self>) -> Option<Slot> {
        let mut state = self.state();
        if state.is_closed || state.taken >= self.max {
            return None;
        }
        state.taken += 1;
        drop(state);
        Some(Slot(Arc::clone(self)))
    }

    /// Places that are taken.
    pub(super) fn taken(&self) -> usize {
        self.state().taken
    }

    /// Gives no more places.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
    }

    /// Waits until all places are free, for `at_most`; tells whether they are.
    pub(super) fn wait_until_free(&self, at_most: Duration) -> bool {
        let is_taken = |state: &mut State| state.taken > 0;
        let waited = self.changed.wait_timeout_while(self.state(), at_most, is_taken);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Numbers that are set one by one are whole, whoever panicked.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.state().taken -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_up_to_the_most_and_come_back() {
        let slots = Slots::new(2);
        let (one, two) = (slots.take(), slots.take());
        assert!(one.is_some() && two.is_some() && slots.take().is_none());
        assert!(!slots.wait_until_free(Duration::ZERO));
        drop(one);
        assert!(slots.take().is_some());
        drop(two);
        assert!(slots.wait_until_free(Duration::ZERO));
        slots.close();
        assert!(slots.take().is_none());
    }
}
