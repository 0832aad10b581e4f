//! Meetings with the summaries that people wrote of them, from the JSONL files of AMI, ICSI, QMSum and FREDSum.

use std::collections::BTreeMap;
use std::path::Path;

use datasets::corpora::ami::ReferenceSummary;
use datasets::formats::{ReadFileError, ReadOptions, TextLayer, read_with};
use datasets::{Meeting, Transcript};

/// A meeting and what people wrote of it.
#[derive(Clone, Debug)]
pub struct ReferencedMeeting {
    /// The id in the corpus.
    pub id: String,
    /// Who takes part.
    pub meeting: Meeting,
    /// What was said.
    pub transcript: Transcript,
    /// At least one summary.
    pub references: Vec<String>,
    /// Whether it belongs to the train part as its authors cut the set; where they cut none, as the file says.
    pub is_train: bool,
}

/// A file of meetings with references could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadReferencesError {
    /// The file cannot be opened or is not text.
    #[error("cannot read {file}")]
    Io {
        /// The file as it was named.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is no JSON record with a summary.
    #[error("{file}:{line}: not a record of AMI, ICSI, QMSum or FREDSum")]
    Record {
        /// The file as it was named.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A line is no meeting.
    #[error("{file}:{line}: not a meeting")]
    Meeting {
        /// The file as it was named.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: ReadFileError,
    },
}

/// The parts of a record that hold references; which of them are there tells the set.
#[derive(serde::Deserialize)]
struct References {
    id: String,
    #[serde(default)]
    split: Option<String>,
    #[serde(default)]
    official_split: Option<String>,
    #[serde(default)]
    summary: Option<ReferenceSummary>,
    #[serde(default)]
    references: BTreeMap<String, String>,
    #[serde(default)]
    general_query_list: Vec<Answer>,
    #[serde(default)]
    abstractive: BTreeMap<u8, String>,
}

#[derive(serde::Deserialize)]
struct Answer {
    answer: String,
}

/// The meetings of the file at `data` that have a reference, one entry for each text to be scored: a QMSum meeting
/// stands once for each general query, a FREDSum debate once for each style (or only for `style`).
///
/// # Errors
/// When the file cannot be read or a line is not a record of these sets.
pub fn read_references(
    data: &Path,
    layer: TextLayer,
    style: Option<u8>,
) -> Result<Vec<ReferencedMeeting>, ReadReferencesError> {
    let file = data.display().to_string();
    let text = std::fs::read_to_string(data).map_err(|source| ReadReferencesError::Io {
        file: file.clone(),
        source,
    })?;
    let mut meetings = Vec::new();
    for (line, record) in (1..).zip(text.lines()).filter(|(_, record)| !record.trim().is_empty()) {
        let references: References = serde_json::from_str(record).map_err(|source| ReadReferencesError::Record {
            file: file.clone(),
            line,
            source,
        })?;
        let texts = texts(&references, style);
        if texts.is_empty() {
            continue;
        }
        let options = ReadOptions { text: layer };
        let read = read_with(&file, record.as_bytes(), options).map_err(|source| ReadReferencesError::Meeting {
            file: file.clone(),
            line,
            source,
        })?;
        let Some(read) = read.into_iter().next() else { continue };
        let split = references.official_split.as_deref().or(references.split.as_deref());
        meetings.extend(texts.into_iter().map(|texts| ReferencedMeeting {
            id: references.id.clone(),
            meeting: read.meeting.clone(),
            transcript: read.transcript.clone(),
            references: texts,
            is_train: split == Some("train"),
        }));
    }
    Ok(meetings)
}

/// For each text that is to be scored, its references.
fn texts(record: &References, style: Option<u8>) -> Vec<Vec<String>> {
    if !record.references.is_empty() {
        return vec![record.references.values().cloned().collect()];
    }
    let mut texts: Vec<String> = record.summary.iter().map(whole_summary).collect();
    texts.extend(record.general_query_list.iter().map(|query| query.answer.clone()));
    let styles = record
        .abstractive
        .iter()
        .filter(|(number, _)| style.is_none_or(|style| style == **number));
    texts.extend(styles.map(|(_, text)| text.clone()));
    texts
        .into_iter()
        .filter(|text| !text.trim().is_empty())
        .map(|text| vec![text])
        .collect()
}

/// All sections of a human summary as one text, in the order of the baselines.
fn whole_summary(summary: &ReferenceSummary) -> String {
    let sections = [
        &summary.abstract_,
        &summary.actions,
        &summary.decisions,
        &summary.problems,
        &summary.progress,
    ];
    let sentences: Vec<&str> = sections
        .into_iter()
        .flatten()
        .map(|sentence| sentence.text.as_str())
        .collect();
    sentences.join(" ")
}
