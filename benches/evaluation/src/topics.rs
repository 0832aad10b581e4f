//! How well topics are cut: against the top-level topics that annotators of AMI and ICSI drew.

use std::path::Path;

use datasets::formats::TextLayer;
use minuting::reading::Reading;
use minuting::text::words;
use minuting::topics::segment;
use serde::Serialize;

use crate::actions::without_fillers;
use crate::annotated::{AnnotatedMeeting, ReadAnnotatedError, read_annotated};
use crate::metrics::segmentation::segmentation_error;

/// Utterances of fewer words are no units.
const WORDS_MIN: usize = 3;

/// Meetings of fewer units are passed over.
const UNITS_MIN: usize = 60;

/// Means over the meetings; errors in per cent, lower is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TopicScores {
    /// Pk.
    pub pk: f64,
    /// WindowDiff.
    pub windowdiff: f64,
    /// Pk of placing no boundary at all.
    pub no_boundary_pk: f64,
    /// Topics found.
    pub segments: f64,
    /// Topics drawn by annotators.
    pub gold_segments: f64,
    /// Meetings measured.
    pub meetings: usize,
}

/// Runs the product's segmenter on the meetings of the AMI or ICSI file at `data`, on the text of that layer.
///
/// # Errors
/// When the file cannot be read or holds other records.
pub fn evaluate_topics(data: &Path, text: TextLayer) -> Result<TopicScores, ReadAnnotatedError> {
    Ok(score_topics(&read_annotated(data, text)?))
}

/// Runs the product's segmenter on `meetings`; those without topics are passed over.
pub fn score_topics(meetings: &[AnnotatedMeeting]) -> TopicScores {
    let found = |meeting: &AnnotatedMeeting, units: &Units| {
        let reading = Reading::new(&meeting.meeting, &meeting.transcript);
        let starts = segment(&reading)
            .into_iter()
            .map(|topic| meeting.rows[reading.sentences[topic.start].utterance]);
        units.boundaries(starts)
    };
    score_topics_with(meetings, found)
}

/// As [`score_topics`], with the boundaries that `find` gives for a meeting.
pub fn score_topics_with(
    meetings: &[AnnotatedMeeting],
    mut find: impl FnMut(&AnnotatedMeeting, &Units) -> Vec<usize>,
) -> TopicScores {
    let mut sum = TopicScores::default();
    for meeting in meetings {
        let units = Units::of(meeting);
        let tops = meeting.record.topics.iter().filter(|topic| topic.level == 0);
        let reference = units.boundaries(tops.map(|topic| topic.first));
        if units.count() < UNITS_MIN || reference.is_empty() {
            continue;
        }
        let hypothesis = find(meeting, &units);
        let error = segmentation_error(&reference, &hypothesis, units.count());
        sum.pk += 100.0 * error.pk;
        sum.windowdiff += 100.0 * error.window_diff;
        sum.no_boundary_pk += 100.0 * segmentation_error(&reference, &[], units.count()).pk;
        sum.segments += hypothesis.len() as f64 + 1.0;
        sum.gold_segments += reference.len() as f64 + 1.0;
        sum.meetings += 1;
    }
    let mean = |value: f64| value / sum.meetings.max(1) as f64;
    TopicScores {
        pk: mean(sum.pk),
        windowdiff: mean(sum.windowdiff),
        no_boundary_pk: mean(sum.no_boundary_pk),
        segments: mean(sum.segments),
        gold_segments: mean(sum.gold_segments),
        meetings: sum.meetings,
    }
}

/// The utterances that are counted, by row.
pub struct Units {
    rows: Vec<usize>,
}

impl Units {
    /// The utterances of `meeting` of three words or more.
    pub fn of(meeting: &AnnotatedMeeting) -> Self {
        let rows = meeting.said().enumerate();
        let counted = rows.filter(|(_, text)| words(&without_fillers(text)).len() >= WORDS_MIN);
        Self {
            rows: counted.map(|(row, _)| row).collect(),
        }
    }

    /// Number of units.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// The units with which segments begin that start at `rows`: in order, without the first unit and without repeats.
    pub fn boundaries(&self, rows: impl Iterator<Item = usize>) -> Vec<usize> {
        let units = rows.map(|row| self.rows.partition_point(|&unit| unit < row));
        let mut boundaries: Vec<usize> = units.filter(|&unit| unit > 0 && unit < self.rows.len()).collect();
        boundaries.sort_unstable();
        boundaries.dedup();
        boundaries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_begins_with_the_next_unit() {
        let units = Units { rows: vec![2, 5, 6, 9] };
        assert_eq!(units.boundaries([0, 2, 3, 4, 9, 10].into_iter()), [1, 3]);
    }
}
