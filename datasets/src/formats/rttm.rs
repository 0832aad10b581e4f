//! RTTM, read and written: who spoke when, without words.
//!
//! NIST, "The 2009 (RT-09) rich transcription meeting recognition evaluation plan", appendix A: one line per turn,
//! `SPEAKER file channel start duration <NA> <NA> speaker <NA> <NA>`, times in seconds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::ctm::PAUSE_MS_MIN;
use super::utterance_list::{Found, UtteranceList};
use super::{Format, Input, MeetingRead, ReadFileError, ReadProblem};
use crate::{MediaTime, Meeting, SpeakerLabel, TimeSpan, Transcript, Utterance};

/// A stretch in which one speaker holds the floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeakerTurn {
    /// Who.
    pub speaker: SpeakerLabel,
    /// When.
    pub span: TimeSpan,
}

/// The turns of every recording in `text`, in order of time, by the recording's name.
pub fn turns(text: &str) -> BTreeMap<String, Vec<SpeakerTurn>> {
    let mut recordings: BTreeMap<String, Vec<SpeakerTurn>> = BTreeMap::new();
    for (file, turn) in text.lines().filter_map(turn) {
        recordings.entry(file.to_owned()).or_default().push(turn);
    }
    for turns in recordings.values_mut() {
        turns.sort_by_key(|turn| turn.span.start);
    }
    recordings
}

/// As [`turns`], for a reference that something is measured against: a line of the kind `SPEAKER` that is no turn is not
/// passed over. `file_name` stands in messages; it is not opened.
///
/// # Errors
/// When there is such a line, or no turn at all.
pub fn reference_turns(file_name: &str, text: &str) -> Result<BTreeMap<String, Vec<SpeakerTurn>>, ReadFileError> {
    let error = |line, problem| ReadFileError {
        file: file_name.to_owned(),
        line,
        problem,
    };
    let is_turn = |line: &str| line.split_whitespace().next() == Some("SPEAKER");
    for (number, line) in (1..).zip(text.lines()) {
        if is_turn(line) && turn(line).is_none() {
            let found = line.to_owned();
            return Err(error(Some(number), ReadProblem::Turn { found }));
        }
    }
    let turns = turns(text);
    if turns.is_empty() {
        return Err(error(None, ReadProblem::NoUtterance { format: Format::Rttm }));
    }
    Ok(turns)
}

fn turn(line: &str) -> Option<(&str, SpeakerTurn)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (file, speaker) = match fields.as_slice() {
        ["SPEAKER", file, _, _, _, _, _, speaker, ..] => (*file, *speaker),
        _ => return None,
    };
    let (start, duration): (f64, f64) = (fields[3].parse().ok()?, fields[4].parse().ok()?);
    let is_time = start.is_finite() && duration.is_finite() && start >= 0.0 && duration >= 0.0;
    is_time.then(|| {
        let span = TimeSpan::new(
            MediaTime::from_seconds(start),
            MediaTime::from_seconds(start + duration),
        );
        (
            file,
            SpeakerTurn {
                speaker: SpeakerLabel::new(speaker),
                span,
            },
        )
    })
}

/// Reads one meeting per recording; its utterances have speakers and times and no words.
///
/// # Errors
/// When no line is a turn.
pub(super) fn read(input: &Input<'_>) -> Result<Vec<MeetingRead>, ReadFileError> {
    let mut recordings = Vec::new();
    for (file, turns) in turns(&input.text) {
        let mut list = UtteranceList::default();
        for turn in turns {
            list.push_turn(Found {
                speaker: Some(turn.speaker.as_str().to_owned()),
                span: Some(turn.span),
                ..Found::default()
            });
        }
        let mut read = list.into_named_meeting(input, Format::Rttm, &file)?;
        read.transcript
            .warnings
            .push("the file holds speaker turns without words".to_owned());
        recordings.push(read);
    }
    if recordings.is_empty() {
        return Err(input.error(None, ReadProblem::NoUtterance { format: Format::Rttm }));
    }
    Ok(recordings)
}

/// Writes one turn per utterance that has a speaker and times. Where its words have times, the turn lasts from the first
/// to the last of them, and a pause of [`PAUSE_MS_MIN`] cuts it in two. White space in names becomes an underscore. A turn
/// of no length is none.
pub fn write(meeting: &Meeting, transcript: &Transcript) -> String {
    let mut out = String::new();
    let file = field(meeting.id.as_str());
    for utterance in &transcript.utterances {
        let Some(speaker) = &utterance.speaker else { continue };
        let speaker = field(meeting.speaker_name(speaker));
        for span in spoken(utterance).iter().filter(|span| span.duration_ms() > 0) {
            let (start, duration) = (span.start.seconds(), span.duration_ms() as f64 / 1000.0);
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "SPEAKER {file} 1 {start:.3} {duration:.3} <NA> <NA> {speaker} <NA> <NA>"
            );
        }
    }
    out
}

/// When somebody speaks in an utterance: as its words tell, else all of it.
fn spoken(utterance: &Utterance) -> Vec<TimeSpan> {
    let mut spans: Vec<TimeSpan> = Vec::new();
    for word in &utterance.words {
        match spans.last_mut() {
            Some(last) if word.span.start.0 - last.end.0 < PAUSE_MS_MIN => last.end = last.end.max(word.span.end),
            _ => spans.push(word.span),
        }
    }
    if spans.is_empty() {
        spans.extend(utterance.span);
    }
    spans
}

fn field(name: &str) -> String {
    let field = name.split_whitespace().collect::<Vec<_>>().join("_");
    if field.is_empty() { "<NA>".to_owned() } else { field }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::read as read_any;
    use crate::formats::sample;
    use crate::{MeetingId, Word};

    const FILE: &str = ";; by hand\nSPKR-INFO m 1 <NA> <NA> <NA> unknown A <NA> <NA>\n\
        SPEAKER m 1 2.500 1.000 <NA> <NA> B <NA> <NA>\nSPEAKER m 1 0.25 1.5 <NA> <NA> A <NA>\n\
        SPEAKER n 1 0 inf <NA> <NA> A <NA> <NA>\nSPEAKER n 1 0 1 <NA> <NA> A <NA> <NA>\nbroken\n";

    #[test]
    fn turns_are_in_order_and_apart_by_recording() {
        let read = read_any("a.rttm", FILE.as_bytes()).unwrap();
        let titles: Vec<_> = read.iter().map(|read| read.meeting.title.as_str()).collect();
        assert_eq!(titles, ["m", "n"]);
        let spans: Vec<_> = read[0]
            .transcript
            .utterances
            .iter()
            .map(|u| u.span.unwrap().start.0)
            .collect();
        assert_eq!(spans, [250, 2500]);
        assert_eq!(read[1].transcript.utterances.len(), 1);
    }

    #[test]
    fn a_reference_must_be_whole() {
        let check = |text: &str, line: Option<usize>| {
            assert_eq!(reference_turns("a.rttm", text).unwrap_err().line, line, "{text}");
        };
        check(FILE, Some(5));
        check("\nSPEAKER a 1 0.5\n", Some(2));
        check("SPKR-INFO m 1 <NA> <NA> <NA> unknown A <NA> <NA>\n", None);
        assert_eq!(reference_turns("a.rttm", &FILE.replace("inf", "2")).unwrap().len(), 2);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let read = read_any("a.rttm", FILE.as_bytes()).unwrap().remove(0);
        let written = write(&read.meeting, &read.transcript);
        assert_eq!(turns(&written)["m"], turns(FILE)["m"]);
    }

    fn word(start_ms: i64, end_ms: i64) -> Word {
        Word {
            text: "word".to_owned(),
            span: TimeSpan::new(MediaTime(start_ms), MediaTime(end_ms)),
            probability: None,
        }
    }

    #[test]
    fn turns_last_as_their_words_do() {
        let (meeting, mut transcript, _) = sample::meeting();
        transcript.utterances[0].words = vec![word(120, 400), word(450, 1010), word(1900, 2600), word(2500, 3100)];
        transcript.utterances[2].speaker = None;
        insta::assert_snapshot!(write(&meeting, &transcript), @r"
        SPEAKER budget 1 0.120 0.890 <NA> <NA> Ann_Lee <NA> <NA>
        SPEAKER budget 1 1.900 1.200 <NA> <NA> Ann_Lee <NA> <NA>
        SPEAKER budget 1 4.200 3.500 <NA> <NA> Bob <NA> <NA>
        ");
    }

    proptest! {
        /// Every turn comes back with its speaker, its begin and its end to the millisecond, wherever it lies in a day.
        #[test]
        fn every_turn_comes_back(
            turns in prop::collection::vec((0_i64..86_400_000, 1_i64..600_000, "[a-zA-Z\u{e9}0-9]{1,8}"), 1..20)
        ) {
            let meeting = Meeting::new(MeetingId::new("m"), "M");
            let mut transcript = Transcript::default();
            let mut expected = Vec::new();
            for (position, (start, length, speaker)) in turns.into_iter().enumerate() {
                let span = TimeSpan::new(MediaTime(start), MediaTime(start + length));
                let speaker = SpeakerLabel::new(speaker);
                expected.push(SpeakerTurn { speaker: speaker.clone(), span });
                let mut utterance = Utterance::new(Utterance::id_at(position), "words");
                (utterance.speaker, utterance.span) = (Some(speaker), Some(span));
                transcript.utterances.push(utterance);
            }
            expected.sort_by_key(|turn| turn.span.start);
            prop_assert_eq!(&reference_turns("m.rttm", &write(&meeting, &transcript)).unwrap()["m"], &expected);
        }
    }
}
