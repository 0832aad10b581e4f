//! What a model may ask, described for it, and as the functions of the HTTP handlers take it.

use index::{ItemKind, SearchMode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::api::actions::{ActionQuery, WantedStatus};
use crate::api::problem::{Answer, Problem};
use crate::api::recommendations::{ContextView, EventParts, EventView, RecommendationRequest};
use crate::api::search::SearchQuery;
use crate::api::wire::serde_name;

/// Things in one answer, unless asked otherwise, and at most: what a model reads costs it room.
const HITS: usize = 10;
const ACTIONS: usize = 50;
const ACTIONS_MAX: usize = 500;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchQuestion {
    /// The words to look for, in French or English.
    query: String,
    /// Only these kinds of things; all kinds when absent. A passage is a few utterances in a row; abstract, topic,
    /// decision, action and question are statements of minutes.
    #[serde(default)]
    #[schemars(schema_with = "kinds")]
    kinds: Vec<ItemKind>,
    /// Only where one of these people took part: mail addresses or names.
    #[serde(default)]
    people: Vec<String>,
    /// Only in these series of meetings.
    #[serde(default)]
    series: Vec<String>,
    /// Only in these meetings, by id.
    #[serde(default)]
    meetings: Vec<String>,
    /// Not before this day or time, such as 2026-03-01 or 2026-03-01T09:00:00Z.
    #[serde(default)]
    from: Option<String>,
    /// Not after this day or time.
    #[serde(default)]
    until: Option<String>,
    /// Most hits; 10 unless said otherwise, 100 at most.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    limit: Option<usize>,
    /// Hits to leave out at the top: `next_offset` of the answer before, to read on.
    #[serde(default)]
    #[schemars(range(max = 1000))]
    pub(super) offset: usize,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecommendQuestion {
    /// What is talked or written about: a few sentences, or a whole text.
    #[serde(default)]
    text: Option<String>,
    /// A meeting that is coming up.
    #[serde(default)]
    event: Option<EventParts>,
    /// An invitation, as the text of an .ics file.
    #[serde(default)]
    invitation: Option<String>,
    /// A past meeting, by id: what is related to it.
    #[serde(default)]
    pub(super) meeting: Option<String>,
    /// Most recommendations of each kind; 5 unless said otherwise, 50 at most.
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<usize>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MinutesQuestion {
    /// The id of the meeting: `meeting` of a hit.
    pub(super) meeting: String,
    /// Whether the utterances that prove each statement are quoted; true unless said otherwise.
    #[serde(default = "yes")]
    pub(super) evidence: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionsQuestion {
    /// Which actions: open unless said otherwise.
    #[serde(default)]
    status: WantedStatus,
    /// Only those of this person: a name or mail address.
    #[serde(default)]
    owner: Option<String>,
    /// Only those of this meeting, by id.
    #[serde(default)]
    meeting: Option<String>,
    /// Most actions; 50 unless said otherwise, 500 at most.
    #[serde(default)]
    #[schemars(range(min = 1, max = 500))]
    limit: Option<usize>,
}

impl SearchQuestion {
    /// The same as the HTTP interface asks it.
    pub(super) fn into_query(self) -> Answer<SearchQuery> {
        if self.query.trim().is_empty() {
            return Err(Problem::bad_request("query is empty: give the words to look for"));
        }
        Ok(SearchQuery {
            q: self.query,
            typing: false,
            mode: SearchMode::default(),
            kind: self.kinds,
            person: self.people,
            series: self.series,
            meeting: self.meetings,
            from: self.from,
            until: self.until,
            limit: Some(self.limit.unwrap_or(HITS)),
            offset: self.offset,
        })
    }
}

impl RecommendQuestion {
    /// The same as the HTTP interface asks it.
    ///
    /// # Errors
    /// When it names no context, or several.
    pub(super) fn into_request(self) -> Result<RecommendationRequest, String> {
        let mut contexts = [
            self.text.map(ContextView::Text),
            self.event.map(|parts| ContextView::Event(EventView::Parts(parts))),
            self.invitation
                .map(|text| ContextView::Event(EventView::Calendar(text))),
            self.meeting.map(ContextView::Meeting),
        ]
        .into_iter()
        .flatten();
        match (contexts.next(), contexts.next()) {
            (Some(context), None) => Ok(RecommendationRequest {
                context,
                limit: self.limit,
            }),
            _ => Err("Give exactly one of text, event, invitation and meeting.".to_owned()),
        }
    }
}

impl ActionsQuestion {
    /// How many are told of.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(ACTIONS).clamp(1, ACTIONS_MAX)
    }

    /// The same as the HTTP interface asks it.
    pub(super) fn into_query(self) -> ActionQuery {
        ActionQuery {
            status: self.status,
            owner: self.owner,
            meeting: self.meeting,
        }
    }
}

fn yes() -> bool {
    true
}

/// The names of the kinds that can be found: all but people, who are recommended only.
fn kinds(_: &mut SchemaGenerator) -> Schema {
    let names = ItemKind::ALL.iter().filter(|kind| **kind != ItemKind::Person);
    let names: Vec<String> = names.map(serde_name).collect();
    json_schema!({ "type": "array", "items": { "type": "string", "enum": names } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(json: serde_json::Value) -> Result<RecommendationRequest, String> {
        serde_json::from_value::<RecommendQuestion>(json)
            .unwrap()
            .into_request()
    }

    #[test]
    fn a_recommendation_has_one_context() {
        let text = question(serde_json::json!({ "text": "budget" })).unwrap();
        assert!(matches!(text.context, ContextView::Text(text) if text == "budget"));
        let event = question(serde_json::json!({ "event": { "title": "Budget", "people": ["Ann"] } })).unwrap();
        assert!(matches!(event.context, ContextView::Event(EventView::Parts(_))));
        assert!(question(serde_json::json!({})).is_err());
        assert!(question(serde_json::json!({ "text": "budget", "meeting": "weekly" })).is_err());
    }
}
