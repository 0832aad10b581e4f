//! `greffier actions`: what is still to be done, across meetings.

use clap::{Args, Subcommand};
use datasets::library::Library;
use datasets::{ActionStatus, MeetingId, StatementId};

use super::Outcome;
use super::terminal::{FAINT, TITLE, Terminal};
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::list_actions::{ListedAction, list_actions};

/// List open actions across meetings, or mark one as done
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier actions\n  greffier actions --owner \"Ben Carter\"\n  greffier actions done 2026-03-05-release-planning a2"
)]
pub(super) struct ActionsArgs {
    /// Only those of this person
    #[arg(long)]
    owner: Option<String>,
    /// Those that are done too
    #[arg(long)]
    all: bool,
    #[command(subcommand)]
    command: Option<ActionsCommand>,
}

#[derive(Subcommand, Debug)]
enum ActionsCommand {
    /// Mark an action as done
    Done(ActionName),
    /// Mark an action as open again
    Reopen(ActionName),
}

#[derive(Args, Debug)]
struct ActionName {
    /// The meeting
    meeting: String,
    /// The action, as `greffier actions` names it
    action: String,
}

pub(super) fn actions(args: &ActionsArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    match &args.command {
        Some(ActionsCommand::Done(name)) => set(name, ActionStatus::Done, settings, terminal),
        Some(ActionsCommand::Reopen(name)) => set(name, ActionStatus::Open, settings, terminal),
        None => list(args, settings, terminal),
    }
}

fn set(name: &ActionName, status: ActionStatus, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let mut session = WritingSession::open(settings, &mut terminal.index_progress())?;
    let (meeting, action) = (
        MeetingId::new(name.meeting.as_str()),
        StatementId::new(name.action.as_str()),
    );
    // The record first: an unknown meeting is a clearer answer than an unknown action.
    session.library.library().meeting(&meeting)?;
    session.library.set_action_status(&meeting, &action, status)?;
    session.index_meeting(&meeting)?;
    session.commit()?;
    if terminal.json {
        terminal.print_json(&serde_json::json!({ "meeting": meeting, "action": action, "status": status }))?;
    } else {
        terminal.line(format!("{meeting} {action}: {status:?}").to_lowercase())?;
    }
    Ok(Outcome::Done)
}

fn list(args: &ActionsArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let mut listed = list_actions(&Library::open(settings.library_folder()?)?, &settings.viewer())?;
    listed.retain(|item| args.all || item.status == ActionStatus::Open);
    if let Some(owner) = &args.owner {
        listed.retain(|item| item.is_owned_by(owner));
    }
    if terminal.json {
        terminal.print_json(&listed)?;
    } else if listed.is_empty() {
        terminal.line(terminal.phrases.no_actions())?;
    } else {
        let mut heading = None;
        for item in &listed {
            if heading != Some(&item.meeting) {
                heading = Some(&item.meeting);
                terminal.line(format!(
                    "{TITLE}{}{TITLE:#} {FAINT}[{}]{FAINT:#}",
                    item.meeting_title, item.meeting
                ))?;
            }
            print(item, terminal)?;
        }
    }
    Ok(Outcome::Done)
}

fn print(item: &ListedAction, terminal: &Terminal) -> anyhow::Result<()> {
    let mark = if item.status == ActionStatus::Done { "x" } else { " " };
    let owner = item
        .action
        .owner
        .as_ref()
        .map_or(terminal.phrases.nobody(), |owner| owner.name.as_str());
    let due = item.action.due.as_ref().map(|due| {
        let day = due.date.map_or_else(|| due.text.clone(), |date| date.to_string());
        format!(", {} {day}", terminal.phrases.due())
    });
    terminal.line(format!(
        "  [{mark}] {} {FAINT}{owner}{} ({}){FAINT:#}",
        item.action.statement.text,
        due.unwrap_or_default(),
        item.action.statement.id
    ))
}
