//! The records of the public corpora as meetings: one per line, texts made readable, ids naming the rows.

use super::utterance_list::{Found, UtteranceList, one_line, sha256};
use super::{Format, Input, MeetingRead, ReadFileError, ReadOptions, ReadProblem, TextLayer, ctm, people, tidy};
use crate::corpora::CorpusRecord;
use crate::corpora::ami::{AmiMeeting, AmiWords};
use crate::corpora::fredsum::FredsumDebate;
use crate::corpora::icsi;
use crate::corpora::public_meetings::PublicMeeting;
use crate::corpora::qmsum::QmsumMeeting;
use crate::{Language, SeriesId, SpeakerLabel, TimeSpan, Utterance, UtteranceId, Word};

/// Reads every record; `format` is one of the corpora.
///
/// # Errors
/// When a line is not a record of the corpus, or nothing was said in it.
pub(super) fn read(input: &Input<'_>, format: Format, options: ReadOptions) -> Result<Vec<MeetingRead>, ReadFileError> {
    match format {
        Format::Ami => each(input, format, |record| Ok(ami(input, record, options.text))),
        Format::AmiWords => each(input, format, |record| ami_words(input, record)),
        Format::Fredsum => each(input, format, |record| Ok(fredsum(input, record))),
        Format::PublicMeetings => each(input, format, |record| Ok(public_meeting(input, record))),
        _ => each(input, format, |record| Ok(qmsum(input, record))),
    }
}

/// Reads record by record, one per line; a file that is one record over many lines is read too.
fn each<R: CorpusRecord>(
    input: &Input<'_>,
    format: Format,
    meeting: impl Fn(R) -> Result<MeetingRead, ReadFileError>,
) -> Result<Vec<MeetingRead>, ReadFileError> {
    let mut meetings = Vec::new();
    for (line, text) in (1..).zip(input.text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        let (record, text, is_whole_file) = match serde_json::from_str::<R>(text) {
            Ok(record) => (record, text, false),
            Err(_)
                if line == 1
                    && let Ok(record) = serde_json::from_str::<R>(&input.text) =>
            {
                (record, input.text.as_str(), true)
            }
            Err(source) => return Err(input.error(Some(line), ReadProblem::Json { format, source })),
        };
        let mut read = meeting(record).map_err(|error| ReadFileError {
            line: Some(line),
            ..error
        })?;
        read.transcript.provenance.input_sha256 = Some(sha256(text.as_bytes()));
        meetings.push(read);
        if is_whole_file {
            break;
        }
    }
    if meetings.is_empty() {
        return Err(input.error(None, ReadProblem::NoUtterance { format }));
    }
    Ok(meetings)
}

fn named(input: &Input<'_>, id: &str) -> String {
    let name = one_line(id);
    if name.is_empty() { one_line(input.stem()) } else { name }
}

/// An utterance of the row at `position`; rows without words leave a gap in the ids.
fn row(position: usize, speaker: &str, text: &str) -> Found {
    Found {
        id: Some(Utterance::id_at(position)),
        speaker: Some(speaker.to_owned()),
        span: None,
        text: tidy(text),
        words: Vec::new(),
    }
}

fn ami(input: &Input<'_>, record: AmiMeeting, layer: TextLayer) -> MeetingRead {
    let mut list = UtteranceList::default();
    for (position, utterance) in record.utterances.iter().enumerate() {
        let text = match layer {
            TextLayer::Manual => &utterance.text,
            TextLayer::Asr => &utterance.asr,
        };
        list.push(Found {
            span: Some(TimeSpan::new(utterance.start, utterance.end)),
            ..row(position, &utterance.speaker, text)
        });
    }
    let mut read = list.into_record(input, Format::Ami, &named(input, &record.id));
    let series = if record.corpus == "icsi" {
        icsi::series(&record.id)
    } else {
        record.series()
    };
    read.meeting.series = some_series(series);
    read.meeting.language = Some(Language::ENGLISH);
    for participant in &mut read.meeting.participants {
        let letter = participant.speaker.as_ref().map_or("", SpeakerLabel::as_str);
        participant.role = record.role(letter).map(str::to_owned);
    }
    if layer == TextLayer::Asr {
        let parameters = &mut read.transcript.provenance.parameters;
        parameters.insert("text".to_owned(), "asr".to_owned());
    }
    read
}

fn ami_words(input: &Input<'_>, record: AmiWords) -> Result<MeetingRead, ReadFileError> {
    let series = AmiMeeting::series_of(&record.id).to_owned();
    let title = named(input, &record.id);
    let mut words: Vec<ctm::SpokenWord> = record
        .words
        .into_iter()
        .map(|word| ctm::SpokenWord {
            speaker: Some(SpeakerLabel::new(word.speaker)),
            word: Word {
                text: tidy(&word.word),
                span: TimeSpan::new(word.start, word.end),
                probability: None,
            },
        })
        .filter(|word| !word.word.text.is_empty())
        .collect();
    words.sort_by_key(|word| word.word.span.start);
    let mut read = ctm::meeting(input, Format::AmiWords, &title, words)?;
    read.meeting.series = some_series(&series);
    read.meeting.language = Some(Language::ENGLISH);
    Ok(read)
}

fn qmsum(input: &Input<'_>, record: QmsumMeeting) -> MeetingRead {
    // Product and academic meetings know their speakers by role and letter, committees by name.
    let has_names = !matches!(record.domain.as_str(), "Product" | "Academic");
    let mut list = UtteranceList::default();
    let mut roles = std::collections::BTreeMap::new();
    for (position, turn) in record.turns.iter().enumerate() {
        let (name, role) = if has_names {
            name_and_role(&turn.speaker)
        } else {
            (turn.speaker.as_str(), None)
        };
        if let Some(role) = role {
            roles.entry(one_line(name)).or_insert_with(|| one_line(role));
        }
        list.push(row(position, name, &turn.content));
    }
    let mut read = list.into_record(input, Format::Qmsum, &named(input, &record.id));
    read.meeting.series = some_series(record.series());
    read.meeting.language = Some(Language::ENGLISH);
    let meeting = read.meeting.id.clone();
    for participant in &mut read.meeting.participants {
        if has_names {
            participant.role = roles.remove(&participant.name);
        } else {
            participant.role = Some(role_without_letter(&participant.name).to_owned());
            participant.person = people::person_of_meeting(&meeting, &participant.name);
        }
    }
    read
}

/// "Hon. Bill Blair (Minister of Public Safety)".
fn name_and_role(speaker: &str) -> (&str, Option<&str>) {
    match speaker
        .trim()
        .strip_suffix(')')
        .and_then(|speaker| speaker.split_once('('))
    {
        Some((name, role)) if !name.trim().is_empty() => (name.trim(), Some(role)),
        _ => (speaker, None),
    }
}

/// "Grad A" is a graduate student.
fn role_without_letter(speaker: &str) -> &str {
    match speaker.rsplit_once(' ') {
        Some((role, letter)) if letter.chars().count() == 1 => role,
        _ => speaker,
    }
}

fn fredsum(input: &Input<'_>, record: FredsumDebate) -> MeetingRead {
    let mut list = UtteranceList::default();
    for (position, turn) in record.transcript.iter().enumerate() {
        list.push(row(position, &turn.speaker, &turn.text));
    }
    let mut read = list.into_record(input, Format::Fredsum, &named(input, &record.id));
    read.meeting.series = some_series(record.series());
    read.meeting.language = Some(Language::FRENCH);
    read
}

fn public_meeting(input: &Input<'_>, record: PublicMeeting) -> MeetingRead {
    let mut list = UtteranceList::default();
    for (position, segment) in record.asr.iter().enumerate() {
        list.push(Found {
            speaker: None,
            ..row(position, "", &segment.text)
        });
    }
    let mut read = list.into_record(input, Format::PublicMeetings, &named(input, &record.id));
    read.meeting.language = Some(record.language);
    read
}

fn some_series(series: &str) -> Option<SeriesId> {
    (!series.is_empty()).then(|| SeriesId::new(series))
}

/// The position of the row that an utterance of a corpus meeting was read from: 0 for `u1`.
pub fn row_of(id: &UtteranceId) -> Option<usize> {
    id.as_str().strip_prefix('u')?.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{read as read_any, read_with};

    const AMI: &str = r#"{"id":"XX1001b","corpus":"ami","roles":{"A":"PM"},"utt_columns":["speaker","start","end","dialogue_act","text","asr"],"utterances":[["A",0.5,1.5,"inf","So , hello .","so hello"],["B",1.6,1.7,null,".",""],["B",2.0,2.5,null,"Hi .",""]]}"#;

    fn texts(read: &MeetingRead) -> Vec<(&str, &str)> {
        read.transcript
            .utterances
            .iter()
            .map(|u| (u.id.as_str(), u.text.as_str()))
            .collect()
    }

    #[test]
    fn ami_rows_keep_their_number_in_either_text() {
        let read = read_any("a.jsonl", AMI.as_bytes()).unwrap().remove(0);
        assert_eq!(texts(&read), [("u1", "So, hello."), ("u3", "Hi.")]);
        assert_eq!(read.meeting.series, Some(SeriesId::new("XX1001")));
        assert_eq!(read.meeting.participants[0].role.as_deref(), Some("Project Manager"));
        assert_eq!(read.meeting.participants[0].person.as_str(), "xx1001b/a");
        assert_eq!(row_of(&read.transcript.utterances[1].id), Some(2));
        let read = read_with("a.jsonl", AMI.as_bytes(), ReadOptions { text: TextLayer::Asr })
            .unwrap()
            .remove(0);
        assert_eq!(texts(&read), [("u1", "so hello")]);
    }

    #[test]
    fn a_broken_line_is_named() {
        let text = format!("{AMI}\n\n{}", AMI.replace("corpus", "korpus"));
        let error = read_any("a.jsonl", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "cannot read a.jsonl at line 3");
    }

    #[test]
    fn qmsum_as_published_is_one_file_per_meeting() {
        let text = "{\n\"meeting_transcripts\": [{\"speaker\": \"Hon. Bill Blair (Minister)\", \"content\": \"Hi {vocalsound} .\"},\n\
                    {\"speaker\": \"Hon. Bill Blair\", \"content\": \"So .\"}]}";
        let read = read_any("covid_2.json", text.as_bytes()).unwrap().remove(0);
        assert_eq!(texts(&read), [("u1", "Hi."), ("u2", "So.")]);
        assert_eq!(read.meeting.title, "covid_2");
        assert_eq!(read.meeting.participants.len(), 1);
        assert_eq!(read.meeting.participants[0].role.as_deref(), Some("Minister"));
    }

    #[test]
    fn roles_are_no_persons() {
        let text =
            r#"{"id":"Bmr012","domain":"Academic","meeting_transcripts":[{"speaker":"Grad A","content":"Hi ."}]}"#;
        let read = read_any("a.jsonl", text.as_bytes()).unwrap().remove(0);
        assert_eq!(read.meeting.participants[0].person.as_str(), "bmr012/grad a");
        assert_eq!(read.meeting.participants[0].role.as_deref(), Some("Grad"));
        assert_eq!(read.meeting.series, Some(SeriesId::new("Bmr")));
    }

    #[test]
    fn public_meetings_have_no_speakers() {
        let text =
            r#"{"id":"ab","language":"fr","report":[],"asr":[{"id":"0","text":"l' année <unk> .","aligned":""}]}"#;
        let read = read_any("a.jsonl", text.as_bytes()).unwrap().remove(0);
        assert_eq!(texts(&read), [("u1", "l'année.")]);
        assert!(read.meeting.participants.is_empty());
        assert_eq!(read.meeting.language, Some(Language::FRENCH));
    }
}
