//! RTTM, read and written: who spoke when, without words.
//!
//! NIST, "The 2009 (RT-09) rich transcription meeting recognition evaluation plan", appendix A: one line per turn,
//! `SPEAKER file channel start duration <NA> <NA> speaker <NA> <NA>`, times in seconds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::utterance_list::{Found, UtteranceList};
use super::{Format, Input, MeetingRead, ReadFileError, ReadProblem};
use crate::{MediaTime, Meeting, SpeakerLabel, TimeSpan, Transcript};

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

/// Writes one turn per utterance that has a speaker and times; white space in names becomes an underscore.
pub fn write(meeting: &Meeting, transcript: &Transcript) -> String {
    let mut out = String::new();
    for utterance in &transcript.utterances {
        if let (Some(speaker), Some(span)) = (&utterance.speaker, utterance.span) {
            let (start, duration) = (span.start.seconds(), span.duration_ms() as f64 / 1000.0);
            let (file, speaker) = (field(meeting.id.as_str()), field(meeting.speaker_name(speaker)));
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "SPEAKER {file} 1 {start:.3} {duration:.3} <NA> <NA> {speaker} <NA> <NA>"
            );
        }
    }
    out
}

fn field(name: &str) -> String {
    let field = name.split_whitespace().collect::<Vec<_>>().join("_");
    if field.is_empty() { "<NA>".to_owned() } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::read as read_any;

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
    fn what_is_written_is_read_again() {
        let read = read_any("a.rttm", FILE.as_bytes()).unwrap().remove(0);
        let written = write(&read.meeting, &read.transcript);
        assert_eq!(turns(&written)["m"], turns(FILE)["m"]);
    }
}
