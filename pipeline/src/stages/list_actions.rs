//! The actions of meetings, one by one, each with its state and where it was taken on.

use std::collections::BTreeMap;

use datasets::library::Library;
use datasets::{ActionItem, ActionStatus, Meeting, MeetingId, Minutes, StatementId, Viewer};
use jiff::Timestamp;
use serde::Serialize;

/// An action with its state and its meeting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListedAction {
    /// Where it was taken on.
    pub meeting: MeetingId,
    /// The meeting as people call it.
    pub meeting_title: String,
    /// When that meeting began.
    pub started_at: Option<Timestamp>,
    /// Whether it is still to be done.
    pub status: ActionStatus,
    /// Task, owner, due date and evidence.
    #[serde(flatten)]
    pub action: ActionItem,
}

impl ListedAction {
    /// Whether `owner`, a name or the id of a person, is to do it.
    pub fn is_owned_by(&self, owner: &str) -> bool {
        let wanted = owner.to_lowercase();
        let of = |owner: &datasets::Owner| owner.name.to_lowercase() == wanted || owner.person.as_str() == wanted;
        self.action.owner.as_ref().is_some_and(of)
    }
}

/// The actions of all meetings that `viewer` may see, in the order of the meetings.
///
/// # Errors
/// When an artifact cannot be read.
pub fn list_actions(library: &Library, viewer: &Viewer) -> anyhow::Result<Vec<ListedAction>> {
    let mut listed = Vec::new();
    for id in library.meeting_ids()? {
        let meeting = library.meeting(&id)?;
        if meeting.is_visible_to(viewer) {
            let statuses = library.action_statuses(&id)?;
            listed.extend(actions_of(&meeting, library.minutes(&id)?.as_ref(), &statuses));
        }
    }
    listed.sort_by(|left, right| (left.started_at, &left.meeting).cmp(&(right.started_at, &right.meeting)));
    Ok(listed)
}

/// The actions of one meeting, in the order of its minutes.
pub fn actions_of(
    meeting: &Meeting,
    minutes: Option<&Minutes>,
    statuses: &BTreeMap<StatementId, ActionStatus>,
) -> Vec<ListedAction> {
    let actions = minutes.into_iter().flat_map(|minutes| &minutes.actions);
    actions
        .map(|action| ListedAction {
            meeting: meeting.id.clone(),
            meeting_title: meeting.title.clone(),
            started_at: meeting.started_at,
            status: statuses.get(&action.statement.id).copied().unwrap_or_default(),
            action: action.clone(),
        })
        .collect()
}
