//! Places topic boundaries where the expected Pk error is least: for any two sentences a given distance apart, the
//! error is the probability that they belong to different topics if no boundary stands between them, and its complement
//! if one does. The best set is found exactly, in time proportional to the sentences times that distance.
//!
//! Pk: Beeferman, Berger and Lafferty, "Statistical Models for Text Segmentation", Machine Learning 1999.

/// What the placement knows of a meeting.
pub(super) struct Placement<'a> {
    /// For each sentence, the probability that it and the one `distance` further on belong to different topics.
    pub(super) different: &'a [f32],
    /// Sentences between the two.
    pub(super) distance: usize,
    /// For each sentence, the probability that a topic begins with it.
    pub(super) begins: &'a [f32],
    /// For each sentence, whether a topic may begin with it.
    pub(super) may_begin: &'a [bool],
}

/// What a boundary costs, as a share of `distance`: keeps doubtful ones out. Tuned with the next on AMI and ICSI train.
const BOUNDARY_COST: f64 = 0.05;

/// What a certain beginning saves, as a share of `distance`: pulls a boundary to the sentence that opens the topic.
const BEGINNING_GAIN: f64 = 0.2;

/// Topics hold at least this many sentences.
const TOPIC_SENTENCES_MIN: usize = 2;

impl Placement<'_> {
    /// The sentences with which topics begin, without the first one, in order.
    pub(super) fn best(&self) -> Vec<usize> {
        let count = self.begins.len();
        // Sum of what a pair costs more without a boundary between than with one.
        let mut sums = vec![0.0_f64];
        for different in self.different {
            sums.push(sums[sums.len() - 1] + 2.0 * f64::from(*different) - 1.0);
        }
        let pairs_before = |at: usize| sums[at.min(sums.len() - 1)];
        let mut cost = vec![f64::INFINITY; count + 1];
        let mut previous = vec![0; count + 1];
        cost[0] = 0.0;
        let mut far = (f64::INFINITY, 0);
        for end in 1..=count {
            if let Some(start) = end.checked_sub(self.distance) {
                let candidate = (cost[start] - pairs_before(start), start);
                far = if candidate.0 < far.0 { candidate } else { far };
            }
            if end < count && !self.may_begin[end] {
                continue;
            }
            // A topic of `distance` sentences or more holds pairs without a boundary; a shorter one holds none.
            let long = far.0 + pairs_before(end.saturating_sub(self.distance));
            let short = end.saturating_sub(self.distance - 1)..(end + 1).saturating_sub(TOPIC_SENTENCES_MIN);
            let short = short
                .map(|start| (cost[start], start))
                .min_by(|left, right| left.0.total_cmp(&right.0));
            let best = match short {
                Some(short) if short.0 < long => short,
                _ => (long, far.1),
            };
            let unit = self.distance as f64;
            let own = if end < count {
                unit * (BOUNDARY_COST - BEGINNING_GAIN * f64::from(self.begins[end]))
            } else {
                0.0
            };
            cost[end] = best.0 + own;
            previous[end] = best.1;
        }
        let mut begins: Vec<usize> = std::iter::successors(Some(previous[count]), |&at| Some(previous[at]))
            .take_while(|&at| at > 0)
            .collect();
        begins.reverse();
        begins
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The cost of `boundaries` by definition, short topics and doubtful beginnings included.
    fn expected_cost(placement: &Placement, boundaries: &[usize]) -> f64 {
        let pairs = placement.different.iter().enumerate().map(|(at, &different)| {
            let apart = boundaries
                .iter()
                .any(|&boundary| at < boundary && boundary <= at + placement.distance);
            f64::from(if apart { 1.0 - different } else { different })
        });
        let own = boundaries.iter().map(|&boundary| {
            placement.distance as f64 * (BOUNDARY_COST - BEGINNING_GAIN * f64::from(placement.begins[boundary]))
        });
        pairs.sum::<f64>() + own.sum::<f64>()
    }

    fn all_boundaries(count: usize, may_begin: &[bool]) -> Vec<Vec<usize>> {
        let mut sets = vec![Vec::new()];
        #[expect(clippy::needless_range_loop, reason = "`at` is a place in several lists at once")]
        for at in 1..count {
            if may_begin[at] {
                let with: Vec<Vec<usize>> = sets
                    .iter()
                    .filter(|set| {
                        set.last().unwrap_or(&0) + TOPIC_SENTENCES_MIN <= at && at + TOPIC_SENTENCES_MIN <= count
                    })
                    .map(|set| [set.as_slice(), &[at]].concat())
                    .collect();
                sets.extend(with);
            }
        }
        sets
    }

    proptest! {
        #[test]
        fn no_other_placement_is_cheaper(
            probabilities in prop::collection::vec((0.0_f32..1.0, 0.0_f32..1.0, prop::bool::weighted(0.8)), 3..10),
            distance in 2_usize..4,
        ) {
            let count = probabilities.len();
            let different: Vec<f32> = probabilities.iter().map(|row| row.0).take(count.saturating_sub(distance)).collect();
            let begins: Vec<f32> = probabilities.iter().map(|row| row.1).collect();
            let may_begin: Vec<bool> = probabilities.iter().map(|row| row.2).collect();
            let placement = Placement { different: &different, distance, begins: &begins, may_begin: &may_begin };
            let best = expected_cost(&placement, &placement.best());
            for other in all_boundaries(count, &may_begin) {
                prop_assert!(best <= expected_cost(&placement, &other) + 1e-6, "{other:?} beats {:?}", placement.best());
            }
        }
    }
}
