//! Tells formats apart by what is in the file; the extension decides only where the content does not.

use super::Format;
use super::cues::is_timing_line;

/// How many lines are looked at.
const PROBE_LINES: usize = 60;

/// What `text` is.
pub(super) fn format(file_name: &str, text: &str) -> Format {
    let start = text.trim_start();
    let extension = file_name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let has_extension = |wanted: &[&str]| wanted.iter().any(|wanted| extension.eq_ignore_ascii_case(wanted));
    if start.starts_with("WEBVTT") {
        Format::WebVtt
    } else if starts_with_ignoring_case(start, "BEGIN:VCALENDAR") {
        Format::Calendar
    } else if starts_with_ignoring_case(start, "BEGIN:VCARD") {
        Format::Contact
    } else if let Some(format) = json(start) {
        format
    } else if lines(text).any(is_timing_line) {
        if has_extension(&["vtt"]) {
            Format::WebVtt
        } else {
            Format::Srt
        }
    } else if lines(text).next().is_some_and(is_rttm_line) {
        Format::Rttm
    } else if is_ctm(text) {
        Format::Ctm
    } else if has_extension(&["eml", "mbox"]) {
        Format::Mail
    } else {
        Format::PlainText
    }
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Lines that say something, comments of the NIST formats left out.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(";;"))
        .take(PROBE_LINES)
}

/// `SPEAKER file channel start duration ...`, after [`rttm`](super::rttm).
fn is_rttm_line(line: &str) -> bool {
    let fields: Vec<&str> = line.split_whitespace().collect();
    fields.len() >= 8
        && matches!(fields[0], "SPEAKER" | "SPKR-INFO" | "LEXEME" | "SEGMENT" | "NON-LEX")
        && (fields[0] != "SPEAKER" || fields[3..5].iter().all(|field| field.parse::<f64>().is_ok()))
}

/// `file channel start duration word [confidence [type [speaker]]]` on nearly every line.
fn is_ctm(text: &str) -> bool {
    let (mut matching, mut all) = (0, 0);
    for line in lines(text) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_word = (5..=8).contains(&fields.len())
            && fields[2..4]
                .iter()
                .all(|field| field.parse::<f64>().is_ok() || *field == "*");
        matching += usize::from(is_word);
        all += 1;
    }
    all > 0 && matching * 10 >= all * 9
}

/// The JSON formats are told apart by a key that only they have, looked for in the first record.
fn json(start: &str) -> Option<Format> {
    let after_bracket = start.strip_prefix('[').map(str::trim_start);
    let is_json = start.starts_with('{') || after_bracket.is_some_and(|rest| rest.starts_with(['{', ']']));
    if !is_json {
        return None;
    }
    // A corpus holds one record per line; other JSON may be one long line or many short ones.
    let first_line = start.lines().next().unwrap_or_default();
    let keys = [
        ("\"utt_columns\"", Format::Ami),
        ("\"word_columns\"", Format::AmiWords),
        ("\"meeting_transcripts\"", Format::Qmsum),
        ("\"official_split\"", Format::Fredsum),
        ("\"abstractive\"", Format::Fredsum),
        ("\"asr\"", Format::PublicMeetings),
    ];
    let in_line = |line: &str| {
        keys.iter()
            .find(|(key, _)| line.contains(key))
            .map(|&(_, format)| format)
    };
    Some(if start.contains("\"greffier\"") && start.contains("\"meeting\"") {
        Format::Export
    } else if start.contains("\"transcription\"") && start.contains("\"offsets\"") {
        Format::WhisperCpp
    } else if let Some(format) = in_line(first_line) {
        format
    } else if start.contains("\"meeting_transcripts\"") {
        Format::Qmsum
    } else {
        Format::Whisper
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file_name: &str, text: &str, expected: Format) {
        assert_eq!(format(file_name, text), expected, "{text:?}");
    }

    #[test]
    fn content_counts_more_than_the_extension() {
        check("a.txt", "WEBVTT\n", Format::WebVtt);
        check("a.vtt", "1\n00:00:01,000 --> 00:00:02,000\nHi\n", Format::WebVtt);
        check("a.txt", "1\n00:00:01,000 --> 00:00:02,000\nHi\n", Format::Srt);
        check("a.txt", "SPEAKER m 1 0.5 1.0 <NA> <NA> A <NA> <NA>\n", Format::Rttm);
        check(
            "a.txt",
            ";; made by hand\nm A 0.5 0.2 hello 0.9\nm A 0.7 0.1 you\n",
            Format::Ctm,
        );
        check("a.vtt", "Ann: hello\n", Format::PlainText);
        check("a.json", "[00:01:02] Ann: hello\n", Format::PlainText);
        check("a", "begin:vcalendar\r\n", Format::Calendar);
        check("a.eml", "Subject: hello\n", Format::Mail);
    }

    #[test]
    fn json_is_known_by_its_keys() {
        check("a", "{\"id\":\"x\",\"utt_columns\":[]}", Format::Ami);
        check("a", "{\"id\":\"x\",\"word_columns\":[]}", Format::AmiWords);
        check("a", "{\n\"meeting_transcripts\":[]}", Format::Qmsum);
        check("a", "{\"id\":\"x\",\"abstractive\":{}}", Format::Fredsum);
        check("a", "{\"id\":\"x\",\"asr\":[]}", Format::PublicMeetings);
        check("a", "{\"transcription\":[{\"offsets\":{}}]}", Format::WhisperCpp);
        check("a", "[ {\"text\":\"x\"}]", Format::Whisper);
        check("a", "{\"greffier\":1,\"meeting\":{}}", Format::Export);
    }
}
