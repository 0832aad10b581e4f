//! The people of the meetings that the caller may see.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use datasets::{ActionStatus, PersonId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Reader;
use super::input::Query;
use super::page::{cut, limit_of, read_cursor};
use super::problem::{Answer, ProblemBody};
use super::router::Api;

/// Which people are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleQuery {
    /// Letters of the name or address.
    #[serde(default)]
    q: Option<String>,
    /// Most people to list; 1000 unless said otherwise, 1000 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// A page of people, those of the most meetings first.
#[derive(Serialize, ToSchema)]
pub(super) struct PeopleList {
    items: Vec<PersonView>,
    /// The cursor of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Somebody who took part in meetings that the caller may see; nothing here counts others.
#[derive(Serialize, ToSchema)]
pub(super) struct PersonView {
    person: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    meetings: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_met: Option<Timestamp>,
    open_actions: usize,
}

/// Lists people
#[utoipa::path(get, path = "/v1/people", tag = "people", params(PeopleQuery),
    responses((status = 200, body = PeopleList), (status = "4XX", body = ProblemBody)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Query(query): Query<PeopleQuery>,
) -> Answer<Json<PeopleList>> {
    let limit = limit_of(query.limit);
    let after: Option<Key> = query.cursor.as_deref().map(read_cursor).transpose()?;
    let asked = Arc::clone(&api);
    let page = api.reading.run(move || {
        let mut people: BTreeMap<PersonId, PersonView> = BTreeMap::new();
        for entry in asked.service.catalog.all_visible(&caller.viewer) {
            for participant in &entry.meeting.participants {
                let person = people.entry(participant.person.clone()).or_insert_with(|| PersonView {
                    person: participant.person.to_string(),
                    name: participant.name.clone(),
                    email: participant.email.clone(),
                    meetings: 0,
                    last_met: None,
                    open_actions: 0,
                });
                person.meetings += 1;
                person.last_met = person.last_met.max(entry.meeting.started_at);
            }
            let open = entry
                .actions
                .iter()
                .filter(|action| action.status == ActionStatus::Open);
            for owner in open.filter_map(|action| action.action.owner.as_ref()) {
                if let Some(person) = people.get_mut(&owner.person) {
                    person.open_actions += 1;
                }
            }
        }
        let wanted = query.q.unwrap_or_default().to_lowercase();
        let mut items: Vec<PersonView> = people
            .into_values()
            .filter(|person| person.name.to_lowercase().contains(&wanted) || person.person.contains(&wanted))
            .collect();
        items.sort_by_cached_key(PersonView::key);
        if let Some(after) = &after {
            items.retain(|person| person.key() > *after);
        }
        let next = cut(&mut items, limit, PersonView::key);
        Ok(PeopleList { items, next })
    });
    Ok(Json(page.await?))
}

/// Place in the list.
type Key = (Reverse<usize>, String, String);

impl PersonView {
    fn key(&self) -> Key {
        (Reverse(self.meetings), self.name.clone(), self.person.clone())
    }
}
