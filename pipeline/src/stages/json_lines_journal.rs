//! A file of JSON lines that grows while work is done, so that work that was stopped goes on where it was. A line that a
//! crash cut short is dropped.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A journal of records, open for appending.
pub struct JsonLinesJournal<T> {
    path: PathBuf,
    file: File,
    records: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> JsonLinesJournal<T> {
    /// Opens the journal at `path`, with the records it holds; makes it where there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path) -> std::io::Result<(Self, Vec<T>)> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path)?;
        let mut records = Vec::new();
        let mut whole_bytes = 0;
        let mut lines = BufReader::new(&mut file);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            let Ok(record) = serde_json::from_slice(&line) else {
                break;
            };
            if line.last() != Some(&b'\n') {
                break;
            }
            records.push(record);
            whole_bytes += line.len() as u64;
            line.clear();
        }
        file.set_len(whole_bytes)?;
        file.seek(SeekFrom::End(0))?;
        let journal = Self {
            path: path.to_owned(),
            file,
            records: PhantomData,
        };
        Ok((journal, records))
    }

    /// Keeps a record, on disk before this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, record: &T) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_and_a_torn_line_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work/a.jsonl");
        let (mut journal, records) = JsonLinesJournal::<String>::open(&path).unwrap();
        assert!(records.is_empty());
        journal.append(&"one".to_owned()).unwrap();
        journal.append(&"two".to_owned()).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 3);
        fs::write(&path, &bytes).unwrap();
        let (mut journal, records) = JsonLinesJournal::<String>::open(&path).unwrap();
        assert_eq!(records, ["one"]);
        journal.append(&"three".to_owned()).unwrap();
        let (_, records) = JsonLinesJournal::<String>::open(&path).unwrap();
        assert_eq!(records, ["one", "three"]);
    }
}
