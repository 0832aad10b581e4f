//! Diarization error rate as NIST defines it: time with too few, too many or wrong speakers over the time of all speakers,
//! under the best mapping of names. No collar; speech of several at once counts for each.

use std::collections::BTreeMap;

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use crate::sound::Span;

/// Milliseconds of error, and of speech to divide them by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiarizationErrors {
    /// Time of all speakers of the reference, added up.
    pub speech_ms: i64,
    /// Speakers not found.
    pub missed_ms: i64,
    /// Speakers where there are fewer.
    pub false_alarm_ms: i64,
    /// Speakers taken for others.
    pub confusion_ms: i64,
}

impl DiarizationErrors {
    /// The error rate; more than one is possible.
    pub fn rate(&self) -> f64 {
        (self.missed_ms + self.false_alarm_ms + self.confusion_ms) as f64 / self.speech_ms.max(1) as f64
    }

    /// Both recordings together.
    pub fn and(self, other: Self) -> Self {
        Self {
            speech_ms: self.speech_ms + other.speech_ms,
            missed_ms: self.missed_ms + other.missed_ms,
            false_alarm_ms: self.false_alarm_ms + other.false_alarm_ms,
            confusion_ms: self.confusion_ms + other.confusion_ms,
        }
    }
}

/// Compares turns with those of the reference; speakers by any names. Turns of one speaker may overlap.
pub fn diarization_errors<R: Ord + Clone, H: Ord + Clone>(
    reference: &[(Span, R)],
    hypothesis: &[(Span, H)],
) -> DiarizationErrors {
    let (reference, hypothesis) = (by_speaker(reference), by_speaker(hypothesis));
    let mut borders: Vec<i64> = reference
        .iter()
        .chain(&hypothesis)
        .flat_map(|spans| spans.iter().flat_map(|span| [span.start_ms, span.end_ms]))
        .collect();
    borders.sort_unstable();
    borders.dedup();
    let mut errors = DiarizationErrors::default();
    let size = reference.len().max(hypothesis.len()).max(1);
    let mut together = Matrix::new(size, size, 0_i64);
    let mut could_be_right = 0;
    for border in borders.windows(2) {
        let length = border[1] - border[0];
        let (spoken, found) = (active(&reference, border[0]), active(&hypothesis, border[0]));
        let (spoken_count, found_count) = (spoken.len() as i64, found.len() as i64);
        errors.speech_ms += length * spoken_count;
        errors.missed_ms += length * (spoken_count - found_count).max(0);
        errors.false_alarm_ms += length * (found_count - spoken_count).max(0);
        could_be_right += length * spoken_count.min(found_count);
        for &a in &spoken {
            for &b in &found {
                together[(a, b)] += length;
            }
        }
    }
    let (right, _) = kuhn_munkres(&together);
    errors.confusion_ms = could_be_right - right;
    errors
}

fn by_speaker<N: Ord + Clone>(turns: &[(Span, N)]) -> Vec<Vec<Span>> {
    let mut speakers: BTreeMap<N, Vec<Span>> = BTreeMap::new();
    for (span, name) in turns {
        speakers.entry(name.clone()).or_default().push(*span);
    }
    speakers.into_values().collect()
}

/// The speakers who speak at a time.
fn active(speakers: &[Vec<Span>], at_ms: i64) -> Vec<usize> {
    let speaks = |spans: &Vec<Span>| spans.iter().any(|span| span.start_ms <= at_ms && at_ms < span.end_ms);
    speakers
        .iter()
        .enumerate()
        .filter(|(_, spans)| speaks(spans))
        .map(|(at, _)| at)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turns(turns: &[(i64, i64, &'static str)]) -> Vec<(Span, &'static str)> {
        turns
            .iter()
            .map(|&(start_ms, end_ms, name)| (Span::new(start_ms, end_ms), name))
            .collect()
    }

    #[test]
    fn each_kind_of_error_is_counted() {
        let reference = turns(&[(0, 1000, "anna"), (500, 1500, "ben")]);
        let errors = diarization_errors(&reference, &turns(&[(0, 750, "x"), (750, 2000, "y")]));
        // Ben is missed up to 0.75 s, Anna after it; nobody speaks from 1.5 s on; x is Anna, y is Ben.
        assert_eq!(
            errors,
            DiarizationErrors {
                speech_ms: 2000,
                missed_ms: 500,
                false_alarm_ms: 500,
                confusion_ms: 0
            }
        );
        let errors = diarization_errors(&reference, &turns(&[(0, 2000, "x")]));
        assert_eq!(
            (errors.missed_ms, errors.false_alarm_ms, errors.confusion_ms),
            (500, 500, 500)
        );
        assert_eq!(errors.rate(), 0.75);
    }

    proptest! {
        /// Names do not matter, a perfect answer has no error, and none at all misses everything.
        #[test]
        fn the_mapping_is_the_best(parts in prop::collection::vec((0_i64..5000, 1_i64..2000, 0_usize..4), 1..12)) {
            let reference: Vec<(Span, usize)> =
                parts.iter().map(|&(start, length, name)| (Span::new(start, start + length), name)).collect();
            let renamed: Vec<(Span, usize)> = reference.iter().map(|&(span, name)| (span, (name + 1) % 4)).collect();
            prop_assert_eq!(diarization_errors(&reference, &renamed).rate(), 0.0);
            let nothing: Vec<(Span, usize)> = Vec::new();
            prop_assert_eq!(diarization_errors(&reference, &nothing).rate(), 1.0);
        }
    }
}
