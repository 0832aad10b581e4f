//! Gathers what a reader finds and makes of it a meeting whose utterances are in order and whose ids are unique.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Format, Input, MeetingRead, ReadFileError, ReadProblem, people};
use crate::{
    MediaTime, Meeting, MeetingId, Provenance, Source, SpeakerLabel, TimeSpan, Transcript, Utterance, UtteranceId, Word,
};

/// How many warnings are kept word for word; a broken file would give one per line.
const WARNINGS_MAX: usize = 20;

/// Longest speaker label in characters; more is no name.
const LABEL_CHARS_MAX: usize = 200;

/// The latest time that is believed, ten years in milliseconds; broken files hold any number.
const TIME_MS_MAX: i64 = 10 * 366 * 24 * 3_600_000;

/// Utterances in the order of the file, and what was passed over.
#[derive(Debug, Default)]
pub(super) struct UtteranceList {
    utterances: Vec<Utterance>,
    /// Ids that the file itself gives; others are counted.
    given_ids: bool,
    warnings: Vec<String>,
    warnings_left_out: usize,
}

/// What a reader knows of an utterance.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) id: Option<UtteranceId>,
    pub(super) speaker: Option<String>,
    pub(super) span: Option<TimeSpan>,
    pub(super) text: String,
    pub(super) words: Vec<Word>,
}

impl UtteranceList {
    /// Adds an utterance; white space is made single. Text without a single character is left out.
    pub(super) fn push(&mut self, found: Found) {
        let text = one_line(&found.text);
        if !text.is_empty() {
            self.push_turn(Found { text, ..found });
        }
    }

    /// As [`UtteranceList::push`], and keeps a turn whose words are not known.
    pub(super) fn push_turn(&mut self, found: Found) {
        let label = |speaker: String| one_line(&speaker).chars().take(LABEL_CHARS_MAX).collect::<String>();
        let speaker = found.speaker.map(label).filter(|speaker| !speaker.is_empty());
        self.given_ids |= found.id.is_some();
        self.utterances.push(Utterance {
            id: found.id.unwrap_or_else(|| Utterance::id_at(self.utterances.len())),
            speaker: speaker.map(SpeakerLabel::new),
            span: found.span.map(believable),
            text: one_line(&found.text),
            language: None,
            words: found.words,
        });
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Utterance> {
        self.utterances.last_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Utterance> {
        self.utterances.iter_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Utterance> {
        self.utterances.iter()
    }

    pub(super) fn warn(&mut self, line: usize, problem: &str) {
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(format!("line {line}: {problem}"));
        } else {
            self.warnings_left_out += 1;
        }
    }

    /// The meeting named after the file.
    pub(super) fn into_meeting(self, input: &Input<'_>, format: Format) -> Result<MeetingRead, ReadFileError> {
        let title = one_line(&input.stem().replace('_', " "));
        self.into_named_meeting(input, format, &title)
    }

    /// The meeting named `title`, of which the file may hold several.
    pub(super) fn into_named_meeting(
        self,
        input: &Input<'_>,
        format: Format,
        title: &str,
    ) -> Result<MeetingRead, ReadFileError> {
        if self.utterances.is_empty() {
            return Err(input.error(None, ReadProblem::NoUtterance { format }));
        }
        Ok(self.into_record(input, format, title))
    }

    /// The meeting named `title`, one of many in a corpus, where a single silent one is no error.
    pub(super) fn into_record(mut self, input: &Input<'_>, format: Format, title: &str) -> MeetingRead {
        if self.utterances.is_empty() {
            self.warnings
                .push("the record holds no utterance with words".to_owned());
        }
        self.put_in_order();
        self.make_ids_unique();
        if self.warnings_left_out > 0 {
            self.warnings.push(format!("and {} more", self.warnings_left_out));
        }
        let mut meeting = Meeting::new(MeetingId::from_title(title), title);
        meeting.source = Some(Source {
            file_name: input.file_name.to_owned(),
            sha256: input.sha256.clone(),
        });
        let transcript = Transcript {
            utterances: self.utterances,
            provenance: provenance(format, input.sha256.clone()),
            warnings: input.warnings.iter().cloned().chain(self.warnings).collect(),
            ..Transcript::default()
        };
        meeting.participants = people::participants(&meeting.id, &transcript);
        MeetingRead { meeting, transcript }
    }

    /// Sorts by time where every utterance has one; counted ids follow the new order.
    fn put_in_order(&mut self) {
        let starts: Option<Vec<_>> = self
            .utterances
            .iter()
            .map(|utterance| utterance.span.map(|span| span.start))
            .collect();
        if starts.is_none_or(|starts| starts.is_sorted()) {
            return;
        }
        self.utterances
            .sort_by_key(|utterance| utterance.span.map(|span| span.start));
        if !self.given_ids {
            for (position, utterance) in self.utterances.iter_mut().enumerate() {
                utterance.id = Utterance::id_at(position);
            }
        }
        self.warnings
            .push("utterances were not in order of time and were sorted".to_owned());
    }

    fn make_ids_unique(&mut self) {
        let mut seen = BTreeSet::new();
        let mut repeated = 0_usize;
        for utterance in &mut self.utterances {
            if seen.contains(&utterance.id) {
                repeated += 1;
                let mut copy = 2;
                while seen.contains(&UtteranceId::new(format!("{}-{copy}", utterance.id))) {
                    copy += 1;
                }
                utterance.id = UtteranceId::new(format!("{}-{copy}", utterance.id));
            }
            seen.insert(utterance.id.clone());
        }
        if repeated > 0 {
            self.warnings
                .push(format!("{repeated} utterance ids were repeated and were made unique"));
        }
    }
}

fn believable(span: TimeSpan) -> TimeSpan {
    let clamp = |time: MediaTime| MediaTime(time.0.clamp(0, TIME_MS_MAX));
    TimeSpan::new(clamp(span.start), clamp(span.end))
}

/// Provenance of a transcript that was read as `format` from content with the digest `sha256`.
pub(super) fn provenance(format: Format, sha256: String) -> Provenance {
    Provenance {
        engine: format.name().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        input_sha256: Some(sha256),
        model_sha256: None,
        parameters: BTreeMap::new(),
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lets `text` go on with `more`, with single spaces.
pub(super) fn append(text: &mut String, more: &str) {
    let more = one_line(more);
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(&more);
}

/// `text` with single spaces; control characters and marks that show nothing are dropped.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let is_invisible = |c: char| matches!(c, '\u{feff}' | '\u{200b}' | '\u{200e}' | '\u{200f}');
        let word = word.trim_matches(is_invisible);
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: Option<&str>, start: i64) -> Found {
        Found {
            id: id.map(UtteranceId::new),
            span: Some(TimeSpan::new(MediaTime(start), MediaTime(start + 10))),
            text: format!(" said at\n{start} "),
            ..Found::default()
        }
    }

    fn read(list: UtteranceList) -> Transcript {
        let input = Input::new("folder/a_b.txt", b"x").unwrap();
        let read = list.into_meeting(&input, Format::PlainText).unwrap();
        assert_eq!((read.meeting.title.as_str(), read.meeting.id.as_str()), ("a b", "a-b"));
        read.transcript
    }

    fn ids(transcript: &Transcript) -> Vec<&str> {
        transcript
            .utterances
            .iter()
            .map(|utterance| utterance.id.as_str())
            .collect()
    }

    #[test]
    fn times_out_of_order_are_sorted_and_counted_anew() {
        let mut list = UtteranceList::default();
        for start in [20, 0, 10] {
            list.push(found(None, start));
        }
        let transcript = read(list);
        assert_eq!(ids(&transcript), ["u1", "u2", "u3"]);
        assert_eq!(transcript.utterances[0].text, "said at 0");
        assert_eq!(transcript.warnings.len(), 1);
    }

    #[test]
    fn given_ids_stay_and_repeated_ones_differ() {
        let mut list = UtteranceList::default();
        for (id, start) in [("a", 5), ("a", 0), ("a-2", 9)] {
            list.push(found(Some(id), start));
        }
        assert_eq!(ids(&read(list)), ["a", "a-2", "a-2-2"]);
    }

    #[test]
    fn white_space_and_controls_become_single_spaces() {
        assert_eq!(one_line("\u{feff} a\u{0}b \t c\u{200b}\r\n"), "a b c");
    }
}
