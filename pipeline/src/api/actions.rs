//! Actions across meetings: the list, the calendar that task programs subscribe to, and marking one as done.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use datasets::formats::action_calendar;
use datasets::{ActionStatus, MeetingId, StatementId, Viewer};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::{FeedReader, Reader, Writer};
use super::conditional::check_unchanged;
use super::input::{Body, Part, Query};
use super::page::{cut, limit_of, read_cursor};
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;
use super::wire::{ActionView, StatusView};
use crate::service::catalog::Entry;
use crate::service::holdings::Holdings;
use crate::stages::list_actions::ListedAction;

/// Which actions are listed.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ActionQuery {
    /// `open` (unless said otherwise), `done` or `all`.
    #[serde(default)]
    #[param(inline)]
    pub(super) status: WantedStatus,
    /// Only those of this person: a name or mail address.
    #[serde(default)]
    pub(super) owner: Option<String>,
    /// Only those of this meeting.
    #[serde(default)]
    pub(super) meeting: Option<String>,
}

/// Which states are wanted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum WantedStatus {
    /// To be done.
    #[default]
    Open,
    /// Done.
    Done,
    /// Both.
    All,
}

/// Which page of them.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ActionPageQuery {
    /// Most actions to list; 1000 unless said otherwise, 1000 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// A page of actions, in the order of their meetings.
#[derive(Serialize, ToSchema)]
pub(super) struct ActionList {
    items: Vec<ListedActionView>,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// An action and where it was taken on.
#[derive(Serialize, ToSchema)]
pub(super) struct ListedActionView {
    meeting: String,
    meeting_title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    /// Whether the caller may mark it.
    can_mark: bool,
    #[serde(flatten)]
    action: ActionView,
}

/// The state that an action is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionChange {
    status: StatusView,
}

/// Lists actions across meetings
#[utoipa::path(get, path = "/v1/actions", tag = "actions", params(ActionQuery, ActionPageQuery),
    responses((status = 200, body = ActionList), (status = "4XX", body = ProblemBody)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Query(query): Query<ActionQuery>,
    Query(page): Query<ActionPageQuery>,
) -> Answer<Json<ActionList>> {
    let limit = limit_of(page.limit);
    let after: Option<Place> = page.cursor.as_deref().map(read_cursor).transpose()?;
    let asked = Arc::clone(&api);
    let page = api.reading.run(move || {
        let mut found = find(asked.service.holdings(), &caller.viewer, &query);
        if let Some((at, meeting, action)) = &after {
            found.retain(|(entry, listed)| {
                let of = (entry.meeting.started_at, &entry.meeting.id);
                let place = |id: &StatementId| entry.actions.iter().position(|one| one.action.statement.id == *id);
                of > (*at, meeting) || (of == (*at, meeting) && place(&listed.action.statement.id) > place(action))
            });
        }
        let next = cut(&mut found, limit, |(entry, listed)| -> Place {
            let (meeting, action) = (&entry.meeting, &listed.action.statement.id);
            (meeting.started_at, meeting.id.clone(), action.clone())
        });
        let items = found.iter().map(|(entry, action)| {
            let can_manage = entry.meeting.access.allows_manage(&caller.viewer);
            ListedActionView::of(action, can_manage, &caller.viewer)
        });
        let items = items.collect();
        Ok(ActionList { items, next })
    });
    Ok(Json(page.await?))
}

/// Of an action in the list: its meeting's time and id, and its own.
type Place = (Option<Timestamp>, MeetingId, StatementId);

/// Gives the actions as iCalendar tasks, to subscribe to
#[utoipa::path(get, path = "/v1/actions.ics", tag = "actions", params(ActionQuery, ("token" = Option<String>, Query, description = "A token with the scope `feed`, for programs that cannot send headers")),
    responses((status = 200, content_type = "text/calendar", body = String), (status = "4XX", body = ProblemBody)))]
pub(super) async fn feed(
    State(api): State<Arc<Api>>,
    FeedReader(caller): FeedReader,
    Query(query): Query<ActionQuery>,
) -> Answer<Response> {
    let asked = Arc::clone(&api);
    let calendar = api.reading.run(move || {
        let found = find(asked.service.holdings(), &caller.viewer, &query);
        // Not the time of asking, with which nothing would ever be known already.
        let changed_at = found.iter().map(|(entry, _)| entry.read_at).max();
        let actions = found
            .iter()
            .map(|(entry, listed)| (&entry.meeting, &listed.action, listed.status));
        Ok(action_calendar::write_all(actions, changed_at.unwrap_or_default()))
    });
    let calendar = calendar.await?;
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], calendar).into_response())
}

/// The actions that are asked for, of the meetings that `viewer` may see, in the order of the meetings.
pub(super) fn find(holdings: Holdings<'_>, viewer: &Viewer, query: &ActionQuery) -> Vec<(Arc<Entry>, ListedAction)> {
    let entries = holdings.catalog.all_visible(viewer);
    let found = entries.iter().rev().flat_map(|entry| {
        let wanted = entry.actions.iter().filter(|action| query.wants(action));
        wanted.map(|action| (Arc::clone(entry), action.clone()))
    });
    found.collect()
}

/// Marks an action as done or open
#[utoipa::path(patch, path = "/v1/meetings/{meeting}/actions/{action}", tag = "actions",
    params(("meeting" = String, Path), ("action" = String, Path)), request_body = ActionChange,
    responses((status = 200, body = ListedActionView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn set_status(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part((meeting, action)): Part<(String, String)>,
    headers: HeaderMap,
    Body(change): Body<ActionChange>,
) -> Answer<Json<ListedActionView>> {
    let asked = Arc::clone(&api);
    let (id, action) = (MeetingId::new(meeting), StatementId::new(action));
    let view = api.writing.run(move || {
        let find = || {
            let entry = asked.visible(id.as_str(), &caller.viewer)?;
            let mut actions = entry.actions.iter();
            let found = actions.find(|listed| listed.action.statement.id == action).cloned();
            Ok::<_, Problem>((found.ok_or_else(Problem::not_found)?, entry))
        };
        let (before, entry) = find()?;
        let can_manage = entry.meeting.access.allows_manage(&caller.viewer);
        if !can_mark(&before, can_manage, &caller.viewer) {
            return Err(Problem::forbidden(
                "only its owner and those who manage the meeting mark an action",
            ));
        }
        check_unchanged(&headers, &entry, &caller.viewer)?;
        let status = ActionStatus::from(change.status);
        if before.status != status {
            asked.service.set_action_status(&id, &action, status)?;
        }
        Ok(ListedActionView::of(&find()?.0, can_manage, &caller.viewer))
    });
    Ok(Json(view.await?))
}

impl ActionQuery {
    fn wants(&self, action: &ListedAction) -> bool {
        let is_of_state = match self.status {
            WantedStatus::Open => action.status == ActionStatus::Open,
            WantedStatus::Done => action.status == ActionStatus::Done,
            WantedStatus::All => true,
        };
        is_of_state
            && self.owner.as_ref().is_none_or(|owner| action.is_owned_by(owner))
            && self
                .meeting
                .as_ref()
                .is_none_or(|meeting| action.meeting.as_str() == meeting)
    }
}

impl ListedActionView {
    fn of(listed: &ListedAction, can_manage: bool, viewer: &Viewer) -> Self {
        Self {
            meeting: listed.meeting.to_string(),
            meeting_title: listed.meeting_title.clone(),
            started_at: listed.started_at,
            can_mark: can_mark(listed, can_manage, viewer),
            action: ActionView::of(&listed.action, listed.status),
        }
    }
}

/// Whoever is to do a thing may say that it is done.
fn can_mark(listed: &ListedAction, can_manage: bool, viewer: &Viewer) -> bool {
    let Viewer::Person { person, .. } = viewer else {
        return true;
    };
    can_manage
        || listed
            .action
            .owner
            .as_ref()
            .is_some_and(|owner| owner.person == *person)
}
