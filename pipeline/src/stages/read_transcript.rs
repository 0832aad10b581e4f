//! From a file to meetings: the format is recognised, then what the file does not tell is completed from its name, the
//! invitation and the command line.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use datasets::formats::invitation::Invitation;
use datasets::formats::{self, MeetingRead, ReadOptions, TextLayer};
use datasets::{MeetingId, SeriesId};
use jiff::Timestamp;
use jiff::civil::Date;

use super::recognize_language::recognize_language;

/// What is known of a meeting beside its file.
#[derive(Clone, Debug, Default)]
pub struct KnownFacts {
    /// Its title.
    pub title: Option<String>,
    /// Its series.
    pub series: Option<SeriesId>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// The invitation to it.
    pub invitation: Option<Invitation>,
    /// Which text to take where the file holds two.
    pub text: TextLayer,
}

/// A file with the meetings that were read from it.
pub struct FileRead {
    /// The file as it was.
    pub bytes: Vec<u8>,
    /// In the order of the file; most formats hold one.
    pub meetings: Vec<MeetingRead>,
}

/// Reads the meetings in the file at `path`.
///
/// # Errors
/// When it cannot be read, or nothing that was said was found in it: file, line, problem and remedy are named.
pub fn read_transcript(path: &Path, facts: &KnownFacts) -> anyhow::Result<FileRead> {
    let bytes = fs::read(path).with_context(|| format!("reading `{}`", path.display()))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let mut meetings = formats::read_with(&name, &bytes, ReadOptions { text: facts.text })?;
    let single = meetings.len() == 1;
    for read in &mut meetings {
        complete(read, facts, single, &name);
    }
    Ok(FileRead { bytes, meetings })
}

/// Adds what is known beside the file, which held one meeting if `single`.
pub(crate) fn complete(read: &mut MeetingRead, facts: &KnownFacts, single: bool, file_name: &str) {
    let MeetingRead { meeting, transcript } = read;
    if single {
        meeting.title = readable(&meeting.title);
    }
    if let Some(invitation) = &facts.invitation {
        invitation.apply_to(meeting);
    }
    if let (Some(title), true) = (&facts.title, single) {
        meeting.title = title.clone();
    }
    meeting.series = facts.series.clone().or(meeting.series.take());
    meeting.started_at = facts
        .started_at
        .or(meeting.started_at)
        .or_else(|| day_in_name(file_name).filter(|_| single));
    meeting.language = meeting.language.or_else(|| recognize_language(transcript));
    if !meeting.id.is_safe_folder_name() {
        meeting.id = MeetingId::from_title(meeting.id.as_str());
    }
}

/// Adds what is known beside a recording that was transcribed: as [`complete`], once more, now that it is known who
/// spoke, for the invitation tells whose voices they are.
pub(crate) fn complete_recording(read: &mut MeetingRead, facts: &KnownFacts, file_name: &str) {
    read.meeting.participants = formats::participants(&read.meeting.id, &read.transcript);
    complete(read, facts, true, file_name);
    let language = recognize_language(&mut read.transcript);
    read.meeting.language = read.meeting.language.or(language);
}

/// A file's name as a title: `2026-03-05-release-planning` becomes `Release planning`. A title with spaces stays.
fn readable(name: &str) -> String {
    let without_day = match name.get(..10) {
        Some(day) if day.parse::<Date>().is_ok() => name[10..].trim_start_matches(['-', '_', ' ']),
        _ => name,
    };
    if without_day.is_empty() || without_day.contains(' ') || !without_day.contains(['-', '_']) {
        return name.to_owned();
    }
    let words = without_day.replace(['-', '_'], " ");
    let mut characters = words.chars();
    characters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(characters)
        .collect()
}

/// Midnight (UTC) of the first `2026-03-05` in a file's name: recorders and people name files that way, and a due date
/// such as "next Friday" needs a day to count from.
fn day_in_name(name: &str) -> Option<Timestamp> {
    let day = (0..name.len())
        .filter_map(|start| name.get(start..start + 10))
        .find_map(|part| part.parse::<Date>().ok())?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_becomes_a_title() {
        assert_eq!(readable("2026-03-05-release-planning"), "Release planning");
        assert_eq!(readable("comité_produit"), "Comité produit");
        assert_eq!(readable("ES2004a"), "ES2004a");
        assert_eq!(readable("2026-03-05"), "2026-03-05");
        assert_eq!(readable("Weekly - sales"), "Weekly - sales");
    }

    #[test]
    fn the_day_in_a_files_name_dates_the_meeting() {
        let day = |name| day_in_name(name).map(|at| at.to_string());
        assert_eq!(day("2026-03-05-release.vtt").as_deref(), Some("2026-03-05T00:00:00Z"));
        assert_eq!(day("réunion 2026-03-05.srt").as_deref(), Some("2026-03-05T00:00:00Z"));
        assert_eq!(day("2026-13-45.vtt"), None);
        assert_eq!(day("notes.txt"), None);
    }
}
