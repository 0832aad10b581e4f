//! From the newest artifacts of a meeting to entries in the index: passages, their vectors, statements.

use std::collections::BTreeMap;

use anyhow::Context as _;
use datasets::library::{Library, MeetingVersions};
use datasets::{ActionStatus, Meeting, MeetingId, Minutes, StatementId, Transcript};
use index::{IndexWriter, MeetingEntry, Passage, PassageOptions};
use models::embedding::SentenceEncoder;

/// Everything that the index takes in of one meeting; made on any thread, put in by the one that writes.
pub struct PreparedMeeting {
    /// When, who, and who may see it.
    pub meeting: Meeting,
    /// Which versions of the artifacts these are.
    pub versions: MeetingVersions,
    transcript: Transcript,
    minutes: Option<Minutes>,
    action_statuses: BTreeMap<StatementId, ActionStatus>,
    passages: Vec<Passage>,
    vectors: Option<Vec<Vec<f32>>>,
}

/// Reads the newest artifacts and makes the vectors of the passages, where there is an encoder.
pub fn prepare(
    library: &Library,
    id: &MeetingId,
    encoder: Option<&SentenceEncoder>,
) -> anyhow::Result<PreparedMeeting> {
    // Before the artifacts: one that is written meanwhile then counts as not indexed, never the other way round.
    let versions = library.versions(id)?;
    let meeting = library.meeting(id)?;
    let transcript = library.transcript(id)?.unwrap_or_default();
    let passages = index::passages_with(Some(&meeting), &transcript, PassageOptions::default());
    let vectors = match encoder {
        Some(encoder) => {
            let texts: Vec<&str> = passages.iter().map(|passage| passage.text.as_str()).collect();
            Some(embed(encoder, &texts).with_context(|| format!("making the vectors of `{id}`"))?)
        }
        None => None,
    };
    Ok(PreparedMeeting {
        minutes: library.minutes(id)?,
        action_statuses: library.action_statuses(id)?,
        meeting,
        versions,
        transcript,
        passages,
        vectors,
    })
}

/// Puts a meeting into the index, in place of what was there of it.
pub fn put(writer: &mut IndexWriter, prepared: &PreparedMeeting) -> anyhow::Result<()> {
    let entry = MeetingEntry {
        meeting: &prepared.meeting,
        transcript: &prepared.transcript,
        minutes: prepared.minutes.as_ref(),
        action_statuses: Some(&prepared.action_statuses),
        passages: Some(&prepared.passages),
        vectors: prepared.vectors.as_deref(),
    };
    writer
        .put_meeting(&entry)
        .with_context(|| format!("indexing `{}`", prepared.meeting.id))
}

/// One unit vector per text.
pub fn embed(encoder: &SentenceEncoder, texts: &[&str]) -> anyhow::Result<Vec<Vec<f32>>> {
    Ok(encoder
        .embed(texts)?
        .into_iter()
        .map(models::embedding::TextEmbedding::into_vec)
        .collect())
}
