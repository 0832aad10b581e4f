//! The checksum of a file whose manifest entry has none: recorded beside it when it first arrives, as `sha256sum` writes
//! it, and what it is held to from then on.

use std::path::{Path, PathBuf};

use super::manifest::is_sha256;
use super::store::{WeightsError, at};

/// The recorded SHA-256 of the file at `target`; `None` before it first arrived.
pub(super) fn read(target: &Path) -> Result<Option<String>, WeightsError> {
    let path = path_of(target);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(WeightsError::Io { path, source }),
    };
    let sha256 = text.split_whitespace().next().unwrap_or_default();
    if is_sha256(sha256) {
        Ok(Some(sha256.to_owned()))
    } else {
        Err(WeightsError::Record { path })
    }
}

/// Records the SHA-256 of the file at `target`.
pub(super) fn write(target: &Path, sha256: &str) -> Result<(), WeightsError> {
    let path = path_of(target);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    // Written whole or not at all: half a record would condemn the file.
    let partial = path.with_added_extension("new");
    std::fs::write(&partial, format!("{sha256}  {name}\n")).map_err(at(&partial))?;
    std::fs::rename(&partial, &path).map_err(at(&path))
}

fn path_of(target: &Path) -> PathBuf {
    target.with_added_extension("sha256")
}
