//! The queue of jobs, on disk: what was accepted is done, once, even when the process is killed at any step.
//!
//! A job is what to do with which parameters, pinned when it is made. Workers take the job of the highest priority of
//! their lane, the oldest first. A failed job is tried again after a while, and a few times; then it is dead, with the
//! reason, until somebody retries it. A job that ended with the process is taken up again; one that ends the process
//! each time is dead too.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use datasets::{MeetingId, PersonId};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use super::run_parameters::RunParameters;
use super::store::{Store, fresh_id, now_ms, timestamp};
use super::webhooks::announce;

/// Failures before a job is dead.
const ATTEMPTS_MAX: u32 = 3;
/// Ends of the process while a job ran before the job is held for the cause.
const INTERRUPTIONS_MAX: u32 = 20;
/// The wait after the first failure; five times longer after each further one.
const RETRY_WAIT_MS: i64 = 5_000;
/// The parameters of a job of which is known only that it was done.
const FORGOTTEN: &str = "{}";
/// Events that a slow listener may be behind.
const EVENTS_KEPT: usize = 256;

/// What tells one job from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

/// Which worker takes a job: what is quick never waits behind what takes hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Transcripts.
    Text,
    /// Recordings, and whatever a language model is to write.
    Speech,
    /// Live meetings that have ended: somebody waits for them.
    Live,
}

/// What has become of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// At work.
    Running,
    /// Done.
    Done,
    /// Given up, with the reason.
    Dead,
}

/// A job as it is submitted.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Which worker takes it.
    pub lane: Lane,
    /// The highest first.
    pub priority: i64,
    /// What to do.
    pub parameters: RunParameters,
    /// Who asks; `None` for the operator.
    pub owner: Option<PersonId>,
    /// The same key is the same job.
    pub idempotency_key: Option<String>,
}

/// A job as it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// Which worker takes it.
    pub lane: Lane,
    /// The highest first.
    pub priority: i64,
    /// What has become of it.
    pub state: JobState,
    /// What to do.
    pub parameters: RunParameters,
    /// Who asked for it; `None` for the operator.
    pub owner: Option<PersonId>,
    /// Attempts that failed.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it was done or given up.
    pub finished_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// The meetings that came of it.
    pub meetings: Vec<MeetingId>,
    /// How far it is, while it runs.
    pub progress: Option<Progress>,
}

/// How far a running job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// Done of that, in milliseconds of sound, meetings or tokens.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// A step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The file is read.
    Reading,
    /// The recording is transcribed.
    Transcribing,
    /// Minutes are made, and the meeting is indexed.
    Minutes,
    /// A language model writes them anew.
    Writing,
}

/// Whether trying again could help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After a while.
    Later,
    /// Never: the input is at fault.
    Never,
}

/// The queue.
pub struct Queue {
    store: Arc<Store>,
    progress: Mutex<HashMap<JobId, Progress>>,
    /// Running jobs that somebody asked to stop.
    stopping: Mutex<HashSet<JobId>>,
    changed: Mutex<u64>,
    wake: Condvar,
    events: broadcast::Sender<JobId>,
}

const COLUMNS: &str =
    "id, lane, priority, state, parameters, owner, attempts, created_at, started_at, finished_at, error, meetings";

impl Queue {
    /// The queue in `store`. Jobs that ran when the process ended are queued again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn open(store: Arc<Store>) -> anyhow::Result<Self> {
        end_in(
            &store,
            "update jobs set interruptions = interruptions + 1, started_at = null,
                 state = iif(interruptions + 1 >= ?1, 'dead', 'queued'),
                 finished_at = iif(interruptions + 1 >= ?1, ?2, null),
                 error = iif(interruptions + 1 >= ?1, 'the server ended each time while the job ran', error)
             where state = 'running'",
            params![INTERRUPTIONS_MAX, now_ms()],
        )?;
        Ok(Self::over(store))
    }

    /// The queue in `store` beside the server that works on it.
    pub fn over(store: Arc<Store>) -> Self {
        Self {
            store,
            progress: Mutex::default(),
            stopping: Mutex::default(),
            changed: Mutex::default(),
            wake: Condvar::new(),
            events: broadcast::Sender::new(EVENTS_KEPT),
        }
    }

    /// Adds a job. One with a known key is not added again: the job of that key is returned.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn submit(&self, new: &NewJob) -> anyhow::Result<Job> {
        let id = JobId(fresh_id());
        let connection = self.store.connection();
        connection.execute(
            "insert into jobs (id, lane, priority, state, parameters, owner, idempotency_key, not_before, created_at)
             values (?1, ?2, ?3, 'queued', ?4, ?5, ?6, ?7, ?7) on conflict (idempotency_key) do nothing",
            params![
                id.0,
                lane_name(new.lane),
                new.priority,
                serde_json::to_string(&new.parameters)?,
                new.owner.as_ref().map(PersonId::as_str),
                new.idempotency_key,
                now_ms()
            ],
        )?;
        let sql = format!("select {COLUMNS} from jobs where id = ?1 or idempotency_key = ?2");
        let job = connection.query_row(&sql, params![id.0, new.idempotency_key], read_job)??;
        drop(connection);
        self.tell(&job.id);
        Ok(job)
    }

    /// Whether a job of this key was ever submitted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn knows(&self, idempotency_key: &str) -> anyhow::Result<bool> {
        let connection = self.store.connection();
        let mut statement = connection.prepare_cached("select 1 from jobs where idempotency_key = ?1")?;
        Ok(statement.exists([idempotency_key])?)
    }

    /// Takes the next job of a lane: it is running from now on.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn take(&self, lane: Lane) -> anyhow::Result<Option<Job>> {
        let sql = format!(
            "update jobs set state = 'running', started_at = ?2
             where id = (select id from jobs where state = 'queued' and lane = ?1 and not_before <= ?2
                         order by priority desc, id limit 1)
             returning {COLUMNS}"
        );
        let row = self
            .store
            .connection()
            .query_row(&sql, params![lane_name(lane), now_ms()], read_job);
        let job = row.optional()?.transpose()?;
        if let Some(job) = &job {
            self.tell(&job.id);
        }
        Ok(job)
    }

    /// Waits until there may be something new to take, at most `patience`.
    pub fn wait(&self, seen: &mut u64, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        while *changed == *seen {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            changed = self
                .wake
                .wait_timeout(changed, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        *seen = *changed;
    }

    /// Says how far a running job is.
    pub fn report(&self, id: &JobId, progress: Progress) {
        let mut all = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if all.insert(id.clone(), progress) != Some(progress) {
            // Nobody may be listening.
            let _ = self.events.send(id.clone());
        }
    }

    /// The job is done, and these meetings came of it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn finish(&self, id: &JobId, meetings: &[MeetingId]) -> anyhow::Result<Job> {
        end_in(
            &self.store,
            "update jobs set state = 'done', finished_at = ?2, meetings = ?3, error = null where id = ?1",
            params![id.0, now_ms(), serde_json::to_string(meetings)?],
        )?;
        self.ended(id)
    }

    /// An attempt failed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn fail(&self, id: &JobId, error: &str, retry: Retry) -> anyhow::Result<Job> {
        let attempts_max = if retry == Retry::Later { ATTEMPTS_MAX } else { 1 };
        end_in(
            &self.store,
            "update jobs set attempts = attempts + 1, error = ?2, started_at = null,
                 state = iif(attempts + 1 >= ?3, 'dead', 'queued'),
                 finished_at = iif(attempts + 1 >= ?3, ?4, null),
                 not_before = ?4 + ?5 * iif(attempts = 0, 1, 5)
             where id = ?1",
            params![id.0, error, attempts_max, now_ms(), RETRY_WAIT_MS],
        )?;
        self.ended(id)
    }

    /// Tries a dead job again; `false` when there is no such dead job.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn retry(&self, id: &JobId) -> anyhow::Result<bool> {
        let changed = self.store.connection().execute(
            "update jobs set state = 'queued', attempts = 0, interruptions = 0, not_before = ?2, finished_at = null
             where id = ?1 and state = 'dead'",
            params![id.0, now_ms()],
        )?;
        self.tell(id);
        Ok(changed > 0)
    }

    /// Removes a job that waits or is dead, and returns it; `None` when there is none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn cancel(&self, id: &JobId) -> anyhow::Result<Option<Job>> {
        self.remove("id = ?1 and state in ('queued', 'dead')", id)
    }

    /// Removes a running job that ended because it was asked to stop.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove_stopped(&self, id: &JobId) -> anyhow::Result<()> {
        self.remove("id = ?1", id).map(drop)
    }

    fn remove(&self, is_removed: &str, id: &JobId) -> anyhow::Result<Option<Job>> {
        let sql = format!("select {COLUMNS} from jobs where {is_removed}");
        let mut connection = self.store.connection();
        let transaction = connection.transaction()?;
        let job = transaction.query_row(&sql, [&id.0], read_job).optional()?.transpose()?;
        forget_in(&transaction, is_removed, &id.0)?;
        transaction.commit()?;
        drop(connection);
        if job.is_some() {
            self.leave(id);
        }
        Ok(job)
    }

    /// Asks a running job to leave out what is still to be done and can be left out; one that has heard nothing whole yet
    /// ends without a meeting.
    pub fn ask_to_stop(&self, id: &JobId) {
        let mut stopping = self.stopping.lock().unwrap_or_else(PoisonError::into_inner);
        stopping.insert(id.clone());
    }

    /// Whether a job was asked to stop.
    pub fn is_to_stop(&self, id: &JobId) -> bool {
        let stopping = self.stopping.lock().unwrap_or_else(PoisonError::into_inner);
        stopping.contains(id)
    }

    /// One job.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn get(&self, id: &JobId) -> anyhow::Result<Option<Job>> {
        let sql = format!("select {COLUMNS} from jobs where id = ?1");
        let row = self.store.connection().query_row(&sql, [&id.0], read_job);
        let job = row.optional()?.transpose()?;
        Ok(job.map(|job| self.with_progress(job)))
    }

    /// Jobs, the newest first: those of `owner` where one is named, those in `state` where one is named, those made
    /// before `before` where one is named.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        owner: Option<&PersonId>,
        state: Option<JobState>,
        before: Option<&JobId>,
        limit: usize,
    ) -> anyhow::Result<Vec<Job>> {
        let sql = format!(
            "select {COLUMNS} from jobs where (?1 is null or owner = ?1) and (?2 is null or state = ?2)
             and (?3 is null or id < ?3) and parameters <> '{FORGOTTEN}' order by id desc limit ?4"
        );
        let connection = self.store.connection();
        let mut statement = connection.prepare_cached(&sql)?;
        let owner = owner.map(PersonId::as_str);
        let before = before.map(|id| id.0.as_str());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![owner, state.map(state_name), before, limit], read_job)?;
        let jobs: anyhow::Result<Vec<Job>> = rows.map(|row| row?).collect();
        Ok(jobs?.into_iter().map(|job| self.with_progress(job)).collect())
    }

    /// How many jobs are in each state.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn counts(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let connection = self.store.connection();
        let mut statement = connection.prepare_cached("select state, count(*) from jobs group by state")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets the jobs that made a meeting.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_meeting(&self, id: &MeetingId) -> anyhow::Result<()> {
        self.forget_jobs("value = ?1", id.as_str())
    }

    /// Forgets the jobs that made a meeting which is not among `held`: its deletion was cut short before its jobs were
    /// forgotten.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_all_but(&self, held: &[MeetingId]) -> anyhow::Result<()> {
        let held = serde_json::to_string(held)?;
        self.forget_jobs("value not in (select value from json_each(?1))", &held)
    }

    /// Forgets the jobs that are done and made a meeting whose `value` is as said.
    fn forget_jobs(&self, is_meeting: &str, parameter: &str) -> anyhow::Result<()> {
        let of_meeting = format!("state = 'done' and exists (select 1 from json_each(meetings) where {is_meeting})");
        let mut connection = self.store.connection();
        let transaction = connection.transaction()?;
        forget_in(&transaction, &of_meeting, parameter)?;
        Ok(transaction.commit()?)
    }

    /// Hears of every change of a job.
    pub fn subscribe(&self) -> broadcast::Receiver<JobId> {
        self.events.subscribe()
    }

    /// The job is at work no more.
    fn leave(&self, id: &JobId) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.stopping.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.tell(id);
    }

    fn ended(&self, id: &JobId) -> anyhow::Result<Job> {
        self.leave(id);
        self.get(id)?.context("the job that ended is known")
    }

    fn tell(&self, id: &JobId) {
        *self.changed.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.wake.notify_all();
        // Nobody may be listening.
        let _ = self.events.send(id.clone());
    }

    fn with_progress(&self, mut job: Job) -> Job {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        job.progress = progress
            .get(&job.id)
            .copied()
            .filter(|_| job.state == JobState::Running);
        job
    }
}

/// Forgets jobs. Of a watched file stays that it was taken: it may still be there, and what was deleted must not come back.
fn forget_in(transaction: &Transaction<'_>, is_forgotten: &str, parameter: &str) -> anyhow::Result<()> {
    let known = format!("({is_forgotten}) and parameters <> '{FORGOTTEN}'");
    transaction.execute(
        &format!(
            "update jobs set state = 'done', parameters = '{FORGOTTEN}', owner = null, meetings = '[]', error = null
             where {known} and idempotency_key like 'watched %'"
        ),
        [parameter],
    )?;
    transaction.execute(&format!("delete from jobs where {known}"), [parameter])?;
    Ok(())
}

/// Changes jobs by `sql`. Of those that have ended with it webhooks are told, if only when the process is there again.
fn end_in(store: &Store, sql: &str, parameters: impl rusqlite::Params) -> anyhow::Result<()> {
    let mut connection = store.connection();
    let transaction = connection.transaction()?;
    let mut statement = transaction.prepare(&format!("{sql} returning {COLUMNS}"))?;
    let changed = statement.query_map(parameters, read_job)?;
    let changed: anyhow::Result<Vec<Job>> = changed.map(|row| row?).collect();
    drop(statement);
    for job in changed? {
        if matches!(job.state, JobState::Done | JobState::Dead) {
            announce(&transaction, &job)?;
        }
    }
    Ok(transaction.commit()?)
}

fn read_job(row: &Row<'_>) -> rusqlite::Result<anyhow::Result<Job>> {
    let (lane, state, parameters): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
    let (started_at, finished_at): (Option<i64>, Option<i64>) = (row.get(8)?, row.get(9)?);
    let (id, meetings): (String, Option<String>) = (row.get(0)?, row.get(11)?);
    let (priority, owner, attempts, created_at, error) = (
        row.get(2)?,
        row.get::<_, Option<String>>(5)?,
        row.get(6)?,
        row.get(7)?,
        row.get(10)?,
    );
    Ok((|| {
        Ok(Job {
            lane: named(&lane)?,
            state: named(&state)?,
            parameters: serde_json::from_str(&parameters)?,
            meetings: meetings.map_or(Ok(Vec::new()), |meetings| serde_json::from_str(&meetings))?,
            owner: owner.map(PersonId::new),
            priority,
            attempts,
            created_at: timestamp(created_at),
            started_at: started_at.map(timestamp),
            finished_at: finished_at.map(timestamp),
            error,
            progress: None,
            id: JobId(id.clone()),
        })
    })()
    .map_err(|error: serde_json::Error| anyhow::Error::new(error).context(format!("reading job {id}"))))
}

fn named<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, serde_json::Error> {
    serde_json::from_value(serde_json::Value::from(name))
}

fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Text => "text",
        Lane::Speech => "speech",
        Lane::Live => "live",
    }
}

fn state_name(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Dead => "dead",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(folder: &tempfile::TempDir) -> Queue {
        Queue::open(Arc::new(Store::open(folder.path()).unwrap())).unwrap()
    }

    fn new(priority: i64) -> NewJob {
        NewJob {
            lane: Lane::Text,
            priority,
            parameters: RunParameters::default(),
            owner: None,
            idempotency_key: None,
        }
    }

    #[test]
    fn the_most_urgent_is_taken_first_and_then_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(&folder);
        let ids = [0, 9, 0].map(|priority| queue.submit(&new(priority)).unwrap().id);
        assert!(queue.take(Lane::Speech).unwrap().is_none());
        let mut taken: Vec<JobId> = Vec::new();
        while let Some(job) = queue.take(Lane::Text).unwrap() {
            taken.push(job.id);
        }
        assert_eq!(taken[0], ids[1]);
        assert_eq!(taken.len(), 3);
    }

    #[test]
    fn the_same_key_is_one_job() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(&folder);
        let keyed = NewJob {
            idempotency_key: Some("a file".to_owned()),
            ..new(0)
        };
        let first = queue.submit(&keyed).unwrap();
        assert_eq!(queue.submit(&keyed).unwrap().id, first.id);
        assert!(queue.knows("a file").unwrap() && !queue.knows("another").unwrap());
        assert_eq!(queue.list(None, None, None, 10).unwrap().len(), 1);
    }

    #[test]
    fn what_ran_when_the_process_ended_is_taken_again_with_its_parameters() {
        let folder = tempfile::tempdir().unwrap();
        let mut submitted = new(0);
        submitted.parameters.title = Some("Weekly".to_owned());
        let id = {
            let queue = queue(&folder);
            let id = queue.submit(&submitted).unwrap().id;
            assert_eq!(queue.take(Lane::Text).unwrap().unwrap().id, id);
            assert!(
                queue.take(Lane::Text).unwrap().is_none(),
                "a running job is not taken twice"
            );
            id
        };
        let queue = queue(&folder);
        let again = queue.take(Lane::Text).unwrap().unwrap();
        assert_eq!((&again.id, &again.parameters), (&id, &submitted.parameters));
        assert_eq!(again.attempts, 0, "an end of the process is no failure of the job");
    }

    #[test]
    fn a_job_that_ends_the_process_each_time_is_dead() {
        let folder = tempfile::tempdir().unwrap();
        let id = queue(&folder).submit(&new(0)).unwrap().id;
        for _ in 0..INTERRUPTIONS_MAX {
            assert!(queue(&folder).take(Lane::Text).unwrap().is_some());
        }
        let queue = queue(&folder);
        assert!(queue.take(Lane::Text).unwrap().is_none());
        assert_eq!(queue.get(&id).unwrap().unwrap().state, JobState::Dead);
    }

    #[test]
    fn failures_are_bounded_and_a_dead_job_can_be_retried() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(&folder);
        let id = queue.submit(&new(0)).unwrap().id;
        for attempt in 1..=ATTEMPTS_MAX {
            queue.take(Lane::Text).unwrap();
            let job = queue.fail(&id, "no space left", Retry::Later).unwrap();
            let expected = if attempt < ATTEMPTS_MAX {
                JobState::Queued
            } else {
                JobState::Dead
            };
            assert_eq!((job.state, job.attempts), (expected, attempt));
            assert!(
                queue.take(Lane::Text).unwrap().is_none(),
                "it waits before it is tried again"
            );
            queue
                .store
                .connection()
                .execute("update jobs set not_before = 0", [])
                .unwrap();
        }
        assert!(queue.retry(&id).unwrap());
        assert!(!queue.retry(&id).unwrap());
        let job = queue.fail(&id, "broken file", Retry::Never).unwrap();
        assert_eq!((job.state, job.error.as_deref()), (JobState::Dead, Some("broken file")));
        assert!(queue.cancel(&id).unwrap().is_some() && queue.get(&id).unwrap().is_none());
    }

    #[test]
    fn a_job_that_is_taken_back_is_forgotten_and_a_watched_file_not_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue(&folder);
        let watched = NewJob {
            idempotency_key: Some("watched talk.wav".to_owned()),
            ..new(9)
        };
        let running = queue.submit(&watched).unwrap().id;
        assert_eq!(queue.take(Lane::Text).unwrap().unwrap().id, running);
        queue.ask_to_stop(&running);
        assert!(queue.cancel(&running).unwrap().is_none(), "what runs ends first");
        assert!(queue.is_to_stop(&running));
        queue.remove_stopped(&running).unwrap();
        assert!(!queue.is_to_stop(&running));
        let waiting = queue.submit(&new(0)).unwrap().id;
        assert!(queue.cancel(&waiting).unwrap().is_some());
        assert!(queue.list(None, None, None, 10).unwrap().is_empty());
        assert!(queue.knows("watched talk.wav").unwrap());
        assert!(queue.take(Lane::Text).unwrap().is_none());
    }
}
