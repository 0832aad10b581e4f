//! Jobs: what became of uploads and watched files, as it goes on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use datasets::Viewer;
use futures_util::stream::{Stream, unfold};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Reader, Writer, caller_still};
use super::input::{Part, Query};
use super::problem::{Answer, Problem, ProblemBody};
use super::router::Api;
use super::wire::serde_name;
use crate::service::queue::{Job, JobId, JobState, Lane, Step};
use crate::service::tokens::Scope;

/// Jobs on a page, unless asked otherwise, and at most.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 500;
/// A comment is sent after this time without an event, so that proxies keep the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often is asked whether the listener may still be here.
const RECHECK: Duration = Duration::from_secs(5);

/// Which jobs are listed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JobQuery {
    /// `queued`, `running`, `done` or `dead`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    state: Option<JobState>,
    /// Most jobs; 50 unless said otherwise, 500 at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// A page of jobs, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct JobPage {
    items: Vec<JobView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A job.
#[derive(Serialize, ToSchema)]
pub(super) struct JobView {
    id: String,
    /// `queued`, `running`, `done` or `dead`.
    state: String,
    /// `text`, `speech` or `live`.
    lane: String,
    file_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    attempts: u32,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressView>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The meetings that came of it.
    meetings: Vec<String>,
}

/// How far a running job is.
#[derive(Serialize, ToSchema)]
pub(super) struct ProgressView {
    /// `reading`, `transcribing`, `minutes` or `writing`.
    step: String,
    /// Milliseconds of sound, meetings, or passages.
    done: u64,
    total: u64,
}

/// Lists the caller's jobs; the operator's list holds all
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(JobQuery),
    responses((status = 200, body = JobPage), (status = "4XX", body = ProblemBody)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Query(query): Query<JobQuery>,
) -> Answer<Json<JobPage>> {
    let limit = query.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let asked = Arc::clone(&api);
    let page = api.reading.run(move || {
        let before = query.cursor.map(JobId);
        let queue = &asked.service.queue;
        let mut jobs = queue.list(caller.person(), query.state, before.as_ref(), limit + 1)?;
        let has_more = jobs.len() > limit;
        jobs.truncate(limit);
        let next = jobs.last().filter(|_| has_more).map(|job| job.id.0.clone());
        let items = jobs.into_iter().map(|job| asked.view(job, &caller.viewer)).collect();
        Ok(JobPage { items, next })
    });
    Ok(Json(page.await?))
}

/// Reads a job
#[utoipa::path(get, path = "/v1/jobs/{job}", tag = "jobs", params(("job" = String, Path)),
    responses((status = 200, body = JobView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn read(State(api): State<Arc<Api>>, caller: Reader, Part(id): Part<String>) -> Answer<Json<JobView>> {
    let asked = Arc::clone(&api);
    let job = api.reading.run(move || {
        let job = asked.own_job(&id, &caller)?;
        Ok(asked.view(job, &caller.viewer))
    });
    Ok(Json(job.await?))
}

/// Tells how a job goes on, as server-sent events, until it is done or dead
#[utoipa::path(get, path = "/v1/jobs/{job}/events", tag = "jobs", params(("job" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", description = "Events `job` with a job each", body = String), (status = "4XX", body = ProblemBody)))]
pub(super) async fn events(
    State(api): State<Arc<Api>>,
    caller: Reader,
    Part(id): Part<String>,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    // Before the job is read: what happens between the two is heard.
    let changes = api.service.queue.subscribe();
    let (asked, who, name) = (Arc::clone(&api), caller.clone(), id.clone());
    api.reading.run(move || asked.own_job(&name, &who).map(drop)).await?;
    let mut recheck = interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    recheck.reset();
    let following = Following {
        stopping: api.stopping.clone(),
        api,
        caller,
        headers,
        recheck,
        id: JobId(id),
        changes,
        is_first: true,
        is_over: false,
    };
    let stream = unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok(event), following))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Tries a dead job again
#[utoipa::path(post, path = "/v1/jobs/{job}/retry", tag = "jobs", params(("job" = String, Path)),
    responses((status = 200, body = JobView), (status = "4XX", body = ProblemBody)))]
pub(super) async fn retry(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
) -> Answer<Json<JobView>> {
    let asked = Arc::clone(&api);
    let job = api.writing.run(move || {
        let job = asked.own_job(&id, &caller)?;
        let upload = job.parameters.upload.as_deref().filter(|_| job.state == JobState::Dead);
        if let Some(upload) = upload
            && asked.service.uploads.get(upload)?.is_none()
        {
            return Err(Problem::conflict("its file is gone: send it again"));
        }
        if !asked.service.queue.retry(&job.id)? {
            return Err(Problem::conflict("only a dead job can be tried again"));
        }
        let job = asked.own_job(&id, &caller)?;
        Ok(asked.view(job, &caller.viewer))
    });
    Ok(Json(job.await?))
}

/// Removes a job that waits or is dead, with its file, and one that transcribes; of one whose minutes a language model
/// writes, ends the writing: the meeting stays, with the minutes that it has
#[utoipa::path(delete, path = "/v1/jobs/{job}", tag = "jobs", params(("job" = String, Path)),
    responses((status = 202, description = "It ends with the next seconds of sound, or the next word"), (status = 204), (status = "4XX", body = ProblemBody)))]
pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    Writer(caller): Writer,
    Part(id): Part<String>,
) -> Answer<StatusCode> {
    let asked = Arc::clone(&api);
    let cancelled = api.writing.run(move || {
        let job = asked.own_job(&id, &caller)?;
        let queue = &asked.service.queue;
        if job.lane == Lane::Live && job.state != JobState::Running {
            return Err(Problem::conflict("it is a live meeting: delete that"));
        }
        let Some(job) = queue.cancel(&job.id)? else {
            let job = asked.own_job(&id, &caller)?;
            if !can_stop(&job) {
                return Err(Problem::conflict("the job is nearly done, or done"));
            }
            queue.ask_to_stop(&job.id);
            return Ok(StatusCode::ACCEPTED);
        };
        if let Some(upload) = &job.parameters.upload {
            asked.service.uploads.remove(upload)?;
        }
        Ok(StatusCode::NO_CONTENT)
    });
    cancelled.await
}

/// Whether a job is at work on what may be left out. Of a live meeting the recording is not: who does not want it deletes
/// the live meeting.
fn can_stop(job: &Job) -> bool {
    let is_hearing = |step| job.lane == Lane::Speech && matches!(step, Step::Reading | Step::Transcribing);
    let step = job.progress.map(|progress| progress.step);
    step.is_some_and(|step| step == Step::Writing || is_hearing(step))
}

impl JobView {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Api {
    /// The job, when it is the caller's or the caller is the operator.
    fn own_job(&self, id: &str, caller: &Reader) -> Answer<Job> {
        let job = self.service.queue.get(&JobId(id.to_owned()))?;
        let is_own = |job: &Job| caller.viewer == Viewer::Operator || job.owner.as_ref() == caller.person();
        job.filter(is_own).ok_or_else(Problem::not_found)
    }

    /// The job as the caller may see it: a meeting that was given away since is not named.
    pub(super) fn view(&self, job: Job, viewer: &Viewer) -> JobView {
        let seen = job
            .meetings
            .iter()
            .filter(|id| self.service.catalog.visible(id, viewer).is_some());
        JobView {
            meetings: seen.map(ToString::to_string).collect(),
            state: serde_name(&job.state),
            lane: serde_name(&job.lane),
            file_name: job.parameters.file_name,
            title: job.parameters.title,
            attempts: job.attempts,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            progress: job.progress.map(|progress| ProgressView {
                step: serde_name(&progress.step),
                done: progress.done,
                total: progress.total,
            }),
            error: job.error,
            id: job.id.0,
        }
    }
}

/// Somebody who follows a job.
struct Following {
    api: Arc<Api>,
    caller: Reader,
    /// Of the call: who listens.
    headers: HeaderMap,
    recheck: Interval,
    id: JobId,
    changes: broadcast::Receiver<JobId>,
    stopping: watch::Receiver<bool>,
    is_first: bool,
    is_over: bool,
}

impl Following {
    /// The next event: the job as it stands first, then after each change; none after its end.
    async fn next(&mut self) -> Option<Event> {
        if self.is_over {
            return None;
        }
        if !std::mem::take(&mut self.is_first) {
            self.change().await?;
        }
        let (asked, caller, id) = (Arc::clone(&self.api), self.caller.clone(), self.id.clone());
        let read = tokio::task::spawn_blocking(move || asked.own_job(&id.0, &caller)).await;
        let job = read.ok()?.ok()?;
        self.is_over = matches!(job.state, JobState::Done | JobState::Dead);
        Event::default()
            .event("job")
            .json_data(self.api.view(job, &self.caller.viewer))
            .ok()
    }

    /// Waits for a change of the job; `None` when the server stops, or the listener's token is no longer good.
    async fn change(&mut self) -> Option<()> {
        loop {
            let is_to_be_rechecked = tokio::select! {
                _ = self.recheck.tick() => true,
                change = self.changes.recv() => match change {
                    Ok(id) if id == self.id => return Some(()),
                    Ok(_) => false,
                    // Something was missed, so it may have been ours.
                    Err(RecvError::Lagged(_)) => return Some(()),
                    Err(RecvError::Closed) => return None,
                },
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            };
            if is_to_be_rechecked {
                let caller = caller_still(&self.api, &self.headers, Scope::Read, &self.caller).await;
                self.caller = caller.ok()?;
            }
        }
    }
}
