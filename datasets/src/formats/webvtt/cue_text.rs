//! The text of a cue: tags and entities out, the speaker from the voice tag, word times from time tags.

use crate::formats::cues::clock;
use crate::formats::utterance_list::one_line;
use crate::{MediaTime, TimeSpan, Word};

/// What one voice says in a cue.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Voice {
    pub(super) speaker: Option<String>,
    pub(super) text: String,
    /// Empty unless every word has a time tag of its own.
    pub(super) words: Vec<Word>,
}

/// Longest tag in bytes that is believed; a lone `<` in the text is text.
const TAG_BYTES_MAX: usize = 4096;

/// The voices of a cue in the order they speak; those that say nothing are left out.
pub(super) fn voices(lines: &[&str], span: TimeSpan) -> Vec<Voice> {
    let text = lines.join("\n");
    let mut voices = Vec::new();
    let mut open = OpenVoice::new(None, span);
    let mut rest = text.as_str();
    while let Some(at) = rest.find('<') {
        let (before, from_tag) = rest.split_at(at);
        open.text(before);
        let Some((tag, after)) = split_tag(from_tag) else {
            open.text("<");
            rest = from_tag.get(1..).unwrap_or_default();
            continue;
        };
        if let Some(speaker) = voice_of(tag) {
            voices.push(std::mem::replace(&mut open, OpenVoice::new(Some(speaker), span)).close());
        } else if tag == "/v" {
            voices.push(std::mem::replace(&mut open, OpenVoice::new(None, span)).close());
        } else if let Some(time) = clock(tag) {
            open.time(time);
        }
        rest = after;
    }
    open.text(rest);
    voices.push(open.close());
    voices.retain(|voice| !voice.text.is_empty());
    voices
}

/// Splits `<tag>after`; `None` where the `<` opens no tag.
fn split_tag(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('<')?;
    let end = inside.find('>').filter(|&end| end <= TAG_BYTES_MAX)?;
    let tag = inside.get(..end)?;
    let opens = tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    (opens && !tag.contains('<')).then(|| (tag, inside.get(end + 1..).unwrap_or_default()))
}

/// The speaker of `v Ann Lee` and `v.loud.first Ann Lee`.
fn voice_of(tag: &str) -> Option<String> {
    let (name, annotation) = tag.split_once(char::is_whitespace)?;
    (name == "v" || name.starts_with("v.")).then(|| one_line(&unescape(annotation)))
}

/// A voice that is still being read, cut at its time tags.
struct OpenVoice {
    speaker: Option<String>,
    span: TimeSpan,
    text: String,
    /// Text after each time tag; the first piece stands before any.
    pieces: Vec<(MediaTime, String)>,
}

impl OpenVoice {
    fn new(speaker: Option<String>, span: TimeSpan) -> Self {
        let pieces = vec![(span.start, String::new())];
        Self {
            speaker,
            span,
            text: String::new(),
            pieces,
        }
    }

    fn text(&mut self, escaped: &str) {
        let text = unescape(escaped);
        self.text.push_str(&text);
        if let Some((_, piece)) = self.pieces.last_mut() {
            piece.push_str(&text);
        }
    }

    fn time(&mut self, time: MediaTime) {
        self.pieces.push((time, String::new()));
    }

    fn close(self) -> Voice {
        let words = if self.pieces.len() > 1 {
            self.words()
        } else {
            Vec::new()
        };
        Voice {
            speaker: self.speaker,
            text: one_line(&self.text),
            words,
        }
    }

    /// A word lasts until the next time tag or the end of the cue; pieces of several words give no word times.
    fn words(&self) -> Vec<Word> {
        let ends = self.pieces.iter().skip(1).map(|(time, _)| *time).chain([self.span.end]);
        let words: Vec<Word> = self
            .pieces
            .iter()
            .zip(ends)
            .map(|((start, piece), end)| Word {
                text: one_line(piece),
                span: TimeSpan::new(*start, end),
                probability: None,
            })
            .filter(|word| !word.text.is_empty())
            .collect();
        let are_single = words.iter().all(|word| !word.text.contains(' '));
        let are_whole = words.len() == self.text.split_whitespace().count();
        if are_single && are_whole { words } else { Vec::new() }
    }
}

/// The entities of WebVTT and HTML's numeric ones; any other `&` is text.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from_entity) = rest.split_at(at);
        plain.push_str(before);
        let entity = from_entity.get(1..).unwrap_or_default();
        let end = entity.bytes().take(10).position(|byte| byte == b';');
        match end.and_then(|end| Some((character(entity.get(..end)?)?, end))) {
            Some((character, end)) => {
                plain.push(character);
                rest = entity.get(end + 1..).unwrap_or_default();
            }
            None => {
                plain.push('&');
                rest = entity;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "lrm" => Some('\u{200e}'),
        "rlm" => Some('\u{200f}'),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, end: i64) -> TimeSpan {
        TimeSpan::new(MediaTime(start), MediaTime(end))
    }

    fn check(line: &str, expected: &[(&str, &str)]) {
        let voices = voices(&[line], span(0, 9));
        let found: Vec<_> = voices
            .iter()
            .map(|voice| (voice.speaker.as_deref().unwrap_or(""), voice.text.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn tags_are_markup_and_a_lone_bracket_is_text() {
        check("<c.yellow>Hi</c> <b>you</b>", &[("", "Hi you")]);
        check("a < b and 3 <", &[("", "a < b and 3 <")]);
        check(
            "<v Ann>Hi</v> <v Bob &amp; Co>Yes",
            &[("Ann", "Hi"), ("Bob & Co", "Yes")],
        );
        check("<v Ann></v>", &[]);
        check(
            "R&D &#233;t&#xe9; &eacute; &#9999999999;",
            &[("", "R&D été &eacute; &#9999999999;")],
        );
    }

    #[test]
    fn time_tags_time_the_words() {
        let read = |line| voices(&[line], span(1000, 3000)).remove(0);
        let voice = read("So<00:00:02.000><c> good</c>");
        assert_eq!(voice.text, "So good");
        let found: Vec<_> = voice.words.iter().map(|word| (word.text.as_str(), word.span)).collect();
        assert_eq!(found, [("So", span(1000, 2000)), ("good", span(2000, 3000))]);
        assert!(read("So very<00:00:02.000> good").words.is_empty());
        assert!(read("So<00:00:02.000>rry").words.is_empty());
    }
}
