//! A file of a model while it arrives: resumable, under a name of its own, and renamed only when its checksum is right.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use scopeguard::{ScopeGuard, guard};
use sha2::{Digest, Sha256};

use super::manifest::ModelFile;
use super::store::{WeightsError, at};

/// An open file that is locked, and free again when it is dropped.
type Lock = ScopeGuard<File, fn(File)>;

/// What a file is called until it is complete.
pub(super) const PARTIAL_SUFFIX: &str = ".partial";

/// A file that is arriving. What was written stays on disk when it is dropped, and the next attempt goes on there.
#[derive(Debug)]
pub struct PartialFile {
    expected: ModelFile,
    /// The SHA-256 it must have, where one is known.
    sha256: Option<String>,
    target: PathBuf,
    partial: PathBuf,
    file: Lock,
    digest: Sha256,
    bytes: u64,
}

impl PartialFile {
    /// Opens the partial file for `target`, locks it against other processes, and reads what an earlier attempt left.
    /// `sha256` is what it must have in the end; where it is unknown, what comes is recorded.
    pub(super) fn open(
        target: PathBuf,
        expected: &ModelFile,
        sha256: Option<String>,
    ) -> Result<PartialFile, WeightsError> {
        let mut partial = target.clone().into_os_string();
        partial.push(PARTIAL_SUFFIX);
        let partial = PathBuf::from(partial);
        let folder = target.parent().expect("a model's file lies in the model's folder");
        std::fs::create_dir_all(folder).map_err(at(folder))?;
        let mut options = File::options();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&partial)
            .map_err(at(&partial))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => WeightsError::Busy { path: partial.clone() },
            TryLockError::Error(source) => WeightsError::Io {
                path: partial.clone(),
                source,
            },
        })?;
        let mut arriving = PartialFile {
            expected: expected.clone(),
            sha256,
            target,
            partial,
            // Closing is not enough: a program that another thread is just starting has the file open too, until it runs.
            file: guard(file, |file| drop(file.unlock())),
            digest: Sha256::new(),
            bytes: 0,
        };
        arriving.read_what_is_there()?;
        Ok(arriving)
    }

    /// Bytes that are there already: the source should send from this offset on.
    pub fn resume_offset(&self) -> u64 {
        self.bytes
    }

    /// Length of the whole file in bytes.
    pub fn expected_bytes(&self) -> u64 {
        self.expected.bytes
    }

    /// What a less trusted list says of the checksum; it counts where nothing else is known.
    pub(super) fn expect_sha256(&mut self, sha256: Option<&String>) {
        self.sha256 = self.sha256.take().or_else(|| sha256.cloned());
    }

    /// Throws away what is there, for a source that can only send from the start.
    ///
    /// # Errors
    /// When the file can't be cut.
    pub fn restart(&mut self) -> Result<(), WeightsError> {
        self.file.set_len(0).map_err(at(&self.partial))?;
        self.file.seek(SeekFrom::Start(0)).map_err(at(&self.partial))?;
        self.digest = Sha256::new();
        self.bytes = 0;
        Ok(())
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// When the disk refuses them, or there are more than the manifest allows.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        let total = self.bytes + bytes.len() as u64;
        if total > self.expected.bytes {
            return Err(self.wrong_length(total));
        }
        self.file.write_all(bytes).map_err(at(&self.partial))?;
        self.digest.update(bytes);
        self.bytes = total;
        Ok(())
    }

    /// Adds everything a reader gives.
    ///
    /// # Errors
    /// When reading or writing fails, or there is more than the manifest allows.
    pub fn write_all_from(&mut self, source: &mut dyn Read) -> Result<(), WeightsError> {
        let mut buffer = vec![0; 1 << 18];
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.write(&buffer[..count])?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(WeightsError::Io {
                        path: self.target.clone(),
                        source,
                    });
                }
            }
        }
    }

    /// Checks length and checksum, makes the file durable and puts it in its place. A file with a wrong checksum is
    /// deleted, since going on from it can't help. A checksum that the manifest does not know is recorded beside it.
    ///
    /// # Errors
    /// When bytes are missing (they can still be added by a later attempt), or the checksum is wrong.
    pub fn finish(self) -> Result<PathBuf, WeightsError> {
        if self.bytes != self.expected.bytes {
            return Err(self.wrong_length(self.bytes));
        }
        let found = super::hex(&self.digest.finalize());
        if let Some(expected) = self.sha256.filter(|expected| *expected != found) {
            std::fs::remove_file(&self.partial).map_err(at(&self.partial))?;
            return Err(WeightsError::Checksum {
                path: self.target,
                expected,
                found,
            });
        }
        if self.expected.sha256.is_none() {
            super::record::write(&self.target, &found)?;
        }
        self.file.sync_all().map_err(at(&self.partial))?;
        std::fs::rename(&self.partial, &self.target).map_err(at(&self.target))?;
        sync_folder(&self.target)?;
        Ok(self.target)
    }

    fn wrong_length(&self, found: u64) -> WeightsError {
        WeightsError::Length {
            path: self.target.clone(),
            expected: self.expected.bytes,
            found,
        }
    }

    fn read_what_is_there(&mut self) -> Result<(), WeightsError> {
        let length = self.file.metadata().map_err(at(&self.partial))?.len();
        if length > self.expected.bytes {
            return self.restart();
        }
        self.bytes = std::io::copy(&mut *self.file, &mut HashWriter(&mut self.digest)).map_err(at(&self.partial))?;
        Ok(())
    }
}

/// Lets `io::copy` feed a digest.
pub(super) struct HashWriter<'a>(pub(super) &'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Makes a rename durable; only Unix lets a folder be opened for it.
fn sync_folder(path: &Path) -> Result<(), WeightsError> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(at(folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_ended_is_no_other_program_at_work() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("model.bin");
        let expected = ModelFile {
            path: "model.bin".to_owned(),
            bytes: 8,
            sha256: None,
        };
        let open = || PartialFile::open(target.clone(), &expected, None);
        let mut first = open().unwrap();
        first.write(b"half").unwrap();
        assert!(matches!(open(), Err(WeightsError::Busy { .. })));
        // What a program has that was being started at this moment.
        let inherited = first.file.try_clone().unwrap();
        drop(first);
        assert_eq!(open().unwrap().resume_offset(), 4);
        drop(inherited);
    }
}
