//! The library: every meeting as a folder of artifacts on disk. The artifacts are the truth; index, vectors and tables
//! are derived from them and can be made again.
//!
//! ```text
//! library.json                        format version
//! meetings/<id>/source/<file name>    what was brought in, unchanged
//! meetings/<id>/transcript/000001.json
//! meetings/<id>/minutes/000001.json
//! meetings/<id>/actions/000001.json   which actions are done
//! meetings/<id>/meeting/000001.json   written last: a meeting without it does not exist yet
//! live/<name>/                        a meeting being recorded, until it is kept; by crate `pipeline`
//! context/<digest>/item/000001.json   mails, events, contacts, documents, chats
//! receipts/<time>-<id>.json           what was deleted
//! index/                              derived, by crate `index`
//! ```
//!
//! Each artifact is written whole or not at all, under a number of its own; a later version never overwrites an
//! earlier one. Reading takes no lock. Writing takes the one lock of the library, which the operating system releases
//! when the process dies.

mod artifact;
mod deletion;
mod error;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use scopeguard::{ScopeGuard, guard};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::artifact::Version;
pub use self::deletion::{DeletedFile, Receipt};
pub use self::error::LibraryError;
use crate::{
    ActionStatus, ContextItem, ContextItemId, Meeting, MeetingId, Minutes, StatementId, Transcript, statement_ids,
};

/// An open file that is locked, and free again when it is dropped.
type Lock = ScopeGuard<File, fn(File)>;

/// The layout that this program reads and writes.
pub const FORMAT_VERSION: u32 = 1;

const FORMAT_FILE: &str = "library.json";
const LOCK_FILE: &str = ".lock";
const MEETINGS: &str = "meetings";
const CONTEXT: &str = "context";
const INDEX: &str = "index";
const WORK: &str = "work";
const LIVE: &str = "live";

/// Which kind of artifact of a meeting; each has a folder of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Meeting,
    Transcript,
    Minutes,
    Actions,
    Item,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Self::Meeting => "meeting",
            Self::Transcript => "transcript",
            Self::Minutes => "minutes",
            Self::Actions => "actions",
            Self::Item => "item",
        }
    }
}

/// A library opened for reading. See the module for its layout.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
}

/// A library opened for writing: holds its lock until dropped.
#[derive(Debug)]
pub struct LibraryWriter {
    library: Library,
    // Held for its lock alone.
    _lock: Lock,
}

/// The newest versions of a meeting's artifacts: what the index must hold to be up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingVersions {
    /// Of the meeting's record.
    pub meeting: Version,
    /// Of the transcript; zero when there is none.
    pub transcript: Version,
    /// Of the minutes; zero when there are none.
    pub minutes: Version,
    /// Of the action states; zero when none was changed.
    pub actions: Version,
}

#[derive(Serialize, Deserialize)]
struct Format {
    format: u32,
}

impl Library {
    /// Opens an existing library for reading.
    ///
    /// # Errors
    /// When there is none at `root`, or it was written by a later greffier.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, LibraryError> {
        let root = root.into();
        let path = root.join(FORMAT_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(LibraryError::NotALibrary { root });
            }
            Err(source) => return Err(LibraryError::Read { path, source }),
        };
        let found: Format =
            serde_json::from_slice(&bytes).map_err(|source| LibraryError::Malformed { path, source })?;
        if found.format > FORMAT_VERSION {
            return Err(LibraryError::LaterFormat {
                root,
                found: found.format,
                known: FORMAT_VERSION,
            });
        }
        Ok(Self { root })
    }

    /// The folder that holds it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the derived index.
    pub fn index_folder(&self) -> PathBuf {
        self.root.join(INDEX)
    }

    /// The folder of work under way, to go on from where it was stopped: windows of transcriptions, passages of minutes.
    pub fn work_folder(&self) -> PathBuf {
        self.root.join(WORK)
    }

    /// The folder of what is being recorded, or was not finished.
    pub fn live_folder(&self) -> PathBuf {
        self.root.join(LIVE)
    }

    /// All meetings, by id. A folder whose import was cut short is not listed.
    pub fn meeting_ids(&self) -> Result<Vec<MeetingId>, LibraryError> {
        let mut ids = Vec::new();
        for name in artifact::folder_names(&self.root.join(MEETINGS))? {
            let id = MeetingId::new(name);
            if artifact::latest(&self.meeting_folder(&id), Kind::Meeting.folder())?.is_some() {
                ids.push(id);
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// Whether the library holds the meeting.
    pub fn contains(&self, id: &MeetingId) -> Result<bool, LibraryError> {
        Ok(artifact::latest(&self.meeting_folder(id), Kind::Meeting.folder())?.is_some())
    }

    /// The meeting's record.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchMeeting`] when the library does not hold it.
    pub fn meeting(&self, id: &MeetingId) -> Result<Meeting, LibraryError> {
        artifact::read_latest(&self.meeting_folder(id), Kind::Meeting.folder())?.ok_or_else(|| {
            LibraryError::NoSuchMeeting {
                root: self.root.clone(),
                id: id.clone(),
            }
        })
    }

    /// The newest transcript.
    pub fn transcript(&self, id: &MeetingId) -> Result<Option<Transcript>, LibraryError> {
        artifact::read_latest(&self.meeting_folder(id), Kind::Transcript.folder())
    }

    /// The newest minutes.
    pub fn minutes(&self, id: &MeetingId) -> Result<Option<Minutes>, LibraryError> {
        artifact::read_latest(&self.meeting_folder(id), Kind::Minutes.folder())
    }

    /// The states of actions that were ever changed; an action that is not named is open.
    pub fn action_statuses(&self, id: &MeetingId) -> Result<BTreeMap<StatementId, ActionStatus>, LibraryError> {
        Ok(artifact::read_latest(&self.meeting_folder(id), Kind::Actions.folder())?.unwrap_or_default())
    }

    /// The file that the meeting came from, where the library holds it.
    pub fn source_file(&self, meeting: &Meeting) -> Option<PathBuf> {
        let name = Path::new(&meeting.source.as_ref()?.file_name).file_name()?.to_owned();
        let path = self.meeting_folder(&meeting.id).join("source").join(name);
        path.is_file().then_some(path)
    }

    /// The newest versions of the meeting's artifacts.
    pub fn versions(&self, id: &MeetingId) -> Result<MeetingVersions, LibraryError> {
        let folder = self.meeting_folder(id);
        let latest = |kind: Kind| Ok(artifact::latest(&folder, kind.folder())?.unwrap_or_default());
        Ok(MeetingVersions {
            meeting: latest(Kind::Meeting)?,
            transcript: latest(Kind::Transcript)?,
            minutes: latest(Kind::Minutes)?,
            actions: latest(Kind::Actions)?,
        })
    }

    /// All context items, by id.
    pub fn context_items(&self) -> Result<Vec<ContextItem>, LibraryError> {
        let context = self.root.join(CONTEXT);
        let mut items = Vec::new();
        for name in artifact::folder_names(&context)? {
            items.extend(artifact::read_latest::<ContextItem>(
                &context.join(name),
                Kind::Item.folder(),
            )?);
        }
        items.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(items)
    }

    fn meeting_folder(&self, id: &MeetingId) -> PathBuf {
        self.root.join(MEETINGS).join(id.as_str())
    }

    fn context_folder(&self, id: &ContextItemId) -> PathBuf {
        // Ids come from outside and may hold anything: their digest is a safe name.
        self.root.join(CONTEXT).join(&sha256_hex(id.as_str().as_bytes())[..32])
    }
}

impl LibraryWriter {
    /// Opens the library at `root` for writing and creates it where there is none, for its owner alone. Deletions that
    /// were cut short are finished.
    ///
    /// # Errors
    /// [`LibraryError::Locked`] while another process writes; else as [`Library::open`].
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, LibraryError> {
        let root = root.into();
        create_private_folder(&root).map_err(|source| LibraryError::Write {
            path: root.clone(),
            source,
        })?;
        let path = root.join(LOCK_FILE);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| LibraryError::Write {
                path: path.clone(),
                source,
            })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LibraryError::Locked { root }),
            Err(TryLockError::Error(source)) => return Err(LibraryError::Write { path, source }),
        }
        if !root.join(FORMAT_FILE).exists() {
            artifact::write_whole(&root.join(FORMAT_FILE), &Format { format: FORMAT_VERSION })?;
        }
        let writer = Self {
            library: Library::open(root)?,
            // Closing is not enough: a program that another thread is just starting has the file open too, until it runs.
            _lock: guard(lock, |lock| drop(lock.unlock())),
        };
        writer.finish_deletions()?;
        Ok(writer)
    }

    /// Waits until no other process writes to the library at `root`. Another may be quicker than the caller then.
    ///
    /// # Errors
    /// When its lock cannot be had.
    pub fn wait_until_free(root: &Path) -> Result<(), LibraryError> {
        let path = root.join(LOCK_FILE);
        let lock = File::options().write(true).open(&path);
        lock.and_then(|lock| lock.lock().and_then(|()| lock.unlock()))
            .map_err(|source| LibraryError::Write { path, source })
    }

    /// The library, for reading.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// Keeps the file that a meeting came from, unchanged. Several files may belong to one meeting.
    pub fn put_source(&self, id: &MeetingId, file_name: &str, bytes: &[u8]) -> Result<(), LibraryError> {
        let folder = self.safe_meeting_folder(id)?.join("source");
        // Only the last part: a name out of an upload must not leave the folder.
        let name = Path::new(file_name)
            .file_name()
            .unwrap_or(std::ffi::OsStr::new("source"));
        artifact::write_bytes(&folder.join(name), bytes)
    }

    /// As [`LibraryWriter::put_source`], for a file of any length.
    pub fn put_source_file(&self, id: &MeetingId, path: &Path) -> Result<(), LibraryError> {
        let name = path.file_name().unwrap_or(std::ffi::OsStr::new("source"));
        artifact::copy_whole(path, &self.safe_meeting_folder(id)?.join("source").join(name))
    }

    /// Writes a new version of the transcript.
    pub fn put_transcript(&self, id: &MeetingId, transcript: &Transcript) -> Result<Version, LibraryError> {
        artifact::write_next(&self.safe_meeting_folder(id)?, Kind::Transcript.folder(), transcript)
    }

    /// Writes a new version of the minutes and gives them as they are written: what the version before said too keeps
    /// its ids, so that an action that was ticked off stays ticked off.
    pub fn put_minutes(&self, id: &MeetingId, minutes: &Minutes) -> Result<Minutes, LibraryError> {
        let folder = self.safe_meeting_folder(id)?;
        let mut minutes = minutes.clone();
        if let Some(before) = self.library.minutes(id)? {
            let ticked = self.library.action_statuses(id)?.into_keys();
            statement_ids::carry(&before, ticked, &mut minutes);
        }
        artifact::write_next(&folder, Kind::Minutes.folder(), &minutes)?;
        Ok(minutes)
    }

    /// Writes a new version of the meeting's record. For a new meeting this comes last: it makes the meeting exist.
    pub fn put_meeting(&self, meeting: &Meeting) -> Result<Version, LibraryError> {
        artifact::write_next(&self.safe_meeting_folder(&meeting.id)?, Kind::Meeting.folder(), meeting)
    }

    /// Sets the state of one action.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchAction`] when the newest minutes hold no such action.
    pub fn set_action_status(
        &self,
        id: &MeetingId,
        action: &StatementId,
        status: ActionStatus,
    ) -> Result<Version, LibraryError> {
        let minutes = self.library.minutes(id)?;
        let known = minutes
            .iter()
            .flat_map(|minutes| &minutes.actions)
            .any(|item| item.statement.id == *action);
        if !known {
            return Err(LibraryError::NoSuchAction {
                meeting: id.clone(),
                action: action.clone(),
            });
        }
        let mut statuses = self.library.action_statuses(id)?;
        statuses.insert(action.clone(), status);
        artifact::write_next(&self.safe_meeting_folder(id)?, Kind::Actions.folder(), &statuses)
    }

    /// Writes a new version of a context item.
    pub fn put_context_item(&self, item: &ContextItem) -> Result<Version, LibraryError> {
        artifact::write_next(&self.library.context_folder(&item.id), Kind::Item.folder(), item)
    }

    fn safe_meeting_folder(&self, id: &MeetingId) -> Result<PathBuf, LibraryError> {
        if id.is_safe_folder_name() {
            Ok(self.library.meeting_folder(id))
        } else {
            Err(LibraryError::UnsafeName { id: id.clone() })
        }
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// What was said is nobody else's to read: of folders that are made, only the owner sees what is in them. One that is there
/// already keeps the rights that somebody gave it.
fn create_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Statement, Utterance};

    fn library() -> (tempfile::TempDir, LibraryWriter) {
        let folder = tempfile::tempdir().unwrap();
        let writer = LibraryWriter::open(folder.path().join("library")).unwrap();
        (folder, writer)
    }

    fn transcript(text: &str) -> Transcript {
        Transcript {
            utterances: vec![Utterance::new(Utterance::id_at(0), text)],
            ..Transcript::default()
        }
    }

    #[test]
    fn a_meeting_exists_once_its_record_is_written() {
        let (_folder, writer) = library();
        let meeting = Meeting::new(MeetingId::new("weekly"), "Weekly");
        writer.put_transcript(&meeting.id, &transcript("hello")).unwrap();
        assert!(writer.library().meeting_ids().unwrap().is_empty());
        writer.put_meeting(&meeting).unwrap();
        assert_eq!(
            writer.library().meeting_ids().unwrap(),
            std::slice::from_ref(&meeting.id)
        );
        assert_eq!(writer.library().meeting(&meeting.id).unwrap(), meeting);
    }

    #[cfg(unix)]
    #[test]
    fn a_library_is_made_for_its_owner_and_keeps_the_rights_it_was_given() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, writer) = library();
        let root = folder.path().join("library");
        let mode = || fs::metadata(&root).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o700);
        drop(writer);
        fs::set_permissions(&root, fs::Permissions::from_mode(0o750)).unwrap();
        LibraryWriter::open(&root).unwrap();
        assert_eq!(mode(), 0o750);
    }

    #[test]
    fn a_later_version_leaves_the_earlier_one() {
        let (_folder, writer) = library();
        let meeting = Meeting::new(MeetingId::new("weekly"), "Weekly");
        assert_eq!(
            writer.put_transcript(&meeting.id, &transcript("first")).unwrap(),
            Version(1)
        );
        assert_eq!(
            writer.put_transcript(&meeting.id, &transcript("second")).unwrap(),
            Version(2)
        );
        assert_eq!(
            writer.library().transcript(&meeting.id).unwrap(),
            Some(transcript("second"))
        );
        assert!(
            writer
                .library()
                .root()
                .join("meetings/weekly/transcript/000001.json")
                .exists()
        );
    }

    #[test]
    fn a_second_writer_is_refused_and_reading_goes_on() {
        let (_folder, writer) = library();
        let root = writer.library().root().to_owned();
        assert!(matches!(LibraryWriter::open(&root), Err(LibraryError::Locked { .. })));
        assert!(Library::open(&root).is_ok());
        // What a program has that was being started at this moment.
        let inherited = writer._lock.try_clone().unwrap();
        drop(writer);
        assert!(LibraryWriter::open(&root).is_ok());
        drop(inherited);
    }

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        let (_folder, writer) = library();
        let error = writer
            .put_meeting(&Meeting::new(MeetingId::new("../out"), "Out"))
            .unwrap_err();
        assert!(matches!(error, LibraryError::UnsafeName { .. }), "{error}");
        writer.put_source(&MeetingId::new("in"), "../../out.txt", b"x").unwrap();
        assert!(writer.library().root().join("meetings/in/source/out.txt").exists());
    }

    #[test]
    fn a_library_of_a_later_program_is_refused() {
        let (_folder, writer) = library();
        let root = writer.library().root().to_owned();
        fs::write(root.join(FORMAT_FILE), format!("{{\"format\":{}}}", FORMAT_VERSION + 1)).unwrap();
        assert!(matches!(Library::open(root), Err(LibraryError::LaterFormat { .. })));
    }

    #[test]
    fn only_an_action_of_the_minutes_can_be_done() {
        let (_folder, writer) = library();
        let meeting = Meeting::new(MeetingId::new("weekly"), "Weekly");
        let action = crate::ActionItem {
            statement: Statement {
                id: StatementId::new("a1"),
                text: "Send the draft".to_owned(),
                evidence: vec![Utterance::id_at(0)],
                support: crate::Support::Proven,
            },
            owner: None,
            due: None,
        };
        let minutes = Minutes {
            actions: vec![action],
            ..Minutes::empty(crate::Language::ENGLISH)
        };
        writer.put_minutes(&meeting.id, &minutes).unwrap();
        writer.put_meeting(&meeting).unwrap();
        writer
            .set_action_status(&meeting.id, &StatementId::new("a1"), ActionStatus::Done)
            .unwrap();
        let statuses = writer.library().action_statuses(&meeting.id).unwrap();
        assert_eq!(statuses[&StatementId::new("a1")], ActionStatus::Done);
        let error = writer
            .set_action_status(&meeting.id, &StatementId::new("a2"), ActionStatus::Done)
            .unwrap_err();
        assert!(matches!(error, LibraryError::NoSuchAction { .. }), "{error}");
    }
}
