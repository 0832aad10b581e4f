//! Watched folders: a file that appears there becomes a job, once, when nobody writes to it any more. Folders are looked
//! at every few seconds rather than by notifications, which network drives do not send.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::Service;
use super::queue::NewJob;
use super::run_parameters::RunParameters;

/// Between two looks. A file that has not changed from one to the next is taken for whole.
const PAUSE: Duration = Duration::from_secs(2);
/// Extensions of files that are being written.
const PARTIAL: [&str; 5] = ["part", "partial", "tmp", "crdownload", "filepart"];
/// Batch work comes after what people wait for.
const PRIORITY: i64 = 0;

/// Size and time of change: what tells that a file is another.
type State = (u64, SystemTime);

/// Looks at `folders` until the other end of `stop` is gone.
pub fn watch(service: &Arc<Service>, folders: &[PathBuf], stop: &Receiver<()>) {
    let mut last: HashMap<PathBuf, State> = HashMap::new();
    let mut waiting: HashSet<PathBuf> = HashSet::new();
    loop {
        let found: HashMap<PathBuf, State> = folders.iter().flat_map(|folder| files(folder)).collect();
        for (path, state) in &found {
            if last.get(path) != Some(state) {
                continue;
            }
            match submit(service, path, *state) {
                Ok(Taken::Queued) => {}
                Ok(Taken::Waits) => {
                    if waiting.insert(path.clone()) {
                        tracing::warn!(file = %path.display(), "a watched recording waits for a speech model");
                    }
                }
                Err(error) => {
                    tracing::error!(file = %path.display(), error = format!("{error:#}"), "a watched file cannot be queued");
                }
            }
        }
        last = found;
        if stop.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, State)> {
    let entries = WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_map(Result::ok);
    let whole = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy();
        let extension = entry
            .path()
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        !name.starts_with('.') && !extension.is_some_and(|extension| PARTIAL.contains(&extension.as_str()))
    });
    whole
        .filter_map(|entry| {
            let state = entry.metadata().ok().filter(Metadata::is_file)?;
            Some((entry.path().to_owned(), (state.len(), state.modified().ok()?)))
        })
        .collect()
}

/// What became of a file.
enum Taken {
    /// A job was made of it, now or before; or there is nothing in it.
    Queued,
    /// There is no model to hear it with.
    Waits,
}

fn submit(service: &Service, path: &Path, (bytes, modified): State) -> anyhow::Result<Taken> {
    let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let key = format!("watched {} {bytes} {}", path.display(), since.as_nanos());
    if bytes == 0 || service.queue.knows(&key)? {
        return Ok(Taken::Queued);
    }
    let parameters = RunParameters {
        path: std::path::absolute(path)?,
        file_name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        ..RunParameters::of_server(service)
    };
    if parameters.lacks_speech_model()? {
        return Ok(Taken::Waits);
    }
    service.queue.submit(&NewJob {
        lane: parameters.lane()?,
        priority: PRIORITY,
        parameters,
        owner: None,
        idempotency_key: Some(key),
    })?;
    Ok(Taken::Queued)
}
