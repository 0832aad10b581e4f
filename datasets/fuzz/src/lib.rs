//! What every fuzz target demands: a result that keeps the records' promises, or an error that names the file.

use std::collections::BTreeSet;

use datasets::Transcript;
use datasets::formats::{
    self, Format, MeetingRead, ReadFileError, ReadOptions, TextLayer, markdown, rttm, srt, webvtt,
};

/// Reads `bytes` as `format` in both text layers and checks what comes out.
pub fn check_reader(format: Format, bytes: &[u8]) {
    for text in [TextLayer::Manual, TextLayer::Asr] {
        check_result(
            Some(format),
            formats::read_as(format, "meeting.txt", bytes, ReadOptions { text }),
        );
    }
}

/// Checks the meetings that were read, or the error.
pub fn check_result(format: Option<Format>, result: Result<Vec<MeetingRead>, ReadFileError>) {
    match result {
        Ok(meetings) => meetings.iter().for_each(|read| check_meeting(format, read)),
        Err(error) => assert!(error.to_string().contains(&error.file) && !error.remedy().is_empty()),
    }
}

fn check_meeting(format: Option<Format>, read: &MeetingRead) {
    let MeetingRead { meeting, transcript } = read;
    let ids: BTreeSet<_> = transcript.utterances.iter().map(|utterance| &utterance.id).collect();
    assert_eq!(ids.len(), transcript.utterances.len(), "ids are unique");
    for utterance in &transcript.utterances {
        assert!(!utterance.text.contains(['\n', '\r']), "text is one line");
        assert!(
            utterance.span.is_none_or(|span| span.start <= span.end),
            "spans run forward"
        );
    }
    markdown::transcript(meeting, transcript);
    rttm::write(meeting, transcript);
    srt::write(meeting, transcript);
    let written = webvtt::write(meeting, transcript);
    // greffier's own JSON holds texts and times that WebVTT does not.
    if format != Some(Format::Export) {
        check_webvtt(transcript, &written);
    }
}

/// WebVTT holds everything that has a time and words: nothing is lost or added on the way.
fn check_webvtt(transcript: &Transcript, written: &str) {
    let utterances = transcript.utterances.iter();
    let timed: Vec<_> = utterances
        .filter(|utterance| utterance.span.is_some() && !utterance.text.is_empty())
        .collect();
    let again = formats::read_as(
        Format::WebVtt,
        "meeting.vtt",
        written.as_bytes(),
        ReadOptions::default(),
    );
    let again = again
        .map(|mut meetings| meetings.remove(0).transcript.utterances)
        .unwrap_or_default();
    assert_eq!(again.len(), timed.len(), "{written}");
    if timed
        .iter()
        .map(|utterance| utterance.span.map(|span| span.start))
        .is_sorted()
    {
        for (again, timed) in again.iter().zip(timed) {
            assert_eq!((&again.text, again.span), (&timed.text, timed.span));
        }
    }
}
