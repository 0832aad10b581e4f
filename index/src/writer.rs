//! Puts meetings and context items into the index and takes them out; a commit is seen by the next search.

use std::collections::BTreeMap;

use datasets::{ActionStatus, ContextItem, ContextItemId, Meeting, MeetingId, Minutes, StatementId, Transcript};

use crate::{Passage, WriteIndexError};

/// A meeting with everything the index holds of it.
#[derive(Clone, Copy, Debug)]
pub struct MeetingEntry<'a> {
    /// When, who, and who may see it.
    pub meeting: &'a Meeting,
    /// What was said.
    pub transcript: &'a Transcript,
    /// What came out, where minutes were made.
    pub minutes: Option<&'a Minutes>,
    /// Actions that are done; one that is not named is open.
    pub action_statuses: Option<&'a BTreeMap<StatementId, ActionStatus>>,
    /// The passages; `None` for those of [`crate::passages_with`] at the default length.
    pub passages: Option<&'a [Passage]>,
    /// One vector per passage, of any length but zero: they are normalised here.
    pub vectors: Option<&'a [Vec<f32>]>,
}

/// Collects changes; nothing is seen before [`IndexWriter::commit`].
pub struct IndexWriter {}

impl IndexWriter {
    /// Adds a meeting, in place of what the index held of it.
    pub fn put_meeting(&mut self, entry: &MeetingEntry<'_>) -> Result<(), WriteIndexError> {
        let _ = entry;
        Ok(())
    }

    /// Adds a context item, in place of what the index held of it.
    pub fn put_context_item(&mut self, item: &ContextItem, vector: Option<&[f32]>) -> Result<(), WriteIndexError> {
        let _ = (item, vector);
        Ok(())
    }

    /// Takes a meeting out with its passages and statements.
    pub fn remove_meeting(&mut self, id: &MeetingId) -> Result<(), WriteIndexError> {
        let _ = id;
        Ok(())
    }

    /// Takes a context item out.
    pub fn remove_context_item(&mut self, id: &ContextItemId) -> Result<(), WriteIndexError> {
        let _ = id;
        Ok(())
    }

    /// Takes everything out: the start of a rebuild.
    pub fn clear(&mut self) -> Result<(), WriteIndexError> {
        Ok(())
    }

    /// Makes all changes since the last commit durable, all or none, and visible to the next search.
    pub fn commit(&mut self) -> Result<(), WriteIndexError> {
        Ok(())
    }
}
