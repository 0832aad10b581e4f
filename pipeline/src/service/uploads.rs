//! Files on their way in, piece by piece: what has arrived is on disk, so that a connection that breaks goes on where it
//! was. The length of the file on disk is how much has arrived; nothing else keeps count.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use datasets::PersonId;
use rusqlite::{OptionalExtension as _, Row, params};

use super::queue::JobId;
use super::run_parameters::RunParameters;
use super::store::{Store, fresh_id, now_ms};

/// How long an upload that stopped is kept.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// How long the file of a job that was given up is kept: until then it can be tried again.
const DEAD_KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// Longest name of a file, in bytes; file systems allow 255.
const NAME_BYTES_MAX: usize = 180;

/// A file on its way in.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    /// Its name, which cannot be guessed.
    pub id: String,
    /// Who sends it; `None` for the operator.
    pub owner: Option<PersonId>,
    /// Bytes in all.
    pub length: u64,
    /// What to do with it.
    pub parameters: RunParameters,
    /// The job that was made of it.
    pub job: Option<JobId>,
}

/// All uploads.
pub struct Uploads {
    store: Arc<Store>,
    folder: PathBuf,
    busy: Mutex<HashSet<String>>,
}

/// Keeps others from appending to the same upload.
pub struct Appending<'a> {
    uploads: &'a Uploads,
    id: String,
}

const COLUMNS: &str = "id, owner, length, parameters, job";

impl Uploads {
    /// The uploads in `store`, whose files lie in `folder`. Files of nobody are removed: their upload was never told to
    /// anybody, or is gone.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(store: Arc<Store>, folder: PathBuf) -> anyhow::Result<Self> {
        let failed = || format!("opening `{}`", folder.display());
        fs::create_dir_all(&folder).with_context(failed)?;
        let uploads = Self {
            store,
            folder: folder.clone(),
            busy: Mutex::default(),
        };
        uploads.remove_used()?;
        for entry in fs::read_dir(&folder).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let id = entry.file_name().to_string_lossy().into_owned();
            if uploads.get(&id)?.is_none() {
                fs::remove_dir_all(entry.path()).with_context(failed)?;
            }
        }
        Ok(uploads)
    }

    /// Removes what the process was killed before it could: uploads whose job is done, or is gone.
    fn remove_used(&self) -> anyhow::Result<()> {
        let used = self.ids(
            "select id from uploads where exists
                 (select 1 from jobs where state = 'done' and idempotency_key = 'upload ' || uploads.id)
             or (job is not null and not exists (select 1 from jobs where jobs.id = uploads.job))",
            [],
        )?;
        used.iter().try_for_each(|id| self.remove(id))
    }

    fn ids(&self, sql: &str, parameters: impl rusqlite::Params) -> anyhow::Result<Vec<String>> {
        let connection = self.store.connection();
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map(parameters, |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Begins an upload of `length` bytes; `parameters` name the file as the sender calls it.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn begin(
        &self,
        owner: Option<&PersonId>,
        length: u64,
        mut parameters: RunParameters,
    ) -> anyhow::Result<Upload> {
        let id = fresh_id();
        let name = safe_name(&parameters.file_name);
        let folder = self.folder.join(&id);
        let path = folder.join(&name);
        let made = fs::create_dir(&folder).and_then(|()| fs::File::create(&path));
        made.with_context(|| format!("making `{}`", path.display()))?;
        parameters.path = path;
        parameters.file_name = name;
        parameters.upload = Some(id.clone());
        self.store.connection().execute(
            "insert into uploads (id, owner, length, file_name, parameters, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                id,
                owner.map(PersonId::as_str),
                i64::try_from(length)?,
                parameters.file_name,
                serde_json::to_string(&parameters)?,
                now_ms()
            ],
        )?;
        Ok(Upload {
            id,
            owner: owner.cloned(),
            length,
            parameters,
            job: None,
        })
    }

    /// One upload.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn get(&self, id: &str) -> anyhow::Result<Option<Upload>> {
        let sql = format!("select {COLUMNS} from uploads where id = ?1");
        let row = self.store.connection().query_row(&sql, [id], read_upload);
        row.optional()?.transpose()
    }

    /// How many bytes have arrived.
    ///
    /// # Errors
    /// When the file is gone.
    pub fn offset(upload: &Upload) -> anyhow::Result<u64> {
        let path = &upload.parameters.path;
        Ok(fs::metadata(path)
            .with_context(|| format!("reading `{}`", path.display()))?
            .len())
    }

    /// The right to append to an upload; `None` while another has it.
    pub fn appending(&self, id: &str) -> Option<Appending<'_>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.insert(id.to_owned()).then(|| Appending {
            uploads: self,
            id: id.to_owned(),
        })
    }

    /// Writes down which job was made of an upload.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_job(&self, id: &str, job: &JobId) -> anyhow::Result<()> {
        self.store
            .connection()
            .execute("update uploads set job = ?2 where id = ?1", params![id, job.0])?;
        Ok(())
    }

    /// Removes an upload with its file.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn remove(&self, id: &str) -> anyhow::Result<()> {
        self.store
            .connection()
            .execute("delete from uploads where id = ?1", [id])?;
        let folder = self.folder.join(id);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing `{}`", folder.display()))
            }
            _ => Ok(()),
        }
    }

    /// Removes what stopped long ago, and the files of jobs that were given up long ago.
    ///
    /// # Errors
    /// When the database or a file cannot be changed.
    pub fn expire(&self) -> anyhow::Result<()> {
        let stale = self.ids(
            "select id from uploads where job is null and created_at < ?1
             union select uploads.id from uploads join jobs on jobs.id = uploads.job
                 where jobs.state = 'dead' and jobs.finished_at < ?2",
            [now_ms() - KEPT_MS, now_ms() - DEAD_KEPT_MS],
        )?;
        stale.iter().try_for_each(|id| self.remove(id))
    }
}

impl Drop for Appending<'_> {
    fn drop(&mut self) {
        self.uploads
            .busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

/// The last part of a name, without what file systems or readers of folders could take for something else.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|character| !character.is_control()).collect();
    let clean = clean.trim().trim_start_matches('.');
    let (stem, extension) = clean.rsplit_once('.').unwrap_or((clean, ""));
    let stem = &stem[..stem.floor_char_boundary(NAME_BYTES_MAX)];
    let extension = &extension[..extension.floor_char_boundary(16)];
    match (Path::new(stem).file_name(), extension) {
        (None, _) => "upload".to_owned(),
        (Some(_), "") => stem.to_owned(),
        (Some(_), extension) => format!("{stem}.{extension}"),
    }
}

fn read_upload(row: &Row<'_>) -> rusqlite::Result<anyhow::Result<Upload>> {
    let (id, owner, length) = (row.get(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, i64>(2)?);
    let (parameters, job): (String, Option<String>) = (row.get(3)?, row.get(4)?);
    Ok(serde_json::from_str(&parameters)
        .map_err(anyhow::Error::from)
        .map(|parameters| Upload {
            id,
            owner: owner.map(PersonId::new),
            length: length.unsigned_abs(),
            parameters,
            job: job.map(JobId),
        }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::queue::{Lane, NewJob, Queue, Retry};

    #[test]
    fn a_name_out_of_an_upload_stays_a_name() {
        assert_eq!(safe_name("../../etc/passwd"), "passwd");
        assert_eq!(safe_name("C:\\talks\\réunion 12.mp3"), "réunion 12.mp3");
        assert_eq!(safe_name(".hidden.vtt"), "hidden.vtt");
        assert_eq!(safe_name(".."), "upload");
        assert_eq!(safe_name("a\nb.vtt"), "ab.vtt");
        assert!(safe_name(&format!("{}.vtt", "é".repeat(300))).len() < 255);
    }

    #[test]
    fn the_file_of_a_job_that_was_given_up_goes_after_a_month() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let uploads = Uploads::open(Arc::clone(&store), folder.path().join("uploads")).unwrap();
        let queue = Queue::open(Arc::clone(&store)).unwrap();
        let parameters = RunParameters {
            file_name: "weekly.vtt".to_owned(),
            ..RunParameters::default()
        };
        let upload = uploads.begin(None, 10, parameters.clone()).unwrap();
        let job = queue.submit(&NewJob {
            lane: Lane::Text,
            priority: 0,
            parameters,
            owner: None,
            idempotency_key: None,
        });
        let job = job.unwrap().id;
        uploads.set_job(&upload.id, &job).unwrap();
        queue.fail(&job, "broken", Retry::Never).unwrap();
        uploads.expire().unwrap();
        assert!(upload.parameters.path.exists());
        let long_ago = now_ms() - DEAD_KEPT_MS - 1;
        let made_old = store
            .connection()
            .execute("update jobs set finished_at = ?1", [long_ago]);
        assert_eq!(made_old.unwrap(), 1);
        uploads.expire().unwrap();
        assert!(!upload.parameters.path.exists() && queue.get(&job).unwrap().is_some());
    }

    #[test]
    fn one_appends_at_a_time_and_an_upload_outlives_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let store = Arc::new(Store::open(folder.path()).unwrap());
            Uploads::open(store, folder.path().join("uploads")).unwrap()
        };
        let uploads = open();
        let parameters = RunParameters {
            file_name: "weekly.vtt".to_owned(),
            ..RunParameters::default()
        };
        let upload = uploads.begin(None, 10, parameters).unwrap();
        let appending = uploads.appending(&upload.id);
        assert!(appending.is_some() && uploads.appending(&upload.id).is_none());
        drop(appending);
        assert!(uploads.appending(&upload.id).is_some());
        fs::write(&upload.parameters.path, "WEBVTT").unwrap();
        let again = open();
        let known = again.get(&upload.id).unwrap().unwrap();
        assert_eq!((Uploads::offset(&known).unwrap(), &known), (6, &upload));
        again.remove(&upload.id).unwrap();
        assert!(!upload.parameters.path.exists() && again.get(&upload.id).unwrap().is_none());
    }
}
