//! What a model is told: the same findings as the HTTP interface gives, with less around them. Matches stand between
//! double asterisks, times are clocks, evidence is quoted.

use std::collections::BTreeMap;
use std::sync::Arc;

use datasets::{ActionStatus, Meeting, Minutes, Statement, StatementId, Support, Transcript, Utterance, UtteranceId};
use index::{Hit, Reason, Recommendation, SearchResults, Snippet};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::wire::{StatusView, serde_name};
use crate::phrases::Phrases;
use crate::service::catalog::Entry;
use crate::stages::list_actions::ListedAction;

#[derive(Serialize, JsonSchema)]
pub(super) struct Found {
    /// Best first; empty when nothing is relevant.
    hits: Vec<Item>,
    /// How many things are relevant in all.
    total: usize,
    /// The `offset` with which to read on; absent when this is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Recommended {
    /// By kind, best first; empty when nothing is related.
    items: Vec<Item>,
}

/// Something that was found.
#[derive(Serialize, JsonSchema)]
struct Item {
    /// meeting, passage, abstract, topic, decision, action, question, mail, event, contact, document, chat, task or person.
    kind: String,
    /// Of the meeting or the item; of a recommended statement its text.
    title: String,
    /// The best part of its text; what matched stands between **.
    text: String,
    /// The id of its meeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    meeting: Option<String>,
    /// When the meeting began, the mail was sent, the event takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    /// Where in the recording: hours, minutes, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// First and last utterance.
    #[serde(skip_serializing_if = "Option::is_none")]
    utterances: Option<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    /// In 0..=1.
    score: f32,
    /// Why it was found.
    reasons: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct MinutesRead {
    meeting: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<String>,
    /// Names of those who were there.
    attended: Vec<String>,
    /// Names of those who were invited and are not known to have come.
    invited: Vec<String>,
    /// ISO 639-1.
    language: String,
    #[serde(rename = "abstract")]
    abstract_: Vec<StatementRead>,
    decisions: Vec<StatementRead>,
    actions: Vec<ActionRead>,
    /// What was left open.
    questions: Vec<StatementRead>,
    topics: Vec<TopicRead>,
    /// Share of the statements that are proven, in 0..=1.
    supported_share: f64,
    /// Share of the utterances that were read for these minutes, in 0..=1.
    coverage_share: f64,
}

/// A sentence of the minutes.
#[derive(Serialize, JsonSchema)]
struct StatementRead {
    text: String,
    /// Parts that the evidence does not hold; absent for a proven statement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unsupported: Vec<String>,
    /// What was said that proves it; absent when it was not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<Quote>,
}

/// An utterance.
#[derive(Serialize, JsonSchema)]
struct Quote {
    /// Its id.
    utterance: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<String>,
    /// Where in the recording: hours, minutes, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    text: String,
}

/// A stretch of the meeting about one thing.
#[derive(Serialize, JsonSchema)]
struct TopicRead {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    statements: Vec<StatementRead>,
}

/// What somebody took on.
#[derive(Serialize, JsonSchema)]
struct ActionRead {
    #[serde(flatten)]
    task: StatementRead,
    /// Who does it; absent when nobody was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// Until when, as it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_text: Option<String>,
    /// The day that this means.
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<jiff::civil::Date>,
    status: StatusView,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ActionsRead {
    items: Vec<ListedActionRead>,
    /// How many there are in all.
    total: usize,
}

/// An action and where it was taken on.
#[derive(Serialize, JsonSchema)]
struct ListedActionRead {
    /// The id of the meeting.
    meeting: String,
    meeting_title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(flatten)]
    action: ActionRead,
}

impl Found {
    pub(super) fn of(results: SearchResults, offset: usize, phrases: Phrases) -> Self {
        let end = offset + results.hits.len();
        Self {
            next_offset: (!results.hits.is_empty() && end < results.total).then_some(end),
            total: results.total,
            hits: results.hits.into_iter().map(|hit| Item::of_hit(hit, phrases)).collect(),
        }
    }
}

impl Recommended {
    pub(super) fn of(found: Vec<Recommendation>, phrases: Phrases) -> Self {
        let items = found.into_iter().map(|item| Item::of_recommendation(item, phrases));
        Self { items: items.collect() }
    }
}

impl Item {
    fn of_hit(hit: Hit, phrases: Phrases) -> Self {
        Self {
            kind: serde_name(&hit.kind),
            title: hit.title,
            text: marked(&hit.snippet),
            meeting: hit.meeting.map(|id| id.to_string()),
            started_at: hit.started_at,
            at: hit.span.map(|span| span.start.clock()),
            utterances: hit.utterances.map(names),
            person: None,
            score: hit.score,
            reasons: told(&hit.why, phrases),
        }
    }

    fn of_recommendation(item: Recommendation, phrases: Phrases) -> Self {
        Self {
            kind: serde_name(&item.kind),
            title: item.title,
            text: marked(&item.snippet),
            meeting: item.meeting.map(|id| id.to_string()),
            started_at: item.started_at,
            at: None,
            utterances: item.utterances.map(names),
            person: item.person.map(|id| id.to_string()),
            score: item.score,
            reasons: told(&item.reasons, phrases),
        }
    }
}

impl MinutesRead {
    /// The minutes, with evidence quoted from `transcript` where it is given.
    pub(super) fn of(
        meeting: &Meeting,
        minutes: &Minutes,
        statuses: &BTreeMap<StatementId, ActionStatus>,
        transcript: Option<&Transcript>,
    ) -> Self {
        let said = Said::of(meeting, transcript);
        let names = |attended: bool| {
            let people = meeting.participants.iter().filter(|one| one.attended == attended);
            people.map(|participant| participant.name.clone()).collect()
        };
        let actions = minutes.actions.iter().map(|action| {
            let status = statuses.get(&action.statement.id).copied().unwrap_or_default();
            ActionRead::of(action, status, &said)
        });
        let topics = minutes.topics.iter().map(|topic| TopicRead {
            title: topic.title.clone(),
            at: topic.span.map(|span| span.start.clock()),
            statements: topic.statements.iter().map(|one| said.statement(one)).collect(),
        });
        Self {
            meeting: meeting.id.to_string(),
            title: meeting.title.clone(),
            started_at: meeting.started_at,
            series: meeting.series.as_ref().map(ToString::to_string),
            attended: names(true),
            invited: names(false),
            language: minutes.language.to_string(),
            abstract_: minutes.abstract_.iter().map(|one| said.statement(one)).collect(),
            decisions: minutes
                .decisions
                .iter()
                .map(|one| said.statement(&one.statement))
                .collect(),
            actions: actions.collect(),
            questions: minutes
                .questions
                .iter()
                .map(|one| said.statement(&one.statement))
                .collect(),
            topics: topics.collect(),
            supported_share: minutes.supported_share(),
            coverage_share: minutes.coverage.share(),
        }
    }
}

impl ActionRead {
    fn of(action: &datasets::ActionItem, status: ActionStatus, said: &Said<'_>) -> Self {
        Self {
            task: said.statement(&action.statement),
            owner: action.owner.as_ref().map(|owner| owner.name.clone()),
            due_text: action.due.as_ref().map(|due| due.text.clone()),
            due: action.due.as_ref().and_then(|due| due.date),
            status: status.into(),
        }
    }
}

impl ActionsRead {
    pub(super) fn of(found: &[(Arc<Entry>, ListedAction)], limit: usize) -> Self {
        let items = found.iter().take(limit).map(|(entry, listed)| ListedActionRead {
            meeting: listed.meeting.to_string(),
            meeting_title: listed.meeting_title.clone(),
            started_at: listed.started_at,
            action: ActionRead::of(&listed.action, listed.status, &Said::of(&entry.meeting, None)),
        });
        Self {
            items: items.collect(),
            total: found.len(),
        }
    }
}

/// What was said, to quote from; nothing where no evidence is asked for.
struct Said<'a> {
    meeting: &'a Meeting,
    utterances: BTreeMap<&'a UtteranceId, &'a Utterance>,
}

impl<'a> Said<'a> {
    fn of(meeting: &'a Meeting, transcript: Option<&'a Transcript>) -> Self {
        let utterances = transcript.into_iter().flat_map(|transcript| &transcript.utterances);
        Self {
            meeting,
            utterances: utterances.map(|utterance| (&utterance.id, utterance)).collect(),
        }
    }

    fn statement(&self, statement: &Statement) -> StatementRead {
        let quoted = statement.evidence.iter().filter_map(|id| self.utterances.get(id));
        let evidence = quoted.map(|utterance| Quote {
            utterance: utterance.id.to_string(),
            speaker: utterance
                .speaker
                .as_ref()
                .map(|label| self.meeting.speaker_name(label).to_owned()),
            at: utterance.span.map(|span| span.start.clock()),
            text: utterance.text.clone(),
        });
        StatementRead {
            text: statement.text.clone(),
            unsupported: match &statement.support {
                Support::Proven => Vec::new(),
                Support::Marked(parts) => parts.iter().map(|part| part.text.clone()).collect(),
            },
            evidence: evidence.collect(),
        }
    }
}

fn names((first, last): (UtteranceId, UtteranceId)) -> (String, String) {
    (first.to_string(), last.to_string())
}

fn told(reasons: &[Reason], phrases: Phrases) -> Vec<String> {
    reasons.iter().map(|reason| phrases.reason(reason)).collect()
}

/// The snippet with its matches between double asterisks.
fn marked(snippet: &Snippet) -> String {
    let mut text = snippet.text.clone();
    for range in snippet.highlights.iter().rev() {
        text.insert_str(range.end, "**");
        text.insert_str(range.start, "**");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_stand_between_asterisks() {
        let snippet = Snippet {
            text: "été : le budget".to_owned(),
            highlights: vec![0..5, 11..17],
        };
        assert_eq!(marked(&snippet), "**été** : le **budget**");
    }
}
