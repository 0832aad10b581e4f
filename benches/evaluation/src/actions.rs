//! How well action utterances are found: against the utterances that annotators of AMI linked to the actions of their
//! summaries.

use std::path::Path;
use std::sync::LazyLock;

use datasets::formats::TextLayer;
use minuting::acts::{ACT_THRESHOLD, classify};
use minuting::reading::Reading;
use regex::Regex;
use serde::Serialize;

use crate::annotated::{AnnotatedMeeting, ReadAnnotatedError, read_annotated};
use crate::metrics::classification::Confusion;

/// Utterances of fewer tokens, punctuation included, are not counted.
const TOKENS_MIN: usize = 3;

/// Precision, recall and F1 over all utterances of all meetings, in per cent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ActionScores {
    /// Share of the utterances found that are linked.
    pub precision: f64,
    /// Share of the linked utterances that are found.
    pub recall: f64,
    /// Harmonic mean.
    pub f1: f64,
    /// Linked utterances.
    pub positives: usize,
    /// Utterances counted.
    pub utterances: usize,
    /// Meetings with links.
    pub meetings: usize,
}

/// Runs the product's classifier on the meetings of the AMI or ICSI file at `data`.
///
/// # Errors
/// When the file cannot be read or holds other records.
pub fn evaluate_actions(data: &Path) -> Result<ActionScores, ReadAnnotatedError> {
    Ok(score_actions(&read_annotated(data, TextLayer::Manual)?))
}

/// Runs the product's classifier on `meetings`; those without links are passed over.
pub fn score_actions(meetings: &[AnnotatedMeeting]) -> ActionScores {
    let (mut confusion, mut utterances, mut linked_meetings) = (Confusion::default(), 0, 0);
    for meeting in meetings.iter().filter(|meeting| !meeting.record.links.is_empty()) {
        linked_meetings += 1;
        let scores = action_scores(meeting);
        let linked = linked_actions(meeting);
        for row in counted_rows(meeting) {
            utterances += 1;
            confusion.add(linked.contains(&row), scores[row] >= ACT_THRESHOLD);
        }
    }
    ActionScores {
        precision: 100.0 * confusion.precision(),
        recall: 100.0 * confusion.recall(),
        f1: 100.0 * confusion.f1(),
        positives: confusion.true_positives + confusion.false_negatives,
        utterances,
        meetings: linked_meetings,
    }
}

/// Rows of the utterances that are linked to an action of the summary.
pub fn linked_actions(meeting: &AnnotatedMeeting) -> std::collections::BTreeSet<usize> {
    let actions = meeting
        .record
        .summary
        .as_ref()
        .map_or(&[][..], |summary| &summary.actions);
    meeting.record.linked_utterances(actions)
}

/// Rows of the utterances that count: those of three tokens or more without marks and fillers.
pub fn counted_rows(meeting: &AnnotatedMeeting) -> impl Iterator<Item = usize> + '_ {
    let rows = meeting.said().enumerate();
    let counted = rows.filter(|(_, text)| without_fillers(text).split_whitespace().count() >= TOKENS_MIN);
    counted.map(|(row, _)| row)
}

/// The text as the baselines clean it, so that the same utterances count.
pub(crate) fn without_fillers(text: &str) -> String {
    FILLERS.replace_all(text, " ").into_owned()
}

static FILLERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(uh+|um+|mm+|hmm+|uh-huh|mm-hmm)\b[ ,]*|\{[^}]*\}|<[^>]*>").expect("the pattern is fixed")
});

/// The highest score of any sentence of each row.
fn action_scores(meeting: &AnnotatedMeeting) -> Vec<f32> {
    let reading = Reading::new(&meeting.meeting, &meeting.transcript);
    let mut scores = vec![0.0_f32; meeting.record.utterances.len()];
    for (sentence, acts) in reading.sentences.iter().zip(classify(&reading)) {
        let row = meeting.rows[sentence.utterance];
        scores[row] = scores[row].max(acts.action);
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_and_marks_do_not_count() {
        let cleaned = without_fillers("Um , {vocalsound} so uh we <laugh> go");
        assert_eq!(cleaned.split_whitespace().collect::<Vec<_>>(), ["so", "we", "go"]);
    }
}
