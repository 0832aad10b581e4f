//! greffier's own JSON, read and written: a meeting, its transcript and its minutes, whole and exact.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Format, Input, MeetingRead, ReadFileError, ReadProblem};
use crate::{MediaTime, Meeting, Minutes, Transcript, Utterance};

/// The layout that is written; a reader refuses a higher one rather than lose what it does not know.
pub const VERSION: u32 = 1;

/// A meeting with everything that was made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeetingExport {
    /// Layout of the file, see [`VERSION`].
    #[serde(rename = "greffier")]
    pub version: u32,
    /// The meeting.
    pub meeting: Meeting,
    /// What was said; `None` where only the minutes were exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Transcript>,
    /// The minutes, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<Minutes>,
}

impl MeetingExport {
    /// An export of the current layout.
    pub fn new(meeting: Meeting, transcript: Option<Transcript>, minutes: Option<Minutes>) -> Self {
        Self {
            version: VERSION,
            meeting,
            transcript,
            minutes,
        }
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never for records as they are; the serializer's signature says so.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

/// Reads an export with its minutes.
///
/// # Errors
/// When the file is none, is broken, or has a newer layout.
pub fn read_export(file_name: &str, bytes: &[u8]) -> Result<MeetingExport, ReadFileError> {
    parse(&Input::new(file_name, bytes)?)
}

/// Reads meeting and transcript; minutes are left to [`read_export`].
pub(super) fn read(input: &Input<'_>) -> Result<MeetingRead, ReadFileError> {
    let export = parse(input)?;
    let transcript = export.transcript.filter(|transcript| !transcript.utterances.is_empty());
    if let Some(utterance) = transcript.as_ref().and_then(first_inconsistent) {
        return Err(input.error(
            None,
            ReadProblem::Inconsistent {
                utterance: utterance.id.to_string(),
            },
        ));
    }
    let transcript =
        transcript.ok_or_else(|| input.error(None, ReadProblem::NoUtterance { format: Format::Export }))?;
    Ok(MeetingRead {
        meeting: export.meeting,
        transcript,
    })
}

/// The first utterance that breaks what every transcript promises: unique ids, text of one line, times that run forward.
fn first_inconsistent(transcript: &Transcript) -> Option<&Utterance> {
    let mut ids = BTreeSet::new();
    let mut latest = MediaTime(0);
    transcript.utterances.iter().find(|utterance| {
        let runs_back = utterance
            .span
            .is_some_and(|span| span.start < latest || span.end < span.start);
        latest = utterance.span.map_or(latest, |span| span.start);
        !ids.insert(&utterance.id) || runs_back || utterance.text.contains(['\n', '\r'])
    })
}

fn parse(input: &Input<'_>) -> Result<MeetingExport, ReadFileError> {
    let format = Format::Export;
    let export: MeetingExport = serde_json::from_str(&input.text).map_err(|source| {
        let line = Some(source.line()).filter(|&line| line > 0);
        input.error(line, ReadProblem::Json { format, source })
    })?;
    if export.version > VERSION {
        let found = export.version;
        return Err(input.error(None, ReadProblem::NewerLayout { found, known: VERSION }));
    }
    Ok(export)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MeetingId;
    use crate::formats::read as read_any;

    fn export() -> MeetingExport {
        let mut transcript = Transcript::default();
        transcript.utterances.push(Utterance::new(Utterance::id_at(0), "Hi"));
        MeetingExport::new(Meeting::new(MeetingId::new("m"), "M"), Some(transcript), None)
    }

    #[test]
    fn an_export_is_read_as_it_was_written() {
        let text = export().to_json().unwrap();
        assert_eq!(read_export("m.json", text.as_bytes()).unwrap(), export());
        let read = read_any("m.json", text.as_bytes()).unwrap().remove(0);
        assert_eq!(
            (Some(read.transcript), read.meeting),
            (export().transcript, export().meeting)
        );
    }

    #[test]
    fn a_repeated_id_is_refused() {
        let mut export = export();
        let transcript = export.transcript.as_mut().unwrap();
        transcript.utterances.push(transcript.utterances[0].clone());
        let error = read_any("m.json", export.to_json().unwrap().as_bytes()).unwrap_err();
        assert!(matches!(error.problem, ReadProblem::Inconsistent { utterance } if utterance == "u1"));
    }

    #[test]
    fn a_newer_layout_is_refused() {
        let text = export()
            .to_json()
            .unwrap()
            .replace("\"greffier\": 1", "\"greffier\": 2");
        let error = read_any("m.json", text.as_bytes()).unwrap_err();
        assert!(
            matches!(error.problem, ReadProblem::NewerLayout { found: 2, known: 1 }),
            "{error:?}"
        );
    }
}
