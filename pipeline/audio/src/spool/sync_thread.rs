//! Brings to the disk what was written, on a thread of its own: sound that arrives does not wait for a slow disk.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::io_error;
use crate::SpoolError;

type Files = Vec<(PathBuf, File)>;

/// The thread, and whether it is at work.
pub(super) struct SyncThread {
    /// `None` while it is dropped: the thread ends by it.
    work: Option<Sender<Files>>,
    done: Receiver<Result<(), SpoolError>>,
    is_busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl SyncThread {
    pub(super) fn start() -> io::Result<Self> {
        let (work, jobs) = channel::<Files>();
        let (tell, done) = channel();
        let sync_all = move || {
            for files in jobs {
                let synced = files
                    .iter()
                    .try_for_each(|(path, file)| file.sync_data().map_err(io_error(path)));
                if tell.send(synced).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("spool sync".to_owned())
            .spawn(sync_all)?;
        Ok(Self {
            work: Some(work),
            done,
            is_busy: false,
            thread: Some(thread),
        })
    }

    /// Whether nothing is being brought to the disk. One job at a time: a disk that cannot follow is not given more.
    pub(super) fn is_free(&self) -> bool {
        !self.is_busy
    }

    /// Has `files` brought to the disk.
    pub(super) fn sync(&mut self, files: Files) {
        if let Some(work) = &self.work {
            self.is_busy = work.send(files).is_ok();
        }
    }

    /// What went wrong with the job before, if it has ended.
    pub(super) fn failure(&mut self) -> Result<(), SpoolError> {
        match self.done.try_recv() {
            Ok(synced) => {
                self.is_busy = false;
                synced
            }
            Err(_) => Ok(()),
        }
    }

    /// Waits for the job that is under way.
    pub(super) fn wait(&mut self) -> Result<(), SpoolError> {
        if !self.is_busy {
            return Ok(());
        }
        self.is_busy = false;
        self.done.recv().unwrap_or(Ok(()))
    }
}

impl Drop for SyncThread {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
