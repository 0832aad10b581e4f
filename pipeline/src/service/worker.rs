//! Runs jobs: from a file to a meeting with minutes, in library and index, through the same stages as `greffier run`.
//! Each step finds what an attempt before it had done, so a job that was cut short anywhere ends where an undisturbed one
//! does, once.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use datasets::MeetingId;
use datasets::formats::{MeetingRead, ReadFileError};
use datasets::library::sha256_hex;
use minuting::generative::GenerateError;

use super::Service;
use super::live::{finish_live, take_up, tend};
use super::query_encoder::QueryEncoder;
use super::queue::{Job, JobId, JobState, Lane, Progress, Retry, Step};
use super::second_attempts::{keep_changes, was_deleted};
use crate::minutes_engine::{Engine, EngineOptions};
use crate::stages::index_meeting;
use crate::stages::keep_meeting::{KeptMeeting, SourceFile, assign_id, keep_meeting};
use crate::stages::read_recording::{hear, unheard_meeting};
use crate::stages::read_transcript::read_transcript;
use crate::stages::transcribe::{
    SpeechOptions, Transcriber, TranscriptionStopped, UnusableRecording, is_recording, remove_journals, sha256_of,
};
use crate::stages::write_minutes::remove_passages_of;
use crate::traces;

/// How long a worker with nothing to do waits before it looks for retries that have become due.
const PATIENCE: Duration = Duration::from_secs(1);
/// The engine of minutes that no language model wrote, as their provenance names it.
const EXTRACTIVE: &str = "extractive";

/// The workers of a server.
pub struct Workers {
    stopping: Arc<AtomicBool>,
    text: std::thread::JoinHandle<()>,
}

impl Workers {
    /// Takes up live meetings that were cut short, and starts one worker per lane, the messenger of webhooks, and who looks
    /// after live meetings.
    ///
    /// # Errors
    /// When a thread cannot be started, or the library cannot be read.
    pub fn start(service: &Arc<Service>) -> anyhow::Result<Self> {
        take_up(service)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let start = |name: &str, work: fn(&Service, &AtomicBool)| {
            let (service, stopping) = (Arc::clone(service), Arc::clone(&stopping));
            let builder = std::thread::Builder::new().name(name.to_owned());
            builder
                .spawn(move || work(&service, &stopping))
                .with_context(|| format!("starting the thread {name}"))
        };
        start("jobs-speech", |service, stopping| work(service, Lane::Speech, stopping))?;
        start("jobs-live", |service, stopping| work(service, Lane::Live, stopping))?;
        start("live-meetings", tend)?;
        start("webhooks", send_webhooks)?;
        Ok(Self {
            text: start("jobs-text", |service, stopping| work(service, Lane::Text, stopping))?,
            stopping,
        })
    }

    /// Takes no more jobs and waits for the quick one that is at work. A transcription is not waited for: every window
    /// that was recognized is on disk, and the job goes on when the server is started again.
    pub fn stop(self) {
        self.stopping.store(true, Ordering::Relaxed);
        if self.text.join().is_err() {
            tracing::error!("a worker had panicked");
        }
    }
}

fn work(service: &Service, lane: Lane, stopping: &AtomicBool) {
    let mut models = Models::default();
    let mut seen = 0;
    while !stopping.load(Ordering::Relaxed) {
        match service.queue.take(lane) {
            Ok(Some(job)) => attend(service, &mut models, &job),
            Ok(None) => service.queue.wait(&mut seen, PATIENCE),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the queue cannot be read");
                service.queue.wait(&mut seen, PATIENCE);
            }
        }
    }
}

/// Runs a job and writes down how it ended.
fn attend(service: &Service, models: &mut Models, job: &Job) {
    let began = Instant::now();
    let span = traces::job(&job.id.0, job.attempts, job.parameters.trace.as_deref());
    let _entered = span.enter();
    // A panic on one file is an error of that file.
    let run = std::panic::AssertUnwindSafe(|| run_job(service, models, job));
    let outcome =
        std::panic::catch_unwind(run).unwrap_or_else(|_| Err(anyhow::anyhow!("the program failed on this file")));
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let written = match outcome {
        Ok(meetings) => {
            tracing::info!(job = job.id.0, meetings = meetings.len(), ms, "a job is done");
            finish(service, job, &meetings)
        }
        Err(error) if error.is::<TranscriptionStopped>() => {
            tracing::info!(job = job.id.0, ms, "a job was taken back while it was at work");
            take_back(service, job)
        }
        Err(error) => {
            let retry = if is_of_input(&error) {
                Retry::Never
            } else {
                Retry::Later
            };
            let said = format!("{error:#}");
            service.metrics.job_failed();
            traces::failed(&span);
            tracing::warn!(job = job.id.0, error = said, ms, "a job failed");
            service.queue.fail(&job.id, &said, retry).map(|job| {
                if job.state == JobState::Dead {
                    job.parameters.live.iter().for_each(|live| service.live.failed(live));
                }
            })
        }
    };
    if let Err(error) = written {
        tracing::error!(
            job = job.id.0,
            error = format!("{error:#}"),
            "how a job ended cannot be written down"
        );
    }
}

/// Forgets a job that was stopped, with its file and what was heard of it.
fn take_back(service: &Service, job: &Job) -> anyhow::Result<()> {
    if let Ok(sha256) = sha256_of(&job.parameters.path) {
        remove_journals(&service.library, &sha256)?;
    }
    service.queue.remove_stopped(&job.id)?;
    match &job.parameters.upload {
        Some(upload) => service.uploads.remove(upload),
        None => Ok(()),
    }
}

fn finish(service: &Service, job: &Job, meetings: &[MeetingId]) -> anyhow::Result<()> {
    service.queue.finish(&job.id, meetings)?;
    // Deleted while the job was at work: nothing is to tell of it.
    for id in meetings {
        if !service.library.contains(id)? {
            service.queue.forget_meeting(id)?;
        }
    }
    job.parameters
        .live
        .iter()
        .for_each(|live| service.live.finished(live, meetings));
    match &job.parameters.upload {
        Some(upload) => service.uploads.remove(upload),
        None => Ok(()),
    }
}

/// Whether the file is at fault: then trying again is of no use.
fn is_of_input(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.is::<ReadFileError>() || cause.is::<UnusableRecording>())
}

fn run_job(service: &Service, models: &mut Models, job: &Job) -> anyhow::Result<Vec<MeetingId>> {
    let parameters = &job.parameters;
    if let Some(live) = &parameters.live {
        return finish_live(service, models, job, live);
    }
    let path = &parameters.path;
    let facts = parameters.facts()?;
    report(service, &job.id, Step::Reading, 0, 1);
    let (meetings, bytes) = if is_recording(path)? {
        let mut read = unheard_meeting(path, &facts)?;
        identify(service, job, &mut read, true, &mut BTreeSet::new())?;
        if was_deleted(service, job, &read.meeting.id)? {
            return Ok(vec![read.meeting.id]);
        }
        let _step = traces::step("transcribe").entered();
        let transcriber = loaded(&mut models.transcriber, parameters.speech_options()?)?;
        let (began, mut sound_ms) = (Instant::now(), 0);
        let on_progress = &mut |done, all| {
            sound_ms = all;
            report(service, &job.id, Step::Transcribing, done, all);
            going_on(service, &job.id)
        };
        hear(&mut read, path, &facts, &service.library, transcriber, on_progress)?;
        if sound_ms > 0 {
            let sound = Duration::from_millis(sound_ms);
            service.metrics.heard(&read.transcript, sound, began.elapsed());
        }
        if going_on(service, &job.id).is_break() {
            return Err(TranscriptionStopped.into());
        }
        (vec![read], None)
    } else {
        let _step = traces::step("read").entered();
        let read = read_transcript(path, &facts)?;
        let (mut meetings, single) = (read.meetings, read.bytes);
        let mut taken = BTreeSet::new();
        let is_single = meetings.len() == 1;
        for read in &mut meetings {
            identify(service, job, read, is_single, &mut taken)?;
        }
        (meetings, Some(single).filter(|_| is_single))
    };
    let (mut kept, total) = (Vec::new(), meetings.len() as u64);
    for mut read in meetings {
        report(service, &job.id, Step::Minutes, kept.len() as u64, total);
        if was_deleted(service, job, &read.meeting.id)? {
            kept.push(read.meeting.id);
            continue;
        }
        read.meeting.access = parameters.access();
        let source = match (&bytes, total) {
            (Some(bytes), _) => Some(SourceFile::Bytes(bytes)),
            (None, 1) => Some(SourceFile::Path(path)),
            (None, _) => None,
        };
        let step = traces::step("minutes").entered();
        let session = service.writing();
        let meeting = keep_meeting(&session.library, read, source, &parameters.minutes_options())?;
        drop(session);
        drop(step);
        index_kept(service, &meeting)?;
        rewrite_minutes(service, models, job, &meeting)?;
        kept.push(meeting.meeting.id);
    }
    Ok(kept)
}

/// Makes a meeting that is kept findable.
pub(super) fn index_kept(service: &Service, kept: &KeptMeeting) -> anyhow::Result<()> {
    if kept.changed {
        service.metrics.minuted(&kept.minutes);
    }
    index_newest(service, &kept.meeting.id)?;
    match &kept.meeting.source {
        Some(source) => remove_journals(&service.library, &source.sha256),
        None => Ok(()),
    }
}

/// Puts the newest artifacts into index and catalog. Vectors take seconds for a long meeting: they are made while others
/// write.
fn index_newest(service: &Service, id: &MeetingId) -> anyhow::Result<()> {
    let _step = traces::step("index").entered();
    let mut prepared = index_meeting::prepare(
        &service.library,
        id,
        service.encoder.as_ref().map(QueryEncoder::encoder),
    )?;
    let mut session = service.writing();
    if service.library.versions(id)? != prepared.versions {
        prepared = index_meeting::prepare(
            &service.library,
            id,
            service.encoder.as_ref().map(QueryEncoder::encoder),
        )?;
    }
    let (_, _, mut indexer) = session.parts();
    indexer.put_prepared(&prepared)?;
    indexer.commit()?;
    service.catalog.refresh(&service.library, id)
}

/// Has a language model write the minutes of a meeting that is kept, if one is to, found and read meanwhile with those of
/// the extractive engine. What an attempt before this one wrote stands.
pub(super) fn rewrite_minutes(
    service: &Service,
    models: &mut Models,
    job: &Job,
    kept: &KeptMeeting,
) -> anyhow::Result<()> {
    let (id, parameters) = (&kept.meeting.id, &job.parameters);
    if parameters.minutes_engine == EngineOptions::Extractive || kept.minutes.provenance.engine != EXTRACTIVE {
        return Ok(());
    }
    let step = traces::step("write minutes").entered();
    let engine = models.engine(&parameters.minutes_engine, service.remote_key.as_deref())?;
    let (began, mut computed) = (Instant::now(), 0);
    let made = engine.make(
        &service.library,
        &kept.meeting,
        &kept.transcript,
        &parameters.minutes_options(),
        &mut |notice| tracing::info!(job = job.id.0, ?notice, "minutes by a language model"),
        &mut |progress| {
            computed = progress.tokens_computed;
            let (done, total) = (progress.tokens_done as u64, progress.tokens as u64);
            report(service, &job.id, Step::Writing, done, total);
            going_on(service, &job.id)
        },
    );
    service.metrics.written(computed, began.elapsed());
    let minutes = match made {
        Ok(minutes) => minutes,
        Err(error) if is_stopped(&error) => {
            tracing::info!(
                job = job.id.0,
                "the minutes stay those of the extractive engine, as somebody asked"
            );
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    drop(step);
    let session = service.writing();
    // Who corrected the transcript meanwhile has new minutes of it, which these must not replace.
    let is_unchanged =
        service.library.contains(id)? && service.library.transcript(id)?.as_ref() == Some(&kept.transcript);
    if is_unchanged {
        service.metrics.minuted(&session.library.put_minutes(id, &minutes)?);
    }
    drop(session);
    remove_passages_of(&service.library, id, &minutes)?;
    if is_unchanged {
        index_newest(service, id)
    } else {
        Ok(())
    }
}

/// Whether nobody asked for the job to stop.
fn going_on(service: &Service, job: &JobId) -> ControlFlow<()> {
    if service.queue.is_to_stop(job) {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

fn is_stopped(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| matches!(cause.downcast_ref(), Some(GenerateError::Stopped)))
}

/// Gives a meeting its id in the library. A file of a watched folder is the meeting of that file name, as for
/// `greffier run`. An upload is a meeting of its own, unless its owner had sent the very same file before; and its name
/// tells nobody which other meetings there are, because it does not depend on them.
fn identify(
    service: &Service,
    job: &Job,
    read: &mut MeetingRead,
    is_single: bool,
    taken: &mut BTreeSet<MeetingId>,
) -> anyhow::Result<()> {
    if job.parameters.upload.is_none() {
        assign_id(&service.library, read, taken)?;
        if service.library.contains(&read.meeting.id)? {
            let held = service.library.meeting(&read.meeting.id)?;
            if held.source.is_some() && held.source == read.meeting.source {
                keep_changes(&held, &mut read.meeting);
            }
        }
        return Ok(());
    }
    let owner = job.parameters.owner.as_ref();
    let source = read.meeting.source.as_ref().filter(|_| is_single);
    let known = source.and_then(|source| service.catalog.of_source(&source.sha256, owner));
    let mark = sha256_hex(format!("{} {} {}", job.id.0, read.meeting.id, taken.len()).as_bytes());
    let own = read.meeting.id.with_mark(&mark[..8]);
    match known {
        Some(held) => {
            if held.meeting.id == own {
                keep_changes(&held.meeting, &mut read.meeting);
            } else if job.parameters.title.is_none() {
                read.meeting.title.clone_from(&held.meeting.title);
            }
            read.meeting.id.clone_from(&held.meeting.id);
        }
        None => read.meeting.id = own,
    }
    taken.insert(read.meeting.id.clone());
    Ok(())
}

pub(super) fn report(service: &Service, job: &JobId, step: Step, done: u64, total: u64) {
    service.queue.report(job, Progress { step, done, total });
}

/// The models that a worker has loaded, each with what it was loaded for.
#[derive(Default)]
pub(super) struct Models {
    transcriber: Option<LoadedTranscriber>,
    engine: Option<(EngineOptions, Engine)>,
}

impl Models {
    /// The engine for these options; loaded anew when they differ from the last.
    fn engine(&mut self, options: &EngineOptions, key: Option<&str>) -> anyhow::Result<&Engine> {
        if self.engine.as_ref().is_none_or(|(loaded, _)| loaded != options) {
            self.engine = None;
            let engine = options.load(key)?;
            if let Some(warning) = engine.warning() {
                tracing::warn!(warning, "the language model");
            }
            self.engine = Some((options.clone(), engine));
        }
        Ok(&self.engine.as_ref().context("it was just loaded")?.1)
    }
}

/// A transcriber with what it was loaded for.
pub struct LoadedTranscriber {
    options: SpeechOptions,
    transcriber: Transcriber,
}

/// The transcriber for these options; loaded anew when they differ from the last.
///
/// # Errors
/// When the model is no whole model.
pub fn loaded(slot: &mut Option<LoadedTranscriber>, options: SpeechOptions) -> anyhow::Result<&mut Transcriber> {
    if slot.as_ref().is_none_or(|loaded| loaded.options != options) {
        *slot = None;
        *slot = Some(LoadedTranscriber {
            transcriber: Transcriber::load(options.clone())?,
            options,
        });
    }
    Ok(&mut slot.as_mut().context("it was just loaded")?.transcriber)
}

/// Sends what is due, and once in a while removes uploads that nobody finished, and mixes that nobody listens to.
fn send_webhooks(service: &Service, stopping: &AtomicBool) {
    let mut seen = 0;
    let mut rounds: u32 = 0;
    while !stopping.load(Ordering::Relaxed) {
        if rounds.is_multiple_of(3600)
            && let Err(error) = service.uploads.expire().and_then(|()| service.mixes.expire())
        {
            tracing::error!(error = format!("{error:#}"), "old uploads and mixes cannot be removed");
        }
        rounds = rounds.wrapping_add(1);
        match service.webhooks.send_next() {
            Ok(true) => {}
            Ok(false) => service.queue.wait(&mut seen, PATIENCE),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "webhooks cannot be read");
                service.queue.wait(&mut seen, PATIENCE);
            }
        }
    }
}
