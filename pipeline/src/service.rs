//! What a server has open while it runs: the library and its index, the records in memory, the queue of jobs, who may
//! ask. The HTTP interface in [`crate::api`] and the worker that runs jobs both work on it.
//!
//! The server is the one writer of its library: it holds the library's lock as long as it runs. Reading takes no lock,
//! so `greffier search` and the like work beside it; what it keeps of its own lies in SQLite, which several processes
//! can open, so `greffier jobs` and `greffier tokens` do too.

pub mod audit;
pub mod catalog;
pub mod holdings;
pub mod identity;
pub mod live;
pub mod metrics;
pub mod mixes;
pub mod query_encoder;
pub mod queue;
pub mod retention;
pub mod run_parameters;
mod second_attempts;
pub mod store;
pub mod tokens;
pub mod uploads;
pub mod watch;
pub mod webhooks;
pub mod worker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use datasets::library::{Library, Receipt};
use datasets::{ActionStatus, Meeting, MeetingId, StatementId, Transcript};
use index::Index;
use minuting::engine::MinutesOptions;

use self::audit::AuditLog;
use self::catalog::Catalog;
use self::holdings::Holdings;
use self::identity::IdentityProvider;
use self::live::{LiveSessions, LiveSettings};
use self::metrics::Metrics;
use self::mixes::Mixes;
use self::query_encoder::QueryEncoder;
use self::queue::Queue;
use self::retention::RetentionRule;
use self::store::Store;
use self::tokens::Tokens;
use self::uploads::Uploads;
use self::webhooks::Webhooks;
use crate::minutes_engine::EngineOptions;
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::correct_meeting::{Correction, correct, keep_correction};
use crate::stages::transcribe::{SpeechOptions, has_recording, remove_journals};
use crate::stages::write_minutes::remove_passages;

/// Everything a server has open.
pub struct Service {
    /// The meetings, for reading.
    pub library: Library,
    /// Where they are found; sees every commit.
    pub index: Index,
    /// Makes the vectors of queries and passages, where installed.
    pub encoder: Option<QueryEncoder>,
    /// The records of all meetings in memory.
    pub catalog: Catalog,
    /// Jobs, on disk.
    pub queue: Queue,
    /// Files that are being uploaded.
    pub uploads: Uploads,
    /// Tokens that were given out here.
    pub tokens: Tokens,
    /// Who else may vouch for people.
    pub identity_provider: Option<IdentityProvider>,
    /// Who is told when jobs end.
    pub webhooks: Webhooks,
    /// Who did what.
    pub audit: AuditLog,
    /// How often, and how long it took.
    pub metrics: Metrics,
    /// Recordings as players can play them.
    pub mixes: Mixes,
    /// Meetings while they are held.
    pub live: LiveSessions,
    /// How recordings are transcribed; `None` where there is no model.
    pub speech: Option<SpeechOptions>,
    /// Who makes minutes.
    pub minutes_engine: EngineOptions,
    /// For the server of a language model that asks for one.
    pub(crate) remote_key: Option<String>,
    /// How long meetings are kept.
    pub(crate) retention: Vec<RetentionRule>,
    writing: Mutex<WritingSession>,
}

/// What a server is opened with.
#[derive(Clone, Debug, Default)]
pub struct ServiceOptions {
    /// How recordings are transcribed.
    pub speech: Option<SpeechOptions>,
    /// Who else may vouch for people.
    pub identity: Option<identity::IdentityOptions>,
    /// Who makes minutes.
    pub minutes_engine: EngineOptions,
    /// For the server of a language model that asks for one.
    pub remote_key: Option<String>,
    /// How long meetings are kept.
    pub retention: Vec<RetentionRule>,
    /// How live meetings are held.
    pub live: LiveSettings,
}

/// The folder of what a server keeps beside the meetings.
pub fn service_folder(library: &Library) -> PathBuf {
    library.root().join("service")
}

impl Service {
    /// Opens the library for writing, brings its index up to date, and takes up the jobs that were cut short.
    ///
    /// # Errors
    /// When another process writes to the library, or a file cannot be read or written.
    pub fn open(settings: &Settings, options: ServiceOptions) -> anyhow::Result<Self> {
        let session = WritingSession::open(settings, &mut |progress| {
            if progress.done.is_multiple_of(100) {
                tracing::info!(done = progress.done, total = progress.total, "indexing");
            }
        })?;
        let library = session.library.library().clone();
        let folder = service_folder(&library);
        let store = Arc::new(Store::open(&folder)?);
        let queue = Queue::open(Arc::clone(&store))?;
        queue.forget_all_but(&library.meeting_ids()?)?;
        let catalog = Catalog::load(&library)?;
        Ok(Self {
            index: session.index(),
            encoder: session.encoder.clone().map(QueryEncoder::new),
            catalog,
            queue,
            uploads: Uploads::open(Arc::clone(&store), folder.join("uploads"))?,
            tokens: Tokens::new(Arc::clone(&store)),
            identity_provider: options.identity.map(IdentityProvider::new),
            webhooks: Webhooks::new(store),
            audit: AuditLog::open(&folder.join("audit.jsonl"))?,
            metrics: Metrics::default(),
            mixes: Mixes::new(library.clone()),
            live: LiveSessions::new(options.live),
            speech: options.speech,
            minutes_engine: options.minutes_engine,
            remote_key: options.remote_key,
            retention: options.retention,
            writing: Mutex::new(session),
            library,
        })
    }

    /// The library for writing. Held by one caller at a time, and not while something is transcribed.
    pub fn writing(&self) -> MutexGuard<'_, WritingSession> {
        // A panic of another caller leaves artifacts whole: they are written whole or not at all.
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What questions are answered from.
    pub fn holdings(&self) -> Holdings<'_> {
        Holdings {
            library: &self.library,
            index: &self.index,
            encoder: self.encoder.as_ref(),
            catalog: &self.catalog,
        }
    }

    /// Applies a correction and makes what follows from it: minutes, index, catalog.
    ///
    /// # Errors
    /// [`crate::stages::correct_meeting::CorrectionError`] when the meeting holds nothing of that name.
    pub fn correct(&self, id: &MeetingId, correction: &Correction) -> anyhow::Result<()> {
        let mut session = self.writing();
        let mut meeting = self.library.meeting(id)?;
        let mut transcript = self.library.transcript(id)?.unwrap_or_default();
        correct(&mut meeting, &mut transcript, correction)?;
        keep_correction(&session.library, &meeting, &transcript, &MinutesOptions::default())?;
        self.publish(&mut session, id)
    }

    /// Writes a new version of a meeting's record that `change` makes of the newest.
    ///
    /// # Errors
    /// When the library does not hold the meeting, or it cannot be written.
    pub fn change_record(&self, id: &MeetingId, change: impl FnOnce(&mut Meeting)) -> anyhow::Result<()> {
        let mut session = self.writing();
        let before = self.library.meeting(id)?;
        let mut meeting = before.clone();
        change(&mut meeting);
        if meeting == before {
            return Ok(());
        }
        session.library.put_meeting(&meeting)?;
        self.publish(&mut session, id)
    }

    /// Sets the state of an action.
    ///
    /// # Errors
    /// When the minutes of the meeting hold no such action.
    pub fn set_action_status(&self, id: &MeetingId, action: &StatementId, status: ActionStatus) -> anyhow::Result<()> {
        let mut session = self.writing();
        session.library.set_action_status(id, action, status)?;
        self.publish(&mut session, id)
    }

    /// Deletes a meeting everywhere: index, artifacts, work in progress, the memory of its jobs.
    ///
    /// # Errors
    /// When the library does not hold it, or a file cannot be removed.
    pub fn forget(&self, id: &MeetingId) -> anyhow::Result<Receipt> {
        let mut session = self.writing();
        let meeting = self.library.meeting(id)?;
        let receipt = session.forget_meeting(id)?;
        self.catalog.remove(id);
        self.live.forget(id);
        if let Some(source) = &meeting.source {
            remove_journals(&self.library, &source.sha256)?;
        }
        remove_passages(&self.library, id)?;
        drop(session);
        self.queue.forget_meeting(id)?;
        Ok(receipt)
    }

    /// Deletes the recording of a meeting and keeps the rest; `None` when there is none.
    ///
    /// # Errors
    /// When the library does not hold the meeting, or a file cannot be removed.
    pub fn forget_recording(&self, id: &MeetingId) -> anyhow::Result<Option<Receipt>> {
        let session = self.writing();
        let meeting = self.library.meeting(id)?;
        if !has_recording(&self.library, &meeting) {
            return Ok(None);
        }
        if let Some(source) = &meeting.source {
            remove_journals(&self.library, &source.sha256)?;
        }
        let receipt = session.library.forget_source(&meeting)?;
        self.catalog.refresh(&self.library, id)?;
        Ok(receipt)
    }

    /// Puts the newest artifacts of a meeting into index and catalog.
    ///
    /// # Errors
    /// When an artifact cannot be read, or the index cannot be written.
    pub fn publish(&self, session: &mut WritingSession, id: &MeetingId) -> anyhow::Result<()> {
        session.index_meeting(id)?;
        session.commit()?;
        self.catalog.refresh(&self.library, id)
    }

    /// The transcript of a meeting of the library.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn transcript(&self, id: &MeetingId) -> anyhow::Result<Transcript> {
        let transcript = self.library.transcript(id);
        Ok(transcript
            .with_context(|| format!("reading `{id}`"))?
            .unwrap_or_default())
    }
}
