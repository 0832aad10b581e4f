//! `greffier export`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use datasets::library::Library;

use super::Outcome;
use super::show::visible_meeting;
use super::terminal::Terminal;
use crate::settings::Settings;
use crate::stages::export_meeting::{ExportFormat, export_meeting};

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

pub(super) fn export(args: &ExportArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let library = Library::open(settings.library_folder()?)?;
    let meeting = visible_meeting(&library, &args.meeting, settings)?;
    let text = export_meeting(&library, &meeting, args.format)?;
    if args.format == ExportFormat::Rttm && text.is_empty() {
        terminal.note("no utterance has both a speaker and times: `greffier run --speakers COUNT` tells voices apart");
    }
    match &args.to {
        Some(path) => {
            fs::write(path, text).with_context(|| format!("writing `{}`", path.display()))?;
            terminal.note(format!("{} written", path.display()));
        }
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(Outcome::Done)
}
