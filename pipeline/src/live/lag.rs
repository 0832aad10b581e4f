//! How late words were committed, counted in classes: as small after eight hours as after one minute.

/// Width of a class.
const CLASS_MS: i64 = 50;
/// The last class holds all that is later.
const CLASSES: usize = 1200;

/// Counts of lags.
#[derive(Clone, Debug)]
pub struct LagHistogram {
    counts: Vec<u64>,
}

impl Default for LagHistogram {
    fn default() -> Self {
        Self {
            counts: vec![0; CLASSES],
        }
    }
}

impl LagHistogram {
    /// Counts a word.
    pub fn add(&mut self, lag_ms: i64) {
        let class = (lag_ms.max(0) / CLASS_MS) as usize;
        self.counts[class.min(CLASSES - 1)] += 1;
    }

    /// Words counted.
    pub fn words(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The lag that `share` of the words do not pass, to 50 ms; one minute stands for more. Nothing without words.
    pub fn quantile_ms(&self, share: f64) -> Option<i64> {
        let wanted = (self.words() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let class = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some((class as i64 + 1) * CLASS_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_counted() {
        let mut lag = LagHistogram::default();
        assert_eq!(lag.quantile_ms(0.5), None);
        for lag_ms in (0..1000).chain([-5, 1_000_000]) {
            lag.add(lag_ms);
        }
        assert_eq!(lag.words(), 1002);
        assert_eq!(lag.quantile_ms(0.5), Some(500));
        assert_eq!(lag.quantile_ms(0.99), Some(1000));
        assert_eq!(lag.quantile_ms(1.0), Some(60_000));
    }
}
