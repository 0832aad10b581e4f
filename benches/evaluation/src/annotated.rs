//! Meetings of AMI and ICSI with their annotations, beside the meeting and transcript that the product reads from the
//! same line.

use std::path::Path;

use datasets::corpora::ami::AmiMeeting;
use datasets::corpora::{self, ReadCorpusError};
use datasets::formats::row_of;
use datasets::formats::{self, ReadFileError, ReadOptions, TextLayer};
use datasets::{Meeting, Transcript};

/// A meeting as annotators and as the product see it.
#[derive(Clone, Debug)]
pub struct AnnotatedMeeting {
    /// Text and annotations as they stand in the corpus.
    pub record: AmiMeeting,
    /// What the product knows of the meeting.
    pub meeting: Meeting,
    /// What the product reads.
    pub transcript: Transcript,
    /// For each utterance of `transcript`, its row in `record`.
    pub rows: Vec<usize>,
    /// Which of the two texts the transcript holds.
    pub text: TextLayer,
}

impl AnnotatedMeeting {
    /// What was said in each row of the record, in the text that the transcript was read from.
    pub fn said(&self) -> impl Iterator<Item = &str> {
        self.record.utterances.iter().map(|utterance| match self.text {
            TextLayer::Manual => utterance.text.as_str(),
            TextLayer::Asr => utterance.asr.as_str(),
        })
    }
}

/// An annotated corpus could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadAnnotatedError {
    /// Its annotations could not.
    #[error("reading the annotations")]
    Annotations(#[from] ReadCorpusError),
    /// Its meetings could not.
    #[error("reading the meetings")]
    Meetings(#[from] ReadFileError),
    /// The file could not be opened.
    #[error("cannot read {file}")]
    Io {
        /// The file as it was named.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Reads the meetings of the AMI or ICSI file at `path`.
///
/// # Errors
/// When the file cannot be read or holds other records.
pub fn read_annotated(path: &Path, text: TextLayer) -> Result<Vec<AnnotatedMeeting>, ReadAnnotatedError> {
    let records: Vec<AmiMeeting> = corpora::read_file(path)?;
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| ReadAnnotatedError::Io {
        file: file.clone(),
        source,
    })?;
    let read = formats::read_with(&file, &bytes, ReadOptions { text })?;
    let meetings = records.into_iter().zip(read).map(|(record, read)| AnnotatedMeeting {
        record,
        rows: read
            .transcript
            .utterances
            .iter()
            .map(|utterance| row_of(&utterance.id).unwrap_or_default())
            .collect(),
        meeting: read.meeting,
        text,
        transcript: read.transcript,
    });
    Ok(meetings.collect())
}
