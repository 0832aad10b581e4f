//! Text files: `Name: text`, `[00:01:02] Name: text`, `00:01:02 Name: text`, a name and a time above the words, or
//! plain paragraphs.

use std::sync::LazyLock;

use regex::Regex;

use super::utterance_list::{Found, UtteranceList, append};
use super::{Format, Input, MeetingRead, ReadFileError, cues, speaker_label};
use crate::{MediaTime, TimeSpan};

/// `1:02`, `00:01:02`, `00:01:02.345`.
const TIME: &str = r"\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?";

/// A time at the start of a line, alone or from-to, with or without brackets.
static LEADING_TIME: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = format!(r"^[\[(]?({TIME})(?:\s*(?:-->|[-–—])\s*{TIME})?[\])]?(?:\s*[-–—]\s|\s+|\s*$)");
    Regex::new(&pattern).expect("the pattern is fixed and tested")
});

/// A name, a time in brackets or alone, then the words or nothing: `Ann Lee (00:12): yes`, `Ann Lee   0:12`.
static NAME_THEN_TIME: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = format!(r"^(\p{{L}}[^:\[\]()]{{0,60}}?)\s*(?:[\[(]({TIME})[\])]\s*:?\s*(.*)|\s({TIME})\s*)$");
    Regex::new(&pattern).expect("the pattern is fixed and tested")
});

/// How the lines of a file are made, told from all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// Times stand before the words.
    times: bool,
    /// Names and times stand above or before the words.
    headings: bool,
    /// Names stand before the words.
    names: bool,
}

/// A line taken apart.
#[derive(Debug, Default, PartialEq)]
struct Parts<'a> {
    time: Option<MediaTime>,
    name: Option<&'a str>,
    text: &'a str,
}

/// Reads a transcript.
///
/// # Errors
/// When the file has no words.
pub(super) fn read(input: &Input<'_>) -> Result<MeetingRead, ReadFileError> {
    let lines: Vec<&str> = input.text.split(['\n', '\r']).map(str::trim).collect();
    let layout = layout(&lines);
    let mut list = UtteranceList::default();
    if layout.times || layout.headings || layout.names {
        read_turns(&lines, layout, &mut list);
        give_ends(&mut list);
    } else {
        read_paragraphs(&lines, &mut list);
    }
    list.into_meeting(input, Format::PlainText)
}

fn layout(lines: &[&str]) -> Layout {
    let said: Vec<&str> = lines.iter().copied().filter(|line| !line.is_empty()).collect();
    let share = |matching: usize, part: usize| matching > 0 && matching * part >= said.len();
    let timed = said.iter().filter(|line| LEADING_TIME.is_match(line)).count();
    let headed = said.iter().filter(|line| NAME_THEN_TIME.is_match(line)).count();
    let times = share(timed, 4);
    let names = speaker_label::are_used(said.iter().map(|line| if times { after_time(line) } else { line }));
    Layout {
        times,
        headings: share(headed, 4),
        names,
    }
}

fn after_time(line: &str) -> &str {
    LEADING_TIME
        .find(line)
        .map_or(line, |found| line.get(found.end()..).unwrap_or_default())
}

fn read_turns(lines: &[&str], layout: Layout, list: &mut UtteranceList) {
    // A name or time that stands alone belongs to the words below it.
    let mut heading: Option<Parts<'_>> = None;
    let mut previous: Option<MediaTime> = None;
    for (number, line) in (1..).zip(lines).filter(|(_, line)| !line.is_empty()) {
        let mut parts = parts(line, layout);
        if let Some(above) = heading.take() {
            parts.time = parts.time.or(above.time);
            parts.name = parts.name.or(above.name);
        }
        if parts.text.is_empty() {
            heading = Some(parts);
            continue;
        }
        if parts.time.is_none() && parts.name.is_none() {
            // Without a mark of its own the line goes on with what was said before.
            if let Some(last) = list.last_mut() {
                append(&mut last.text, parts.text);
                continue;
            }
        }
        if parts
            .time
            .is_some_and(|time| previous.is_some_and(|previous| time < previous))
        {
            list.warn(number, "the time lies before that of the line above; it was left out");
            parts.time = None;
        }
        previous = parts.time.or(previous);
        list.push(Found {
            speaker: parts.name.map(str::to_owned),
            span: parts.time.map(|time| TimeSpan::new(time, time)),
            text: parts.text.to_owned(),
            ..Found::default()
        });
    }
}

fn parts(line: &str, layout: Layout) -> Parts<'_> {
    let mut parts = Parts {
        text: line,
        ..Parts::default()
    };
    if layout.headings
        && let Some(found) = NAME_THEN_TIME.captures(line)
    {
        let group = |number: usize| found.get(number).map(|group| group.as_str());
        parts.name = group(1).map(str::trim);
        parts.time = group(2).or_else(|| group(4)).and_then(cues::clock);
        parts.text = group(3).unwrap_or_default();
        return parts;
    }
    if layout.times
        && let Some(found) = LEADING_TIME.captures(line)
    {
        parts.time = found.get(1).and_then(|time| cues::clock(time.as_str()));
        parts.text = after_time(line);
    }
    if layout.names
        && let Some((name, text)) = speaker_label::split(parts.text)
    {
        (parts.name, parts.text) = (Some(name), text);
    }
    parts
}

/// Only beginnings are written down: an utterance lasts until the next one begins; how long the last one lasts is not
/// known, and its span is empty.
fn give_ends(list: &mut UtteranceList) {
    let mut next: Option<MediaTime> = None;
    let mut utterances: Vec<_> = list.iter_mut().collect();
    for utterance in utterances.iter_mut().rev() {
        if let Some(span) = &mut utterance.span {
            span.end = next.unwrap_or(span.end);
            next = Some(span.start);
        }
    }
}

/// Blank lines part paragraphs; where there are none, each line is one.
fn read_paragraphs(lines: &[&str], list: &mut UtteranceList) {
    let has_blank_lines = lines
        .iter()
        .skip_while(|line| line.is_empty())
        .enumerate()
        .any(|(position, line)| {
            line.is_empty() && lines.iter().rev().take_while(|l| l.is_empty()).count() + position < lines.len()
        });
    let mut paragraph = String::new();
    for line in lines.iter().copied().chain([""]) {
        if !line.is_empty() {
            paragraph.push_str(line);
            paragraph.push(' ');
        }
        if line.is_empty() || !has_blank_lines {
            list.push(Found {
                text: std::mem::take(&mut paragraph),
                ..Found::default()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::formats::read as read_any;

    /// Speaker, text, start and end.
    type Said<'a> = (&'a str, &'a str, Option<(i64, i64)>);

    fn check(text: &str, expected: &[Said<'_>]) {
        let transcript = read_any("a.txt", text.as_bytes()).unwrap().remove(0).transcript;
        let found: Vec<_> = transcript
            .utterances
            .iter()
            .map(|u| {
                let span = u.span.map(|span| (span.start.0, span.end.0));
                (u.speaker.as_ref().map_or("", |s| s.as_str()), u.text.as_str(), span)
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn names_stand_before_the_words() {
        check(
            "Ann: Hello\nand welcome\n\nÉlise : Merci : oui\n",
            &[("Ann", "Hello and welcome", None), ("Élise", "Merci : oui", None)],
        );
    }

    #[test]
    fn times_stand_before_the_names() {
        for text in [
            "[00:01:02] Ann: Hello\r\n[00:01:05.5] Bob: Hi",
            "00:01:02 Ann: Hello\n00:01:05.500 Bob: Hi\n",
            "(1:02) Ann: Hello\n(1:05.5) Bob: Hi\n",
            "[00:01:02 - 00:01:04] Ann: Hello\n[00:01:05,5 - 00:01:07] Bob: Hi\n",
            "Ann  1:02\nHello\n\nBob  1:05.5\nHi\n",
            "Ann (00:01:02): Hello\nBob (00:01:05.5): Hi\n",
            "[00:01:02]\nAnn: Hello\n[00:01:05.5]\nBob: Hi\n",
        ] {
            check(
                text,
                &[
                    ("Ann", "Hello", Some((62_000, 65_500))),
                    ("Bob", "Hi", Some((65_500, 65_500))),
                ],
            );
        }
    }

    #[test]
    fn times_need_no_names() {
        check(
            "[0:01] Hello\n[0:03] You",
            &[("", "Hello", Some((1000, 3000))), ("", "You", Some((3000, 3000)))],
        );
    }

    #[test]
    fn a_time_that_runs_back_is_left_out() {
        check(
            "[0:05] Ann: a\n[0:03] Bob: b\n[0:07] Ann: c",
            &[
                ("Ann", "a", Some((5000, 7000))),
                ("Bob", "b", None),
                ("Ann", "c", Some((7000, 7000))),
            ],
        );
    }

    #[test]
    fn paragraphs_are_utterances() {
        check(
            "One line\nand more.\n\nTwo: at 10:30.\nx\ny\n",
            &[("", "One line and more.", None), ("", "Two: at 10:30. x y", None)],
        );
        check("One.\nTwo.\n\n", &[("", "One.", None), ("", "Two.", None)]);
    }
}
