//! Rows of the minutes: statements, topics, decisions, actions, and what was covered.

use jiff::civil::Date;
use jiff::{Span, Unit};
use serde::{Deserialize, Serialize};

use super::meeting_rows::{ProvenanceColumns, row_number};
use super::{TableError, TableRow, parse};
use crate::arrow_schema::Table;
use crate::{
    ActionItem, Coverage, Decision, DroppedStatement, DueDate, MeetingId, Minutes, Owner, PassageCoverage,
    PassageState, PersonId, Statement, StatementId, Support, TimeSpan, Topic, Unsupported, UnsupportedKind,
    UtteranceId,
};

/// A row of `minutes`: one statement of any part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Statement"
)]
pub struct StatementRow {
    pub meeting: String,
    /// `abstract`, `topic`, `decision`, `action` or `question`.
    pub part: String,
    /// Position of the topic it belongs to.
    pub topic: Option<u32>,
    /// Within its part, or its topic.
    pub position: u32,
    pub statement: String,
    pub text: String,
    pub evidence: Vec<String>,
    pub proven: bool,
    pub unsupported: Vec<UnsupportedColumns>,
}

/// A part of a statement that its evidence does not contain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Unsupported"
)]
pub struct UnsupportedColumns {
    pub kind: String,
    pub text: String,
}

/// A row of `topics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Topic"
)]
pub struct TopicRow {
    pub meeting: String,
    pub position: u32,
    pub title: String,
    pub first: String,
    pub last: String,
    pub start_ms: Option<i64>,
    pub end_ms: Option<i64>,
}

/// A row of `decisions`, which repeats a statement so that the table can be read alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Decision"
)]
pub struct DecisionRow {
    pub meeting: String,
    pub position: u32,
    pub statement: String,
    pub text: String,
    pub evidence: Vec<String>,
}

/// A row of `actions`, which repeats a statement so that the table can be read alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of ActionItem"
)]
pub struct ActionRow {
    pub meeting: String,
    pub position: u32,
    pub statement: String,
    pub text: String,
    pub evidence: Vec<String>,
    pub owner: Option<String>,
    pub owner_name: Option<String>,
    pub due_text: Option<String>,
    /// Days since 1970-01-01.
    pub due_date: Option<i32>,
}

/// A row of `coverage`: what the minutes of a meeting were made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of Coverage"
)]
pub struct CoverageRow {
    pub meeting: String,
    pub language: String,
    pub provenance: ProvenanceColumns,
    pub utterances: u64,
    pub cited: u64,
    pub passages: Vec<PassageColumns>,
    pub dropped: Vec<DroppedColumns>,
}

/// One passage; `failure` is `None` where it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of PassageCoverage"
)]
pub struct PassageColumns {
    pub first: String,
    pub last: String,
    pub utterances: u64,
    pub failure: Option<String>,
}

/// One struck statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of DroppedStatement"
)]
pub struct DroppedColumns {
    pub text: String,
    pub unsupported: Vec<UnsupportedColumns>,
}

impl TableRow for StatementRow {
    const TABLE: Table = Table::Minutes;
}

impl TableRow for TopicRow {
    const TABLE: Table = Table::Topics;
}

impl TableRow for DecisionRow {
    const TABLE: Table = Table::Decisions;
}

impl TableRow for ActionRow {
    const TABLE: Table = Table::Actions;
}

impl TableRow for CoverageRow {
    const TABLE: Table = Table::Coverage;
}

const KINDS: [(UnsupportedKind, &str); 6] = [
    (UnsupportedKind::Evidence, "evidence"),
    (UnsupportedKind::Number, "number"),
    (UnsupportedKind::Name, "name"),
    (UnsupportedKind::Date, "date"),
    (UnsupportedKind::Quote, "quote"),
    (UnsupportedKind::Owner, "owner"),
];

fn unsupported_columns(parts: &[Unsupported]) -> Vec<UnsupportedColumns> {
    let name = |kind| {
        KINDS
            .iter()
            .find(|(known, _)| *known == kind)
            .map_or("", |(_, name)| name)
    };
    let columns = |part: &Unsupported| UnsupportedColumns {
        kind: name(part.kind).to_owned(),
        text: part.text.clone(),
    };
    parts.iter().map(columns).collect()
}

fn unsupported(table: Table, columns: Vec<UnsupportedColumns>) -> Result<Vec<Unsupported>, TableError> {
    let kind = |value: &str| KINDS.iter().find(|(_, name)| *name == value).map(|(kind, _)| *kind);
    let part = |columns: UnsupportedColumns| {
        Ok(Unsupported {
            kind: parse(table, "kind", &columns.kind, kind)?,
            text: columns.text,
        })
    };
    columns.into_iter().map(part).collect()
}

fn ids(evidence: &[UtteranceId]) -> Vec<String> {
    evidence.iter().map(ToString::to_string).collect()
}

impl StatementRow {
    /// The row of the statement at `position` of `part` of the minutes of `meeting`.
    pub fn new(meeting: &MeetingId, part: &str, topic: Option<usize>, position: usize, statement: &Statement) -> Self {
        let parts = match &statement.support {
            Support::Proven => &[][..],
            Support::Marked(parts) => parts,
        };
        Self {
            meeting: meeting.to_string(),
            part: part.to_owned(),
            topic: topic.map(row_number),
            position: row_number(position),
            statement: statement.id.to_string(),
            text: statement.text.clone(),
            evidence: ids(&statement.evidence),
            proven: statement.support == Support::Proven,
            unsupported: unsupported_columns(parts),
        }
    }

    /// The statement.
    ///
    /// # Errors
    /// When a kind of unsupported part is none.
    pub fn into_statement(self) -> Result<Statement, TableError> {
        let parts = unsupported(Table::Minutes, self.unsupported)?;
        Ok(Statement {
            id: StatementId::new(self.statement),
            text: self.text,
            evidence: self.evidence.into_iter().map(UtteranceId::new).collect(),
            support: if self.proven {
                Support::Proven
            } else {
                Support::Marked(parts)
            },
        })
    }
}

impl TopicRow {
    /// The row of the topic at `position` of the minutes of `meeting`.
    pub fn new(meeting: &MeetingId, position: usize, topic: &Topic) -> Self {
        Self {
            meeting: meeting.to_string(),
            position: row_number(position),
            title: topic.title.clone(),
            first: topic.first.to_string(),
            last: topic.last.to_string(),
            start_ms: topic.span.map(|span| span.start.0),
            end_ms: topic.span.map(|span| span.end.0),
        }
    }

    /// The topic with the statements given.
    pub fn into_topic(self, statements: Vec<Statement>) -> Topic {
        let span: Option<TimeSpan> = super::meeting_rows::span(self.start_ms, self.end_ms);
        Topic {
            title: self.title,
            first: UtteranceId::new(self.first),
            last: UtteranceId::new(self.last),
            span,
            statements,
        }
    }
}

impl DecisionRow {
    /// The row of the decision at `position` of the minutes of `meeting`.
    pub fn new(meeting: &MeetingId, position: usize, decision: &Decision) -> Self {
        let statement = &decision.statement;
        Self {
            meeting: meeting.to_string(),
            position: row_number(position),
            statement: statement.id.to_string(),
            text: statement.text.clone(),
            evidence: ids(&statement.evidence),
        }
    }
}

/// Day 0 of Arrow.
const EPOCH: Date = Date::constant(1970, 1, 1);

impl ActionRow {
    /// The row of the action at `position` of the minutes of `meeting`.
    pub fn new(meeting: &MeetingId, position: usize, action: &ActionItem) -> Self {
        let day = |date: Date| EPOCH.until((Unit::Day, date)).ok().map(|span| span.get_days());
        Self {
            meeting: meeting.to_string(),
            position: row_number(position),
            statement: action.statement.id.to_string(),
            text: action.statement.text.clone(),
            evidence: ids(&action.statement.evidence),
            owner: action.owner.as_ref().map(|owner| owner.person.to_string()),
            owner_name: action.owner.as_ref().map(|owner| owner.name.clone()),
            due_text: action.due.as_ref().map(|due| due.text.clone()),
            due_date: action.due.as_ref().and_then(|due| due.date).and_then(day),
        }
    }

    /// The action that `statement` tells of.
    pub fn into_action(self, statement: Statement) -> ActionItem {
        let date = |days: i32| EPOCH.checked_add(Span::new().try_days(days).ok()?).ok();
        let owner = self.owner.zip(self.owner_name);
        ActionItem {
            statement,
            owner: owner.map(|(person, name)| Owner {
                person: PersonId::new(person),
                name,
            }),
            due: self.due_text.map(|text| DueDate {
                text,
                date: self.due_date.and_then(date),
            }),
        }
    }
}

impl CoverageRow {
    /// The row of the minutes of `meeting`.
    pub fn new(meeting: &MeetingId, minutes: &Minutes) -> Self {
        let passage = |passage: &PassageCoverage| PassageColumns {
            first: passage.first.to_string(),
            last: passage.last.to_string(),
            utterances: passage.utterances as u64,
            failure: match &passage.state {
                PassageState::Covered => None,
                PassageState::Failed(reason) => Some(reason.clone()),
            },
        };
        let dropped = |dropped: &DroppedStatement| DroppedColumns {
            text: dropped.text.clone(),
            unsupported: unsupported_columns(&dropped.unsupported),
        };
        Self {
            meeting: meeting.to_string(),
            language: minutes.language.to_string(),
            provenance: ProvenanceColumns::from(&minutes.provenance),
            utterances: minutes.coverage.utterances as u64,
            cited: minutes.coverage.cited as u64,
            passages: minutes.coverage.passages.iter().map(passage).collect(),
            dropped: minutes.dropped.iter().map(dropped).collect(),
        }
    }

    /// Minutes with this coverage and no statement yet.
    ///
    /// # Errors
    /// When a value is none that minutes can have.
    pub fn into_empty_minutes(self) -> Result<Minutes, TableError> {
        let table = Table::Coverage;
        let passage = |columns: PassageColumns| PassageCoverage {
            first: UtteranceId::new(columns.first),
            last: UtteranceId::new(columns.last),
            utterances: count(columns.utterances),
            state: columns.failure.map_or(PassageState::Covered, PassageState::Failed),
        };
        let dropped = |columns: DroppedColumns| {
            Ok(DroppedStatement {
                text: columns.text,
                unsupported: unsupported(table, columns.unsupported)?,
            })
        };
        Ok(Minutes {
            language: parse(table, "language", &self.language, |code| code.parse().ok())?,
            abstract_: Vec::new(),
            topics: Vec::new(),
            decisions: Vec::new(),
            actions: Vec::new(),
            questions: Vec::new(),
            coverage: Coverage {
                passages: self.passages.into_iter().map(passage).collect(),
                utterances: count(self.utterances),
                cited: count(self.cited),
            },
            dropped: self
                .dropped
                .into_iter()
                .map(dropped)
                .collect::<Result<_, TableError>>()?,
            provenance: self.provenance.into_provenance(),
        })
    }
}

fn count(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
