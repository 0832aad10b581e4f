//! What a server keeps of its own: jobs, uploads, tokens, webhooks. Not what was said: the artifacts of the library are
//! the truth about meetings.
//!
//! SQLite, because several processes can read and write it at once (`greffier jobs` and `greffier tokens` beside the
//! server; redb and fjall lock their files), because a queue with priorities is one index and one statement in it, and
//! because nothing embedded is tested harder against a loss of power. Compiled in; its write-ahead log is synced at each
//! commit.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use rusqlite::Connection;

/// The file within the server's folder.
const FILE: &str = "service.sqlite";
/// How long one process waits for another that writes.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Layouts, each as the step from the one before. Never changed, only added to.
const MIGRATIONS: [&str; 2] = [include_str!("schema.sql"), include_str!("schema_2.sql")];

/// The database of a server.
pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the database in `folder`, and makes it where there is none.
    ///
    /// # Errors
    /// When the file cannot be opened, or was written by a later greffier.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))?;
        let path = folder.join(FILE);
        let mut connection = Connection::open(&path).with_context(|| format!("opening `{}`", path.display()))?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        migrate(&mut connection).with_context(|| format!("bringing `{}` up to date", path.display()))?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// The connection; statements are short, so one serves all.
    pub fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut short was rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is a database in `folder`.
pub fn has_store(folder: &Path) -> bool {
    folder.join(FILE).is_file()
}

/// The time as the database holds it: milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// The inverse of [`now_ms`].
pub(super) fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A name that is unique and sorts by the time it was made: 48 bits of milliseconds and 80 of chance, in hexadecimal.
pub(super) fn fresh_id() -> String {
    let chance: [u8; 10] = random();
    chance
        .iter()
        .fold(format!("{:012x}", now_ms()), |id, byte| id + &format!("{byte:02x}"))
}

/// Bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

fn migrate(connection: &mut Connection) -> anyhow::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = version as usize;
    if version > MIGRATIONS.len() {
        bail!(
            "it has layout {version}, this greffier knows up to {}: upgrade greffier",
            MIGRATIONS.len()
        );
    }
    for step in &MIGRATIONS[version..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as u32)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_a_later_greffier_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path()).unwrap());
        let store = Store::open(folder.path()).unwrap();
        store.connection().pragma_update(None, "user_version", 99).unwrap();
        drop(store);
        let error = Store::open(folder.path()).map(drop).unwrap_err();
        assert!(format!("{error:#}").contains("upgrade"), "{error:#}");
    }

    #[test]
    fn ids_differ_and_are_of_one_length() {
        let ids: std::collections::BTreeSet<String> = (0..1000).map(|_| fresh_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 32));
    }
}
