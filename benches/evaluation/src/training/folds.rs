//! Folds for cross-validation: meetings of one series share their subject and their people, so they stay together.

use crate::annotated::AnnotatedMeeting;

/// One way to leave some meetings out, by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Meetings to learn from.
    pub train: Vec<usize>,
    /// Meetings left out.
    pub test: Vec<usize>,
}

/// `count` folds of `meetings`, the series dealt out one by one in the order of their names.
pub fn folds(meetings: &[AnnotatedMeeting], count: usize) -> Vec<Fold> {
    let mut series: Vec<&str> = meetings.iter().map(series).collect();
    series.sort_unstable();
    series.dedup();
    let fold_of = |meeting: &AnnotatedMeeting| series.partition_point(|other| *other < self::series(meeting)) % count;
    let fold = |number: usize| {
        let (test, train) = (0..meetings.len()).partition(|&position| fold_of(&meetings[position]) == number);
        Fold { train, test }
    };
    (0..count).map(fold).collect()
}

/// The four meetings of an AMI team are one series; each ICSI meeting is one of its own, as its groups met for years.
fn series(meeting: &AnnotatedMeeting) -> &str {
    if meeting.record.corpus == "ami" {
        meeting.record.series()
    } else {
        &meeting.record.id
    }
}
