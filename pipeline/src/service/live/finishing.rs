//! From the last sound of a live meeting to the meeting in the library: by a job, so that it is done, once, whatever
//! becomes of the process. What a process that was killed left behind is taken up when the next one starts.

use std::sync::Arc;
use std::time::Instant;

use datasets::{MeetingId, Viewer};

use super::advice::advise;
use super::session::{LiveSession, Scribe};
use super::{CUT_SHORT, LiveJob, left_behind};
use crate::live::{LiveEngine, LiveFolder, Order, Source, complete_meeting, keep_completed, listen};
use crate::service::Service;
use crate::service::queue::{Job, JobId, Lane, NewJob, Step};
use crate::service::run_parameters::RunParameters;
use crate::service::second_attempts::{keep_changes, was_deleted};
use crate::service::worker::{Models, index_kept, report, rewrite_minutes};
use crate::traces;

/// Before what people upload: somebody waits for the minutes.
const PRIORITY: i64 = 20;

/// Holds a meeting from its first sound to its last, and hands it over to a job.
pub(super) fn hold(
    service: &Service,
    session: &Arc<LiveSession>,
    folder: LiveFolder,
    source: &Source,
    engine: &LiveEngine,
) {
    let began = Instant::now();
    let listening = || {
        let vocabulary = folder.vocabulary()?;
        listen(
            &folder,
            source,
            engine,
            &vocabulary,
            &session.stop,
            &mut Scribe(session),
        )
    };
    let listened = match listening() {
        Ok(listened) => listened,
        Err(error) => {
            tracing::error!(meeting = %session.id(), error = format!("{error:#}"), "a live meeting cannot begin");
            // Nothing was recorded.
            if let Err(error) = folder.remove() {
                tracing::warn!(error = format!("{error:#}"), "the folder of a live meeting stays");
            }
            return session.become_failed();
        }
    };
    session.become_ending();
    service.metrics.heard_live(session.recorded_sound());
    if folder.is_discarded() {
        return match folder.remove() {
            Ok(()) => session.become_finished(None),
            Err(error) => {
                // It is taken away when the server is started again.
                tracing::error!(meeting = %session.id(), error = format!("{error:#}"), "a discarded live meeting stays");
                session.become_failed();
            }
        };
    }
    advise(service, session);
    let mut warnings = listened.warnings;
    if let Some(failure) = &listened.failure {
        tracing::error!(meeting = %session.id(), error = format!("{failure:#}"), "a live meeting ended early");
        warnings.push("the recording ended early, because the server failed".to_owned());
    }
    tracing::info!(
        meeting = %session.id(),
        ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        words = listened.lag.words(),
        lag_ms_median = listened.lag.quantile_ms(0.5),
        lag_ms_p99 = listened.lag.quantile_ms(0.99),
        "a live meeting has ended"
    );
    let order = folder.order().clone();
    // The job opens it.
    drop(folder);
    match submit(service, session.id(), &order, warnings) {
        Ok(job) => session.become_ended(job),
        Err(error) => {
            // It is found when the server is started again.
            tracing::error!(meeting = %session.id(), error = format!("{error:#}"), "a live meeting is not queued");
            session.become_failed();
        }
    }
}

/// Queues what is left of live meetings that were cut short.
///
/// # Errors
/// When the library or the queue cannot be read. A folder that is damaged is reported and left.
pub(in crate::service) fn take_up(service: &Service) -> anyhow::Result<()> {
    for name in left_behind(&service.library)? {
        if let Err(error) = take_up_one(service, &name) {
            tracing::error!(
                meeting = name,
                error = format!("{error:#}"),
                "a live meeting cannot be recovered"
            );
        }
    }
    Ok(())
}

fn take_up_one(service: &Service, name: &str) -> anyhow::Result<()> {
    let Some(folder) = LiveFolder::open(&service.library, name)? else {
        return Ok(());
    };
    let order = folder.order().clone();
    // In which groups its owner is, nobody says now: it gets less for that, not more.
    let viewer = order
        .access
        .owner
        .clone()
        .map_or(Viewer::Operator, |person| Viewer::Person {
            domain: None,
            person,
            groups: Vec::new(),
        });
    let session = Arc::new(LiveSession::cut_short(
        &folder,
        viewer,
        audio::recover(folder.dir()).ok(),
    )?);
    drop(folder);
    service.live.insert(&session);
    let job = submit(service, session.id(), &order, vec![CUT_SHORT.to_owned()])?;
    tracing::info!(
        meeting = name,
        job = job.0,
        "a live meeting that was cut short is finished"
    );
    session.become_ended(job);
    Ok(())
}

fn submit(service: &Service, id: &MeetingId, order: &Order, warnings: Vec<String>) -> anyhow::Result<JobId> {
    let name = id.as_str().to_owned();
    let job = service.queue.submit(&NewJob {
        lane: Lane::Live,
        priority: PRIORITY,
        owner: order.access.owner.clone(),
        // However often it is found.
        idempotency_key: Some(format!("live {name}")),
        parameters: RunParameters {
            file_name: name.clone(),
            title: order.title.clone(),
            series: order.series.clone(),
            started_at: order.started_at,
            minutes_language: order.minutes_language,
            abstract_words: Some(order.abstract_words),
            spoken_language: order.language,
            speakers: order.speakers,
            speech: Some(order.speech()),
            minutes_engine: order.minutes_engine.clone(),
            owner: order.access.owner.clone(),
            visibility: order.access.visibility.clone(),
            live: Some(LiveJob { name, warnings }),
            ..RunParameters::default()
        },
    })?;
    Ok(job.id)
}

/// Makes the meeting of what is on disk.
pub(in crate::service) fn finish_live(
    service: &Service,
    models: &mut Models,
    job: &Job,
    live: &LiveJob,
) -> anyhow::Result<Vec<MeetingId>> {
    let id = MeetingId::new(&live.name);
    if !service.library.live_folder().join(&live.name).exists() {
        // An attempt before this one came to the end, or nothing was recorded.
        return Ok(if service.library.contains(&id)? {
            vec![id]
        } else {
            Vec::new()
        });
    }
    let Some(folder) = LiveFolder::open(&service.library, &live.name)? else {
        anyhow::bail!("another process is at work on the live meeting `{}`", live.name);
    };
    let step = traces::step("transcribe").entered();
    if folder.is_discarded() {
        folder.remove()?;
        return Ok(Vec::new());
    }
    if was_deleted(service, job, &id)? {
        folder.remove()?;
        return Ok(vec![id]);
    }
    let engine = service.live.engine(folder.order().speech())?;
    let mut on_progress = |done_ms, all_ms| report(service, &job.id, Step::Transcribing, done_ms, all_ms);
    let warnings = live.warnings.clone();
    let completed = complete_meeting(&folder, &service.library, &engine, warnings, &mut on_progress)?;
    let Some(mut completed) = completed.filter(|_| !folder.is_discarded()) else {
        folder.remove()?;
        return Ok(Vec::new());
    };
    if service.library.contains(&id)? {
        keep_changes(&service.library.meeting(&id)?, &mut completed.read.meeting);
    }
    service.metrics.suppressed_live(&completed.read.transcript);
    drop(engine);
    drop(step);
    report(service, &job.id, Step::Minutes, 0, 1);
    let step = traces::step("minutes").entered();
    let mut session = service.writing();
    let kept = keep_completed(&session.library, &folder, completed)?;
    for item in &folder.order().context {
        session.put_context_item(item)?;
    }
    drop(session);
    drop(step);
    index_kept(service, &kept)?;
    rewrite_minutes(service, models, job, &kept)?;
    folder.remove()?;
    Ok(vec![kept.meeting.id])
}
