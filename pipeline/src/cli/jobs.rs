//! `greffier jobs`: what the server has taken on; works beside a running server.

use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand};
use datasets::library::Library;

use super::Outcome;
use super::terminal::{FAINT, TITLE, Terminal};
use crate::service::queue::{Job, JobId, JobState, Queue};
use crate::service::service_folder;
use crate::service::store::Store;
use crate::settings::Settings;

/// List the jobs of the server, or retry one that was given up
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  greffier jobs\n  greffier jobs --state dead\n  greffier jobs retry 019a8f…")]
pub(super) struct JobsArgs {
    /// Only jobs in this state
    #[arg(long, value_enum)]
    state: Option<JobState>,
    /// Most jobs to list
    #[arg(long, short = 'n', default_value_t = 50)]
    limit: usize,
    #[command(subcommand)]
    command: Option<JobsCommand>,
}

#[derive(Subcommand, Debug)]
enum JobsCommand {
    /// Try a dead job again
    Retry {
        /// The job, as `greffier jobs` names it
        job: String,
    },
}

pub(super) fn jobs(args: &JobsArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let library = Library::open(settings.library_folder()?)?;
    let queue = Queue::over(Arc::new(Store::open(&service_folder(&library))?));
    if let Some(JobsCommand::Retry { job }) = &args.command {
        if !queue.retry(&JobId(job.clone()))? {
            bail!("there is no dead job `{job}`: `greffier jobs --state dead` lists them");
        }
        terminal.note(format!("{job} is queued again"));
        return Ok(Outcome::Done);
    }
    let jobs = queue.list(None, args.state, None, args.limit)?;
    if terminal.json {
        terminal.print_json(&jobs)?;
        return Ok(Outcome::Done);
    }
    jobs.iter().try_for_each(|job| print(job, terminal))?;
    Ok(Outcome::Done)
}

fn print(job: &Job, terminal: &Terminal) -> anyhow::Result<()> {
    let state = format!("{:?}", job.state).to_lowercase();
    let meetings: Vec<&str> = job.meetings.iter().map(datasets::MeetingId::as_str).collect();
    terminal.line(format!(
        "{state:<8}{TITLE}{}{TITLE:#} {FAINT}{} {} {}{FAINT:#}",
        job.parameters.file_name,
        job.created_at.strftime("%Y-%m-%d %H:%M"),
        job.id.0,
        meetings.join(" ")
    ))?;
    match &job.error {
        Some(error) => terminal.line(format!("        {error}")),
        None => Ok(()),
    }
}
