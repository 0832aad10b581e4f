//! What was recognized so far, on disk window by window, so that a transcription that was stopped goes on where it was.
//!
//! One file per recording and way of transcribing it, in the library's folder for work in progress: a line of JSON per
//! window. A line that a crash cut short is dropped. The file goes when the meeting is kept or forgotten.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use datasets::Provenance;
use datasets::library::{Library, sha256_hex};
use serde::{Deserialize, Serialize};
use speech::transcription::RecognizedWindow;

/// A journal, open for appending.
pub struct WindowJournal {
    path: PathBuf,
    file: File,
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
        let said = || format!("keeping what was transcribed in `{}`", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(said)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).with_context(said)?;
        let mut windows = Vec::new();
        let mut whole_bytes = 0;
        let mut lines = BufReader::new(&mut file);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).with_context(said)? > 0 {
            let Ok(window) = serde_json::from_slice(&line) else {
                break;
            };
            if line.last() != Some(&b'\n') {
                break;
            }
            windows.push(window);
            whole_bytes += line.len() as u64;
            line.clear();
        }
        file.set_len(whole_bytes).with_context(said)?;
        file.seek(std::io::SeekFrom::End(0)).with_context(said)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            windows,
        })
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
        if self
            .windows
            .iter()
            .any(|held| held.lane == lane && held.window.pieces == window.pieces)
        {
            return Ok(());
        }
        let window = window.clone();
        let mut line = serde_json::to_vec(&JournaledWindow { lane, window })?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .and_then(|()| self.file.sync_data())
            .with_context(|| format!("keeping what was transcribed in `{}`", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use speech::sound::Span;

    use super::*;

    fn window(start_ms: i64) -> RecognizedWindow {
        RecognizedWindow {
            pieces: vec![Span::new(start_ms, start_ms + 500)],
            ..RecognizedWindow::default()
        }
    }

    #[test]
    fn windows_survive_and_a_torn_line_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work/a.jsonl");
        let mut journal = WindowJournal::open(&path).unwrap();
        journal.append(0, &window(0)).unwrap();
        journal.append(1, &window(1000)).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 3);
        fs::write(&path, &bytes).unwrap();
        let mut journal = WindowJournal::open(&path).unwrap();
        assert_eq!(journal.windows(0), [window(0)]);
        assert_eq!(journal.windows(1), []);
        journal.append(0, &window(0)).unwrap();
        journal.append(1, &window(1000)).unwrap();
        let journal = WindowJournal::open(&path).unwrap();
        assert_eq!((journal.windows(0).len(), journal.windows(1).len()), (1, 1));
    }
}
