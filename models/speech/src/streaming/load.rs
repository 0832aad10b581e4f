//! What is computed, by how much sound waits.

use serde::{Deserialize, Serialize};

/// How much is computed for a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadLevel {
    /// Partial text while people speak.
    Normal,
    /// Text when speech ends, or fills the buffer.
    WithoutPartials,
    /// The same with the smaller model, where there is one.
    SmallerModel,
    /// None: it will be transcribed from the recording.
    Deferred,
}

/// Sound to be taken after one step before the next, so that a step can show its effect.
const SETTLING_MS: i64 = 3000;
/// Sound to be taken in time before more is computed again.
const RECOVERY_MS: i64 = 15_000;

/// Steps down when too much waits, and up again after a while in which little did.
pub(super) struct LoadControl {
    level: LoadLevel,
    has_smaller_model: bool,
    backlog_ms_max: i64,
    changed_ms: i64,
    behind_ms: i64,
}

impl LoadControl {
    pub(super) fn new(backlog_ms_max: i64, has_smaller_model: bool) -> Self {
        Self {
            level: LoadLevel::Normal,
            has_smaller_model,
            backlog_ms_max,
            changed_ms: i64::MIN / 2,
            behind_ms: i64::MIN / 2,
        }
    }

    pub(super) fn level(&self) -> LoadLevel {
        self.level
    }

    /// Takes what waits at a time of the lane; gives the level if it changed.
    pub(super) fn update(&mut self, now_ms: i64, backlog_ms: i64) -> Option<LoadLevel> {
        if backlog_ms > self.backlog_ms_max / 4 {
            self.behind_ms = now_ms;
        }
        let next = if backlog_ms > self.backlog_ms_max && now_ms - self.changed_ms >= SETTLING_MS {
            self.below()
        } else if now_ms - self.behind_ms.max(self.changed_ms) >= RECOVERY_MS {
            self.above()
        } else {
            self.level
        };
        if next == self.level {
            return None;
        }
        (self.level, self.changed_ms) = (next, now_ms);
        Some(next)
    }

    fn below(&self) -> LoadLevel {
        match self.level {
            LoadLevel::Normal => LoadLevel::WithoutPartials,
            LoadLevel::WithoutPartials if self.has_smaller_model => LoadLevel::SmallerModel,
            _ => LoadLevel::Deferred,
        }
    }

    fn above(&self) -> LoadLevel {
        match self.level {
            LoadLevel::Deferred if self.has_smaller_model => LoadLevel::SmallerModel,
            LoadLevel::Deferred | LoadLevel::SmallerModel => LoadLevel::WithoutPartials,
            _ => LoadLevel::Normal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_at_a_time_down_soon_and_up_late() {
        let mut load = LoadControl::new(3000, true);
        assert_eq!(load.update(0, 2900), None);
        assert_eq!(load.update(1000, 3100), Some(LoadLevel::WithoutPartials));
        assert_eq!(load.update(2000, 5000), None);
        assert_eq!(load.update(4000, 5000), Some(LoadLevel::SmallerModel));
        assert_eq!(load.update(7000, 6000), Some(LoadLevel::Deferred));
        assert_eq!(load.update(20_000, 6000), None);
        assert_eq!(load.update(30_000, 0), None);
        assert_eq!(load.update(35_000, 0), Some(LoadLevel::SmallerModel));
        assert_eq!(load.update(50_000, 0), Some(LoadLevel::WithoutPartials));
        assert_eq!(load.update(65_000, 100), Some(LoadLevel::Normal));
        assert_eq!(load.update(90_000, 0), None);
    }

    #[test]
    fn without_a_smaller_model_that_step_is_left_out() {
        let mut load = LoadControl::new(1000, false);
        assert_eq!(load.update(0, 2000), Some(LoadLevel::WithoutPartials));
        assert_eq!(load.update(5000, 2000), Some(LoadLevel::Deferred));
    }
}
