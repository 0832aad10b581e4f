//! `greffier index`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::Outcome;
use super::terminal::Terminal;
use crate::session::WritingSession;
use crate::settings::Settings;

/// Manage the search index, which is derived from the library
#[derive(Args, Debug)]
pub(super) struct IndexArgs {
    #[command(subcommand)]
    command: IndexCommand,
}

#[derive(Subcommand, Debug)]
enum IndexCommand {
    /// Throw the index away and make it again from the library; gives the same answers
    Rebuild,
}

pub(super) fn index(args: &IndexArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    match args.command {
        IndexCommand::Rebuild => {
            let session = WritingSession::rebuild(settings, &mut terminal.index_progress())?;
            let meetings = session.library.library().meeting_ids()?.len();
            let vectors = session.encoder.is_some();
            if terminal.json {
                terminal.print_json(&json!({ "meetings": meetings, "vectors": vectors }))?;
            } else {
                terminal.line(format!(
                    "{meetings} meetings indexed, {}",
                    if vectors { "with vectors" } else { "by words alone" }
                ))?;
            }
        }
    }
    Ok(Outcome::Done)
}
