//! Recommendations: what matters to an invitation, a text, a meeting, or what is being said, each with its reasons.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use datasets::{Language, MeetingId, PersonId, SeriesId, UtteranceId, Viewer};
use index::{Reason, RecommendContext, RecommendRequest, Recommendation, Snippet};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Reader;
use super::input::Body;
use super::problem::{Answer, ProblemBody};
use super::router::{Api, visible};
use super::wire::serde_name;
use crate::phrases::Phrases;
use crate::service::holdings::Holdings;
use crate::stages::read_context::{context_of_calendar, context_of_meeting, context_of_talk, context_of_text};

/// Recommendations of each kind, unless asked otherwise, and at most.
const LIMIT: usize = 5;
const LIMIT_MAX: usize = 50;
/// Pieces of a context whose vectors are made: those of five minutes of talk. A vector takes as long as everything else.
const VECTORS_MAX: usize = 5;

/// What recommendations are asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecommendationRequest {
    pub(super) context: ContextView,
    /// Most recommendations of each kind; 5 unless said otherwise, 50 at most.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50)]
    pub(super) limit: Option<usize>,
}

/// What is going on: exactly one of these.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ContextView {
    /// A text of any length.
    Text(String),
    /// An invitation.
    Event(EventView),
    /// A meeting of the library, by its id.
    Meeting(String),
    /// What is being said: the last minutes of talk.
    Live(LiveContextView),
}

/// An invitation, in iCalendar form or in parts.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum EventView {
    /// The text of an `.ics` file.
    Calendar(String),
    /// Its parts.
    Parts(EventParts),
}

/// The parts of an invitation.
#[derive(Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventParts {
    title: String,
    #[serde(default)]
    agenda: Option<String>,
    /// Mail addresses or names.
    #[serde(default)]
    people: Vec<String>,
    #[serde(default)]
    series: Option<String>,
    #[serde(default)]
    starts_at: Option<Timestamp>,
}

/// What is being said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LiveContextView {
    /// The words, the latest last; the last five minutes or so are used.
    text: String,
    /// Who takes part: mail addresses or names.
    #[serde(default)]
    people: Vec<String>,
    /// The meeting it is, so that it is not recommended to itself.
    #[serde(default)]
    meeting: Option<String>,
}

/// What is related, by kind and then by score; empty when nothing is.
#[derive(Serialize, ToSchema)]
pub(super) struct RecommendationList {
    items: Vec<RecommendationView>,
}

/// One related thing.
#[derive(Serialize, ToSchema)]
pub(super) struct RecommendationView {
    /// meeting, passage, abstract, topic, decision, action, question, mail, event, contact, document, chat, task or person.
    kind: String,
    title: String,
    snippet: SnippetView,
    /// In 0..=1, comparable within a kind.
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    meeting: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_item: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    /// First utterance.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    /// Last utterance.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    /// Why; never empty.
    reasons: Vec<ReasonView>,
    links: LinksView,
}

/// A piece of text with the places that matched.
#[derive(Serialize, ToSchema)]
pub(super) struct SnippetView {
    /// In order: pieces that matched and pieces between them.
    parts: Vec<SnippetPart>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SnippetPart {
    text: String,
    matched: bool,
}

/// Why something was found.
#[derive(Serialize, ToSchema)]
pub(super) struct ReasonView {
    /// words, people, met_in, same_series, age_days, similar_meaning or neighbours.
    kind: String,
    /// What exactly; its form depends on the kind.
    value: serde_json::Value,
    /// As a clause, in the language of `Accept-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Where to go on.
#[derive(Serialize, ToSchema)]
pub(super) struct LinksView {
    /// In the interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    /// On the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

/// Recommends what matters to a context, with reasons
#[utoipa::path(post, path = "/v1/recommendations", tag = "recommendations", request_body = RecommendationRequest,
    responses((status = 200, body = RecommendationList), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody)))]
pub(super) async fn recommend(
    State(api): State<Arc<Api>>,
    caller: Reader,
    headers: HeaderMap,
    Body(request): Body<RecommendationRequest>,
) -> Answer<Json<RecommendationList>> {
    let phrases = Phrases::of(language(&headers));
    let asked = Arc::clone(&api);
    let items = api.reading.run(move || {
        let found = find(asked.service.holdings(), caller.viewer, request)?;
        Ok(found
            .into_iter()
            .map(|item| RecommendationView::of(item, phrases))
            .collect())
    });
    Ok(Json(RecommendationList { items: items.await? }))
}

/// Recommends, of what `viewer` may see, what matters to the context that is asked for.
///
/// # Errors
/// What is wrong with the context.
pub(super) fn find(
    holdings: Holdings<'_>,
    viewer: Viewer,
    request: RecommendationRequest,
) -> Answer<Vec<Recommendation>> {
    let mut context = context(holdings, &viewer, request.context)?;
    context.vectors = holdings.embed(&spread_over(&context.texts, VECTORS_MAX))?;
    let limit = request.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let found = holdings.index.recommend(&RecommendRequest { context, viewer, limit });
    Ok(found.map_err(anyhow::Error::from)?)
}

fn context(holdings: Holdings<'_>, viewer: &Viewer, asked: ContextView) -> Answer<RecommendContext> {
    let people = |names: Vec<String>| names.iter().map(|name| PersonId::from_contact(name, None)).collect();
    Ok(match asked {
        ContextView::Text(text) => context_of_text(&text, Vec::new()),
        ContextView::Event(EventView::Calendar(text)) => context_of_calendar(&text)?,
        ContextView::Event(EventView::Parts(parts)) => {
            let text = [Some(parts.title), parts.agenda].into_iter().flatten();
            RecommendContext {
                series: parts.series.map(SeriesId::new),
                at: parts.starts_at,
                ..context_of_text(&text.collect::<Vec<_>>().join("\n"), people(parts.people))
            }
        }
        ContextView::Meeting(id) => {
            let entry = visible(holdings, &id, viewer)?;
            context_of_meeting(holdings.library, &entry.meeting.id, viewer)?
        }
        ContextView::Live(live) => context_of_talk(&live.text, people(live.people), live.meeting.map(MeetingId::new)),
    })
}

/// So many of the texts, or all where they are fewer, from the first on at equal distances.
fn spread_over(texts: &[String], most: usize) -> Vec<String> {
    let count = texts.len().min(most);
    let at = |number: usize| texts[number * texts.len() / count].clone();
    (0..count).map(at).collect()
}

/// The language of `Accept-Language`: French where it comes before English, else English.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let mut tags = accepted
        .unwrap_or_default()
        .split(',')
        .map(|tag| tag.trim().to_lowercase());
    match tags.find(|tag| tag.starts_with("fr") || tag.starts_with("en")) {
        Some(tag) if tag.starts_with("fr") => Language::FRENCH,
        _ => Language::ENGLISH,
    }
}

impl RecommendationView {
    pub(super) fn of(item: Recommendation, phrases: Phrases) -> Self {
        let (first, last) = item.utterances.unzip();
        Self {
            links: LinksView::of(item.meeting.as_ref(), first.as_ref()),
            kind: serde_name(&item.kind),
            title: item.title,
            snippet: SnippetView::of(item.snippet),
            score: item.score,
            meeting: item.meeting.map(|id| id.to_string()),
            context_item: item.context_item.map(|id| id.to_string()),
            statement: item.statement.map(|id| id.to_string()),
            person: item.person.map(|id| id.to_string()),
            first: first.map(|id| id.to_string()),
            last: last.map(|id| id.to_string()),
            started_at: item.started_at,
            reasons: item
                .reasons
                .iter()
                .map(|reason| ReasonView::of(reason, Some(phrases)))
                .collect(),
        }
    }
}

impl ReasonView {
    pub(super) fn of(reason: &Reason, phrases: Option<Phrases>) -> Self {
        let tagged = serde_json::to_value(reason).unwrap_or_default();
        let only = tagged.as_object().and_then(|object| object.iter().next());
        Self {
            kind: only.map(|(kind, _)| kind.clone()).unwrap_or_default(),
            value: only.map(|(_, value)| value.clone()).unwrap_or_default(),
            text: phrases.map(|phrases| phrases.reason(reason)),
        }
    }
}

impl LinksView {
    pub(super) fn of(meeting: Option<&MeetingId>, utterance: Option<&UtteranceId>) -> Self {
        let at = utterance.map(|id| format!("?at={id}")).unwrap_or_default();
        Self {
            api: meeting.map(|id| format!("/v1/meetings/{id}")),
            page: meeting.map(|id| format!("/#/meetings/{id}{at}")),
        }
    }
}

impl SnippetView {
    pub(super) fn of(snippet: Snippet) -> Self {
        let mut parts = Vec::new();
        let mut add = |text: Option<&str>, matched| {
            let text = text.unwrap_or_default().to_owned();
            if !text.is_empty() {
                parts.push(SnippetPart { text, matched });
            }
        };
        let mut end = 0;
        for range in &snippet.highlights {
            add(snippet.text.get(end..range.start), false);
            add(snippet.text.get(range.clone()), true);
            end = range.end;
        }
        add(snippet.text.get(end..), false);
        Self { parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_cut_at_its_matches_and_loses_nothing() {
        let snippet = Snippet {
            text: "été : le budget".to_owned(),
            highlights: vec![0..5, 11..17],
        };
        let parts = SnippetView::of(snippet).parts;
        let texts: Vec<(&str, bool)> = parts.iter().map(|part| (part.text.as_str(), part.matched)).collect();
        assert_eq!(texts, [("été", true), (" : le ", false), ("budget", true)]);
    }

    #[test]
    fn a_long_context_is_seen_from_its_beginning_to_its_end() {
        let texts: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        assert_eq!(spread_over(&texts, 5), ["0", "2", "4", "7", "9"]);
        assert_eq!(spread_over(&texts[..2], 5), ["0", "1"]);
        assert!(spread_over(&[], 5).is_empty());
    }

    #[test]
    fn the_first_language_we_speak_is_taken() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, header::HeaderValue::from_static(value));
            language(&headers)
        };
        assert_eq!(of("fr-FR,fr;q=0.9,en;q=0.8"), Language::FRENCH);
        assert_eq!(of("de,en;q=0.8,fr;q=0.5"), Language::ENGLISH);
        assert_eq!(language(&HeaderMap::new()), Language::ENGLISH);
    }
}
