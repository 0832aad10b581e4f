//! `greffier export`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use datasets::Meeting;
use datasets::formats::export_json::MeetingExport;
use datasets::formats::{action_calendar, markdown, rttm, srt, webvtt};
use datasets::library::Library;

use super::Outcome;
use super::show::visible_meeting;
use super::terminal::Terminal;
use crate::settings::Settings;

/// Write a meeting in an open format
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier export 2026-03-05-release-planning --format vtt > planning.vtt\n  greffier export 2026-03-05-release-planning --format ics --to actions.ics"
)]
pub(super) struct ExportArgs {
    /// The meeting
    meeting: String,
    /// The format
    #[arg(long, short, value_enum)]
    format: ExportFormat,
    /// The file [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ExportFormat {
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

pub(super) fn export(args: &ExportArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let library = Library::open(settings.library_folder()?)?;
    let meeting = visible_meeting(&library, &args.meeting, settings)?;
    let text = written(&library, &meeting, args.format, terminal)?;
    match &args.to {
        Some(path) => {
            fs::write(path, text).with_context(|| format!("writing `{}`", path.display()))?;
            terminal.note(format!("{} written", path.display()));
        }
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(Outcome::Done)
}

fn written(library: &Library, meeting: &Meeting, format: ExportFormat, terminal: &Terminal) -> anyhow::Result<String> {
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
        ExportFormat::Rttm => {
            let turns = rttm::write(meeting, &transcript);
            if turns.is_empty() {
                terminal.note(
                    "no utterance has both a speaker and times: `greffier run --speakers COUNT` tells voices apart",
                );
            }
            turns
        }
    })
}
