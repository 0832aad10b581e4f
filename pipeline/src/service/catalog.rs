//! The records of all meetings in memory, so that lists, people and actions are answered without reading a file each.
//! Derived from the artifacts: loaded when the server starts, refreshed after every write, which is always its own.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use datasets::library::{Library, LibraryError, MeetingVersions};
use datasets::{Meeting, MeetingId, Viewer};
use jiff::Timestamp;
use rayon::prelude::*;

use crate::stages::list_actions::{ListedAction, actions_of};

/// What is known of a meeting without opening its transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its record.
    pub meeting: Meeting,
    /// Which versions of the artifacts this was read from.
    pub versions: MeetingVersions,
    /// When.
    pub read_at: Timestamp,
    /// Whether the file it came from is still held.
    pub has_source: bool,
    /// What is to be done, with states.
    pub actions: Vec<ListedAction>,
    /// The first statements of the abstract.
    pub summary: Option<String>,
    /// Titles of the topics.
    pub topics: Vec<String>,
    /// How many decisions were taken.
    pub decisions: usize,
    /// How long it took, where times are known.
    pub duration_ms: Option<i64>,
}

/// The entries of all meetings.
#[derive(Default)]
pub struct Catalog {
    entries: RwLock<BTreeMap<MeetingId, Arc<Entry>>>,
}

/// Statements of the abstract that a list shows.
const SUMMARY_STATEMENTS: usize = 2;

impl Catalog {
    /// Reads all records of `library`. A damaged meeting is reported and left out: it must not keep the others away.
    ///
    /// # Errors
    /// When the library itself cannot be read.
    pub fn load(library: &Library) -> anyhow::Result<Self> {
        let ids = library.meeting_ids()?;
        let read = ids.par_iter().filter_map(|id| match read_entry(library, id) {
            Ok(entry) => Some((id.clone(), Arc::new(entry))),
            Err(error) => {
                tracing::error!(meeting = %id, error = format!("{error:#}"), "a damaged meeting is left out");
                None
            }
        });
        Ok(Self {
            entries: RwLock::new(read.collect()),
        })
    }

    /// Reads one meeting again; takes it out when the library does not hold it any more.
    ///
    /// # Errors
    /// When an artifact cannot be read.
    pub fn refresh(&self, library: &Library, id: &MeetingId) -> anyhow::Result<()> {
        match read_entry(library, id) {
            Ok(entry) => {
                self.write().insert(id.clone(), Arc::new(entry));
                Ok(())
            }
            Err(error) if matches!(error.downcast_ref(), Some(LibraryError::NoSuchMeeting { .. })) => {
                self.remove(id);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a meeting out.
    pub fn remove(&self, id: &MeetingId) {
        self.write().remove(id);
    }

    /// The meeting, when there is one and `viewer` may see it: to a viewer both are the same.
    pub fn visible(&self, id: &MeetingId, viewer: &Viewer) -> Option<Arc<Entry>> {
        let entry = self.read().get(id).cloned();
        entry.filter(|entry| entry.meeting.is_visible_to(viewer))
    }

    /// All meetings that `viewer` may see, the latest first.
    pub fn all_visible(&self, viewer: &Viewer) -> Vec<Arc<Entry>> {
        let entries = self.read();
        let seen = entries.values().filter(|entry| entry.meeting.is_visible_to(viewer));
        let mut seen: Vec<Arc<Entry>> = seen.cloned().collect();
        drop(entries);
        seen.sort_by(|left, right| {
            let key = |entry: &Entry| (entry.meeting.started_at, entry.meeting.id.clone());
            key(right).cmp(&key(left))
        });
        seen
    }

    /// How many meetings there are.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The meeting that `owner` made of the file with this digest, if any.
    pub fn of_source(&self, sha256: &str, owner: Option<&datasets::PersonId>) -> Option<Arc<Entry>> {
        let entries = self.read();
        let mut of_source = entries.values().filter(|entry| {
            let source = entry.meeting.source.as_ref();
            source.is_some_and(|source| source.sha256 == sha256) && entry.meeting.access.owner.as_ref() == owner
        });
        of_source.next().cloned()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<MeetingId, Arc<Entry>>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<MeetingId, Arc<Entry>>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_entry(library: &Library, id: &MeetingId) -> anyhow::Result<Entry> {
    // Before the artifacts: one that is written meanwhile then counts as not yet read.
    let versions = library.versions(id)?;
    let meeting = library.meeting(id)?;
    let minutes = library
        .minutes(id)
        .with_context(|| format!("reading the minutes of `{id}`"))?;
    let actions = actions_of(&meeting, minutes.as_ref(), &library.action_statuses(id)?);
    let mut entry = Entry {
        has_source: library.source_file(&meeting).is_some(),
        read_at: Timestamp::now(),
        meeting,
        versions,
        actions,
        summary: None,
        topics: Vec::new(),
        decisions: 0,
        duration_ms: None,
    };
    if let Some(minutes) = minutes {
        let first = minutes.abstract_.iter().take(SUMMARY_STATEMENTS);
        let texts: Vec<&str> = first.map(|statement| statement.text.as_str()).collect();
        entry.summary = Some(texts.join(" ")).filter(|summary| !summary.is_empty());
        entry.decisions = minutes.decisions.len();
        entry.duration_ms = minutes
            .topics
            .iter()
            .filter_map(|topic| topic.span)
            .map(|span| span.end.0)
            .max();
        entry.topics = minutes.topics.into_iter().map(|topic| topic.title).collect();
    }
    Ok(entry)
}
