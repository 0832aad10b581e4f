//! The structured record of a meeting: every statement names the utterances that prove it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Language, PersonId, Provenance, StatementId, TimeSpan, UtteranceId};

/// Abstract, topics, decisions, action items and open questions, with what they cover and what was dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Minutes {
    /// The language they are written in.
    pub language: Language,
    /// The summary of the whole meeting, statement by statement.
    #[serde(rename = "abstract")]
    pub abstract_: Vec<Statement>,
    /// In order of time; together they span the meeting.
    pub topics: Vec<Topic>,
    /// What was decided.
    pub decisions: Vec<Decision>,
    /// Who does what until when.
    pub actions: Vec<ActionItem>,
    /// What was asked and not answered.
    pub questions: Vec<OpenQuestion>,
    /// Which utterances were read, passage by passage.
    pub coverage: Coverage,
    /// What the verifier struck, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<DroppedStatement>,
    /// Which engine made them, from which transcript, with which parameters.
    #[serde(default)]
    pub provenance: Provenance,
}

/// A sentence of the minutes and the utterances that prove it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Unique within the meeting's minutes.
    pub id: StatementId,
    /// One sentence.
    pub text: String,
    /// At least one utterance.
    pub evidence: Vec<UtteranceId>,
    /// What the verifier found.
    pub support: Support,
}

/// The verifier's verdict on a statement that was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// Every number, name, date and quote in it occurs in its evidence.
    #[default]
    Proven,
    /// Kept, with these parts not found in the evidence.
    Marked(Vec<Unsupported>),
}

/// A part of a statement that its evidence does not contain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// What kind of thing it is.
    pub kind: UnsupportedKind,
    /// As it stands in the statement.
    pub text: String,
}

/// What the verifier looks for in the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnsupportedKind {
    /// An utterance that is cited and does not exist.
    Evidence,
    /// A number, in digits or in words.
    Number,
    /// A name of a person, place or thing.
    Name,
    /// A date or a time.
    Date,
    /// Words between quotation marks.
    Quote,
    /// The owner of an action who did not attend.
    Owner,
}

/// A stretch of the meeting about one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    /// A few words.
    pub title: String,
    /// First utterance, inclusive.
    pub first: UtteranceId,
    /// Last utterance, inclusive.
    pub last: UtteranceId,
    /// When, where times are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<TimeSpan>,
    /// What was said about it.
    pub statements: Vec<Statement>,
}

/// Something that was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    pub statement: Statement,
}

/// Something that somebody is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionItem {
    /// The task.
    pub statement: Statement,
    /// Who; only when it was said or the speaker took it on. A missing owner is better than a wrong one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Until when; only when it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DueDate>,
}

/// Who is to do a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The participant.
    pub person: PersonId,
    /// As shown.
    pub name: String,
}

/// Until when, as it was said and, where it can be told, as a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueDate {
    /// The words: "by next Friday".
    pub text: String,
    /// The day they mean, counted from the day of the meeting; `None` when that day is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
}

/// A question that stayed open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenQuestion {
    /// The question.
    pub statement: Statement,
}

/// Whether an action is still to be done; kept beside the minutes, which do not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionStatus {
    /// To be done.
    #[default]
    Open,
    /// Done.
    Done,
}

/// Which utterances the minutes were made from. Each utterance is in exactly one passage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// In order of time.
    pub passages: Vec<PassageCoverage>,
    /// Utterances in the transcript.
    pub utterances: usize,
    /// Utterances cited by at least one statement.
    pub cited: usize,
}

/// One passage and whether it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassageCoverage {
    /// First utterance, inclusive.
    pub first: UtteranceId,
    /// Last utterance, inclusive.
    pub last: UtteranceId,
    /// Number of utterances.
    pub utterances: usize,
    /// What became of it.
    pub state: PassageState,
}

/// What became of a passage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassageState {
    /// Read in full.
    Covered,
    /// Not read, and why.
    Failed(String),
}

/// A statement that the verifier struck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DroppedStatement {
    /// As the engine had written it.
    pub text: String,
    /// What it claimed without proof.
    pub unsupported: Vec<Unsupported>,
}

impl Minutes {
    /// Minutes that say nothing yet.
    pub fn empty(language: Language) -> Self {
        Self {
            language,
            abstract_: Vec::new(),
            topics: Vec::new(),
            decisions: Vec::new(),
            actions: Vec::new(),
            questions: Vec::new(),
            coverage: Coverage::default(),
            dropped: Vec::new(),
            provenance: Provenance::default(),
        }
    }

    /// All statements, in the order abstract, topics, decisions, actions, questions.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.abstract_
            .iter()
            .chain(self.topics.iter().flat_map(|topic| &topic.statements))
            .chain(self.decisions.iter().map(|decision| &decision.statement))
            .chain(self.actions.iter().map(|action| &action.statement))
            .chain(self.questions.iter().map(|question| &question.statement))
    }

    /// Share of the statements that were kept and are proven, in 0..=1; 1 when there is none.
    pub fn supported_share(&self) -> f64 {
        let (mut proven, mut all) = (0_usize, 0_usize);
        for statement in self.statements() {
            all += 1;
            proven += usize::from(statement.support == Support::Proven);
        }
        if all == 0 { 1.0 } else { proven as f64 / all as f64 }
    }
}

impl Coverage {
    /// Share of the utterances that stand in a passage that was read, in 0..=1; 1 for an empty transcript.
    pub fn share(&self) -> f64 {
        if self.utterances == 0 {
            return 1.0;
        }
        let read: usize = self
            .passages
            .iter()
            .filter(|passage| passage.state == PassageState::Covered)
            .map(|passage| passage.utterances)
            .sum();
        read as f64 / self.utterances as f64
    }
}
