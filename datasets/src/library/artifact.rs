//! One artifact: a numbered JSON file that is written whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::LibraryError;

/// The number of a version, from 1; zero stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u32);

/// Names of the folders within `folder`; none when it does not exist.
pub(super) fn folder_names(folder: &Path) -> Result<Vec<String>, LibraryError> {
    let mut names = Vec::new();
    for entry in entries(folder)? {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

/// The newest version below `folder/kind`.
pub(super) fn latest(folder: &Path, kind: &str) -> Result<Option<Version>, LibraryError> {
    let versions = entries(&folder.join(kind))?
        .into_iter()
        .filter_map(|entry| version_of(entry.file_name().to_str()?));
    Ok(versions.max())
}

/// Reads the newest version below `folder/kind`.
pub(super) fn read_latest<T: DeserializeOwned>(folder: &Path, kind: &str) -> Result<Option<T>, LibraryError> {
    let Some(version) = latest(folder, kind)? else {
        return Ok(None);
    };
    let path = folder.join(kind).join(file_name(version));
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        // Deleted between the listing and the reading: a reader holds no lock.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(LibraryError::Read { path, source }),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|source| LibraryError::Malformed { path, source })
}

/// Writes `content` as the next version below `folder/kind`.
pub(super) fn write_next<T: Serialize>(folder: &Path, kind: &str, content: &T) -> Result<Version, LibraryError> {
    let version = Version(latest(folder, kind)?.unwrap_or_default().0 + 1);
    write_whole(&folder.join(kind).join(file_name(version)), content)?;
    Ok(version)
}

/// Writes `content` as JSON to `path`, whole or not at all.
pub(super) fn write_whole<T: Serialize>(path: &Path, content: &T) -> Result<(), LibraryError> {
    write_with(path, |file| {
        serde_json::to_writer(file, content).map_err(std::io::Error::from)
    })
}

/// Writes `bytes` to `path`, whole or not at all.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), LibraryError> {
    write_with(path, |file| file.write_all(bytes))
}

/// Copies the file `from` to `path`, whole or not at all.
pub(super) fn copy_whole(from: &Path, path: &Path) -> Result<(), LibraryError> {
    let failed = |source| LibraryError::Read {
        path: from.to_owned(),
        source,
    };
    let mut file = File::open(from).map_err(failed)?;
    write_with(path, |target| std::io::copy(&mut file, target).map(drop))
}

fn write_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> std::io::Result<()>,
) -> Result<(), LibraryError> {
    let failed = |source| LibraryError::Write {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    // A name with a leading dot is no version: a file left by a crash is never read.
    let mut file = tempfile::Builder::new()
        .prefix(".writing-")
        .tempfile_in(folder)
        .map_err(failed)?;
    let mut buffer = BufWriter::new(file.as_file_mut());
    write(&mut buffer).and_then(|()| buffer.flush()).map_err(failed)?;
    drop(buffer);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folders(folder).map_err(failed)
}

/// Makes the names durable too: that of the file in its folder, and those of folders that may be new.
fn sync_folders(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()?;
    for parent in folder
        .ancestors()
        .skip(1)
        .take(3)
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        // Above the library a folder may not be readable, and was not made by us.
        let Ok(parent) = File::open(parent) else { break };
        parent.sync_all()?;
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, LibraryError> {
    let failed = |source| LibraryError::Read {
        path: folder.to_owned(),
        source,
    };
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect::<Result<_, _>>().map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(failed(source)),
    }
}

fn file_name(version: Version) -> String {
    format!("{:06}.json", version.0)
}

fn version_of(name: &str) -> Option<Version> {
    let digits = name.strip_suffix(".json")?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok().map(Version))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_leaves_is_never_read() {
        let folder = tempfile::tempdir().unwrap();
        write_next(folder.path(), "minutes", &"whole").unwrap();
        fs::write(folder.path().join("minutes/.writing-x7"), b"\"hal").unwrap();
        fs::write(folder.path().join("minutes/notes.json"), b"not ours").unwrap();
        assert_eq!(latest(folder.path(), "minutes").unwrap(), Some(Version(1)));
        assert_eq!(
            read_latest::<String>(folder.path(), "minutes").unwrap().as_deref(),
            Some("whole")
        );
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        write_next(folder.path(), "minutes", &"whole").unwrap();
        fs::write(folder.path().join("minutes/000002.json"), b"\"hal").unwrap();
        let error = read_latest::<String>(folder.path(), "minutes").unwrap_err();
        assert!(error.to_string().contains("000002.json"), "{error}");
    }
}
