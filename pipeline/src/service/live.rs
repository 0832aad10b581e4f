//! Live meetings that are held through the server. Each is a [`LiveSession`] over the machinery of [`crate::live`]: sound to
//! disk first, recognition from there. It outlives the connections of whoever sends and reads; when it ends, or the server
//! was killed while it was held, a job makes the meeting of what is on disk.

mod advice;
mod event_log;
mod finishing;
mod session;
mod slots;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anyhow::Context as _;
use datasets::library::Library;
use datasets::{MeetingId, PersonId, Viewer};
use serde::{Deserialize, Serialize};

pub use self::event_log::{Event, Notice, Replayed, ToldLine};
pub(super) use self::finishing::{finish_live, take_up};
pub use self::session::{LiveSession, LiveState, NewLiveSession, SendError};
use self::slots::Slots;
use super::Service;
use crate::live::{LiveEngine, LiveFolder, LiveModel, Source, TrackInput};
use crate::stages::transcribe::SpeechOptions;

/// How often meetings are looked after.
const LOOK: Duration = Duration::from_millis(500);
/// How long a meeting that has ended can still be asked for here; then it is in the library alone.
const KEPT: Duration = Duration::from_secs(3600);
/// What a meeting that was cut short says of itself.
const CUT_SHORT: &str = "the recording was cut short and recovered";

/// How a server holds live meetings.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// Meetings at once, at most.
    pub sessions_max: usize,
    /// A meeting without sound for so long has ended.
    pub idle_max: Duration,
    /// A smaller speech model, for when the first is too slow.
    pub fallback_model: Option<PathBuf>,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            sessions_max: 16,
            idle_max: Duration::from_secs(300),
            fallback_model: None,
        }
    }
}

/// A live meeting that a job finishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveJob {
    /// Its folder's name in the library, and the meeting's id.
    pub name: String,
    /// What is told with its transcript.
    pub warnings: Vec<String>,
}

/// Why no live meeting can be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLiveError {
    /// As many are held as the server holds.
    #[error("{max} live meetings are being held, and this server holds no more at once")]
    TooMany {
        /// So many.
        max: usize,
    },
    /// One person holds as many as one person may.
    #[error("you hold {max} live meetings, and one person holds no more at once here")]
    TooManyOwn {
        /// So many.
        max: usize,
    },
    /// The server hears nothing.
    #[error("this server has no speech model")]
    NoSpeechModel,
    /// Something broke.
    #[error("a live meeting cannot be opened")]
    Failed(#[from] anyhow::Error),
}

/// The live meetings of a server.
pub struct LiveSessions {
    settings: LiveSettings,
    slots: Arc<Slots>,
    sessions: Mutex<BTreeMap<MeetingId, Arc<LiveSession>>>,
    /// Loaded as long as somebody uses it.
    model: Mutex<Option<(PathBuf, Weak<LiveModel>)>>,
}

impl LiveSessions {
    /// None yet.
    pub fn new(settings: LiveSettings) -> Self {
        Self {
            slots: Slots::new(settings.sessions_max),
            sessions: Mutex::default(),
            model: Mutex::default(),
            settings,
        }
    }

    /// How many are being held.
    pub fn held(&self) -> usize {
        self.slots.taken()
    }

    fn held_by(&self, owner: &PersonId) -> usize {
        let sessions = self.sessions();
        sessions.values().filter(|session| session.is_held_by(owner)).count()
    }

    /// How late the latest words of the latest meeting were.
    pub fn lag(&self) -> Duration {
        let sessions = self.sessions();
        let lags = sessions
            .values()
            .filter(|session| session.state() == LiveState::Listening);
        lags.map(|session| session.lag()).max().unwrap_or_default()
    }

    /// Takes no more meetings, ends those that are held, and waits until all that was said is written down, or for
    /// `at_most`.
    pub fn end_all(&self, at_most: Duration) {
        self.slots.close();
        let sessions: Vec<_> = self.sessions().values().cloned().collect();
        sessions.iter().for_each(|session| session.end_now());
        if !self.slots.wait_until_free(at_most) {
            tracing::warn!("live meetings did not end in time; they are finished when the server is started again");
        }
    }

    /// The models for a meeting with these options.
    pub(super) fn engine(&self, options: SpeechOptions) -> anyhow::Result<LiveEngine> {
        let mut loaded = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let known = loaded.as_ref().filter(|(path, _)| *path == options.model);
        if let Some(model) = known.and_then(|(_, model)| model.upgrade()) {
            return Ok(LiveEngine::over(model, options));
        }
        let model = LiveModel::load(&options.model, self.settings.fallback_model.as_deref());
        let model = Arc::new(model.with_context(|| format!("loading `{}`", options.model.display()))?);
        *loaded = Some((options.model.clone(), Arc::downgrade(&model)));
        Ok(LiveEngine::over(model, options))
    }

    /// A job has made these meetings of the live one.
    pub(super) fn finished(&self, job: &LiveJob, meetings: &[MeetingId]) {
        if let Some(session) = self.sessions().get(&MeetingId::new(&job.name)) {
            session.become_finished(meetings.first().cloned());
        }
    }

    /// The job was given up.
    pub(super) fn failed(&self, job: &LiveJob) {
        if let Some(session) = self.sessions().get(&MeetingId::new(&job.name)) {
            session.become_failed();
        }
    }

    /// The meeting was deleted: nothing of what was said is told any more.
    pub(super) fn forget(&self, id: &MeetingId) {
        let forgotten = self.sessions().remove(id);
        if let Some(session) = forgotten {
            session.become_finished(None);
        }
    }

    fn insert(&self, session: &Arc<LiveSession>) {
        self.sessions().insert(session.id().clone(), Arc::clone(session));
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<MeetingId, Arc<LiveSession>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// The live meeting, when `viewer` opened it: to everybody else there is none. One that is in the library is there only
    /// for who may see it there.
    pub fn own_live(&self, id: &MeetingId, viewer: &Viewer) -> Option<Arc<LiveSession>> {
        let session = self.live.sessions().get(id).cloned();
        session.filter(|session| self.is_own(session, viewer))
    }

    /// The live meetings that `viewer` opened, the latest first; the operator's are all.
    pub fn all_own_live(&self, viewer: &Viewer) -> Vec<Arc<LiveSession>> {
        let mut own: Vec<_> = self.live.sessions().values().cloned().collect();
        own.retain(|session| self.is_own(session, viewer));
        own.sort_by_key(|session| std::cmp::Reverse(session.opened_at()));
        own
    }

    fn is_own(&self, session: &LiveSession, viewer: &Viewer) -> bool {
        session.is_of(viewer)
            && match session.state() {
                LiveState::Finished(Some(meeting)) => self.catalog.visible(&meeting, viewer).is_some(),
                _ => true,
            }
    }

    /// Opens a live meeting: from now on its sound can be sent.
    ///
    /// # Errors
    /// When as many are held as there may be, there is no speech model, or something broke.
    pub fn open_live(self: &Arc<Self>, new: NewLiveSession) -> Result<Arc<LiveSession>, OpenLiveError> {
        let Some(speech) = &self.speech else {
            return Err(OpenLiveError::NoSpeechModel);
        };
        let max = self.live.settings.sessions_max;
        // Whoever forgets to end meetings keeps nobody else from theirs.
        let max_own = max.div_ceil(2);
        if new.owner().is_some_and(|owner| self.live.held_by(owner) >= max_own) {
            return Err(OpenLiveError::TooManyOwn { max: max_own });
        }
        let slot = self.live.slots.take().ok_or(OpenLiveError::TooMany { max })?;
        let order = new.order(speech, &self.minutes_engine);
        let engine = self.live.engine(order.speech())?;
        let folder = LiveFolder::create(&self.library, &new.name(&order), order, new.invitation_bytes())?;
        let (sender, input) = TrackInput::new(new.tracks.clone(), new.coding, new.is_real_time);
        let session = Arc::new(LiveSession::new(&folder, new, sender)?);
        self.live.insert(&session);
        let (service, held) = (Arc::clone(self), Arc::clone(&session));
        let thread = std::thread::Builder::new().name("live meeting".to_owned());
        let hold = move || {
            let _slot = slot;
            finishing::hold(&service, &held, folder, &Source::Tracks(input), &engine);
        };
        thread.spawn(hold).context("starting a thread for a live meeting")?;
        Ok(session)
    }
}

impl Service {
    /// Throws a live meeting away, with all that was recorded: at once where it is held, else by its job. `false` when a
    /// meeting in the library has come of it already.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn discard_live(&self, session: &LiveSession) -> anyhow::Result<bool> {
        let name = session.id().as_str();
        if let LiveState::Finished(meeting) = session.state() {
            return Ok(meeting.is_none());
        }
        if self.library.contains(session.id())? {
            return Ok(false);
        }
        LiveFolder::discard(&self.library, name)?;
        session.stop.ask();
        if session.state() == LiveState::Failed
            && let Some(folder) = LiveFolder::open(&self.library, name)?
        {
            folder.remove()?;
        }
        Ok(true)
    }
}

/// Looks after the meetings that are held: ends those without sound, makes their rolling minutes, and forgets those that
/// are long over.
pub(super) fn tend(service: &Service, stopping: &AtomicBool) {
    let mut seen = 0;
    while !stopping.load(Ordering::Relaxed) {
        let sessions: Vec<_> = service.live.sessions().values().cloned().collect();
        for session in sessions {
            if session.is_silent_for(service.live.settings.idle_max) {
                tracing::info!(meeting = %session.id(), "no sound came for long: the meeting is ended");
                session.end_now();
            }
            if session.is_advice_due() {
                advice::advise(service, &session);
            }
            if session.is_over_for(KEPT) {
                service.live.sessions().remove(session.id());
            }
        }
        service.queue.wait(&mut seen, LOOK);
    }
}

/// What is on disk of the live meetings that no process holds.
fn left_behind(library: &Library) -> anyhow::Result<Vec<String>> {
    let unfinished = crate::live::unfinished(library)?.into_iter();
    Ok(unfinished.filter(|one| !one.is_running).map(|one| one.name).collect())
}
