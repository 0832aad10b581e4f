//! What was acknowledged, and what may have happened: a call that a kill broke off has done its work, or has not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::random::Random;
use super::talk::Talk;

/// What tells a meeting from all others from before it is sent: the word that is said in it alone.
pub(super) type MeetingKey = String;

/// All that clients know.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) meetings: BTreeMap<MeetingKey, Kept>,
    /// Live meetings by id.
    pub(super) live: BTreeMap<String, Heard>,
    pub(super) tokens: Vec<Token>,
    pub(super) webhooks: BTreeMap<String, Fate>,
    /// All meetings that were listed after the load.
    pub(super) meetings_at_the_end: usize,
}

/// A meeting that was sent.
pub(super) struct Kept {
    pub(super) content: Content,
    pub(super) fate: Fate,
    /// The job, once it is known.
    pub(super) job: Option<String>,
    /// The meeting's id, once it is known.
    pub(super) id: Option<String>,
    /// What may be changed of it, by name.
    pub(super) cells: BTreeMap<(Part, String), Cell>,
    /// Whether it was sent again after a kill, so that two jobs may make it.
    pub(super) is_sent_again: bool,
    /// Parts that a client is at work on.
    busy: BTreeSet<Part>,
}

/// What was sent.
#[derive(Clone)]
pub(super) enum Content {
    /// A transcript.
    Text(Talk),
    /// A recording.
    Sound(Vec<u8>),
}

/// What has become of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It may be there: nobody said so.
    Sent,
    /// It was accepted: it is there, or will be.
    Accepted,
    /// It is there.
    Stands,
    /// It may be gone.
    PerhapsGone,
    /// It is gone.
    Gone,
}

/// A part of a meeting that one client at a time changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Title,
    Words,
    Names,
    Actions,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Title, Self::Words, Self::Names, Self::Actions];
}

/// A value that is changed.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Before all changes.
    pub(super) original: String,
    /// The last that was acknowledged.
    pub(super) certain: String,
    /// Those since that nobody acknowledged.
    pub(super) possible: Vec<String>,
}

/// A live meeting.
pub(super) struct Heard {
    /// What was sent of each track, from its begin.
    pub(super) sent: Vec<Vec<i16>>,
    /// Samples of each track that the server said are safe.
    pub(super) accepted: u64,
    /// What was told that stands.
    pub(super) committed: Vec<Value>,
}

/// A token that was given out.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) is_revoked: bool,
}

impl Kept {
    pub(super) fn new(content: Content) -> Self {
        Self {
            content,
            fate: Fate::Sent,
            job: None,
            id: None,
            cells: BTreeMap::new(),
            is_sent_again: false,
            busy: BTreeSet::new(),
        }
    }

    /// The change of a value: acknowledged, or not known.
    pub(super) fn change(&mut self, part: Part, name: &str, original: &str, value: &str, is_certain: bool) {
        let cell = self.cells.entry((part, name.to_owned())).or_insert_with(|| Cell {
            original: original.to_owned(),
            certain: original.to_owned(),
            possible: Vec::new(),
        });
        if is_certain {
            value.clone_into(&mut cell.certain);
            cell.possible.clear();
        } else {
            cell.possible.push(value.to_owned());
        }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.content, Content::Text(_))
    }

    fn is_free(&self, parts: &[Part]) -> bool {
        parts.iter().all(|part| !self.busy.contains(part))
    }
}

impl Cell {
    pub(super) fn may_be(&self, value: &str) -> bool {
        self.certain == value || self.possible.iter().any(|possible| possible == value)
    }
}

impl Ledger {
    /// A meeting that stands whose `parts` nobody is at work on: they are the caller's until they are released.
    pub(super) fn claim(&mut self, random: &mut Random, parts: &[Part]) -> Option<(MeetingKey, String)> {
        let free = self
            .meetings
            .iter()
            .filter(|(_, kept)| kept.fate == Fate::Stands && kept.is_text() && kept.is_free(parts));
        let free = free.filter_map(|(key, kept)| Some((key.clone(), kept.id.clone()?)));
        let (key, id) = random.choose(free.collect())?;
        self.meetings.get_mut(&key)?.busy.extend(parts);
        Some((key, id))
    }

    /// The same for all of the meeting of `key`, if it stands or one job alone will make it: what is deleted before a second
    /// one comes is sent anew by it.
    pub(super) fn claim_all_of(&mut self, key: &str) -> bool {
        let Some(kept) = self.meetings.get_mut(key) else {
            return false;
        };
        let stands = kept.fate == Fate::Stands || (kept.fate == Fate::Accepted && !kept.is_sent_again);
        let is_free = stands && kept.is_free(&Part::ALL);
        if is_free {
            kept.busy.extend(Part::ALL);
        }
        is_free
    }

    pub(super) fn release(&mut self, key: &str, parts: &[Part]) {
        if let Some(kept) = self.meetings.get_mut(key) {
            kept.busy.retain(|part| !parts.contains(part));
        }
    }

    /// The meeting of `key`, which is known.
    pub(super) fn of(&mut self, key: &str) -> &mut Kept {
        self.meetings.get_mut(key).expect("a meeting that was sent is known")
    }
}
