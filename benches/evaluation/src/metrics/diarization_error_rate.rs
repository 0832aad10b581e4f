//! Diarization error rate as NIST defines it: time with too few, too many or wrong speakers over the time of all speakers,
//! under the best mapping of names. Speech of several at once counts for each, unless [`ScoredTime`] leaves it out.

use std::collections::BTreeMap;

use datasets::{MediaTime, TimeSpan};
use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

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

/// Which part of a recording is scored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoredTime {
    /// What annotators have heard (a UEM file's spans); `None` for everything.
    pub annotated: Option<Vec<TimeSpan>>,
    /// Time before and after each border of the reference that is left out, in milliseconds.
    pub collar_ms: i64,
    /// Whether time in which several speak in the reference is left out.
    pub skip_overlap: bool,
}

impl DiarizationErrors {
    /// The error rate; more than one is possible. `None` where nobody speaks.
    pub fn rate(&self) -> Option<f64> {
        self.share(self.missed_ms + self.false_alarm_ms + self.confusion_ms)
    }

    /// A time as a share of the speech; `None` where nobody speaks.
    pub fn share(&self, ms: i64) -> Option<f64> {
        (self.speech_ms > 0).then(|| ms as f64 / self.speech_ms as f64)
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
    reference: &[(TimeSpan, R)],
    hypothesis: &[(TimeSpan, H)],
    scored: &ScoredTime,
) -> DiarizationErrors {
    let collars = scored.collars(reference);
    let (reference, hypothesis) = (by_speaker(reference), by_speaker(hypothesis));
    let borders = borders(
        reference
            .iter()
            .chain(&hypothesis)
            .chain([&collars])
            .chain(&scored.annotated),
    );
    let mut errors = DiarizationErrors::default();
    let size = reference.len().max(hypothesis.len()).max(1);
    let mut together = Matrix::new(size, size, 0_i64);
    let mut could_be_right = 0;
    for border in borders.windows(2) {
        let (start, length) = (border[0], border[1].0 - border[0].0);
        let (spoken, found) = (active(&reference, start), active(&hypothesis, start));
        let overlap = spoken.len() > 1 && scored.skip_overlap;
        if overlap || covers(&collars, start) || scored.annotated.as_ref().is_some_and(|spans| !covers(spans, start)) {
            continue;
        }
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

impl ScoredTime {
    fn collars<N>(&self, reference: &[(TimeSpan, N)]) -> Vec<TimeSpan> {
        if self.collar_ms <= 0 {
            return Vec::new();
        }
        let around = |at: MediaTime| TimeSpan::new(MediaTime(at.0 - self.collar_ms), MediaTime(at.0 + self.collar_ms));
        reference
            .iter()
            .flat_map(|(span, _)| [around(span.start), around(span.end)])
            .collect()
    }
}

fn borders<'a>(spans: impl Iterator<Item = &'a Vec<TimeSpan>>) -> Vec<MediaTime> {
    let mut borders: Vec<MediaTime> = spans.flatten().flat_map(|span| [span.start, span.end]).collect();
    borders.sort_unstable();
    borders.dedup();
    borders
}

fn by_speaker<N: Ord + Clone>(turns: &[(TimeSpan, N)]) -> Vec<Vec<TimeSpan>> {
    let mut speakers: BTreeMap<N, Vec<TimeSpan>> = BTreeMap::new();
    for (span, name) in turns {
        speakers.entry(name.clone()).or_default().push(*span);
    }
    speakers.into_values().collect()
}

/// The speakers who speak at a time.
fn active(speakers: &[Vec<TimeSpan>], at: MediaTime) -> Vec<usize> {
    (0..speakers.len())
        .filter(|&speaker| covers(&speakers[speaker], at))
        .collect()
}

fn covers(spans: &[TimeSpan], at: MediaTime) -> bool {
    spans.iter().any(|span| span.start <= at && at < span.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(start_ms: i64, end_ms: i64) -> TimeSpan {
        TimeSpan::new(MediaTime(start_ms), MediaTime(end_ms))
    }

    fn turns(turns: &[(i64, i64, &'static str)]) -> Vec<(TimeSpan, &'static str)> {
        turns
            .iter()
            .map(|&(start_ms, end_ms, name)| (span(start_ms, end_ms), name))
            .collect()
    }

    fn check(scored: &ScoredTime, hypothesis: &[(i64, i64, &'static str)], expected: [i64; 4]) {
        let reference = turns(&[(0, 1000, "anna"), (500, 1500, "ben")]);
        let errors = diarization_errors(&reference, &turns(hypothesis), scored);
        let found = [
            errors.speech_ms,
            errors.missed_ms,
            errors.false_alarm_ms,
            errors.confusion_ms,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn each_kind_of_error_is_counted() {
        let all = ScoredTime::default();
        // Ben is missed up to 0.75 s, Anna after it; nobody speaks from 1.5 s on; x is Anna, y is Ben.
        check(&all, &[(0, 750, "x"), (750, 2000, "y")], [2000, 500, 500, 0]);
        check(&all, &[(0, 2000, "x")], [2000, 500, 500, 500]);
        check(&all, &[], [2000, 2000, 0, 0]);
    }

    #[test]
    fn what_is_not_scored_is_no_error() {
        let hypothesis = [(0, 750, "x"), (750, 2000, "y")];
        let alone = ScoredTime {
            skip_overlap: true,
            ..ScoredTime::default()
        };
        check(&alone, &hypothesis, [1000, 0, 500, 0]);
        let annotated = ScoredTime {
            annotated: Some(vec![span(600, 1500)]),
            ..ScoredTime::default()
        };
        check(&annotated, &hypothesis, [1300, 400, 0, 0]);
        // Left are 0.1 to 0.4, 0.6 to 0.9, 1.1 to 1.4 and from 1.6 s on.
        let collar = ScoredTime {
            collar_ms: 100,
            ..ScoredTime::default()
        };
        check(&collar, &hypothesis, [1200, 300, 400, 0]);
    }

    proptest! {
        /// Names do not matter, a perfect answer has no error, and none at all misses everything.
        #[test]
        fn the_mapping_is_the_best(
            parts in prop::collection::vec((0_i64..5000, 1_i64..2000, 0_usize..4), 1..12),
            collar_ms in 0_i64..100,
            skip_overlap: bool,
        ) {
            let scored = ScoredTime { annotated: None, collar_ms, skip_overlap };
            let reference: Vec<(TimeSpan, usize)> =
                parts.iter().map(|&(start, length, name)| (span(start, start + length), name)).collect();
            let renamed: Vec<(TimeSpan, usize)> = reference.iter().map(|&(span, name)| (span, (name + 1) % 4)).collect();
            let same = diarization_errors(&reference, &renamed, &scored);
            prop_assert_eq!((same.missed_ms, same.false_alarm_ms, same.confusion_ms), (0, 0, 0));
            let nothing: Vec<(TimeSpan, usize)> = Vec::new();
            prop_assert_eq!(diarization_errors(&reference, &nothing, &scored).missed_ms, same.speech_ms);
        }
    }
}
