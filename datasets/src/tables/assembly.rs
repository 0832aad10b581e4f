//! Meetings spread over the tables, and put together again.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;

use super::{
    ActionRow, CoverageRow, DecisionRow, MeetingRow, ParticipantRow, StatementRow, TableError, TopicRow, TranscriptRow,
    UtteranceRow, to_batch,
};
use crate::arrow_schema::Table;
use crate::{Decision, Meeting, Minutes, OpenQuestion, Statement, Transcript};

/// A meeting with what was made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct MeetingRecords {
    /// The meeting.
    pub meeting: Meeting,
    /// What was said.
    pub transcript: Transcript,
    /// The minutes, where there are any.
    pub minutes: Option<Minutes>,
}

/// Rows of every table that belongs to meetings, in the order the meetings were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeetingTables {
    /// Rows of `meetings`.
    pub meetings: Vec<MeetingRow>,
    /// Rows of `participants`.
    pub participants: Vec<ParticipantRow>,
    /// Rows of `transcripts`.
    pub transcripts: Vec<TranscriptRow>,
    /// Rows of `utterances`.
    pub utterances: Vec<UtteranceRow>,
    /// Rows of `minutes`.
    pub statements: Vec<StatementRow>,
    /// Rows of `coverage`.
    pub coverage: Vec<CoverageRow>,
    /// Rows of `topics`.
    pub topics: Vec<TopicRow>,
    /// Rows of `decisions`; not needed to put the minutes together.
    pub decisions: Vec<DecisionRow>,
    /// Rows of `actions`.
    pub actions: Vec<ActionRow>,
}

impl MeetingTables {
    /// Adds the rows of a meeting.
    pub fn add(&mut self, meeting: &Meeting, transcript: &Transcript, minutes: Option<&Minutes>) {
        let id = &meeting.id;
        self.meetings.push(MeetingRow::from(meeting));
        let participants = meeting.participants.iter().enumerate();
        self.participants
            .extend(participants.map(|(position, row)| ParticipantRow::new(id, position, row)));
        self.transcripts.push(TranscriptRow::new(id, transcript));
        let utterances = transcript.utterances.iter().enumerate();
        self.utterances
            .extend(utterances.map(|(position, row)| UtteranceRow::new(id, position, row)));
        if let Some(minutes) = minutes {
            self.add_minutes(meeting, minutes);
        }
    }

    fn add_minutes(&mut self, meeting: &Meeting, minutes: &Minutes) {
        let id = &meeting.id;
        self.coverage.push(CoverageRow::new(id, minutes));
        let decisions = minutes.decisions.iter().enumerate();
        self.decisions
            .extend(decisions.map(|(position, row)| DecisionRow::new(id, position, row)));
        let actions = minutes.actions.iter().enumerate();
        self.actions
            .extend(actions.map(|(position, row)| ActionRow::new(id, position, row)));
        let mut add = |part: &str, topic: Option<usize>, statements: &mut dyn Iterator<Item = &Statement>| {
            let rows = statements
                .enumerate()
                .map(|(position, row)| StatementRow::new(id, part, topic, position, row));
            self.statements.extend(rows);
        };
        add("abstract", None, &mut minutes.abstract_.iter());
        for (topic, row) in minutes.topics.iter().enumerate() {
            add("topic", Some(topic), &mut row.statements.iter());
        }
        add(
            "decision",
            None,
            &mut minutes.decisions.iter().map(|decision| &decision.statement),
        );
        add(
            "action",
            None,
            &mut minutes.actions.iter().map(|action| &action.statement),
        );
        add(
            "question",
            None,
            &mut minutes.questions.iter().map(|question| &question.statement),
        );
        let topics = minutes.topics.iter().enumerate();
        self.topics
            .extend(topics.map(|(position, row)| TopicRow::new(id, position, row)));
    }

    /// One batch per table, empty ones included.
    ///
    /// # Errors
    /// When a value does not fit its column.
    pub fn batches(&self) -> Result<Vec<(Table, RecordBatch)>, TableError> {
        Ok(vec![
            (Table::Meetings, to_batch(&self.meetings)?),
            (Table::Participants, to_batch(&self.participants)?),
            (Table::Transcripts, to_batch(&self.transcripts)?),
            (Table::Utterances, to_batch(&self.utterances)?),
            (Table::Minutes, to_batch(&self.statements)?),
            (Table::Coverage, to_batch(&self.coverage)?),
            (Table::Topics, to_batch(&self.topics)?),
            (Table::Decisions, to_batch(&self.decisions)?),
            (Table::Actions, to_batch(&self.actions)?),
        ])
    }

    /// The meetings again, in the order of `meetings`. Rows of a meeting may stand anywhere in their table, in order.
    ///
    /// # Errors
    /// When a value is none that a record can have.
    pub fn into_records(self) -> Result<Vec<MeetingRecords>, TableError> {
        let mut participants = grouped(self.participants, |row| &row.meeting);
        let mut transcripts = grouped(self.transcripts, |row| &row.meeting);
        let mut utterances = grouped(self.utterances, |row| &row.meeting);
        let mut coverage = grouped(self.coverage, |row| &row.meeting);
        let mut minutes = MinutesRows {
            statements: grouped(self.statements, |row| &row.meeting),
            topics: grouped(self.topics, |row| &row.meeting),
            actions: grouped(self.actions, |row| &row.meeting),
        };
        let records = self.meetings.into_iter().map(|row| {
            let id = row.meeting.clone();
            let mut meeting = row.into_meeting()?;
            let people = participants.remove(&id).unwrap_or_default();
            meeting.participants = people.into_iter().map(ParticipantRow::into_participant).collect();
            let said = utterances.remove(&id).unwrap_or_default();
            let said = said
                .into_iter()
                .map(UtteranceRow::into_utterance)
                .collect::<Result<Vec<_>, _>>()?;
            let transcript = match transcripts.remove(&id).and_then(|rows| rows.into_iter().next()) {
                Some(row) => row.into_transcript(said)?,
                None => Transcript {
                    utterances: said,
                    ..Transcript::default()
                },
            };
            let coverage = coverage.remove(&id).and_then(|rows| rows.into_iter().next());
            let minutes = coverage.map(|coverage| minutes.take(&id, coverage)).transpose()?;
            Ok(MeetingRecords {
                meeting,
                transcript,
                minutes,
            })
        });
        records.collect()
    }
}

fn grouped<R>(rows: Vec<R>, meeting: impl Fn(&R) -> &String) -> BTreeMap<String, Vec<R>> {
    let mut groups: BTreeMap<String, Vec<R>> = BTreeMap::new();
    for row in rows {
        groups.entry(meeting(&row).clone()).or_default().push(row);
    }
    groups
}

/// Rows of minutes by meeting.
struct MinutesRows {
    statements: BTreeMap<String, Vec<StatementRow>>,
    topics: BTreeMap<String, Vec<TopicRow>>,
    actions: BTreeMap<String, Vec<ActionRow>>,
}

impl MinutesRows {
    /// The minutes of `meeting`, whose rows are taken out.
    fn take(&mut self, meeting: &str, coverage: CoverageRow) -> Result<Minutes, TableError> {
        let mut minutes = coverage.into_empty_minutes()?;
        let mut by_topic: BTreeMap<u32, Vec<Statement>> = BTreeMap::new();
        let mut tasks: Vec<Statement> = Vec::new();
        for row in self.statements.remove(meeting).unwrap_or_default() {
            let (part, topic) = (row.part.clone(), row.topic);
            let statement = row.into_statement()?;
            match (part.as_str(), topic) {
                ("abstract", _) => minutes.abstract_.push(statement),
                ("topic", Some(topic)) => by_topic.entry(topic).or_default().push(statement),
                ("decision", _) => minutes.decisions.push(Decision { statement }),
                ("action", _) => tasks.push(statement),
                ("question", _) => minutes.questions.push(OpenQuestion { statement }),
                _ => {
                    return Err(TableError::Value {
                        table: Table::Minutes,
                        column: "part",
                        value: part,
                    });
                }
            }
        }
        let topics = self.topics.remove(meeting).unwrap_or_default().into_iter();
        minutes.topics = topics
            .map(|row| {
                let statements = by_topic.remove(&row.position).unwrap_or_default();
                row.into_topic(statements)
            })
            .collect();
        let actions = self.actions.remove(meeting).unwrap_or_default().into_iter();
        minutes.actions = actions
            .zip(tasks)
            .map(|(row, statement)| row.into_action(statement))
            .collect();
        Ok(minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::sample;
    use crate::tables::from_batch;
    use crate::{
        Access, Delegate, Delegation, GroupId, MeetingId, PersonId, Right, Source, SuppressedSpan, SuppressionReason,
        Visibility,
    };

    /// A meeting with every field filled.
    fn full() -> MeetingRecords {
        let (mut meeting, mut transcript, mut minutes) = sample::meeting();
        meeting.series = Some(crate::SeriesId::new("weekly"));
        meeting.agenda = Some("1. Budget\n2. Room".to_owned());
        meeting.source = Some(Source {
            file_name: "a.vtt".to_owned(),
            sha256: "00".to_owned(),
        });
        meeting.access = Access {
            owner: Some(PersonId::new("ann@example.org")),
            visibility: Visibility::Domain("example.org".to_owned()),
            delegations: vec![
                Delegation {
                    to: Delegate::Person(PersonId::new("bob")),
                    right: Right::Manage,
                    until: None,
                },
                Delegation {
                    to: Delegate::Group(GroupId::new("board")),
                    right: Right::View,
                    until: Some("2026-06-30T00:00:00Z".parse().unwrap()),
                },
            ],
        };
        meeting.participants[1].role = Some("Chair".to_owned());
        let utterance = &mut transcript.utterances[1];
        let span = utterance.span.unwrap();
        utterance.language = Some(crate::Language::FRENCH);
        utterance.words = vec![crate::Word {
            text: "I".to_owned(),
            span,
            probability: Some(0.25),
        }];
        transcript.utterances[2].span = None;
        transcript
            .provenance
            .parameters
            .insert("beam".to_owned(), "5".to_owned());
        transcript.suppressed.push(SuppressedSpan {
            span,
            speaker: Some(crate::SpeakerLabel::new("Ann")),
            text: "Thank you for watching".to_owned(),
            reason: SuppressionReason::Boilerplate,
        });
        transcript
            .replaced
            .insert(crate::UtteranceId::new("u9"), crate::UtteranceId::new("u2"));
        transcript.warnings.push("line 3: no times".to_owned());
        minutes.provenance.model_sha256 = Some("ff".to_owned());
        MeetingRecords {
            meeting,
            transcript,
            minutes: Some(minutes),
        }
    }

    fn bare() -> MeetingRecords {
        let meeting = Meeting::new(MeetingId::new("bare"), "Bare");
        MeetingRecords {
            meeting,
            transcript: Transcript::default(),
            minutes: None,
        }
    }

    fn tables(records: &[MeetingRecords]) -> MeetingTables {
        let mut tables = MeetingTables::default();
        for record in records {
            tables.add(&record.meeting, &record.transcript, record.minutes.as_ref());
        }
        tables
    }

    #[test]
    fn every_field_survives_the_way_through_arrow() {
        let records = [full(), bare()];
        let tables = tables(&records);
        let batches: BTreeMap<Table, RecordBatch> = tables.batches().unwrap().into_iter().collect();
        for (table, batch) in &batches {
            assert_eq!(batch.schema(), table.schema());
        }
        let read = MeetingTables {
            meetings: from_batch(&batches[&Table::Meetings]).unwrap(),
            participants: from_batch(&batches[&Table::Participants]).unwrap(),
            transcripts: from_batch(&batches[&Table::Transcripts]).unwrap(),
            utterances: from_batch(&batches[&Table::Utterances]).unwrap(),
            statements: from_batch(&batches[&Table::Minutes]).unwrap(),
            coverage: from_batch(&batches[&Table::Coverage]).unwrap(),
            topics: from_batch(&batches[&Table::Topics]).unwrap(),
            decisions: from_batch(&batches[&Table::Decisions]).unwrap(),
            actions: from_batch(&batches[&Table::Actions]).unwrap(),
        };
        assert_eq!(read, tables);
        assert_eq!(read.into_records().unwrap(), records);
    }

    #[test]
    fn a_batch_of_another_table_is_refused() {
        let batch = tables(&[full()]).batches().unwrap().remove(0).1;
        assert!(matches!(
            from_batch::<UtteranceRow>(&batch),
            Err(TableError::Rows { .. })
        ));
    }

    #[test]
    fn a_value_that_no_record_has_is_named() {
        let mut tables = tables(&[full()]);
        tables.meetings[0].access.visibility = "everybody".to_owned();
        let error = tables.into_records().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`everybody` is no visibility of the table `meetings`"
        );
    }

    #[test]
    fn context_items_survive_too() {
        let item = crate::ContextItem {
            id: crate::ContextItemId::new("mail:1"),
            kind: crate::ContextKind::Mail,
            title: "Budget".to_owned(),
            text: "Attached.".to_owned(),
            people: vec![PersonId::new("ann@example.org")],
            at: Some("2026-11-23T09:00:00Z".parse().unwrap()),
            series: None,
            language: Some(crate::Language::ENGLISH),
            link: Some("https://example.org/1".to_owned()),
            access: full().meeting.access,
        };
        let batch = to_batch(&[crate::tables::ContextItemRow::from(&item)]).unwrap();
        let row = from_batch::<crate::tables::ContextItemRow>(&batch).unwrap().remove(0);
        assert_eq!(row.into_item().unwrap(), item);
    }
}
