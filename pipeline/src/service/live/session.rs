//! One live meeting: who opened it, what is known of it, where its sound goes in and its events come out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use audio::RecoveredSpool;
use datasets::{Access, Language, Meeting, MeetingId, PersonId, SeriesId, Viewer, Visibility};
use jiff::Timestamp;
use minuting::engine::MinutesOptions;
use speech::streaming::LoadLevel;
use tokio::sync::watch;

use super::advice::Talk;
use super::event_log::{EventLog, Notice, Replayed};
use crate::live::{
    Audience, Coding, ExpectedPerson, LiveFolder, LiveMessage, Order, Stop, TrackFrame, TrackSender, local_time,
};
use crate::minutes_engine::EngineOptions;
use crate::service::queue::JobId;
use crate::service::store::random;
use crate::stages::read_transcript::KnownFacts;
use crate::stages::transcribe::SpeechOptions;

/// Sound that may be far ahead of what is on disk: what is further is refused.
const AHEAD_SAMPLES_MAX: u64 = 900 * audio::SAMPLE_RATE_HZ as u64;
/// No meeting lasts longer than this.
const SAMPLES_MAX: u64 = 24 * 3600 * audio::SAMPLE_RATE_HZ as u64;

/// What a live meeting is opened with.
#[derive(Clone, Debug)]
pub struct NewLiveSession {
    /// On whose behalf.
    pub viewer: Viewer,
    /// Its title.
    pub title: Option<String>,
    /// The line of meetings it belongs to.
    pub series: Option<SeriesId>,
    /// The language that is spoken.
    pub spoken_language: Option<Language>,
    /// Language of the minutes.
    pub minutes_language: Option<Language>,
    /// How many people speak, where they are not on tracks of their own.
    pub speakers: Option<usize>,
    /// Who speaks on each track, where that is known.
    pub tracks: Vec<Option<String>>,
    /// What frames hold.
    pub coding: Coding,
    /// Whether sound comes as it is spoken; otherwise its sender is made to wait for the recognizer.
    pub is_real_time: bool,
    /// Words that are likely to be said.
    pub vocabulary: Vec<String>,
    /// Who takes part.
    pub people: Vec<ExpectedPerson>,
    /// The invitation, in iCalendar form, found good.
    pub invitation: Option<String>,
    /// Who sees it beside its owner.
    pub visibility: Visibility,
}

/// What has become of a live meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// Sound is taken.
    Listening,
    /// No more sound is taken; what came is being written down.
    Ending,
    /// A job makes the meeting of it.
    Ended(JobId),
    /// It is in the library, or there was no sound.
    Finished(Option<MeetingId>),
    /// It never began, or its job was given up.
    Failed,
}

/// Sound was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The meeting has ended.
    #[error("the meeting has ended")]
    Ended,
    /// The frame's place is far from where the meeting is.
    #[error("the frame is far ahead of what has come, or the meeting is longer than a day")]
    FarAhead,
}

/// A live meeting.
pub struct LiveSession {
    id: MeetingId,
    viewer: Mutex<Viewer>,
    pub(super) meeting: Meeting,
    pub(super) facts: KnownFacts,
    pub(super) minutes: MinutesOptions,
    opened_at: Timestamp,
    tracks: Vec<Option<String>>,
    coding: Coding,
    is_real_time: bool,
    /// `None` for one that was cut short, and takes no sound.
    sender: Option<TrackSender>,
    pub(super) stop: Stop,
    pub(super) log: EventLog,
    pub(super) talk: Mutex<Talk>,
    state: Mutex<(LiveState, Instant)>,
    heard_at: Mutex<Instant>,
    recorded: AtomicU64,
    lag: Mutex<Lag>,
}

/// How late words come.
struct Lag {
    ms: u64,
    told_at: Instant,
    /// Whether the recognizer is too slow: then the lag grows until words come.
    is_behind: bool,
}

impl Lag {
    fn new(ms: i64, is_behind: bool) -> Self {
        Self {
            ms: ms.max(0).unsigned_abs(),
            told_at: Instant::now(),
            is_behind,
        }
    }

    fn by_now(&self) -> Duration {
        let since = if self.is_behind {
            self.told_at.elapsed()
        } else {
            Duration::ZERO
        };
        Duration::from_millis(self.ms) + since
    }
}

impl NewLiveSession {
    /// All that is needed to finish the meeting, whatever becomes of this process.
    pub(super) fn order(&self, speech: &SpeechOptions, minutes_engine: &EngineOptions) -> Order {
        let now = Timestamp::now();
        Order {
            format: Order::FORMAT,
            began_at: now,
            untitled: local_time(now, "Live %Y-%m-%d %H:%M"),
            title: self.title.clone(),
            series: self.series.clone(),
            started_at: Some(now),
            model: speech.model.clone(),
            language: self.spoken_language.or(speech.language),
            speakers: self.speakers.or(speech.speakers),
            voice_encoder: speech.voice_encoder.clone(),
            minutes_language: self.minutes_language,
            abstract_words: MinutesOptions::default().abstract_words,
            context: Vec::new(),
            people: self.people.clone(),
            vocabulary: self.vocabulary.clone(),
            access: Access {
                owner: self.owner().cloned(),
                visibility: self.visibility.clone(),
                delegations: Vec::new(),
            },
            minutes_engine: minutes_engine.clone(),
        }
    }

    /// Day, time and title, and a mark that nobody can guess: a name tells nobody which other meetings there are.
    pub(super) fn name(&self, order: &Order) -> String {
        let title = self.title.as_deref().unwrap_or("live");
        let named = format!("{}-{title}", local_time(order.began_at, "%Y-%m-%d-%H%M"));
        let mark: String = random::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
        MeetingId::from_title(&named).with_mark(&mark).as_str().to_owned()
    }

    pub(super) fn invitation_bytes(&self) -> Option<&[u8]> {
        self.invitation.as_ref().map(String::as_bytes)
    }

    pub(super) fn owner(&self) -> Option<&PersonId> {
        match &self.viewer {
            Viewer::Operator => None,
            Viewer::Person { person, .. } => Some(person),
        }
    }
}

impl LiveSession {
    /// A meeting that begins in `folder`.
    pub(super) fn new(folder: &LiveFolder, new: NewLiveSession, sender: TrackSender) -> anyhow::Result<Self> {
        Ok(Self {
            tracks: new.tracks,
            coding: new.coding,
            is_real_time: new.is_real_time,
            sender: Some(sender),
            ..Self::cut_short(folder, new.viewer, None)?
        })
        .inspect(|session| session.set(LiveState::Listening, None))
    }

    /// A meeting that `folder` is left of, with the sound in `spool`, and takes no more.
    pub(super) fn cut_short(
        folder: &LiveFolder,
        viewer: Viewer,
        spool: Option<RecoveredSpool>,
    ) -> anyhow::Result<Self> {
        let order = folder.order();
        let lanes = spool.map_or_else(Vec::new, |spool| spool.lanes);
        let recorded = lanes.iter().map(|lane| lane.samples).min().unwrap_or(0);
        Ok(Self {
            id: MeetingId::new(folder.name()),
            viewer: Mutex::new(viewer),
            meeting: folder.meeting()?,
            facts: folder.facts()?,
            minutes: order.minutes(),
            opened_at: order.began_at,
            tracks: lanes.into_iter().map(|lane| lane.name).collect(),
            coding: Coding::Pcm,
            is_real_time: true,
            sender: None,
            stop: Stop::default(),
            log: EventLog::open(folder.dir())?,
            talk: Mutex::default(),
            state: Mutex::new((LiveState::Ending, Instant::now())),
            heard_at: Mutex::new(Instant::now()),
            recorded: AtomicU64::new(recorded),
            lag: Mutex::new(Lag::new(0, false)),
        })
    }

    /// Its name, under which it will be in the library.
    pub fn id(&self) -> &MeetingId {
        &self.id
    }

    /// What it is called.
    pub fn title(&self) -> &str {
        &self.meeting.title
    }

    /// On whose behalf it is held.
    pub fn viewer(&self) -> Viewer {
        self.viewer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whoever holds it was seen as `viewer`: groups may have changed since it was opened. Nobody else is taken for them.
    pub fn seen_as(&self, viewer: &Viewer) {
        let mut known = self.viewer.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Viewer::Person { person: holder, .. }, Viewer::Person { person, .. }) = (&*known, viewer)
            && holder == person
        {
            known.clone_from(viewer);
        }
    }

    /// When.
    pub fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// Who speaks on each track.
    pub fn tracks(&self) -> &[Option<String>] {
        &self.tracks
    }

    /// What frames hold.
    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// Whether sound comes as it is spoken.
    pub fn is_real_time(&self) -> bool {
        self.is_real_time
    }

    /// What has become of it.
    pub fn state(&self) -> LiveState {
        self.locked_state().0.clone()
    }

    /// Samples of each track that are safe on disk.
    pub fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }

    /// The sound that is safe on disk, all tracks together.
    pub(super) fn recorded_sound(&self) -> Duration {
        let samples = self.recorded() * self.tracks.len() as u64;
        Duration::from_millis(samples * 1000 / u64::from(audio::SAMPLE_RATE_HZ))
    }

    /// How late the latest words were, or how long there should have been some.
    pub fn lag(&self) -> Duration {
        self.lag.lock().unwrap_or_else(PoisonError::into_inner).by_now()
    }

    /// Number of the last event.
    pub fn last_event(&self) -> u64 {
        self.log.last()
    }

    /// Changes with every event.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.log.watch()
    }

    /// What was told after event `after`, in order; reads a file where that is long ago.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn since(&self, after: u64) -> anyhow::Result<Vec<Replayed>> {
        self.log.since(after)
    }

    /// Takes a piece of a track that there is, as soon as there is room for it.
    ///
    /// # Errors
    /// When the meeting has ended, or the piece cannot be of it.
    pub async fn send(&self, frame: TrackFrame) -> Result<(), SendError> {
        let sender = self.sender.as_ref().filter(|_| self.state() == LiveState::Listening);
        let sender = sender.ok_or(SendError::Ended)?;
        if frame.position > (self.recorded() + AHEAD_SAMPLES_MAX).min(SAMPLES_MAX) {
            return Err(SendError::FarAhead);
        }
        *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        sender.send(frame).await.map_err(|_| SendError::Ended)
    }

    /// Says that no more sound comes: what came before is still heard.
    pub async fn end(&self) {
        if let Some(sender) = &self.sender {
            sender.end().await;
        }
    }

    /// The same at once; what could not be taken yet is left out where there is no room to say so.
    pub(super) fn end_now(&self) {
        if self.sender.as_ref().is_some_and(|sender| !sender.try_end()) {
            self.stop.ask();
        }
    }

    pub(super) fn is_of(&self, viewer: &Viewer) -> bool {
        match viewer {
            Viewer::Operator => true,
            Viewer::Person { person, .. } => self.meeting.access.owner.as_ref() == Some(person),
        }
    }

    /// Whether it takes up a place of its holder's.
    pub(super) fn is_held_by(&self, owner: &PersonId) -> bool {
        self.meeting.access.owner.as_ref() == Some(owner)
            && matches!(self.state(), LiveState::Listening | LiveState::Ending)
    }

    pub(super) fn is_silent_for(&self, at_most: Duration) -> bool {
        let heard_at = *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.state() == LiveState::Listening && heard_at.elapsed() > at_most
    }

    pub(super) fn is_advice_due(&self) -> bool {
        self.state() == LiveState::Listening && self.talk().is_advice_due()
    }

    pub(super) fn is_over_for(&self, at_least: Duration) -> bool {
        let state = self.locked_state();
        matches!(state.0, LiveState::Finished(_) | LiveState::Failed) && state.1.elapsed() > at_least
    }

    pub(super) fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn become_ending(&self) {
        self.set(LiveState::Ending, None);
    }

    pub(super) fn become_ended(&self, job: JobId) {
        self.set(LiveState::Ended(job.clone()), Some(Notice::Ended { job }));
    }

    pub(super) fn become_finished(&self, meeting: Option<MeetingId>) {
        self.set(LiveState::Finished(meeting.clone()), Some(Notice::Finished { meeting }));
    }

    pub(super) fn become_failed(&self) {
        self.set(LiveState::Failed, Some(Notice::Failed));
    }

    /// Whoever sees the state finds the notice of it told.
    fn set(&self, state: LiveState, notice: Option<Notice>) {
        let mut known = self.locked_state();
        *known = (state, Instant::now());
        notice.into_iter().for_each(|notice| self.log.push(notice));
    }

    fn locked_state(&self) -> MutexGuard<'_, (LiveState, Instant)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears for a session what its machinery tells.
pub(super) struct Scribe<'a>(pub(super) &'a Arc<LiveSession>);

impl Audience for Scribe<'_> {
    fn hear(&mut self, message: &LiveMessage) {
        let mut lag = self.0.lag.lock().unwrap_or_else(PoisonError::into_inner);
        match message {
            LiveMessage::Committed { at, .. } => *lag = Lag::new(at.lag_ms, lag.is_behind),
            LiveMessage::Lag { backlog_ms, level, .. } => *lag = Lag::new(*backlog_ms, *level != LoadLevel::Normal),
            _ => {}
        }
        drop(lag);
        self.0.talk().hear(message);
        self.0.log.push(Notice::Told(message.clone()));
    }

    fn pass(&mut self, _now_ms: i64, recorded: u64) {
        if self.0.recorded.swap(recorded, Ordering::Relaxed) < recorded {
            self.0.log.push(Notice::Accepted { samples: recorded });
        }
    }
}
