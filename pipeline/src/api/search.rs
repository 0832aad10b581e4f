//! Search, and search as you type.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use datasets::{MeetingId, PersonId, SeriesId, Viewer};
use index::{FacetCount, Filters, Hit, ItemKind, SearchMode, SearchRequest, SearchResults};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Reader;
use super::input::Query;
use super::meetings::time;
use super::problem::{Answer, Problem, ProblemBody};
use super::recommendations::{LinksView, ReasonView, SnippetView};
use super::router::Api;
use super::wire::serde_name;
use crate::day_or_time::{day_or_time, end_of_day_or_time};
use crate::service::holdings::Holdings;

/// Hits on a page, unless asked otherwise, and at most.
const LIMIT: usize = 20;
const LIMIT_MAX: usize = 100;
/// Hits that can be left out at the top: nobody reads further, and each costs.
const OFFSET_MAX: usize = 1000;
/// Longest query in characters.
const QUERY_MAX: usize = 1000;

/// What is looked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// Words, in French or English.
    #[param(max_length = 1000)]
    pub(super) q: String,
    /// Whether `q` is still being typed: its last word is then looked for as what it may become, too.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    pub(super) typing: bool,
    /// `hybrid` (unless said otherwise), `keyword` or `vector`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub(super) mode: SearchMode,
    /// Only these kinds: meeting, passage, abstract, topic, decision, action, question, mail, event, contact, document, chat, task.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    pub(super) kind: Vec<ItemKind>,
    /// Only where one of these took part: mail addresses or names.
    #[serde(default)]
    pub(super) person: Vec<String>,
    /// Only in these series.
    #[serde(default)]
    pub(super) series: Vec<String>,
    /// Only in these meetings.
    #[serde(default)]
    pub(super) meeting: Vec<String>,
    /// Not before this day or time.
    #[serde(default)]
    pub(super) from: Option<String>,
    /// Not after this day or time.
    #[serde(default)]
    pub(super) until: Option<String>,
    /// Most hits; 20 unless said otherwise, 100 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<usize>,
    /// Hits to leave out at the top, 1000 at most.
    #[serde(default)]
    #[param(maximum = 1000)]
    pub(super) offset: usize,
}

/// What was found, best first; empty when nothing is relevant.
#[derive(Serialize, ToSchema)]
pub(super) struct SearchAnswer {
    hits: Vec<HitView>,
    /// How many things are relevant in all, of those that the caller may see.
    total: usize,
    facets: FacetsView,
}

/// How the relevant things are distributed.
#[derive(Serialize, ToSchema)]
struct FacetsView {
    kinds: Vec<FacetView>,
    series: Vec<FacetView>,
    people: Vec<FacetView>,
}

#[derive(Serialize, ToSchema)]
struct FacetView {
    value: String,
    count: usize,
}

/// One thing that was found.
#[derive(Serialize, ToSchema)]
struct HitView {
    kind: String,
    title: String,
    snippet: SnippetView,
    /// In 0..=1.
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    meeting: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_item: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
    /// First utterance.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    /// Last utterance.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    reasons: Vec<ReasonView>,
    links: LinksView,
}

/// What was typed so far.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SuggestQuery {
    /// The beginning of a word.
    #[param(max_length = 1000)]
    q: String,
}

/// Words that begin so, the most frequent first.
#[derive(Serialize, ToSchema)]
pub(super) struct Suggestions {
    items: Vec<String>,
}

/// Finds passages, statements, meetings and documents
#[utoipa::path(get, path = "/v1/search", tag = "search", params(SearchQuery),
    responses((status = 200, body = SearchAnswer), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody)))]
pub(super) async fn search(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Query(query): Query<SearchQuery>,
) -> Answer<Json<SearchAnswer>> {
    let asked = Arc::clone(&api);
    let answer = api.reading.run(move || {
        let results = find(asked.service.holdings(), caller.viewer, query)?;
        Ok(SearchAnswer {
            hits: results.hits.into_iter().map(HitView::of).collect(),
            total: results.total,
            facets: FacetsView {
                kinds: facet(&results.facets.kinds, serde_name),
                series: facet(&results.facets.series, ToString::to_string),
                people: facet(&results.facets.people, ToString::to_string),
            },
        })
    });
    Ok(Json(answer.await?))
}

/// Finds what is asked for, of what `viewer` may see.
///
/// # Errors
/// What is wrong with the query.
pub(super) fn find(holdings: Holdings<'_>, viewer: Viewer, query: SearchQuery) -> Answer<SearchResults> {
    if query.q.chars().count() > QUERY_MAX {
        return Err(Problem::too_large(format!("q has more than {QUERY_MAX} characters")));
    }
    if query.offset > OFFSET_MAX {
        return Err(Problem::bad_request(format!(
            "offset is at most {OFFSET_MAX}: narrow the search"
        )));
    }
    let filters = Filters {
        from: time("from", query.from.as_deref(), day_or_time)?,
        until: time("until", query.until.as_deref(), end_of_day_or_time)?,
        people: query
            .person
            .iter()
            .map(|person| PersonId::from_contact(person, None))
            .collect(),
        series: query.series.iter().map(SeriesId::new).collect(),
        kinds: query.kind,
        meetings: query.meeting.iter().map(MeetingId::new).collect(),
    };
    let vector = match query.mode {
        SearchMode::Keyword => None,
        _ => holdings.embed(std::slice::from_ref(&query.q))?.pop(),
    };
    let text = if query.typing {
        holdings
            .index
            .complete(&query.q, &viewer)
            .map_err(anyhow::Error::from)?
    } else {
        query.q
    };
    let results = holdings.index.search(&SearchRequest {
        text,
        vector,
        mode: query.mode,
        filters,
        viewer,
        limit: query.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX),
        offset: query.offset,
    });
    Ok(results.map_err(anyhow::Error::from)?)
}

/// Completes a word as it is typed
#[utoipa::path(get, path = "/v1/suggest", tag = "search", params(SuggestQuery),
    responses((status = 200, body = Suggestions), (status = "4XX", body = ProblemBody)))]
pub(super) async fn suggest(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Query(query): Query<SuggestQuery>,
) -> Answer<Json<Suggestions>> {
    let asked = Arc::clone(&api);
    let items = api.reading.run(move || {
        let found = asked.service.index.suggest(&query.q, &caller.viewer, 8);
        Ok(found.map_err(anyhow::Error::from)?)
    });
    Ok(Json(Suggestions { items: items.await? }))
}

impl HitView {
    fn of(hit: Hit) -> Self {
        let (first, last) = hit.utterances.unzip();
        Self {
            links: LinksView::of(hit.meeting.as_ref(), first.as_ref()),
            kind: serde_name(&hit.kind),
            title: hit.title,
            snippet: SnippetView::of(hit.snippet),
            score: hit.score,
            meeting: hit.meeting.map(|id| id.to_string()),
            context_item: hit.context_item.map(|id| id.to_string()),
            statement: hit.statement.map(|id| id.to_string()),
            first: first.map(|id| id.to_string()),
            last: last.map(|id| id.to_string()),
            start_ms: hit.span.map(|span| span.start.0),
            started_at: hit.started_at,
            reasons: hit.why.iter().map(|reason| ReasonView::of(reason, None)).collect(),
        }
    }
}

fn facet<T>(counts: &[FacetCount<T>], name: impl Fn(&T) -> String) -> Vec<FacetView> {
    let counts = counts.iter();
    counts
        .map(|facet| FacetView {
            value: name(&facet.value),
            count: facet.count,
        })
        .collect()
}
