//! `greffier retain`.

use std::path::Path;

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;

use super::Outcome;
use super::config::rules_of;
use super::terminal::{FAINT, Terminal};
use crate::service::retention::{Due, Part, RetentionPlan};
use crate::service::{Service, ServiceOptions};
use crate::settings::Settings;

/// Delete what the retention rules of the configuration file no longer keep, with receipts; a server does so once a day
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier --config greffier.toml retain --dry-run\n  greffier --config greffier.toml retain\n\nRules stand in the configuration file:\n  [[retention]]\n  series = \"weekly\"     # or domain = \"example.org\"; without either, every meeting\n  keep-days = 90\n  delete = \"sound\"      # the recording; \"meeting\" for everything"
)]
pub(super) struct RetainArgs {
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn retain(
    args: &RetainArgs,
    config: Option<&Path>,
    settings: &Settings,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let rules = rules_of(config)?;
    if rules.is_empty() {
        bail!("there are no retention rules: name a configuration file that holds some with --config");
    }
    if args.dry_run {
        let library = datasets::library::Library::open(settings.library_folder()?)?;
        let plan = RetentionPlan::of_library(&rules, &library, Timestamp::now())?;
        tell(&plan, terminal)?;
        return Ok(Outcome::Done);
    }
    let options = ServiceOptions {
        retention: rules,
        ..ServiceOptions::default()
    };
    let receipts = Service::open(settings, options)?.retain(Timestamp::now());
    if terminal.json {
        terminal.print_json(&receipts)?;
        return Ok(Outcome::Done);
    }
    for receipt in &receipts {
        terminal.line(format!("{}: {} files deleted", receipt.subject, receipt.files.len()))?;
    }
    Ok(Outcome::Done)
}

fn tell(plan: &RetentionPlan, terminal: &Terminal) -> anyhow::Result<()> {
    if terminal.json {
        return terminal.print_json(plan);
    }
    for Due {
        meeting,
        delete,
        age_days,
        keep_days,
    } in &plan.due
    {
        let part = match delete {
            Part::Meeting => "everything",
            Part::Sound => "the recording",
        };
        terminal.line(format!(
            "{meeting}: {part} {FAINT}{age_days} days old, kept for {keep_days}{FAINT:#}"
        ))?;
    }
    for meeting in &plan.undated {
        terminal.note(format!("{meeting} has no date and is kept: give it one"));
    }
    Ok(())
}
