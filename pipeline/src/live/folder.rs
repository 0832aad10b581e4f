//! The folder of a live meeting in the library, from its first sound until it is kept.
//!
//! ```text
//! <library>/live/<name>/order.json       what was asked for; written first
//!                       invitation.ics   as it was given
//!                       spool.json, lane-000.pcm …   the sound, by crate `audio`
//!                       journal.jsonl    what stands of its text
//!                       windows-….jsonl  what the pass after it heard, until it is done
//!                       session.lock     locked as long as a process is at work on it
//! ```
//!
//! It appears with its order under its name, and vanishes, by one rename each: names with a leading dot are what a crash
//! left of either.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use datasets::formats::MeetingRead;
use datasets::formats::invitation::{self, Invitation, Invitee};
use datasets::library::{Library, sha256_hex};
use datasets::{Access, ContextItem, Language, Meeting, MeetingId, Provenance, SeriesId, Transcript};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use minuting::engine::MinutesOptions;
use scopeguard::{ScopeGuard, guard};
use serde::{Deserialize, Serialize};

use crate::minutes_engine::EngineOptions;
use crate::stages::read_transcript::{KnownFacts, complete};
use crate::stages::transcribe::{SpeechOptions, vocabulary_of};

/// An open file that is locked, and free again when it is dropped.
type Lock = ScopeGuard<File, fn(File)>;

const FORMAT_VERSION: u32 = 1;
const ORDER_FILE: &str = "order.json";
const INVITATION_FILE: &str = "invitation.ics";
const JOURNAL_FILE: &str = "journal.jsonl";
const LOCK_FILE: &str = "session.lock";
const DISCARDED_FILE: &str = "discarded";

/// What was asked for: all that is needed to finish the meeting in another process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The layout of the folder.
    pub format: u32,
    /// When recording began.
    pub began_at: Timestamp,
    /// The meeting's title where none is given and no invitation has one.
    pub untitled: String,
    /// The title that was given.
    pub title: Option<String>,
    /// The series that was given.
    pub series: Option<SeriesId>,
    /// When the meeting began.
    pub started_at: Option<Timestamp>,
    /// The speech model.
    pub model: PathBuf,
    /// The language that is spoken, where it was given.
    pub language: Option<Language>,
    /// How many people speak, where it was given.
    pub speakers: Option<usize>,
    /// The model that tells voices apart, where it was installed.
    #[serde(default)]
    pub voice_encoder: Option<PathBuf>,
    /// Language of the minutes, where it was given.
    pub minutes_language: Option<Language>,
    /// Words in the abstract, at most.
    pub abstract_words: usize,
    /// What is kept beside the meeting.
    pub context: Vec<ContextItem>,
    /// Who takes part, beside those whom the invitation names.
    #[serde(default)]
    pub people: Vec<ExpectedPerson>,
    /// Words that are likely to be said, beside title and names.
    #[serde(default)]
    pub vocabulary: Vec<String>,
    /// Who may see the meeting.
    #[serde(default)]
    pub access: Access,
    /// Who writes the minutes once those of the extractive engine are there.
    #[serde(default)]
    pub minutes_engine: EngineOptions,
}

/// Somebody who is expected in a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedPerson {
    /// As people say it.
    pub name: String,
    /// Mail address, where known.
    #[serde(default)]
    pub email: Option<String>,
}

/// A live meeting on disk that this process alone works on.
#[derive(Debug)]
pub struct LiveFolder {
    dir: PathBuf,
    order: Order,
    // Held for its lock alone.
    _lock: Lock,
}

/// A live meeting that is not in the library yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// Its folder's name.
    pub name: String,
    /// How much of it is on disk; zero while it is running.
    #[serde(rename = "recorded_ms", serialize_with = "as_milliseconds")]
    pub recorded: Duration,
    /// Whether a process is at work on it.
    pub is_running: bool,
}

impl Order {
    /// The format that this program writes.
    pub const FORMAT: u32 = FORMAT_VERSION;

    /// How its sound is transcribed.
    pub fn speech(&self) -> SpeechOptions {
        SpeechOptions {
            model: self.model.clone(),
            language: self.language,
            speakers: self.speakers,
            // What was missed is looked for with the detector that the live pass had.
            silero: None,
            // Who spoke is worth less than the meeting: without the file the embedded default tells it.
            voice_encoder: self.voice_encoder.clone().filter(|path| path.is_file()),
        }
    }

    /// How its minutes are made.
    pub fn minutes(&self) -> MinutesOptions {
        MinutesOptions {
            language: self.minutes_language,
            abstract_words: self.abstract_words,
            ..MinutesOptions::default()
        }
    }
}

impl LiveFolder {
    /// Makes the folder, named `name` or, where that is taken by a meeting, with a number more.
    ///
    /// # Errors
    /// When the library cannot be written to.
    pub fn create(library: &Library, name: &str, order: Order, invitation: Option<&[u8]>) -> anyhow::Result<Self> {
        let live = library.live_folder();
        static MADE: AtomicU64 = AtomicU64::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let new = live.join(format!(".new-{}-{made}", std::process::id()));
        let failed = || format!("writing `{}`", new.display());
        fs::create_dir_all(&new).with_context(failed)?;
        let lock = try_lock(&new)?.with_context(failed)?;
        write_synced(&new.join(ORDER_FILE), &serde_json::to_vec_pretty(&order)?).with_context(failed)?;
        if let Some(bytes) = invitation {
            write_synced(&new.join(INVITATION_FILE), bytes).with_context(failed)?;
        }
        let mut number = 1;
        let dir = loop {
            let numbered = if number == 1 {
                name.to_owned()
            } else {
                format!("{name}-{number}")
            };
            let dir = live.join(&numbered);
            // A folder that is there holds something, so that the rename onto it fails.
            if !library.contains(&MeetingId::new(&numbered))? && !dir.exists() && fs::rename(&new, &dir).is_ok() {
                break dir;
            }
            number += 1;
            if number > 1000 {
                bail!("there is no free name like `{name}` in `{}`", live.display());
            }
        };
        Ok(Self {
            dir,
            order,
            _lock: lock,
        })
    }

    /// Opens the folder `name`, unless a process is at work on it: then there is none.
    ///
    /// # Errors
    /// When it is damaged, or a later program made it.
    pub fn open(library: &Library, name: &str) -> anyhow::Result<Option<Self>> {
        let dir = library.live_folder().join(name);
        let Some(lock) = try_lock(&dir)? else { return Ok(None) };
        let path = dir.join(ORDER_FILE);
        let text = fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
        let order: Order = serde_json::from_slice(&text).with_context(|| format!("`{}` is damaged", path.display()))?;
        if order.format > FORMAT_VERSION {
            bail!(
                "`{}` was made by a later greffier: finish it with that one",
                dir.display()
            );
        }
        Ok(Some(Self {
            dir,
            order,
            _lock: lock,
        }))
    }

    /// Marks the folder `name` as one to throw away, by whoever is at work on it or, after a crash, by whoever looks for
    /// [unfinished] meetings.
    ///
    /// # Errors
    /// When it cannot be written to. A folder that is gone already is no error.
    pub fn discard(library: &Library, name: &str) -> anyhow::Result<()> {
        let path = library.live_folder().join(name).join(DISCARDED_FILE);
        match write_synced(&path, &[]) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            written => written.with_context(|| format!("writing `{}`", path.display())),
        }
    }

    /// Whether it is to be thrown away.
    pub fn is_discarded(&self) -> bool {
        self.dir.join(DISCARDED_FILE).exists()
    }

    /// Its name, which is the meeting's too.
    pub fn name(&self) -> String {
        self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What was asked for.
    pub fn order(&self) -> &Order {
        &self.order
    }

    pub(super) fn journal_path(&self) -> PathBuf {
        self.dir.join(JOURNAL_FILE)
    }

    /// Where the pass over what is missing keeps what it heard, so that one that is killed goes on; another for each way of
    /// transcribing.
    pub(super) fn windows_path(&self, provenance: &Provenance) -> anyhow::Result<PathBuf> {
        let way = sha256_hex(&serde_json::to_vec(provenance)?);
        Ok(self.dir.join(format!("windows-{}.jsonl", &way[..16])))
    }

    /// What is known of the meeting beside its sound.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn facts(&self) -> anyhow::Result<KnownFacts> {
        let path = self.dir.join(INVITATION_FILE);
        let invitation = match fs::read(&path) {
            Ok(bytes) => invitation::read(INVITATION_FILE, &bytes)?.into_iter().next(),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
        };
        let invitation = with_people(invitation, &self.order);
        Ok(KnownFacts {
            title: self.order.title.clone(),
            series: self.order.series.clone(),
            started_at: self.order.started_at,
            invitation,
            ..KnownFacts::default()
        })
    }

    /// The meeting as far as it is known before anybody spoke.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn meeting(&self) -> anyhow::Result<Meeting> {
        let mut read = MeetingRead {
            meeting: Meeting::new(MeetingId::new(self.name()), self.order.untitled.clone()),
            transcript: Transcript::default(),
        };
        complete(&mut read, &self.facts()?, true, "");
        read.meeting.access = self.order.access.clone();
        Ok(read.meeting)
    }

    /// Words that are likely to be said: of title, people, and those that were given.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn vocabulary(&self) -> anyhow::Result<String> {
        let mut words = vec![vocabulary_of(&self.meeting()?)];
        words.extend(self.order.vocabulary.iter().cloned());
        Ok(words.join(", "))
    }

    /// Takes the folder away, sound and all: the meeting is kept, or there was none.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove(self) -> anyhow::Result<()> {
        // By one rename, so that no process ever takes half a recording for a whole one.
        let gone = self.dir.with_file_name(format!(".kept-{}", self.name()));
        fs::rename(&self.dir, &gone)
            .and_then(|()| fs::remove_dir_all(&gone))
            .with_context(|| format!("removing `{}`", self.dir.display()))
    }
}

/// Day and time where the people are.
pub fn local_time(now: Timestamp, format: &str) -> String {
    now.to_zoned(TimeZone::system()).strftime(format).to_string()
}

/// The invitation with those who were named beside it; one made of them where there is none.
fn with_people(invitation: Option<Invitation>, order: &Order) -> Option<Invitation> {
    if order.people.is_empty() {
        return invitation;
    }
    let mut invitation = invitation.unwrap_or_else(|| Invitation {
        uid: String::new(),
        title: String::new(),
        starts_at: None,
        ends_at: None,
        invitees: Vec::new(),
        agenda: None,
        location: None,
        series: None,
    });
    invitation.invitees.extend(order.people.iter().map(|person| Invitee {
        name: person.name.clone(),
        email: person.email.as_ref().map(|email| email.to_lowercase()),
        response: invitation::Response::None,
        is_organizer: false,
    }));
    Some(invitation)
}

/// The live meetings of the library that are not kept yet, by name. What crashes left of others is taken away.
///
/// # Errors
/// When the folder cannot be read.
pub fn unfinished(library: &Library) -> anyhow::Result<Vec<Unfinished>> {
    let live = library.live_folder();
    let failed = || format!("reading `{}`", live.display());
    let entries = match fs::read_dir(&live) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(failed),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.with_context(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !entry.path().is_dir() {
            continue;
        }
        let Some(_lock) = try_lock(&entry.path())? else {
            if !name.starts_with('.') {
                found.push(Unfinished {
                    name,
                    recorded: Duration::ZERO,
                    is_running: true,
                });
            }
            continue;
        };
        if name.starts_with('.') || entry.path().join(DISCARDED_FILE).exists() {
            // Whoever cannot be taken away today can be tomorrow.
            let _ = fs::remove_dir_all(entry.path());
            continue;
        }
        found.push(Unfinished {
            name,
            recorded: audio::recover(&entry.path()).map_or(Duration::ZERO, |spool| spool.duration()),
            is_running: false,
        });
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(found)
}

/// The lock of the folder `dir`; none while another process holds it.
fn try_lock(dir: &Path) -> anyhow::Result<Option<Lock>> {
    let path = dir.join(LOCK_FILE);
    let failed = || format!("locking `{}`", path.display());
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(failed)?;
    match file.try_lock() {
        // Closing is not enough: a program that another thread is just starting has the file open too, until it runs.
        Ok(()) => Ok(Some(guard(file, |file| drop(file.unlock())))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(failed),
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn as_milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_millis() as u64)
}
