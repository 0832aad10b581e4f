//! Searches: what can be asked, and what comes back.

use datasets::{ContextItemId, MeetingId, PersonId, SeriesId, StatementId, TimeSpan, UtteranceId, Viewer};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ItemKind, Reason, Snippet};

/// How words and vectors are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchMode {
    /// Words alone.
    Keyword,
    /// Vectors alone.
    Vector,
    /// Both, with weights measured on meetings; words alone where there is no vector.
    #[default]
    Hybrid,
}

/// What a hit must be; an empty filter lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Not before, inclusive. Things without a date fall out.
    pub from: Option<Timestamp>,
    /// Not after, inclusive. Things without a date fall out.
    pub until: Option<Timestamp>,
    /// One of these took part, wrote or received.
    pub people: Vec<PersonId>,
    /// In one of these series.
    pub series: Vec<SeriesId>,
    /// Of one of these kinds.
    pub kinds: Vec<ItemKind>,
    /// In one of these meetings.
    pub meetings: Vec<MeetingId>,
}

/// A search.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// What is looked for, in French or English.
    pub text: String,
    /// The encoder's vector of `text`, where there is one.
    pub vector: Option<Vec<f32>>,
    /// How words and vectors are used.
    pub mode: SearchMode,
    /// What a hit must be.
    pub filters: Filters,
    /// On whose behalf; nothing else takes part in the answer, not even in its counts.
    pub viewer: Viewer,
    /// Most hits to return.
    pub limit: usize,
    /// Hits to leave out at the top.
    pub offset: usize,
}

/// The answer to a search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchResults {
    /// Best first; empty when nothing is relevant.
    pub hits: Vec<Hit>,
    /// How many things are relevant in all.
    pub total: usize,
    /// How these are distributed.
    pub facets: Facets,
}

/// How the relevant things are distributed, most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facets {
    /// By kind.
    pub kinds: Vec<FacetCount<ItemKind>>,
    /// By series.
    pub series: Vec<FacetCount<SeriesId>>,
    /// By person.
    pub people: Vec<FacetCount<PersonId>>,
}

/// How many relevant things bear a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetCount<T> {
    /// The value.
    pub value: T,
    /// The number of things.
    pub count: usize,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// What it is.
    pub kind: ItemKind,
    /// Its meeting, for everything but context items.
    pub meeting: Option<MeetingId>,
    /// The context item it is.
    pub context_item: Option<ContextItemId>,
    /// The statement it is, or which names the topic, within the meeting.
    pub statement: Option<StatementId>,
    /// First and last utterance: of a passage its own, of a statement those that prove it.
    pub utterances: Option<(UtteranceId, UtteranceId)>,
    /// When in the recording, where times are known.
    pub span: Option<TimeSpan>,
    /// Title of the meeting or of the item.
    pub title: String,
    /// The best part of its text.
    pub snippet: Snippet,
    /// In 0..=1; comparable between the hits of one answer and, roughly, between answers.
    pub score: f32,
    /// When the meeting began, the mail was sent, the event takes place.
    pub started_at: Option<Timestamp>,
    /// Why it was found.
    pub why: Vec<Reason>,
}
