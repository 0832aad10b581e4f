//! Every record of every corpus file reads, and holds what the evaluations rely on.

use datasets::corpora::{self, ami, fredsum, icsi, public_meetings, qmsum};

use crate::shared_data;

fn records<R: corpora::CorpusRecord>(name: &str, count: usize) -> Vec<R> {
    let Some(path) = shared_data::file(name) else {
        return Vec::new();
    };
    let records = corpora::read_file(&path).unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(records.len(), count, "{name}");
    records
}

#[test]
fn ami_and_icsi_are_in_order_of_time() {
    for (name, count) in [
        ("ami/train.jsonl", 99),
        ("ami/val.jsonl", 20),
        ("ami/test.jsonl", 20),
        ("icsi/train.jsonl", 41),
        ("icsi/dev.jsonl", 20),
    ] {
        for meeting in records::<icsi::IcsiMeeting>(name, count) {
            let starts: Vec<_> = meeting.utterances.iter().map(|utterance| utterance.start).collect();
            assert!(starts.is_sorted(), "{}", meeting.id);
            assert!(
                meeting
                    .utterances
                    .iter()
                    .all(|utterance| utterance.start <= utterance.end)
            );
            if meeting.corpus == "ami" && !meeting.roles.is_empty() {
                assert!(meeting.utterances.iter().all(|u| meeting.role(&u.speaker).is_some()));
            }
        }
    }
}

#[test]
fn ami_actions_are_linked_to_utterances() {
    let meetings = records::<ami::AmiMeeting>("ami/val.jsonl", 20);
    let linked = meetings.iter().map(|meeting| {
        let actions = &meeting.summary.as_ref().unwrap().actions;
        meeting.linked_utterances(actions).len()
    });
    // Counted once with a script over the file.
    assert!(meetings.is_empty() || linked.sum::<usize>() == 73);
}

#[test]
fn ami_words_are_timed() {
    for meeting in records::<ami::AmiWords>("ami/test.words.jsonl", 20) {
        assert!(!meeting.words.is_empty());
        assert!(
            meeting
                .words
                .iter()
                .all(|word| !word.word.is_empty() && word.start <= word.end)
        );
    }
}

#[test]
fn qmsum_spans_are_turns() {
    for (name, count) in [
        ("qmsum/train.jsonl", 158),
        ("qmsum/val.jsonl", 34),
        ("qmsum/test-product.jsonl", 20),
    ] {
        for meeting in records::<qmsum::QmsumMeeting>(name, count) {
            for span in meeting.specific_queries.iter().flat_map(|query| &query.spans) {
                assert!(
                    span.start() <= span.end() && *span.end() < meeting.turns.len(),
                    "{}",
                    meeting.id
                );
            }
        }
    }
}

#[test]
fn fredsum_has_a_summary_in_every_style_but_one() {
    let debates = records::<fredsum::FredsumDebate>("fredsum/debates.jsonl", 95);
    let summaries: usize = debates.iter().map(|debate| debate.abstractive.len()).sum();
    assert!(debates.is_empty() || summaries == 3 * 95 - 1);
}

#[test]
fn public_meetings_align_with_their_report() {
    for meeting in records::<public_meetings::PublicMeeting>("public_meetings_fr/meetings.jsonl", 22) {
        for segment in meeting.asr.iter().filter(|segment| !segment.aligned.is_empty()) {
            assert!(
                meeting.report.iter().any(|report| report.id == segment.aligned),
                "{}",
                segment.id
            );
        }
    }
}
