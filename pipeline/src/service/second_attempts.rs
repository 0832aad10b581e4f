//! What a job finds that was cut short after its meeting could be seen, and runs once more: people may have deleted or
//! renamed it meanwhile, and that stands.

use datasets::{Meeting, MeetingId};

use super::Service;
use super::queue::Job;

/// Whether an attempt of `job` before this one made the meeting `id`, and somebody deleted it.
///
/// # Errors
/// When the library cannot be read.
pub(super) fn was_deleted(service: &Service, job: &Job, id: &MeetingId) -> anyhow::Result<bool> {
    Ok(!service.library.contains(id)? && service.library.was_forgotten(id, job.created_at)?)
}

/// Gives `meeting` what people may have changed of the one that an attempt before made.
pub(super) fn keep_changes(held: &Meeting, meeting: &mut Meeting) {
    meeting.title.clone_from(&held.title);
    meeting.series.clone_from(&held.series);
    meeting.started_at = held.started_at;
}
