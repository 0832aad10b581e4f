//! Meetings: the list, one of them, its transcript and minutes; changing its record, deleting it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use datasets::library::Receipt;
use datasets::{Access, ActionStatus, MeetingId, Minutes, PersonId, SeriesId, StatementId, Viewer};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Reader, Writer};
use super::conditional::{check_unchanged, tagged};
use super::input::{Body, Part, Query};
use super::problem::{Answer, Problem, ProblemBody};
use super::router::{Api, visible};
use super::wire::{AccessChange, MeetingSummary, MeetingView, MinutesView, TranscriptView};
use crate::day_or_time::{day_or_time, end_of_day_or_time};
use crate::service::catalog::Entry;
use crate::service::holdings::Holdings;

/// Meetings on a page, unless asked otherwise, and at most.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 500;

/// Which meetings are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Words of the title, the series or a participant's name.
    #[serde(default)]
    q: Option<String>,
    /// In one of these series.
    #[serde(default)]
    series: Vec<String>,
    /// One of these took part: mail addresses or names.
    #[serde(default)]
    person: Vec<String>,
    /// Not before this day or time.
    #[serde(default)]
    from: Option<String>,
    /// Not after this day or time.
    #[serde(default)]
    until: Option<String>,
    /// Most meetings to list; 50 unless said otherwise, 500 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// A page of meetings, the latest first.
#[derive(Serialize, ToSchema)]
pub(super) struct MeetingPage {
    items: Vec<MeetingSummary>,
    /// How many match in all.
    total: usize,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What of a meeting's record is to be changed; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MeetingChange {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    title: Option<String>,
    #[serde(default)]
    series: Option<String>,
    #[serde(default)]
    started_at: Option<Timestamp>,
    #[serde(default)]
    access: Option<AccessChange>,
}

/// What was deleted, and what remains.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceiptView {
    subject: String,
    requested_at: Timestamp,
    completed_at: Option<Timestamp>,
    files: Vec<DeletedFileView>,
    /// Entries taken out of the index, vectors included.
    index_entries: usize,
    /// What this program cannot reach.
    remains: Vec<String>,
}

#[derive(Serialize, ToSchema)]
struct DeletedFileView {
    path: String,
    bytes: u64,
}

/// Lists meetings
#[utoipa::path(get, path = "/v1/meetings", tag = "meetings", params(ListQuery),
    responses((status = 200, body = MeetingPage), (status = "4XX", body = ProblemBody)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Query(query): Query<ListQuery>,
) -> Answer<Json<MeetingPage>> {
    let filter = Filter::of(&query)?;
    let limit = query.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let asked = Arc::clone(&api);
    let page = api.reading.run(move || {
        let mut entries = asked.service.catalog.all_visible(&caller.viewer);
        entries.retain(|entry| filter.lets_through(entry));
        let total = entries.len();
        if let Some(after) = &after {
            entries.retain(|entry| key(entry) < *after);
        }
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| has_more).map(|entry| cursor(entry));
        let items = entries.iter().map(|entry| MeetingSummary::of(entry)).collect();
        Ok(MeetingPage { items, total, next })
    });
    Ok(Json(page.await?))
}

/// Reads a meeting's record
#[utoipa::path(get, path = "/v1/meetings/{meeting}", tag = "meetings", params(("meeting" = String, Path)),
    responses((status = 200, body = MeetingView), (status = 304), (status = "4XX", body = ProblemBody)))]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Part(id): Part<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let viewer = caller.viewer.clone();
    let read = move |api: &Api| {
        let entry = api.visible(&id, &viewer)?;
        let mut view = MeetingView::of(&entry, &viewer);
        let source = api.service.library.source_file(&entry.meeting);
        if source.is_some_and(|path| is_sound(&path)) {
            let recording = format!("/v1/meetings/{id}/recording");
            if api.service.mixes.is_needed(&entry.meeting) {
                view.recording = Some(format!("{recording}/mix"));
                view.original = Some(recording);
            } else {
                view.recording = Some(recording);
            }
        }
        Ok((view, entry))
    };
    api.read_tagged(&headers, &caller.viewer, read).await
}

/// Changes title, series, time, or who may see a meeting
#[utoipa::path(patch, path = "/v1/meetings/{meeting}", tag = "meetings", params(("meeting" = String, Path)),
    request_body = MeetingChange,
    responses((status = 200, body = MeetingView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn change(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
    headers: HeaderMap,
    Body(change): Body<MeetingChange>,
) -> Answer<Response> {
    if change.title.as_ref().is_some_and(|title| title.trim().is_empty()) {
        return Err(Problem::bad_request("a meeting has a title"));
    }
    let asked = Arc::clone(&api);
    let viewer = caller.viewer.clone();
    let entry = api.writing.run(move || {
        let before = asked.manageable(&id, &viewer)?;
        check_unchanged(&headers, &before, &viewer)?;
        let held = &before.meeting.access;
        let access = change.access.map(|access| access.applied_to(held));
        let is_given_away = access.as_ref().is_some_and(|access| access.owner != held.owner);
        if is_given_away && !is_owner(held, &viewer) {
            return Err(Problem::forbidden("only its owner gives a meeting to somebody else"));
        }
        asked.service.change_record(&before.meeting.id, |meeting| {
            if let Some(title) = change.title {
                meeting.title = title.trim().to_owned();
            }
            if let Some(series) = change.series {
                meeting.series = Some(SeriesId::new(series.trim())).filter(|series| !series.as_str().is_empty());
            }
            meeting.started_at = change.started_at.or(meeting.started_at);
            if let Some(access) = access {
                meeting.access = access;
            }
        })?;
        // Who gave the meeting away cannot read the answer any more, but did what they may.
        asked
            .service
            .catalog
            .visible(&before.meeting.id, &Viewer::Operator)
            .ok_or_else(Problem::not_found)
    });
    let entry = entry.await?;
    Ok(tagged(&HeaderMap::new(), &entry, &caller.viewer, || {
        Json(MeetingView::of(&entry, &caller.viewer))
    }))
}

/// Deletes a meeting everywhere, with a receipt
#[utoipa::path(delete, path = "/v1/meetings/{meeting}", tag = "meetings", params(("meeting" = String, Path)),
    responses((status = 200, body = ReceiptView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
    headers: HeaderMap,
) -> Answer<Json<ReceiptView>> {
    let asked = Arc::clone(&api);
    let receipt = api.writing.run(move || {
        let entry = asked.manageable(&id, &caller.viewer)?;
        check_unchanged(&headers, &entry, &caller.viewer)?;
        Ok(asked.service.forget(&entry.meeting.id)?)
    });
    Ok(Json(ReceiptView::of(receipt.await?)))
}

/// Reads all that was said
#[utoipa::path(get, path = "/v1/meetings/{meeting}/transcript", tag = "meetings", params(("meeting" = String, Path)),
    responses((status = 200, body = TranscriptView), (status = 304), (status = "4XX", body = ProblemBody)))]
pub(super) async fn transcript(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Part(id): Part<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let viewer = caller.viewer.clone();
    let read = move |api: &Api| {
        let entry = api.visible(&id, &viewer)?;
        let transcript = api.service.transcript(&entry.meeting.id)?;
        Ok((TranscriptView::of(&entry.meeting, transcript), entry))
    };
    api.read_tagged(&headers, &caller.viewer, read).await
}

/// Reads the minutes
#[utoipa::path(get, path = "/v1/meetings/{meeting}/minutes", tag = "meetings", params(("meeting" = String, Path)),
    responses((status = 200, body = MinutesView), (status = 304), (status = "4XX", body = ProblemBody)))]
pub(super) async fn minutes(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Part(id): Part<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let viewer = caller.viewer.clone();
    let read = move |api: &Api| {
        let (entry, minutes, statuses) = find_minutes(api.service.holdings(), &id, &viewer)?;
        Ok((MinutesView::of(&minutes, &statuses), entry))
    };
    api.read_tagged(&headers, &caller.viewer, read).await
}

fn is_owner(access: &Access, viewer: &Viewer) -> bool {
    match viewer {
        Viewer::Operator => true,
        Viewer::Person { person, .. } => access.owner.as_ref() == Some(person),
    }
}

impl Api {
    /// What `read` finds of a meeting, unless the caller has it already.
    async fn read_tagged<T: Serialize + Send + 'static>(
        self: &Arc<Self>,
        headers: &HeaderMap,
        viewer: &Viewer,
        read: impl FnOnce(&Self) -> Answer<(T, Arc<Entry>)> + Send + 'static,
    ) -> Answer<Response> {
        let asked = Arc::clone(self);
        let (view, entry) = self.reading.run(move || read(&asked)).await?;
        Ok(tagged(headers, &entry, viewer, || Json(view)))
    }
}

/// The minutes of a meeting that `viewer` may see, and the states of its actions.
///
/// # Errors
/// When there is no such meeting, or it has no minutes.
pub(super) fn find_minutes(
    holdings: Holdings<'_>,
    id: &str,
    viewer: &Viewer,
) -> Answer<(Arc<Entry>, Minutes, BTreeMap<StatementId, ActionStatus>)> {
    let entry = visible(holdings, id, viewer)?;
    let id = &entry.meeting.id;
    let minutes = holdings.library.minutes(id).map_err(anyhow::Error::from)?;
    let statuses = holdings.library.action_statuses(id).map_err(anyhow::Error::from)?;
    Ok((entry, minutes.ok_or_else(Problem::not_found)?, statuses))
}

/// Whether the file holds sound.
pub(super) fn is_sound(path: &std::path::Path) -> bool {
    crate::stages::transcribe::is_recording(path).unwrap_or(false)
}

impl ReceiptView {
    fn of(receipt: Receipt) -> Self {
        Self {
            subject: receipt.subject,
            requested_at: receipt.requested_at,
            completed_at: receipt.completed_at,
            files: receipt
                .files
                .into_iter()
                .map(|file| DeletedFileView {
                    path: file.path,
                    bytes: file.bytes,
                })
                .collect(),
            index_entries: receipt.index_entries,
            remains: receipt.remains,
        }
    }
}

struct Filter {
    words: Vec<String>,
    series: Vec<SeriesId>,
    people: Vec<PersonId>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Filter {
    fn of(query: &ListQuery) -> Answer<Self> {
        let words = query.q.as_deref().unwrap_or_default().to_lowercase();
        Ok(Self {
            words: words.split_whitespace().map(str::to_owned).collect(),
            series: query.series.iter().map(SeriesId::new).collect(),
            people: query
                .person
                .iter()
                .map(|person| PersonId::from_contact(person, None))
                .collect(),
            from: time("from", query.from.as_deref(), day_or_time)?,
            until: time("until", query.until.as_deref(), end_of_day_or_time)?,
        })
    }

    fn lets_through(&self, entry: &Entry) -> bool {
        let meeting = &entry.meeting;
        let is_of_series = self.series.is_empty() || meeting.series.as_ref().is_some_and(|of| self.series.contains(of));
        let took_part = |person: &PersonId| meeting.participants.iter().any(|one| one.person == *person);
        let is_of_people = self.people.is_empty() || self.people.iter().any(took_part);
        let is_late_enough = self
            .from
            .is_none_or(|from| meeting.started_at.is_some_and(|at| at >= from));
        let is_early_enough = self
            .until
            .is_none_or(|until| meeting.started_at.is_some_and(|at| at <= until));
        is_of_series && is_of_people && is_late_enough && is_early_enough && self.words_are_in(entry)
    }

    fn words_are_in(&self, entry: &Entry) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let meeting = &entry.meeting;
        let names = meeting.participants.iter().map(|participant| participant.name.as_str());
        let series = meeting.series.iter().map(SeriesId::as_str);
        let all: Vec<&str> = names.chain(series).chain([meeting.title.as_str()]).collect();
        let all = all.join("\n").to_lowercase();
        self.words.iter().all(|word| all.contains(word))
    }
}

/// Reads a time of the query.
pub(super) fn time(
    name: &str,
    text: Option<&str>,
    read: fn(&str) -> Result<Timestamp, String>,
) -> Answer<Option<Timestamp>> {
    let wrong = |error| Problem::bad_request(format!("{name}: {error}"));
    text.filter(|text| !text.is_empty())
        .map(read)
        .transpose()
        .map_err(wrong)
}

type Key = (Option<Timestamp>, MeetingId);

fn key(entry: &Entry) -> Key {
    (entry.meeting.started_at, entry.meeting.id.clone())
}

fn cursor(entry: &Entry) -> String {
    let (at, id) = key(entry);
    let at = at.map(|at| at.to_string()).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(format!("{at} {id}"))
}

fn read_cursor(cursor: &str) -> Answer<Key> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (at, id) = text.split_once(' ')?;
        let at = if at.is_empty() { None } else { Some(at.parse().ok()?) };
        Some((at, MeetingId::new(id)))
    };
    read().ok_or_else(|| Problem::bad_request("cursor: take it from `next` of the page before"))
}
