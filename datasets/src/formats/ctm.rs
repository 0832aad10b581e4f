//! CTM: words with times, gathered into utterances; with RTTM turns beside them, each word gets its speaker.
//!
//! NIST, SCTK documentation, `ctm`: `file channel start duration word [confidence [type [speaker]]]`, times in seconds.

use std::collections::{BTreeMap, BTreeSet};

use super::rttm::SpeakerTurn;
use super::utterance_list::{Found, UtteranceList};
use super::{Format, Input, MeetingRead, ReadFileError, ReadProblem};
use crate::{MediaTime, SpeakerLabel, TimeSpan, Utterance, Word};

/// A pause of this length ends an utterance; a guess between the pauses within and between sentences.
pub const PAUSE_MS_MIN: i64 = 800;

/// An utterance is cut here even without a pause, so that evidence stays short.
const WORDS_MAX: usize = 80;

/// How far a word may lie from a turn and still belong to its speaker; diarization cuts are coarse.
const TURN_DISTANCE_MS_MAX: i64 = 500;

/// A word and, where it is known, who said it.
#[derive(Clone, Debug, PartialEq)]
pub struct SpokenWord {
    /// Who.
    pub speaker: Option<SpeakerLabel>,
    /// The word and its time.
    pub word: Word,
}

/// The words of every recording in `text`, in order of time, by the recording's name. Where no line names a speaker and
/// there are several channels, the channel stands for the speaker.
pub fn words(text: &str) -> BTreeMap<String, Vec<SpokenWord>> {
    let mut recordings: BTreeMap<&str, Vec<Line<'_>>> = BTreeMap::new();
    for line in text.lines().filter_map(line) {
        recordings.entry(line.file).or_default().push(line);
    }
    recordings
        .into_iter()
        .map(|(file, mut lines)| {
            let channels: BTreeSet<&str> = lines.iter().map(|line| line.channel).collect();
            let by_channel = channels.len() > 1 && lines.iter().all(|line| line.speaker.is_none());
            lines.sort_by_key(|line| line.word.span.start);
            let words = lines.into_iter().map(|line| SpokenWord {
                speaker: line
                    .speaker
                    .or(by_channel.then_some(line.channel))
                    .map(SpeakerLabel::new),
                word: line.word,
            });
            (file.to_owned(), words.collect())
        })
        .collect()
}

struct Line<'a> {
    file: &'a str,
    channel: &'a str,
    speaker: Option<&'a str>,
    word: Word,
}

fn line(text: &str) -> Option<Line<'_>> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (&file, &channel, &word) = (fields.first()?, fields.get(1)?, fields.get(4)?);
    // Alternatives and comments have no times of their own.
    let (start, duration): (f64, f64) = (fields[2].parse().ok()?, fields[3].parse().ok()?);
    let is_time = start.is_finite() && duration.is_finite() && start >= 0.0 && duration >= 0.0;
    let confidence = fields.get(5).and_then(|field| field.parse::<f32>().ok());
    let speaker = fields
        .get(7)
        .copied()
        .filter(|speaker| !matches!(*speaker, "<NA>" | "unknown"));
    (is_time && !file.starts_with(";;") && !word.starts_with('<')).then(|| Line {
        file,
        channel,
        speaker,
        word: Word {
            text: word.to_owned(),
            span: TimeSpan::new(
                MediaTime::from_seconds(start),
                MediaTime::from_seconds(start + duration),
            ),
            probability: confidence.filter(|confidence| (0.0..=1.0).contains(confidence)),
        },
    })
}

/// Gives each word the speaker of the turn it shares most time with, or of the nearest one within half a second. Words
/// that are far from every turn lose their speaker. Both lists in order of time.
pub fn attribute(words: &mut [SpokenWord], turns: &[SpeakerTurn]) {
    let longest = turns.iter().map(|turn| turn.span.duration_ms()).max().unwrap_or(0);
    for spoken in words {
        let span = spoken.word.span;
        // Only turns that begin in this stretch can touch the word.
        let earliest = span.start.0 - longest - TURN_DISTANCE_MS_MAX;
        let first = turns.partition_point(|turn| turn.span.start.0 < earliest);
        let end = turns.partition_point(|turn| turn.span.start.0 <= span.end.0 + TURN_DISTANCE_MS_MAX);
        spoken.speaker = turns
            .get(first..end)
            .unwrap_or_default()
            .iter()
            .map(|turn| (turn.span.overlap_ms(&span), -distance_ms(turn.span, span), turn))
            .filter(|(_, distance, _)| -distance <= TURN_DISTANCE_MS_MAX)
            .max_by_key(|(overlap, distance, _)| (*overlap, *distance))
            .map(|(_, _, turn)| turn.speaker.clone());
    }
}

fn distance_ms(a: TimeSpan, b: TimeSpan) -> i64 {
    (a.start.0.max(b.start.0) - a.end.0.min(b.end.0)).max(0)
}

/// Gathers words, in order of time, into utterances: those of one speaker without a pause of [`PAUSE_MS_MIN`] between.
/// Speakers may overlap. In the order they begin, with ids from `u1`.
pub fn utterances(words: impl IntoIterator<Item = SpokenWord>) -> Vec<Utterance> {
    let mut open: BTreeMap<Option<SpeakerLabel>, usize> = BTreeMap::new();
    let mut utterances: Vec<Utterance> = Vec::new();
    for SpokenWord { speaker, word } in words {
        let current = open.get(&speaker).and_then(|&position| utterances.get_mut(position));
        match current {
            Some(utterance) if continues(utterance, &word) => extend(utterance, word),
            _ => {
                open.insert(speaker.clone(), utterances.len());
                let mut utterance = Utterance::new(Utterance::id_at(utterances.len()), word.text.clone());
                utterance.span = Some(word.span);
                utterance.speaker = speaker;
                utterance.words.push(word);
                utterances.push(utterance);
            }
        }
    }
    utterances
}

fn continues(utterance: &Utterance, word: &Word) -> bool {
    let pause_ms = utterance.span.map_or(0, |span| word.span.start.0 - span.end.0);
    pause_ms < PAUSE_MS_MIN && utterance.words.len() < WORDS_MAX
}

fn extend(utterance: &mut Utterance, word: Word) {
    utterance.text.push(' ');
    utterance.text.push_str(&word.text);
    if let Some(span) = &mut utterance.span {
        span.end = span.end.max(word.span.end);
    }
    utterance.words.push(word);
}

/// Reads one meeting per recording.
///
/// # Errors
/// When no line is a word.
pub(super) fn read(input: &Input<'_>) -> Result<Vec<MeetingRead>, ReadFileError> {
    let recordings = words(&input.text);
    if recordings.is_empty() {
        return Err(input.error(None, ReadProblem::NoUtterance { format: Format::Ctm }));
    }
    recordings
        .into_iter()
        .map(|(file, words)| meeting(input, Format::Ctm, &file, words))
        .collect()
}

/// The meeting named `title` that these words make.
pub(super) fn meeting(
    input: &Input<'_>,
    format: Format,
    title: &str,
    words: Vec<SpokenWord>,
) -> Result<MeetingRead, ReadFileError> {
    let mut list = UtteranceList::default();
    for utterance in utterances(words) {
        list.push(Found {
            id: None,
            speaker: utterance.speaker.map(|speaker| speaker.as_str().to_owned()),
            span: utterance.span,
            text: utterance.text,
            words: utterance.words,
        });
    }
    list.into_named_meeting(input, format, title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::read as read_any;
    use crate::formats::rttm;

    fn found(utterances: &[Utterance]) -> Vec<(String, String)> {
        let speaker = |u: &Utterance| u.speaker.as_ref().map_or(String::new(), ToString::to_string);
        utterances.iter().map(|u| (speaker(u), u.text.clone())).collect()
    }

    fn check(found: &[(String, String)], expected: &[(&str, &str)]) {
        let found: Vec<_> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(found, expected);
    }

    const FILE: &str = ";; words\nm A 0.0 0.3 so 0.9 lex\nm A 0.4 0.2 we\nm B 0.5 0.2 yes\nm A 0.6 0.2 start\n\
        m A 2.0 0.2 now\nm A * * <ALT>\n";

    #[test]
    fn channels_are_speakers_and_pauses_end_utterances() {
        let read = read_any("a.ctm", FILE.as_bytes()).unwrap().remove(0);
        check(
            &found(&read.transcript.utterances),
            &[("A", "so we start"), ("B", "yes"), ("A", "now")],
        );
        assert_eq!(read.transcript.utterances[0].words[0].probability, Some(0.9));
        assert_eq!(read.meeting.title, "m");
    }

    #[test]
    fn turns_name_the_speakers() {
        let turns =
            rttm::turns("SPEAKER m 1 0 0.55 <NA> <NA> Ann <NA> <NA>\nSPEAKER m 1 0.55 0.4 <NA> <NA> Bob <NA> <NA>");
        let mut words = words(FILE).remove("m").unwrap();
        attribute(&mut words, &turns["m"]);
        check(
            &found(&utterances(words)),
            &[("Ann", "so we"), ("Bob", "yes start"), ("", "now")],
        );
    }
}
