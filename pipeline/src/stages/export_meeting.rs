//! A meeting in an open format, for `greffier export` and the server.

use anyhow::Context as _;
use clap::ValueEnum;
use datasets::Meeting;
use datasets::formats::export_json::MeetingExport;
use datasets::formats::{action_calendar, markdown, rttm, srt, webvtt};
use datasets::library::Library;

/// An open format and what of the meeting it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// The transcript as WebVTT, speakers as voice tags
    Vtt,
    /// The transcript as SubRip
    Srt,
    /// The minutes as Markdown
    Md,
    /// The transcript as Markdown
    TranscriptMd,
    /// Everything; can be read again
    Json,
    /// The open and done actions as iCalendar tasks
    Ics,
    /// Who spoke when, by the words' times where they are known
    Rttm,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 7] = [
        Self::Vtt,
        Self::Srt,
        Self::Md,
        Self::TranscriptMd,
        Self::Json,
        Self::Ics,
        Self::Rttm,
    ];

    /// The name on the command line and in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vtt => "vtt",
            Self::Srt => "srt",
            Self::Md => "md",
            Self::TranscriptMd => "transcript-md",
            Self::Json => "json",
            Self::Ics => "ics",
            Self::Rttm => "rttm",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Vtt => "text/vtt; charset=utf-8",
            Self::Srt => "application/x-subrip; charset=utf-8",
            Self::Md | Self::TranscriptMd => "text/markdown; charset=utf-8",
            Self::Json => "application/json",
            Self::Ics => "text/calendar; charset=utf-8",
            Self::Rttm => "text/plain; charset=utf-8",
        }
    }

    /// The extension of a file in the format.
    pub fn extension(self) -> &'static str {
        match self {
            Self::TranscriptMd => "transcript.md",
            other => other.name(),
        }
    }
}

/// Writes what `format` holds of the meeting.
///
/// # Errors
/// When an artifact cannot be read, or the format is of minutes and there are none.
pub fn export_meeting(library: &Library, meeting: &Meeting, format: ExportFormat) -> anyhow::Result<String> {
    let transcript = library.transcript(&meeting.id)?.unwrap_or_default();
    let minutes = || {
        library
            .minutes(&meeting.id)?
            .with_context(|| format!("`{}` has no minutes: `greffier run` makes them", meeting.id))
    };
    let statuses = || library.action_statuses(&meeting.id);
    Ok(match format {
        ExportFormat::Vtt => webvtt::write(meeting, &transcript),
        ExportFormat::Srt => srt::write(meeting, &transcript),
        ExportFormat::Md => {
            let options = markdown::MinutesOptions {
                statuses: statuses()?,
                ..markdown::MinutesOptions::default()
            };
            markdown::minutes(meeting, &minutes()?, Some(&transcript), &options)
        }
        ExportFormat::TranscriptMd => markdown::transcript(meeting, &transcript),
        ExportFormat::Json => {
            let minutes = library.minutes(&meeting.id)?;
            MeetingExport::new(meeting.clone(), Some(transcript), minutes).to_json()?
        }
        ExportFormat::Ics => action_calendar::write(
            meeting,
            &minutes()?,
            Some(&transcript),
            &statuses()?,
            jiff::Timestamp::now(),
        ),
        ExportFormat::Rttm => rttm::write(meeting, &transcript),
    })
}
