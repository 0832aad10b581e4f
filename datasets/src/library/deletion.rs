//! Forgetting a meeting, with a receipt. The receipt is written before the first file goes, so that a deletion that a
//! crash cut short is finished the next time the library is opened.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::LibraryError;
use super::{LibraryWriter, artifact, now, sha256_hex};
use crate::{ContextItemId, Meeting, MeetingId};

const RECEIPTS: &str = "receipts";
const DELETED: &str = "deleted";

/// What was deleted, and what remains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The meeting or context item.
    pub subject: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the last file was gone; `None` while the deletion is under way.
    pub completed_at: Option<Timestamp>,
    /// Every file, with its size.
    pub files: Vec<DeletedFile>,
    /// Entries taken out of the index, vectors included.
    pub index_entries: usize,
    /// What this program cannot reach.
    pub remains: Vec<String>,
}

/// A file that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedFile {
    /// Path within the library.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
}

impl LibraryWriter {
    /// Deletes every artifact of the meeting. `index_entries` is what the caller took out of the index before.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchMeeting`] when the library holds nothing of that name.
    pub fn forget_meeting(&self, id: &MeetingId, index_entries: usize) -> Result<Receipt, LibraryError> {
        let folder = self.safe_meeting_folder(id)?;
        if !folder.exists() {
            return Err(LibraryError::NoSuchMeeting {
                root: self.library.root.clone(),
                id: id.clone(),
            });
        }
        self.forget_folder(id.as_str(), &folder, index_entries)
    }

    /// Deletes the file that a meeting came from and keeps what was made of it; `None` when there is no such file.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn forget_source(&self, meeting: &Meeting) -> Result<Option<Receipt>, LibraryError> {
        let Some(file) = self.library.source_file(meeting) else {
            return Ok(None);
        };
        let folder = file.parent().unwrap_or(&file);
        self.forget_folder(meeting.id.as_str(), folder, 0).map(Some)
    }

    /// Deletes a context item; `None` when the library does not hold it.
    pub fn forget_context_item(
        &self,
        id: &ContextItemId,
        index_entries: usize,
    ) -> Result<Option<Receipt>, LibraryError> {
        let folder = self.library.context_folder(id);
        if !folder.exists() {
            return Ok(None);
        }
        self.forget_folder(id.as_str(), &folder, index_entries).map(Some)
    }

    fn forget_folder(&self, subject: &str, folder: &Path, index_entries: usize) -> Result<Receipt, LibraryError> {
        let root = self.library.root();
        let requested_at = now();
        let mut files = Vec::new();
        list_files(folder, root, &mut files)?;
        let name = format!("{}-{}", requested_at.strftime("%Y%m%dT%H%M%S%.6fZ"), mark_of(subject));
        let mut receipt = Receipt {
            subject: subject.to_owned(),
            requested_at,
            completed_at: None,
            files,
            index_entries,
            remains: vec!["copies outside this library, such as backups and exports".to_owned()],
        };
        let path = root.join(RECEIPTS).join(format!("{name}.json"));
        artifact::write_whole(&path, &receipt)?;
        // One rename makes it vanish for every reader; only then do the files go one by one.
        let grave = root.join(DELETED).join(&name);
        let failed = |source| LibraryError::Write {
            path: grave.clone(),
            source,
        };
        fs::create_dir_all(root.join(DELETED)).map_err(failed)?;
        fs::rename(folder, &grave).map_err(failed)?;
        fs::remove_dir_all(&grave).map_err(failed)?;
        receipt.completed_at = Some(now());
        artifact::write_whole(&path, &receipt)?;
        Ok(receipt)
    }

    /// Finishes what a crash cut short: removes what had been renamed away, and completes or withdraws its receipt.
    pub(super) fn finish_deletions(&self) -> Result<(), LibraryError> {
        let root = self.library.root();
        for name in artifact::folder_names(&root.join(DELETED))? {
            let grave = root.join(DELETED).join(&name);
            fs::remove_dir_all(&grave).map_err(|source| LibraryError::Write {
                path: grave.clone(),
                source,
            })?;
        }
        for (path, mut receipt) in self.open_receipts()? {
            let still_there = receipt.files.iter().any(|file| root.join(&file.path).exists());
            if still_there {
                // The crash came before the rename: nothing was deleted, so nothing is certified.
                fs::remove_file(&path).map_err(|source| LibraryError::Write { path, source })?;
            } else {
                receipt.completed_at = Some(now());
                artifact::write_whole(&path, &receipt)?;
            }
        }
        Ok(())
    }

    fn open_receipts(&self) -> Result<Vec<(PathBuf, Receipt)>, LibraryError> {
        Ok(self
            .library
            .receipts_with_paths()?
            .into_iter()
            .filter(|(_, r)| r.completed_at.is_none())
            .collect())
    }
}

impl super::Library {
    /// All receipts, oldest first.
    pub fn receipts(&self) -> Result<Vec<Receipt>, LibraryError> {
        Ok(self
            .receipts_with_paths()?
            .into_iter()
            .map(|(_, receipt)| receipt)
            .collect())
    }

    /// Whether a meeting of this name was deleted at `since` or later: as a whole, not its recording alone.
    ///
    /// # Errors
    /// When its receipt cannot be read.
    pub fn was_forgotten(&self, id: &MeetingId, since: Timestamp) -> Result<bool, LibraryError> {
        let ending = format!("-{}.json", mark_of(id.as_str()));
        let receipts = self.receipts_named(|name| name.ends_with(&ending))?;
        let record = format!("meetings/{id}/meeting/");
        Ok(receipts.iter().any(|(_, receipt)| {
            receipt.subject == id.as_str()
                && receipt.requested_at >= since
                && receipt.files.iter().any(|file| file.path.starts_with(&record))
        }))
    }

    fn receipts_with_paths(&self) -> Result<Vec<(PathBuf, Receipt)>, LibraryError> {
        self.receipts_named(|name| name.ends_with(".json"))
    }

    fn receipts_named(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<(PathBuf, Receipt)>, LibraryError> {
        let folder = self.root.join(RECEIPTS);
        let Ok(entries) = fs::read_dir(&folder) else {
            return Ok(Vec::new());
        };
        let mut paths: Vec<_> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_str().is_some_and(&is_wanted))
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        let mut receipts = Vec::with_capacity(paths.len());
        for path in paths {
            let bytes = fs::read(&path).map_err(|source| LibraryError::Read {
                path: path.clone(),
                source,
            })?;
            let receipt = serde_json::from_slice(&bytes).map_err(|source| LibraryError::Malformed {
                path: path.clone(),
                source,
            })?;
            receipts.push((path, receipt));
        }
        Ok(receipts)
    }
}

/// The end of the name of a receipt: what was deleted, without its name.
fn mark_of(subject: &str) -> String {
    sha256_hex(subject.as_bytes())[..12].to_owned()
}

fn list_files(folder: &Path, root: &Path, files: &mut Vec<DeletedFile>) -> Result<(), LibraryError> {
    let failed = |source| LibraryError::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        if metadata.is_dir() {
            list_files(&entry.path(), root, files)?;
        } else {
            let path = entry.path();
            let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.push(DeletedFile {
                path,
                bytes: metadata.len(),
            });
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, Transcript};

    fn library_with_meeting() -> (tempfile::TempDir, LibraryWriter, MeetingId) {
        let folder = tempfile::tempdir().unwrap();
        let writer = LibraryWriter::open(folder.path()).unwrap();
        let meeting = Meeting::new(MeetingId::new("weekly"), "Weekly");
        writer.put_source(&meeting.id, "weekly.vtt", b"WEBVTT").unwrap();
        writer.put_transcript(&meeting.id, &Transcript::default()).unwrap();
        writer.put_meeting(&meeting).unwrap();
        (folder, writer, meeting.id)
    }

    #[test]
    fn the_receipt_names_every_file_and_nothing_is_left() {
        let (folder, writer, id) = library_with_meeting();
        let receipt = writer.forget_meeting(&id, 3).unwrap();
        let paths: Vec<_> = receipt.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "meetings/weekly/meeting/000001.json",
                "meetings/weekly/source/weekly.vtt",
                "meetings/weekly/transcript/000001.json"
            ]
        );
        assert!(receipt.completed_at.is_some());
        assert!(!writer.library().contains(&id).unwrap());
        let was_forgotten = |since| writer.library().was_forgotten(&id, since).unwrap();
        assert!(was_forgotten(receipt.requested_at) && !was_forgotten(now()));
        assert!(!folder.path().join("meetings/weekly").exists());
        assert_eq!(writer.library().receipts().unwrap(), [receipt]);
        assert!(matches!(
            writer.forget_meeting(&id, 0),
            Err(LibraryError::NoSuchMeeting { .. })
        ));
    }

    #[test]
    fn the_source_goes_and_what_was_made_of_it_stays() {
        let (folder, writer, id) = library_with_meeting();
        let mut meeting = writer.library().meeting(&id).unwrap();
        assert_eq!(writer.forget_source(&meeting).unwrap(), None, "no source is recorded");
        meeting.source = Some(Source {
            file_name: "weekly.vtt".to_owned(),
            sha256: sha256_hex(b"WEBVTT"),
        });
        let receipt = writer.forget_source(&meeting).unwrap().unwrap();
        assert_eq!(receipt.files.len(), 1);
        assert_eq!(receipt.files[0].path, "meetings/weekly/source/weekly.vtt");
        assert!(!folder.path().join("meetings/weekly/source").exists());
        assert!(writer.library().transcript(&id).unwrap().is_some());
        let was_forgotten = writer.library().was_forgotten(&id, receipt.requested_at);
        assert!(!was_forgotten.unwrap(), "the meeting stays");
        assert_eq!(writer.library().receipts().unwrap(), [receipt]);
        assert_eq!(writer.forget_source(&meeting).unwrap(), None);
    }

    #[test]
    fn a_deletion_cut_short_is_finished_at_the_next_opening() {
        let (folder, writer, id) = library_with_meeting();
        let receipt = writer.forget_meeting(&id, 0).unwrap();
        // As a crash between the rename and the last write would leave it.
        let path = writer.library().receipts_with_paths().unwrap().remove(0).0;
        artifact::write_whole(
            &path,
            &Receipt {
                completed_at: None,
                ..receipt
            },
        )
        .unwrap();
        fs::create_dir_all(folder.path().join("deleted/x/transcript")).unwrap();
        drop(writer);
        let writer = LibraryWriter::open(folder.path()).unwrap();
        assert!(writer.library().receipts().unwrap()[0].completed_at.is_some());
        assert!(!folder.path().join("deleted/x").exists());
    }

    #[test]
    fn a_receipt_without_a_deletion_is_withdrawn() {
        let (folder, writer, id) = library_with_meeting();
        let receipt = Receipt {
            subject: id.to_string(),
            requested_at: now(),
            completed_at: None,
            files: vec![DeletedFile {
                path: "meetings/weekly/meeting/000001.json".to_owned(),
                bytes: 1,
            }],
            index_entries: 0,
            remains: Vec::new(),
        };
        artifact::write_whole(&folder.path().join("receipts/x.json"), &receipt).unwrap();
        drop(writer);
        let writer = LibraryWriter::open(folder.path()).unwrap();
        assert!(writer.library().receipts().unwrap().is_empty());
        assert!(writer.library().contains(&id).unwrap());
    }
}
