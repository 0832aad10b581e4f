//! Files in and out: transcripts of many makers become a [`Meeting`] and its [`Transcript`], and the records are
//! written in open formats.
//!
//! [`read`] is the one way in for transcripts. It looks at the content before the file's extension, takes what it can,
//! notes what it had to pass over in the transcript's warnings, and fails only when nothing that was said was found.

use std::fmt;

use crate::{Meeting, Transcript};

pub mod action_calendar;
pub mod contact;
mod corpus_lines;
pub mod ctm;
mod cues;
pub mod document;
mod encoding;
mod error;
pub mod export_json;
pub mod invitation;
pub mod mail;
pub mod markdown;
mod people;
mod plain_text;
pub mod rttm;
#[cfg(test)]
pub(crate) mod sample;
mod sniff;
mod speaker_label;
pub mod srt;
mod tidy;
mod utterance_list;
pub mod webvtt;
mod whisper_json;

pub use corpus_lines::row_of;
pub use document::read_context;
pub use encoding::is_recording;
pub use error::{ReadFileError, ReadProblem};
pub use people::participants;
pub use tidy::tidy;

/// A meeting as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct MeetingRead {
    /// Name, participants, series: what the file tells.
    pub meeting: Meeting,
    /// What was said; its warnings name what was passed over.
    pub transcript: Transcript,
}

/// How to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which text to take where a file holds two.
    pub text: TextLayer,
}

/// One of the two texts of the AMI and ICSI records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextLayer {
    /// Transcribed by hand.
    #[default]
    Manual,
    /// From a speech recognizer.
    Asr,
}

/// What a file holds, as recognised from its content and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// WebVTT, any dialect.
    WebVtt,
    /// SubRip.
    Srt,
    /// JSON of whisper.cpp.
    WhisperCpp,
    /// JSON of openai-whisper, faster-whisper and WhisperX.
    Whisper,
    /// Speaker turns without words.
    Rttm,
    /// Words with times.
    Ctm,
    /// Text, with or without names and times.
    PlainText,
    /// JSON lines of AMI or ICSI.
    Ami,
    /// JSON lines of the word times of AMI.
    AmiWords,
    /// JSON of QMSum.
    Qmsum,
    /// JSON lines of FREDSum.
    Fredsum,
    /// JSON lines of public_meetings.
    PublicMeetings,
    /// JSON that greffier wrote.
    Export,
    /// iCalendar.
    Calendar,
    /// vCard.
    Contact,
    /// A mail message.
    Mail,
}

impl Format {
    /// The name that a transcript's provenance carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebVtt => "webvtt",
            Self::Srt => "srt",
            Self::WhisperCpp => "whisper.cpp",
            Self::Whisper => "whisper",
            Self::Rttm => "rttm",
            Self::Ctm => "ctm",
            Self::PlainText => "text",
            Self::Ami => "ami",
            Self::AmiWords => "ami-words",
            Self::Qmsum => "qmsum",
            Self::Fredsum => "fredsum",
            Self::PublicMeetings => "public_meetings",
            Self::Export => "greffier",
            Self::Calendar => "icalendar",
            Self::Contact => "vcard",
            Self::Mail => "mail",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads the meetings in `bytes` with the default options; most formats hold one, JSON lines one per line.
///
/// `file_name` gives the meeting its name, helps to recognise the format, and stands in messages; it is not opened.
///
/// # Errors
/// When nothing that was said was found: file, line, problem and remedy are named.
pub fn read(file_name: &str, bytes: &[u8]) -> Result<Vec<MeetingRead>, ReadFileError> {
    read_with(file_name, bytes, ReadOptions::default())
}

/// As [`read`], with `options`.
///
/// # Errors
/// As [`read`].
pub fn read_with(file_name: &str, bytes: &[u8], options: ReadOptions) -> Result<Vec<MeetingRead>, ReadFileError> {
    let input = Input::new(file_name, bytes)?;
    let format = sniff::format(file_name, &input.text);
    read_input(&input, format, options)
}

/// As [`read_with`], for a file whose format is known.
///
/// # Errors
/// As [`read`].
pub fn read_as(
    format: Format,
    file_name: &str,
    bytes: &[u8],
    options: ReadOptions,
) -> Result<Vec<MeetingRead>, ReadFileError> {
    read_input(&Input::new(file_name, bytes)?, format, options)
}

fn read_input(input: &Input<'_>, format: Format, options: ReadOptions) -> Result<Vec<MeetingRead>, ReadFileError> {
    match format {
        Format::WebVtt => webvtt::read(input).map(|read| vec![read]),
        Format::Srt => srt::read(input).map(|read| vec![read]),
        Format::WhisperCpp | Format::Whisper => whisper_json::read(input, format).map(|read| vec![read]),
        Format::Rttm => rttm::read(input),
        Format::Ctm => ctm::read(input),
        Format::PlainText => plain_text::read(input).map(|read| vec![read]),
        Format::Export => export_json::read(input).map(|read| vec![read]),
        Format::Ami | Format::AmiWords | Format::Qmsum | Format::Fredsum | Format::PublicMeetings => {
            corpus_lines::read(input, format, options)
        }
        Format::Calendar | Format::Contact | Format::Mail => {
            Err(input.error(None, ReadProblem::NoTranscript { format }))
        }
    }
}

/// The format that `bytes` would be read as; `None` when they are no text.
pub fn recognise(file_name: &str, bytes: &[u8]) -> Option<Format> {
    let input = Input::new(file_name, bytes).ok()?;
    Some(sniff::format(file_name, &input.text))
}

/// A file's text with all that messages and provenance need.
struct Input<'a> {
    /// Without folders.
    file_name: &'a str,
    text: String,
    /// What decoding had to assume.
    warnings: Vec<String>,
    sha256: String,
}

impl<'a> Input<'a> {
    fn new(file_name: &'a str, bytes: &[u8]) -> Result<Self, ReadFileError> {
        let file_name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
        let decoded = encoding::decode(bytes).map_err(|problem| ReadFileError {
            file: file_name.to_owned(),
            line: None,
            problem,
        })?;
        Ok(Self {
            file_name,
            text: decoded.text,
            warnings: decoded.warning.into_iter().collect(),
            sha256: utterance_list::sha256(bytes),
        })
    }

    fn error(&self, line: Option<usize>, problem: ReadProblem) -> ReadFileError {
        ReadFileError {
            file: self.file_name.to_owned(),
            line,
            problem,
        }
    }

    /// The file's name without its extension.
    fn stem(&self) -> &str {
        match self.file_name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => self.file_name,
        }
    }
}
