//! WebVTT, read and written: voice tags, and what Teams and Zoom make of the format.
//!
//! W3C, "WebVTT: the Web Video Text Tracks format". Teams names its cues `GUID/12-0`, `GUID/12-1`: one utterance cut
//! into cues, which is put together again. Zoom writes `Name: text` instead of a voice tag.

use std::fmt::Write as _;

use super::utterance_list::{Found, UtteranceList, append, one_line};
use super::{Format, Input, MeetingRead, ReadFileError, cues, speaker_label};
use crate::{Meeting, SpeakerLabel, Transcript, Utterance, UtteranceId};

mod cue_text;

/// Stands in files that greffier wrote: the cues' identifiers are the utterances' ids.
const WRITTEN_HERE: &str = "NOTE greffier: cue identifiers are utterance ids";

/// Reads a transcript.
///
/// # Errors
/// When no cue has text.
pub(super) fn read(input: &Input<'_>) -> Result<MeetingRead, ReadFileError> {
    let file = cues::read(&input.text);
    let ids_are_ours = file.notes.contains(&WRITTEN_HERE);
    let mut list = UtteranceList::default();
    for (line, problem) in &file.warnings {
        list.warn(*line, problem);
    }
    let mut continued = None;
    let mut has_voices = ids_are_ours;
    for cue in &file.cues {
        let turn = cue.id.and_then(teams_turn);
        let is_continued = turn.is_some() && turn == continued;
        continued = turn;
        let mut id = cue.id.filter(|_| ids_are_ours);
        for voice in cue_text::voices(&cue.text, cue.span) {
            has_voices |= voice.speaker.is_some();
            let words = voice.words;
            if let Some(last) = list
                .last_mut()
                .filter(|last| is_continued && speaks(last, voice.speaker.as_deref()))
            {
                prolong(last, cue.span.end, &voice.text);
                continue;
            }
            list.push(Found {
                id: id.take().map(UtteranceId::new),
                speaker: voice.speaker,
                span: Some(cue.span),
                text: voice.text,
                words,
            });
        }
    }
    if !has_voices {
        take_names_from_text(&mut list);
    }
    list.into_meeting(input, Format::WebVtt)
}

fn speaks(utterance: &Utterance, speaker: Option<&str>) -> bool {
    utterance.speaker.as_ref().map(SpeakerLabel::as_str) == speaker
}

fn prolong(utterance: &mut Utterance, end: crate::MediaTime, text: &str) {
    append(&mut utterance.text, text);
    if let Some(span) = &mut utterance.span {
        span.end = span.end.max(end);
    }
}

/// The turn that a cue of Teams belongs to: `GUID/12` of `GUID/12-1`.
fn teams_turn(id: &str) -> Option<&str> {
    let (turn, piece) = id.rsplit_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (_, count) = turn.rsplit_once('/')?;
    (is_number(count) && is_number(piece)).then_some(turn)
}

/// The dialect of Zoom, also found in SubRip files: `Name: text`.
pub(super) fn take_names_from_text(list: &mut UtteranceList) {
    if !speaker_label::are_used(list.iter().map(|utterance| utterance.text.as_str())) {
        return;
    }
    for utterance in list.iter_mut() {
        if let Some((name, text)) = speaker_label::split(&utterance.text)
            && !text.is_empty()
        {
            (utterance.speaker, utterance.text) = (Some(SpeakerLabel::new(name)), text.to_owned());
        }
    }
}

/// Writes the utterances that have times; names are those of the participants.
///
/// [`super::read`] gives the same utterances back: ids, times and text, and the names as speakers.
pub fn write(meeting: &Meeting, transcript: &Transcript) -> String {
    let mut out = format!("WEBVTT\n\n{WRITTEN_HERE}\n");
    for (utterance, span) in transcript
        .utterances
        .iter()
        .filter_map(|u| u.span.map(|span| (u, span)))
    {
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n{}\n{} --> {}\n",
            one_line(utterance.id.as_str()),
            span.start,
            span.end
        );
        if let Some(speaker) = &utterance.speaker {
            let _ = write!(out, "<v {}>", escape(&one_line(meeting.speaker_name(speaker))));
        }
        out.push_str(&escape(&one_line(&utterance.text)));
        out.push('\n');
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::read as read_any;

    fn check(text: &str, expected: &[(&str, &str, i64, i64)]) {
        let transcript = read_any("a.vtt", text.as_bytes()).unwrap().remove(0).transcript;
        let found: Vec<_> = transcript
            .utterances
            .iter()
            .map(|utterance| {
                let span = utterance.span.unwrap();
                let speaker = utterance.speaker.as_ref().map_or("", SpeakerLabel::as_str);
                (speaker, utterance.text.as_str(), span.start.0, span.end.0)
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn voice_tags_name_the_speaker() {
        check(
            "\u{feff}WEBVTT\r\n\r\n1\r\n00:01.000 --> 00:02.500 align:start\r\n<v.loud Ann Lee>Hello <i>you</i> &amp; all</v>\r\n<v Bob>Hi</v>\r\n",
            &[("Ann Lee", "Hello you & all", 1000, 2500), ("Bob", "Hi", 1000, 2500)],
        );
    }

    #[test]
    fn cues_of_one_teams_turn_are_one_utterance() {
        check(
            "WEBVTT\n\n1a2b/7-0\n00:00:01.000 --> 00:00:02.000\n<v Ann>So we\nshould</v>\n\n1a2b/7-1\n00:00:02.000 --> 00:00:03.000\n<v Ann>decide.</v>\n\n1a2b/8-0\n00:00:04.000 --> 00:00:05.000\n<v Bob>Yes.</v>\n",
            &[("Ann", "So we should decide.", 1000, 3000), ("Bob", "Yes.", 4000, 5000)],
        );
    }

    #[test]
    fn zoom_writes_the_name_into_the_text() {
        check(
            "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nAnn Lee: Note: we start\n\n2\n00:00:02.000 --> 00:00:03.000\nBob: Yes\n",
            &[("Ann Lee", "Note: we start", 1000, 2000), ("Bob", "Yes", 2000, 3000)],
        );
    }

    #[test]
    fn an_arrow_in_the_text_does_not_break_the_file() {
        let mut transcript = Transcript::default();
        let mut utterance = Utterance::new(UtteranceId::new("x 1"), "a --> b\n\n<v Eve>c &lt; NOTE");
        utterance.span = Some(crate::TimeSpan::new(crate::MediaTime(5), crate::MediaTime(7)));
        transcript.utterances.push(utterance);
        let written = write(&Meeting::new(crate::MeetingId::new("m"), "m"), &transcript);
        let read = read_any("m.vtt", written.as_bytes()).unwrap().remove(0).transcript;
        assert_eq!(read.utterances[0].text, "a --> b <v Eve>c &lt; NOTE");
        assert_eq!(read.utterances[0].id.as_str(), "x 1");
        assert_eq!(read.utterances[0].speaker, None);
    }
}
