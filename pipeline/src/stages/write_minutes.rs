//! Minutes by a language model, resumable at the passage: each is kept in the library's work folder as it is read.

use std::collections::HashMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Context as _;
use datasets::library::Library;
use datasets::{Meeting, MeetingId, Minutes, PassageState, Transcript};
use minuting::engine::{MinutesEngine as _, MinutesOptions};
use minuting::generative::{Generative, GenerativeProgress, PassageNotes, PassageStore, TextGenerator};

use super::json_lines_journal::JsonLinesJournal;
use super::make_minutes::pin;

/// Makes the minutes of `meeting` with `generator`. Neither the library's lock nor its index is needed.
///
/// # Errors
/// When the model cannot be reached or the work is to stop: what was read of passages is kept for the next time.
pub fn write_minutes(
    library: &Library,
    meeting: &Meeting,
    transcript: &Transcript,
    options: &MinutesOptions,
    generator: &dyn TextGenerator,
    on_progress: &mut dyn FnMut(GenerativeProgress) -> ControlFlow<()>,
) -> anyhow::Result<Minutes> {
    let mut journal = PassageJournal::open(passages_path(library, &meeting.id))?;
    let mut minutes = Generative::new(generator, &mut journal, on_progress)
        .summarize(meeting, transcript, options)
        .with_context(|| format!("making the minutes of `{}`; what was read of it is kept", meeting.id))?;
    pin(&mut minutes, transcript, options)?;
    Ok(minutes)
}

/// Removes what was kept of passages once `minutes` are written; unless some of them failed: those are then read again
/// by whoever asks for minutes again, and the others are not.
///
/// # Errors
/// When the file cannot be removed.
pub fn remove_passages_of(library: &Library, id: &MeetingId, minutes: &Minutes) -> anyhow::Result<()> {
    let mut passages = minutes.coverage.passages.iter();
    if passages.any(|passage| matches!(passage.state, PassageState::Failed(_))) {
        return Ok(());
    }
    remove_passages(library, id)
}

/// Removes what was kept of passages.
///
/// # Errors
/// When the file cannot be removed.
pub fn remove_passages(library: &Library, id: &MeetingId) -> anyhow::Result<()> {
    let path = passages_path(library, id);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

fn passages_path(library: &Library, id: &MeetingId) -> PathBuf {
    library.work_folder().join(format!("{id}-passages.jsonl"))
}

struct PassageJournal {
    journal: JsonLinesJournal<(String, PassageNotes)>,
    notes: HashMap<String, PassageNotes>,
}

impl PassageJournal {
    fn open(path: PathBuf) -> anyhow::Result<Self> {
        let opened = JsonLinesJournal::open(&path);
        let (journal, notes) = opened.with_context(|| format!("keeping passages in `{}`", path.display()))?;
        Ok(Self {
            journal,
            notes: notes.into_iter().collect(),
        })
    }
}

impl PassageStore for PassageJournal {
    fn get(&self, key: &str) -> Option<PassageNotes> {
        self.notes.get(key).cloned()
    }

    fn put(&mut self, key: &str, notes: &PassageNotes) -> std::io::Result<()> {
        self.journal.append(&(key.to_owned(), notes.clone()))
    }
}
