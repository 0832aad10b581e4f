//! The public meeting corpora that greffier is measured on, as they stand in the files: one JSON record per line.
//!
//! Texts stay raw here, annotations included. [`crate::formats`] turns the same records into meetings and transcripts.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::de::DeserializeOwned;

pub mod ami;
pub mod fredsum;
pub mod icsi;
pub mod public_meetings;
pub mod qmsum;

/// A file of corpus records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadCorpusError {
    /// The file cannot be opened, or breaks off, or is not UTF-8.
    #[error("cannot read {file} at line {line}")]
    Io {
        /// The file as it was named.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What the system said.
        source: io::Error,
    },
    /// A line is no JSON record of this corpus.
    #[error("{file}:{line}: not a record of the {corpus} corpus")]
    Record {
        /// The file as it was named.
        file: String,
        /// Counted from 1.
        line: usize,
        /// Which corpus was expected.
        corpus: &'static str,
        /// What is wrong with the record, and in which column.
        source: serde_json::Error,
    },
}

/// A record that fills one line of a corpus file.
pub trait CorpusRecord: DeserializeOwned {
    /// The corpus, for messages: `AMI`.
    const CORPUS: &'static str;
}

/// Reads every record of the file at `path`; empty lines are passed over.
///
/// # Errors
/// When the file cannot be read or a line is not a record of the corpus: file and line are named.
pub fn read_file<R: CorpusRecord>(path: &Path) -> Result<Vec<R>, ReadCorpusError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|source| ReadCorpusError::Io {
        file: name.clone(),
        line: 1,
        source,
    })?;
    read(&name, BufReader::new(file))
}

/// Reads every record of `lines`; `file_name` is for messages only.
///
/// # Errors
/// As [`read_file`].
pub fn read<R: CorpusRecord>(file_name: &str, lines: impl BufRead) -> Result<Vec<R>, ReadCorpusError> {
    let mut records = Vec::new();
    for (line, text) in (1..).zip(lines.lines()) {
        let text = text.map_err(|source| ReadCorpusError::Io {
            file: file_name.to_owned(),
            line,
            source,
        })?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let record = serde_json::from_str(text).map_err(|source| ReadCorpusError::Record {
            file: file_name.to_owned(),
            line,
            corpus: R::CORPUS,
            source,
        })?;
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Probe {
        id: String,
    }

    impl CorpusRecord for Probe {
        const CORPUS: &'static str = "probe";
    }

    #[test]
    fn empty_lines_are_passed_over_and_still_counted() {
        let read_ids = |text: &str| read::<Probe>("a.jsonl", text.as_bytes()).map(|probes| probes.len());
        assert_eq!(read_ids("\u{feff}{\"id\":\"a\"}\r\n\n{\"id\":\"b\"}").unwrap(), 2);
        assert_eq!(
            read_ids("{\"id\":\"a\"}\n\n{\"id\":1}\n").unwrap_err().to_string(),
            "a.jsonl:3: not a record of the probe corpus"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error_with_a_line() {
        let error = read::<Probe>("a.jsonl", &b"{\"id\":\"a\"}\n\xff\xfe"[..]).unwrap_err();
        assert_eq!(error.to_string(), "cannot read a.jsonl at line 2");
    }
}
