//! Cues of WebVTT and SubRip files: an optional name, a line of times, lines of text. Lenient where makers are careless.

use crate::{MediaTime, TimeSpan};

/// A cue as it stands in the file.
#[derive(Debug, PartialEq)]
pub(super) struct Cue<'a> {
    /// Line of its times, counted from 1.
    pub(super) line: usize,
    pub(super) id: Option<&'a str>,
    pub(super) span: TimeSpan,
    pub(super) text: Vec<&'a str>,
}

/// What a file holds beside its cues.
#[derive(Debug, Default)]
pub(super) struct CueFile<'a> {
    pub(super) cues: Vec<Cue<'a>>,
    /// The comments of a WebVTT file, first lines only.
    pub(super) notes: Vec<&'a str>,
    /// Line and problem.
    pub(super) warnings: Vec<(usize, &'static str)>,
}

/// Digits of an hour that are believed; the rest of the line is no time then.
const HOUR_DIGITS_MAX: usize = 5;

/// Reads every cue of `text`. Blank lines between cues may be missing; a cue without times is passed over.
pub(super) fn read(text: &str) -> CueFile<'_> {
    let lines: Vec<&str> = text
        .split('\n')
        .flat_map(|line| line.trim_end_matches('\r').split('\r'))
        .collect();
    let mut file = CueFile::default();
    // The header ends at the first blank line; some makers write `Kind: captions` into it.
    let has_header = lines
        .first()
        .is_some_and(|line| line.trim_start().starts_with("WEBVTT"));
    let mut at = if has_header { end_of_block(&lines, 0) + 1 } else { 0 };
    let mut id = None;
    while let Some(&line) = lines.get(at) {
        let is_id = |line: &str| lines.get(at + 1).is_some_and(|next| is_timing_line(next)) && !line.trim().is_empty();
        if is_comment(line) {
            file.notes.push(line.trim());
            at = end_of_block(&lines, at);
        } else if matches!(line.trim_end(), "STYLE" | "REGION") && id.is_none() {
            at = end_of_block(&lines, at);
        } else if line.contains("-->") {
            at = read_cue(&lines, at, id.take(), &mut file);
            continue;
        } else if is_id(line) {
            id = Some(line.trim());
        } else if !line.trim().is_empty() {
            stray_line(at, line, &mut file);
        }
        at += 1;
    }
    file
}

/// `NOTE` stands alone or before a space.
fn is_comment(line: &str) -> bool {
    line.strip_prefix("NOTE")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// The last line before the next blank or timing line.
fn end_of_block(lines: &[&str], at: usize) -> usize {
    let block = lines
        .iter()
        .skip(at + 1)
        .take_while(|line| !line.trim().is_empty() && !is_timing_line(line));
    at + block.count()
}

/// Reads the cue whose times stand at `at` and gives the line after it.
fn read_cue<'a>(lines: &[&'a str], at: usize, id: Option<&'a str>, file: &mut CueFile<'a>) -> usize {
    let mut end = at + 1;
    while lines
        .get(end)
        .is_some_and(|line| !line.trim().is_empty() && !is_timing_line(line))
    {
        end += 1;
    }
    // Where the blank line is missing, the line before the next times is its name if it can be one.
    let next_has_times = lines.get(end).is_some_and(|line| is_timing_line(line));
    if next_has_times && end > at + 1 && lines.get(end - 1).is_some_and(|line| looks_like_id(line)) {
        end -= 1;
    }
    let text = lines.get(at + 1..end).unwrap_or_default().to_vec();
    match lines.get(at).and_then(|line| timing(line)) {
        Some((span, is_forward)) => {
            if !is_forward {
                file.warnings
                    .push((at + 1, "the cue ends before it begins; its times were exchanged"));
            }
            let line = at + 1;
            file.cues.push(Cue { line, id, span, text });
        }
        None => file
            .warnings
            .push((at + 1, "the times of the cue cannot be read; it was passed over")),
    }
    end
}

/// Text after a blank line within a cue belongs to the cue, as some makers write it.
fn stray_line<'a>(at: usize, line: &'a str, file: &mut CueFile<'a>) {
    match file.cues.last_mut() {
        Some(cue) if !looks_like_id(line) => cue.text.push(line),
        Some(_) => {}
        None => file
            .warnings
            .push((at + 1, "text before the first cue was passed over")),
    }
}

/// A number, or the identifiers of Teams: `6d3b9c0e-.../12-0`.
fn looks_like_id(line: &str) -> bool {
    let line = line.trim();
    let is_counted = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_counted(line)
        || line
            .rsplit_once('/')
            .is_some_and(|(guid, count)| is_counted(count) && !guid.contains(' '))
}

/// Whether the line holds two times and an arrow.
pub(super) fn is_timing_line(line: &str) -> bool {
    timing(line).is_some()
}

/// The times of a cue and whether they run forward; settings after them are passed over.
fn timing(line: &str) -> Option<(TimeSpan, bool)> {
    let (start, rest) = line.split_once("-->")?;
    let start = clock(start.trim())?;
    let end = clock(rest.split_whitespace().next()?)?;
    Some((TimeSpan::new(start, end), start <= end))
}

/// Reads `01:02:03.004`, `02:03.004`, `1:02:03,4` and the same without a fraction.
pub(super) fn clock(text: &str) -> Option<MediaTime> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let number = |digits: &str, digits_max: usize| {
        let is_number = (1..=digits_max).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { digits.parse::<i64>().ok() } else { None }
    };
    let mut parts = whole.rsplit(':');
    let seconds = number(parts.next()?, 2)?;
    let minutes = number(parts.next()?, HOUR_DIGITS_MAX)?;
    let hours = parts.next().map_or(Some(0), |hours| number(hours, HOUR_DIGITS_MAX))?;
    if parts.next().is_some() {
        return None;
    }
    let milliseconds = if fraction.is_empty() {
        0
    } else {
        number(fraction, 9)? * 1000 / 10_i64.pow(u32::try_from(fraction.len()).ok()?)
    };
    Some(MediaTime(((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_spelling() {
        for (text, expected) in [
            ("01:02:03.004", Some(3_723_004)),
            ("02:03.004", Some(123_004)),
            ("1:02:03,5", Some(3_723_500)),
            ("00:00:01", Some(1_000)),
            ("120:00:00.000", Some(432_000_000)),
            ("00:00:01.0049999", Some(1_004)),
            ("1", None),
            ("1:2:3:4", None),
            ("-1:00", None),
            ("00:00:0x", None),
            ("99999999999999999999:00:00", None),
        ] {
            assert_eq!(clock(text).map(|time| time.0), expected, "{text}");
        }
    }

    fn texts(text: &str) -> Vec<(Option<&str>, String)> {
        read(text)
            .cues
            .into_iter()
            .map(|cue| (cue.id, cue.text.join("|")))
            .collect()
    }

    #[test]
    fn a_missing_blank_line_ends_a_cue_all_the_same() {
        let text =
            "1\n00:01.000 --> 00:02.000\nHello\n2\n00:02.000 --> 00:03.000\nYou\nthere\n00:03.000 --> 00:04.000\nBye";
        let expected = [(Some("1"), "Hello"), (Some("2"), "You|there"), (None, "Bye")];
        assert_eq!(texts(text), expected.map(|(id, text)| (id, text.to_owned())));
    }

    #[test]
    fn comments_and_styles_are_no_text_and_a_blank_line_ends_no_sentence() {
        let text = "WEBVTT - a title\r\n\r\nNOTE one\r\ntwo\r\n\r\nSTYLE\r\n::cue { }\r\n\r\n00:01.000 --> 00:02.000\r\nHello\r\n\r\nyou\r\n";
        assert_eq!(texts(text), [(None, "Hello|you".to_owned())]);
        assert_eq!(read(text).notes, ["NOTE one"]);
    }

    #[test]
    fn a_cue_without_times_is_passed_over_with_a_warning() {
        let file = read("WEBVTT\n\n00:01.000 --> soon\nHello\n\n00:02.000 --> 00:01.000\nYou");
        assert_eq!(file.cues.len(), 1);
        assert_eq!(file.cues[0].span.start, MediaTime(1000));
        assert_eq!(file.warnings.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 6]);
    }
}
