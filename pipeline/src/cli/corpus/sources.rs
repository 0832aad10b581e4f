//! Where the meetings of a corpus come from: files that are read, and recordings that are heard.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender};

use anyhow::Context as _;
use datasets::MeetingId;
use datasets::formats::MeetingRead;
use datasets::library::LibraryWriter;
use indicatif::ProgressBar;
use walkdir::WalkDir;

use super::{Event, Job, JobSource, Unheard};
use crate::stages::keep_meeting::assign_id;
use crate::stages::read_recording::{hear, unheard_meeting};
use crate::stages::read_transcript::{KnownFacts, read_transcript};
use crate::stages::transcribe::{Transcriber, is_recording};

/// All files below `folder` in a fixed order; hidden ones and the notes that corpora bring along are no meetings.
pub(super) fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let shown = |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(shown)
    {
        let entry = entry.with_context(|| format!("reading the folder `{}`", folder.display()))?;
        let extension = entry
            .path()
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        let note = matches!(extension.as_deref(), Some("md" | "ics" | "vcf" | "eml" | "pdf"));
        if entry.file_type().is_file() && !note {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// Reads files in turn, gives each meeting its id, and hands it on.
pub(super) struct Reader<'a> {
    pub(super) folder: &'a Path,
    pub(super) library: &'a LibraryWriter,
    pub(super) facts: &'a KnownFacts,
    pub(super) to_workers: SyncSender<Job>,
    pub(super) to_engine: SyncSender<Unheard>,
    pub(super) to_indexer: SyncSender<Event>,
}

impl Reader<'_> {
    pub(super) fn run(self, files: &[PathBuf]) {
        let mut taken = BTreeSet::new();
        for path in files {
            let event = match self.file(path, &mut taken) {
                Ok(Some(meetings)) => Event::FileRead { meetings },
                Ok(None) => return,
                Err(error) => Event::Skipped(path.clone(), error),
            };
            if self.to_indexer.send(event).is_err() {
                // The indexer gave up: its own error is the one to report.
                return;
            }
        }
    }

    /// Hands on the meetings of a file and counts them; `None` when nobody takes them any more.
    fn file(&self, path: &Path, taken: &mut BTreeSet<MeetingId>) -> anyhow::Result<Option<usize>> {
        if is_recording(path)? {
            let read = self.identified(unheard_meeting(path, self.facts)?, path, taken)?;
            let unheard = Unheard {
                path: path.to_owned(),
                read,
            };
            return Ok(self.to_engine.send(unheard).ok().map(|()| 1));
        }
        let file = read_transcript(path, self.facts)?;
        let single = file.meetings.len() == 1;
        let mut bytes = Some(file.bytes);
        let mut jobs = Vec::with_capacity(file.meetings.len());
        for read in file.meetings {
            let source = if single {
                bytes.take().map(JobSource::Bytes)
            } else {
                None
            };
            let read = self.identified(read, path, taken)?;
            jobs.push(Job { read, source });
        }
        let meetings = jobs.len();
        let all_taken = jobs.into_iter().all(|job| self.to_workers.send(job).is_ok());
        Ok(all_taken.then_some(meetings))
    }

    fn identified(
        &self,
        mut read: MeetingRead,
        path: &Path,
        taken: &mut BTreeSet<MeetingId>,
    ) -> anyhow::Result<MeetingRead> {
        if let Some(source) = &mut read.meeting.source {
            // Two folders may hold files of one name.
            let relative = path.strip_prefix(self.folder).unwrap_or(path);
            if !relative.as_os_str().is_empty() {
                source.file_name = relative.to_string_lossy().into_owned();
            }
        }
        assign_id(self.library.library(), &mut read, taken)?;
        Ok(read)
    }
}

/// Transcribes recordings in turn: one loaded model with all processors is faster than several that share them, and takes
/// the memory of one.
pub(super) struct Engine<'a> {
    pub(super) library: &'a LibraryWriter,
    pub(super) facts: &'a KnownFacts,
    pub(super) to_workers: SyncSender<Job>,
    pub(super) to_indexer: SyncSender<Event>,
    pub(super) bar: &'a ProgressBar,
}

impl Engine<'_> {
    pub(super) fn run(self, recordings: &Receiver<Unheard>, load: &mut dyn FnMut() -> anyhow::Result<Transcriber>) {
        let mut transcriber = None;
        for mut unheard in recordings {
            let heard = match &mut transcriber {
                Some(transcriber) => Ok(transcriber),
                none => load().map(|loaded| none.insert(loaded)),
            }
            .and_then(|transcriber| self.hear(&mut unheard, transcriber));
            let is_taken = match heard {
                Ok(()) => {
                    let Unheard { path, read } = unheard;
                    let source = Some(JobSource::Recording(path));
                    self.to_workers.send(Job { read, source }).is_ok()
                }
                Err(error) => {
                    let error = error.context(format!("`{}`", unheard.path.display()));
                    self.to_indexer.send(Event::Skipped(unheard.path, error)).is_ok()
                }
            };
            if !is_taken {
                return;
            }
        }
    }

    fn hear(&self, unheard: &mut Unheard, transcriber: &mut Transcriber) -> anyhow::Result<()> {
        let name = unheard.path.file_name().unwrap_or_default().to_string_lossy();
        let mut on_progress = |done_ms: u64, all_ms: u64| {
            self.bar
                .set_message(format!("{name} {} %", 100 * done_ms / all_ms.max(1)));
            ControlFlow::Continue(())
        };
        let library = self.library.library();
        hear(
            &mut unheard.read,
            &unheard.path,
            self.facts,
            library,
            transcriber,
            &mut on_progress,
        )?;
        self.bar.set_message("");
        Ok(())
    }
}
