//! Why a file could not be read: which file, which line, what is wrong, and what to do about it.

use std::fmt;

use super::Format;

/// A file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {file}{}", AtLine(*line))]
pub struct ReadFileError {
    /// The file's name without folders.
    pub file: String,
    /// Where, counted from 1; `None` where the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong.
    #[source]
    pub problem: ReadProblem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadProblem {
    /// Not a single character beside white space.
    #[error("the file is empty")]
    Empty,
    /// Bytes that are no text in any encoding.
    #[error("it is {kind}, not text")]
    Binary {
        /// What it looks like: `an MP3 recording`.
        kind: &'static str,
    },
    /// Read to the end, and nothing was said.
    #[error("no utterance was found, reading it as {format}")]
    NoUtterance {
        /// What it was read as.
        format: Format,
    },
    /// JSON that is broken or of another shape than its format has.
    #[error("not the JSON of {format}")]
    Json {
        /// What it was read as.
        format: Format,
        /// What is wrong, and in which column.
        source: serde_json::Error,
    },
    /// Written by a later version of greffier.
    #[error("its layout is version {found}, and {known} is the highest known")]
    NewerLayout {
        /// The file's.
        found: u32,
        /// The program's.
        known: u32,
    },
    /// An export whose utterances cannot be those of one transcript.
    #[error("utterance `{utterance}` is repeated, out of order or of several lines")]
    Inconsistent {
        /// The first such utterance.
        utterance: String,
    },
    /// A line of RTTM that tells of no turn where it must.
    #[error("{found:?} is not `SPEAKER recording channel start duration <NA> <NA> speaker`, times in seconds")]
    Turn {
        /// What stands there.
        found: String,
    },
    /// A file of another kind: an invitation, a card, a mail.
    #[error("it is a {format} file, which holds no transcript")]
    NoTranscript {
        /// What it is.
        format: Format,
    },
    /// No event, card or message in a file that should hold one.
    #[error("no {format} entry was found")]
    NoEntry {
        /// What it was read as.
        format: Format,
    },
}

impl ReadFileError {
    /// What the user can do, as a sentence without a full stop.
    pub fn remedy(&self) -> &'static str {
        self.problem.remedy()
    }
}

impl ReadProblem {
    /// What the user can do, as a sentence without a full stop.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Empty => "export the transcript again",
            Self::Binary { .. } => "give the transcript as WebVTT, SRT, JSON or plain text",
            Self::NoUtterance { .. } => {
                "see that each line has words, as in `Name: text` or a WebVTT cue with its times"
            }
            Self::Json { .. } => "write the file again with the program that made it, or mend the line named",
            Self::NewerLayout { .. } => "read it with the version of greffier that wrote it, or update",
            Self::Inconsistent { .. } => "export the meeting again; the file was changed by hand",
            Self::Turn { .. } => "mend the line named",
            Self::NoTranscript { .. } => "give it beside a transcript, as an invitation or a context item",
            Self::NoEntry { .. } => "export the event, contact or message again, in full",
        }
    }
}

struct AtLine(Option<usize>);

impl fmt::Display for AtLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " at line {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_file_and_line() {
        let error = |line| ReadFileError {
            file: "a.vtt".to_owned(),
            line,
            problem: ReadProblem::Empty,
        };
        assert_eq!(error(Some(3)).to_string(), "cannot read a.vtt at line 3");
        assert_eq!(error(None).to_string(), "cannot read a.vtt");
    }
}
