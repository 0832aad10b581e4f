//! Every record of the corpora becomes a meeting, and what the writers write is read back as it was.

use std::collections::BTreeSet;

use datasets::formats::{self, MeetingRead, ReadOptions, TextLayer, rttm, srt, webvtt};
use datasets::{MediaTime, Meeting, MeetingId, Participant, SpeakerLabel, TimeSpan, Transcript, Utterance};
use proptest::prelude::*;

use crate::shared_data;

const CORPUS_FILES: &[(&str, usize)] = &[
    ("ami/train.jsonl", 99),
    ("ami/val.jsonl", 20),
    ("ami/test.jsonl", 20),
    ("ami/test.words.jsonl", 20),
    ("icsi/train.jsonl", 41),
    ("icsi/dev.jsonl", 20),
    ("qmsum/train.jsonl", 158),
    ("qmsum/val.jsonl", 34),
    ("qmsum/test-product.jsonl", 20),
    ("fredsum/debates.jsonl", 95),
    ("public_meetings_fr/meetings.jsonl", 22),
];

fn check_meeting(read: &MeetingRead) {
    let transcript = &read.transcript;
    let ids: BTreeSet<_> = transcript.utterances.iter().map(|utterance| &utterance.id).collect();
    assert_eq!(ids.len(), transcript.utterances.len(), "{}", read.meeting.id);
    let starts: Vec<_> = transcript
        .utterances
        .iter()
        .filter_map(|u| u.span.map(|span| span.start))
        .collect();
    assert!(starts.is_sorted(), "{}", read.meeting.id);
    for utterance in &transcript.utterances {
        assert!(
            !utterance.text.is_empty() && !utterance.text.contains(['{', '\n']),
            "{}",
            utterance.text
        );
    }
    let speakers: Vec<_> = read
        .meeting
        .participants
        .iter()
        .filter_map(|p| p.speaker.as_ref())
        .collect();
    assert_eq!(speakers, transcript.speakers(), "{}", read.meeting.id);
    assert!(read.meeting.id.is_safe_folder_name());
}

#[test]
fn every_corpus_record_becomes_a_meeting() {
    for (name, count) in CORPUS_FILES {
        let Some(path) = shared_data::file(name) else {
            continue;
        };
        let bytes = std::fs::read(path).unwrap();
        for text in [TextLayer::Manual, TextLayer::Asr] {
            let read = formats::read_with(name, &bytes, ReadOptions { text }).unwrap_or_else(|e| panic!("{e:?}"));
            assert_eq!(read.len(), *count, "{name}");
            read.iter().for_each(check_meeting);
        }
    }
}

#[test]
fn the_number_of_an_utterance_is_its_row() {
    let Some(path) = shared_data::file("ami/val.jsonl") else {
        return;
    };
    let records: Vec<datasets::corpora::ami::AmiMeeting> = datasets::corpora::read_file(&path).unwrap();
    let read = formats::read("val.jsonl", &std::fs::read(&path).unwrap()).unwrap();
    for (record, read) in records.iter().zip(&read) {
        for utterance in &read.transcript.utterances {
            let row = &record.utterances[formats::row_of(&utterance.id).unwrap()];
            assert_eq!(utterance.text, formats::tidy(&row.text));
            assert_eq!(utterance.span.unwrap().start, row.start);
        }
    }
}

/// Names and texts that a format may trip over, made of single-spaced words.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-zA-Zéàœ0-9]{1,8}",
        "[!-~]{1,6}",
        Just("-->".to_owned()),
        Just("&amp;".to_owned()),
        Just("<v".to_owned()),
        Just("NOTE".to_owned()),
        Just("00:01.000".to_owned()),
    ];
    prop::collection::vec(word, 1..8).prop_map(|words| words.join(" "))
}

fn transcript(text: impl Strategy<Value = String>, must_speak: bool) -> impl Strategy<Value = Transcript> {
    let silent = if must_speak { 0 } else { 1 };
    let speaker = prop_oneof![3 => "[A-Z][a-z]{2,8}".prop_map(Some), silent => Just(None)];
    let rows = prop::collection::vec((text, speaker, 0..400_000_i64, 0..9_000_i64), 1..12);
    rows.prop_map(|rows| {
        let mut start = 0;
        let utterances = rows
            .into_iter()
            .enumerate()
            .map(|(position, (text, speaker, pause, length))| {
                let mut utterance = Utterance::new(Utterance::id_at(position), text);
                utterance.speaker = speaker.map(SpeakerLabel::new);
                start += pause;
                utterance.span = Some(TimeSpan::new(MediaTime(start), MediaTime(start + length)));
                utterance
            });
        Transcript {
            utterances: utterances.collect(),
            ..Transcript::default()
        }
    })
}

fn meeting(transcript: &Transcript) -> Meeting {
    let mut meeting = Meeting::new(MeetingId::new("m"), "m");
    meeting.participants = transcript
        .speakers()
        .into_iter()
        .map(|s| Participant::from_speaker(s.clone()))
        .collect();
    meeting
}

fn read_back(name: &str, text: &str) -> Vec<Utterance> {
    formats::read(name, text.as_bytes())
        .unwrap_or_else(|error| panic!("{error:?}\n{text}"))
        .remove(0)
        .transcript
        .utterances
}

proptest! {
    #[test]
    fn webvtt_gives_back_what_was_written(transcript in transcript(words(), false)) {
        let written = webvtt::write(&meeting(&transcript), &transcript);
        prop_assert_eq!(read_back("m.vtt", &written), transcript.utterances);
    }

    /// SubRip has no escapes: text with tags, arrows, or a colon of its own is not held.
    #[test]
    fn srt_gives_back_what_was_written(transcript in transcript("[a-zé]{1,8}( [a-z,.:]{1,8}){0,6}", true)) {
        let written = srt::write(&meeting(&transcript), &transcript);
        prop_assert_eq!(read_back("m.srt", &written), transcript.utterances);
    }

    /// A turn of no length is none.
    #[test]
    fn rttm_gives_back_the_turns(transcript in transcript(words(), true)) {
        let written = rttm::write(&meeting(&transcript), &transcript);
        let turns = rttm::turns(&written).remove("m").unwrap_or_default();
        let found: Vec<_> = turns.into_iter().map(|turn| (Some(turn.speaker), Some(turn.span))).collect();
        let lasts = |u: &Utterance| u.span.is_some_and(|span| span.duration_ms() > 0);
        let expected: Vec<_> = transcript.utterances.into_iter().filter(lasts).map(|u| (u.speaker, u.span)).collect();
        prop_assert_eq!(found, expected);
    }

    /// Whatever the bytes: a result whose ids are unique and whose times are in order, or an error.
    #[test]
    fn any_bytes_are_read_or_refused(name in "[a-z]{1,4}\\.(vtt|srt|txt|json|jsonl|ctm|rttm|ics)", bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(read) = formats::read(&name, &bytes) {
            for read in read {
                let ids: BTreeSet<_> = read.transcript.utterances.iter().map(|u| &u.id).collect();
                prop_assert_eq!(ids.len(), read.transcript.utterances.len());
            }
        }
    }
}
