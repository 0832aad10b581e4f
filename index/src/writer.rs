//! Puts meetings and context items into the index and takes them out; a commit is seen by the next search.

use std::collections::BTreeMap;

use datasets::{ActionStatus, ContextItem, ContextItemId, Meeting, MeetingId, Minutes, StatementId, Transcript};
use tantivy::indexer::UserOperation;
use tantivy::{TantivyDocument, Term};

use crate::document::{DocumentBuilder, context_owner, meeting_owner};
use crate::vector_segment::normalised;
use crate::{Index, Passage, PassageOptions, WriteIndexError, passages_with};

/// Memory for documents that wait to be written, over all threads.
const MEMORY_BUDGET_BYTES: usize = 128 << 20;
/// Threads that analyse texts.
const THREADS_MAX: usize = 8;

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
pub struct IndexWriter {
    index: Index,
    writer: tantivy::IndexWriter,
    builder: DocumentBuilder,
}

impl IndexWriter {
    pub(crate) fn new(index: Index) -> Result<Self, WriteIndexError> {
        let threads = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(THREADS_MAX);
        let writer = index
            .shared
            .index
            .writer_with_num_threads(threads, MEMORY_BUDGET_BYTES)?;
        Ok(Self {
            builder: DocumentBuilder::new(index.shared.fields.clone()),
            index,
            writer,
        })
    }

    /// Adds a meeting, in place of what the index held of it.
    pub fn put_meeting(&mut self, entry: &MeetingEntry<'_>) -> Result<(), WriteIndexError> {
        let cut;
        let passages = match entry.passages {
            Some(passages) => passages,
            None => {
                cut = passages_with(Some(entry.meeting), entry.transcript, PassageOptions::default());
                &cut
            }
        };
        let vectors = self.unit_vectors(entry.vectors, passages.len())?;
        let documents = self.builder.meeting(entry, passages, &vectors)?;
        self.replace(&meeting_owner(&entry.meeting.id), documents)
    }

    /// Adds a context item, in place of what the index held of it.
    pub fn put_context_item(&mut self, item: &ContextItem, vector: Option<&[f32]>) -> Result<(), WriteIndexError> {
        let vectors: Option<Vec<Vec<f32>>> = vector.map(|vector| vec![vector.to_vec()]);
        let vector = self.unit_vectors(vectors.as_deref(), 1)?.pop().flatten();
        let document = self.builder.context_item(item, vector.as_deref())?;
        self.replace(&context_owner(&item.id), vec![document])
    }

    /// Takes a meeting out with its passages and statements.
    pub fn remove_meeting(&mut self, id: &MeetingId) -> Result<(), WriteIndexError> {
        self.replace(&meeting_owner(id), Vec::new())
    }

    /// Takes a context item out.
    pub fn remove_context_item(&mut self, id: &ContextItemId) -> Result<(), WriteIndexError> {
        self.replace(&context_owner(id), Vec::new())
    }

    /// Takes everything out: the start of a rebuild.
    pub fn clear(&mut self) -> Result<(), WriteIndexError> {
        self.writer.delete_all_documents()?;
        Ok(())
    }

    /// Makes all changes since the last commit durable, all or none, and visible to the next search.
    pub fn commit(&mut self) -> Result<(), WriteIndexError> {
        self.writer.commit()?;
        self.index.refresh().map_err(WriteIndexError::Refresh)
    }

    /// Waits until merges that are under way have ended; for a program that writes once and exits, and for measurements.
    pub fn wait_for_merges(self) -> Result<(), WriteIndexError> {
        self.writer.wait_merging_threads()?;
        self.index.refresh().map_err(WriteIndexError::Refresh)
    }

    /// One group of operations: its documents come into the same index segment.
    fn replace(&self, owner: &str, documents: Vec<TantivyDocument>) -> Result<(), WriteIndexError> {
        let term = Term::from_field_text(self.index.shared.fields.owner, owner);
        let operations: Vec<UserOperation> = std::iter::once(UserOperation::Delete(term))
            .chain(documents.into_iter().map(UserOperation::Add))
            .collect();
        self.writer.run(operations)?;
        Ok(())
    }

    /// Vectors at length 1; one without a direction becomes `None`, as has a passage of an index without vectors.
    fn unit_vectors(
        &self,
        vectors: Option<&[Vec<f32>]>,
        passages: usize,
    ) -> Result<Vec<Option<Vec<f32>>>, WriteIndexError> {
        let Some(vectors) = vectors else {
            return Ok(vec![None; passages]);
        };
        if vectors.len() != passages {
            return Err(WriteIndexError::VectorCount {
                passages,
                vectors: vectors.len(),
            });
        }
        let expected = self.index.embedding().map_or(0, |spec| spec.dimensions);
        match vectors.iter().find(|vector| vector.len() != expected) {
            Some(vector) => Err(WriteIndexError::Dimensions {
                expected,
                found: vector.len(),
            }),
            None => Ok(vectors.iter().map(|vector| normalised(vector)).collect()),
        }
    }
}
