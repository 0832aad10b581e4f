//! `greffier forget`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;
use clap::Args;
use datasets::MeetingId;

use super::Outcome;
use super::terminal::Terminal;
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::transcribe::remove_journals;
use crate::stages::write_minutes::remove_passages;

/// Delete a meeting everywhere, with a receipt
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  greffier forget 2026-03-05-release-planning --yes")]
pub(super) struct ForgetArgs {
    /// The meeting
    meeting: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn forget(args: &ForgetArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let id = MeetingId::new(args.meeting.as_str());
    let mut session = WritingSession::open(settings, &mut terminal.index_progress())?;
    let meeting = session.library.library().meeting(&id)?;
    if !args.yes && !confirmed(&meeting.title)? {
        bail!("nothing was deleted");
    }
    let receipt = session.forget_meeting(&id)?;
    remove_passages(session.library.library(), &id)?;
    if let Some(source) = &meeting.source {
        remove_journals(session.library.library(), &source.sha256)?;
    }
    if terminal.json {
        terminal.print_json(&receipt)?;
        return Ok(Outcome::Done);
    }
    terminal.line(format!(
        "deleted `{id}`: {} files, index and vectors",
        receipt.files.len()
    ))?;
    for file in &receipt.files {
        terminal.line(format!("  {} ({} bytes)", file.path, file.bytes))?;
    }
    for remains in &receipt.remains {
        terminal.line(format!("not reached: {remains}"))?;
    }
    Ok(Outcome::Done)
}

fn confirmed(title: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("deleting cannot be undone: say --yes");
    }
    write!(
        std::io::stderr(),
        "Delete `{title}` with its recording, transcript, minutes and index entries? [y/N] "
    )?;
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_lowercase().as_str(),
        "y" | "yes" | "o" | "oui"
    ))
}
