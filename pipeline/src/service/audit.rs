//! Who did what and when: one line of JSON per call that changes something, reads a meeting, or was refused. Never what
//! was said, nor the words of a query.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;

/// A file that is only appended to.
pub struct AuditLog {
    file: Mutex<File>,
}

/// One call.
#[derive(Clone, Debug, Serialize)]
pub struct AuditRecord<'a> {
    /// When.
    pub at: Timestamp,
    /// Who: a token or a person; `anonymous` on a machine of its own; `retention` for what a rule deletes.
    pub who: &'a str,
    /// The HTTP method.
    pub method: &'a str,
    /// The address as the interface names it, without the values in it.
    pub route: &'a str,
    /// The meeting, job or token that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    /// The HTTP status of the answer.
    pub status: u16,
}

impl AuditLog {
    /// Opens the log at `path` for appending.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self {
            file: Mutex::new(file.with_context(|| format!("opening the audit log `{}`", path.display()))?),
        })
    }

    /// Appends a record, in one write, so that lines of several processes do not mix.
    pub fn append(&self, record: &AuditRecord<'_>) {
        let written = serde_json::to_vec(record)
            .map_err(std::io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                self.file
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .write_all(&line)
            });
        if let Err(error) = written {
            tracing::error!(%error, "the audit log cannot be written");
        }
    }
}
