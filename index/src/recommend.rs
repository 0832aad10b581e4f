//! Recommendations: what a context is related to, each with its reasons, and nothing when nothing is.

use datasets::{ContextItemId, MeetingId, PersonId, SeriesId, StatementId, UtteranceId, Viewer};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ItemKind, Reason, Snippet};

/// What is going on: an invitation, the last minutes of talk, or a finished meeting.
#[derive(Clone, Debug, Default)]
pub struct RecommendContext {
    /// The words, in pieces of any length: agenda, utterances, minutes.
    pub texts: Vec<String>,
    /// The encoder's vectors of passages of the context, where there are any.
    pub vectors: Vec<Vec<f32>>,
    /// Who takes part.
    pub people: Vec<PersonId>,
    /// The line of meetings, if known.
    pub series: Option<SeriesId>,
    /// The meeting itself, which is not recommended to itself.
    pub exclude_meeting: Option<MeetingId>,
    /// More meetings that are not to be recommended: evaluations hide what had not taken place yet.
    pub exclude_also: Vec<MeetingId>,
    /// The time of the context. Meetings that began later are left out; `None` for all.
    pub at: Option<Timestamp>,
}

/// A question for recommendations.
#[derive(Clone, Debug)]
pub struct RecommendRequest {
    /// What is going on.
    pub context: RecommendContext,
    /// On whose behalf; nothing else takes part in the answer.
    pub viewer: Viewer,
    /// Most recommendations of each kind.
    pub limit: usize,
}

/// One related thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// What it is.
    pub kind: ItemKind,
    /// Its meeting, for everything but context items and people.
    pub meeting: Option<MeetingId>,
    /// The context item it is.
    pub context_item: Option<ContextItemId>,
    /// The statement it is.
    pub statement: Option<StatementId>,
    /// The person it is.
    pub person: Option<PersonId>,
    /// First and last utterance of a passage, or those that prove a statement.
    pub utterances: Option<(UtteranceId, UtteranceId)>,
    /// Title of the meeting or item, text of the statement, name of the person.
    pub title: String,
    /// The best part of its text.
    pub snippet: Snippet,
    /// In 0..=1, comparable between recommendations of one kind.
    pub score: f32,
    /// When the meeting began, the mail was sent, the event takes place.
    pub started_at: Option<Timestamp>,
    /// Never empty.
    pub reasons: Vec<Reason>,
}
