//! `greffier show`.

use clap::Args;
use datasets::formats::markdown::{self, MinutesOptions};
use datasets::library::{Library, LibraryError};
use datasets::{Meeting, MeetingId};
use serde_json::json;

use super::Outcome;
use super::terminal::{FAINT, TITLE, Terminal};
use crate::settings::Settings;

/// List the meetings of the library, or show one: minutes, then transcript
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier show\n  greffier show 2026-03-05-release-planning\n  greffier show 2026-03-05-release-planning --transcript"
)]
pub(super) struct ShowArgs {
    /// The meeting
    meeting: Option<String>,
    /// Show the transcript instead of the minutes
    #[arg(long, requires = "meeting")]
    transcript: bool,
}

pub(super) fn show(args: &ShowArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let library = Library::open(settings.library_folder()?)?;
    match &args.meeting {
        None => list(&library, settings, terminal)?,
        Some(id) => one(
            &library,
            &visible_meeting(&library, id, settings)?,
            args.transcript,
            terminal,
        )?,
    }
    Ok(Outcome::Done)
}

/// The meeting, when there is one and the viewer may see it; both are answered alike.
pub(super) fn visible_meeting(library: &Library, id: &str, settings: &Settings) -> anyhow::Result<Meeting> {
    let id = MeetingId::new(id);
    let meeting = library.meeting(&id)?;
    if meeting.is_visible_to(&settings.viewer()) {
        return Ok(meeting);
    }
    Err(LibraryError::NoSuchMeeting {
        root: library.root().to_owned(),
        id,
    }
    .into())
}

fn list(library: &Library, settings: &Settings, terminal: &Terminal) -> anyhow::Result<()> {
    let mut meetings = Vec::new();
    for id in library.meeting_ids()? {
        let meeting = library.meeting(&id)?;
        if meeting.is_visible_to(&settings.viewer()) {
            meetings.push(meeting);
        }
    }
    meetings.sort_by(|left, right| (left.started_at, &left.id).cmp(&(right.started_at, &right.id)));
    if terminal.json {
        return terminal.print_json(&meetings);
    }
    for meeting in &meetings {
        let day = meeting
            .started_at
            .map_or_else(|| " ".repeat(10), |at| at.strftime("%Y-%m-%d").to_string());
        terminal.line(format!(
            "{day} {TITLE}{}{TITLE:#} {FAINT}[{}]{FAINT:#}",
            meeting.title, meeting.id
        ))?;
    }
    Ok(())
}

fn one(library: &Library, meeting: &Meeting, transcript_wanted: bool, terminal: &Terminal) -> anyhow::Result<()> {
    let transcript = library.transcript(&meeting.id)?.unwrap_or_default();
    let minutes = library.minutes(&meeting.id)?;
    if terminal.json {
        let statuses = library.action_statuses(&meeting.id)?;
        return terminal.print_json(
            &json!({ "meeting": meeting, "transcript": transcript, "minutes": minutes, "action_statuses": statuses }),
        );
    }
    match minutes {
        Some(minutes) if !transcript_wanted => {
            let options = MinutesOptions {
                statuses: library.action_statuses(&meeting.id)?,
                ..MinutesOptions::default()
            };
            terminal.line(markdown::minutes(meeting, &minutes, Some(&transcript), &options))
        }
        _ => terminal.line(markdown::transcript(meeting, &transcript)),
    }
}
