//! What can go wrong with a library, with the place and what to do.

use std::path::PathBuf;

use crate::{MeetingId, StatementId};

/// Why a library could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// No library there.
    #[error("`{}` is not a greffier library: `greffier run FILE --library {}` makes one", root.display(), root.display())]
    NotALibrary {
        /// Where it was looked for.
        root: PathBuf,
    },
    /// Written by a later version of the program.
    #[error("the library `{}` has format {found}, this greffier knows up to {known}: upgrade greffier", root.display())]
    LaterFormat {
        /// The library.
        root: PathBuf,
        /// Its format.
        found: u32,
        /// The latest format that this program knows.
        known: u32,
    },
    /// Another process writes.
    #[error("another greffier process is writing to the library `{}`: wait until it ends", root.display())]
    Locked {
        /// The library.
        root: PathBuf,
    },
    /// No meeting of this name.
    #[error("there is no meeting `{id}` in the library `{}`: `greffier show` lists them", root.display())]
    NoSuchMeeting {
        /// The library.
        root: PathBuf,
        /// What was asked for.
        id: MeetingId,
    },
    /// The minutes of the meeting hold no such action.
    #[error("the minutes of `{meeting}` hold no action `{action}`: `greffier actions` lists them")]
    NoSuchAction {
        /// The meeting.
        meeting: MeetingId,
        /// What was asked for.
        action: StatementId,
    },
    /// The id cannot be the name of a folder.
    #[error("the meeting id `{id}` cannot be a folder name: use letters, digits, `-`, `_` and `.`")]
    UnsafeName {
        /// What was asked for.
        id: MeetingId,
    },
    /// A file could not be read.
    #[error("reading `{}` failed", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("writing `{}` failed", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what this program writes there.
    #[error("`{}` is damaged or was changed by hand: restore it, or delete this version to fall back to the one before", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}
