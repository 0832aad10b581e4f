//! What was recognized so far, on disk window by window, so that a transcription that was stopped goes on where it was.
//! One file per recording and way of transcribing it, in the library's folder for work in progress; it goes when the
//! meeting is kept or forgotten.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use datasets::Provenance;
use datasets::library::{Library, sha256_hex};
use serde::{Deserialize, Serialize};
use speech::transcription::RecognizedWindow;

use crate::stages::json_lines_journal::JsonLinesJournal;

/// The windows of a recording, lane by lane.
pub struct WindowJournal {
    journal: JsonLinesJournal<JournaledWindow>,
    windows: Vec<JournaledWindow>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct JournaledWindow {
    lane: usize,
    window: RecognizedWindow,
}

/// Where the journal of a transcription of this provenance lies.
pub fn journal_path(library: &Library, provenance: &Provenance) -> anyhow::Result<PathBuf> {
    let way = sha256_hex(&serde_json::to_vec(provenance)?);
    let recording = provenance.input_sha256.as_deref().unwrap_or_default();
    Ok(library.work_folder().join(format!("{recording}-{}.jsonl", &way[..16])))
}

/// Removes all journals of a recording.
///
/// # Errors
/// When a file cannot be removed.
pub fn remove_journals(library: &Library, input_sha256: &str) -> anyhow::Result<()> {
    let folder = library.work_folder();
    let Ok(entries) = fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry.with_context(|| format!("reading `{}`", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !input_sha256.is_empty() && name.starts_with(input_sha256) {
            fs::remove_file(&path).with_context(|| format!("removing `{}`", path.display()))?;
        }
    }
    Ok(())
}

impl WindowJournal {
    /// Opens the journal at `path`, with the windows it holds.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let opened = JsonLinesJournal::open(path);
        let (journal, windows) = opened.with_context(|| keeping(path))?;
        Ok(Self { journal, windows })
    }

    /// The windows of a lane that were held when the journal was opened.
    pub fn windows(&self, lane: usize) -> Vec<RecognizedWindow> {
        let of_lane = self.windows.iter().filter(|held| held.lane == lane);
        of_lane.map(|held| held.window.clone()).collect()
    }

    /// Keeps a window; those that are held already are not written twice.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, lane: usize, window: &RecognizedWindow) -> anyhow::Result<()> {
        let held = |held: &JournaledWindow| held.lane == lane && held.window.pieces == window.pieces;
        if self.windows.iter().any(held) {
            return Ok(());
        }
        let window = window.clone();
        let appended = self.journal.append(&JournaledWindow { lane, window });
        appended.with_context(|| keeping(self.journal.path()))
    }
}

fn keeping(path: &Path) -> String {
    format!("keeping what was transcribed in `{}`", path.display())
}
