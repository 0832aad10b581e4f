//! SubRip, read and written: numbered cues with comma times, formatting tags, and names before the words.

use std::fmt::Write as _;

use super::utterance_list::{Found, UtteranceList, one_line};
use super::webvtt::take_names_from_text;
use super::{Format, Input, MeetingRead, ReadFileError, cues};
use crate::{MediaTime, Meeting, Transcript};

/// Reads a transcript.
///
/// # Errors
/// When no cue has text.
pub(super) fn read(input: &Input<'_>) -> Result<MeetingRead, ReadFileError> {
    let file = cues::read(&input.text);
    let mut list = UtteranceList::default();
    for (line, problem) in &file.warnings {
        list.warn(*line, problem);
    }
    for cue in &file.cues {
        list.push(Found {
            span: Some(cue.span),
            text: without_tags(&cue.text.join("\n")),
            ..Found::default()
        });
    }
    take_names_from_text(&mut list);
    list.into_meeting(input, Format::Srt)
}

/// Drops `<i>`, `<font color="red">` and `{\an8}`; SubRip has no entities.
fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '{']) {
        let (before, from_tag) = rest.split_at(at);
        plain.push_str(before);
        match tag_length(from_tag) {
            Some(length) => rest = from_tag.get(length..).unwrap_or_default(),
            None => {
                plain.push_str(from_tag.get(..1).unwrap_or_default());
                rest = from_tag.get(1..).unwrap_or_default();
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Length in bytes of the tag that `text` starts with, closing bracket included.
fn tag_length(text: &str) -> Option<usize> {
    let inside = text.get(1..)?;
    if text.starts_with('{') {
        return inside.starts_with('\\').then(|| inside.find('}').map(|end| end + 2))?;
    }
    let end = inside.find('>')?;
    let name = inside.get(..end)?.trim_start_matches('/');
    let name = name.split([' ', '.']).next().unwrap_or_default().to_ascii_lowercase();
    matches!(
        name.as_str(),
        "i" | "b" | "u" | "s" | "font" | "c" | "v" | "ruby" | "rt" | "lang"
    )
    .then_some(end + 2)
}

/// Writes the utterances that have times; where one has a speaker, `Name: ` stands before its text.
pub fn write(meeting: &Meeting, transcript: &Transcript) -> String {
    let timed = transcript
        .utterances
        .iter()
        .filter_map(|u| u.span.map(|span| (u, span)));
    let mut out = String::new();
    for (number, (utterance, span)) in (1..).zip(timed) {
        let (start, end) = (comma_time(span.start), comma_time(span.end));
        // Writing to a string cannot fail.
        let _ = write!(out, "{number}\n{start} --> {end}\n");
        if let Some(speaker) = &utterance.speaker {
            let _ = write!(out, "{}: ", one_line(meeting.speaker_name(speaker)));
        }
        // An arrow would be taken for times.
        let _ = write!(out, "{}\n\n", one_line(&utterance.text).replace("-->", "→"));
    }
    out
}

fn comma_time(time: MediaTime) -> String {
    time.to_string().replace('.', ",")
}

#[cfg(test)]
mod tests {
    use crate::formats::read as read_any;

    fn check(text: &str, expected: &[(&str, &str, i64)]) {
        let transcript = read_any("a.srt", text.as_bytes()).unwrap().remove(0).transcript;
        let found: Vec<_> = transcript
            .utterances
            .iter()
            .map(|u| {
                (
                    u.speaker.as_ref().map_or("", |s| s.as_str()),
                    u.text.as_str(),
                    u.span.unwrap().start.0,
                )
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn tags_go_and_lines_join() {
        check(
            "1\r\n00:00:01,000 --> 00:00:02,000\r\n{\\an8}<i>Hello</i>\r\n<font color=\"red\">you</font> <3\r\n",
            &[("", "Hello you <3", 1000)],
        );
    }

    #[test]
    fn names_and_points_instead_of_commas_are_read() {
        check(
            "00:00:01.500 --> 00:00:02.000\nAnn: Hello\n\n\n\n00:00:03.000 --> 00:00:04.000\nBob: Hi\n",
            &[("Ann", "Hello", 1500), ("Bob", "Hi", 3000)],
        );
    }
}
