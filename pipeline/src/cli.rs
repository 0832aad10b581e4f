//! The command line: one file per command.

mod actions;
mod arguments;
mod completions;
mod config;
mod config_file;
mod corpus;
mod doctor;
mod engine;
mod evaluate;
mod export;
mod forget;
mod index_command;
mod jobs;
mod live;
mod mcp;
mod minutes;
mod models_command;
mod recommend;
mod recover;
mod restore;
mod retain;
mod run;
mod search;
mod serve;
mod show;
mod terminal;
mod tokens;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use self::terminal::Terminal;
use crate::engine_threads;
use crate::settings::Settings;
use crate::stages::transcribe::{WORKER_COMMAND, serve_jobs};

/// Meeting intelligence that runs on your own machine: recordings and transcripts in, proven minutes, search and recommendations out.
#[derive(Parser, Debug)]
#[command(name = "greffier", version, propagate_version = true, max_term_width = 110, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    /// The configuration file of a server: see `greffier config`
    #[arg(
        long,
        global = true,
        env = "GREFFIER_CONFIG",
        value_name = "FILE",
        help_heading = "Global options"
    )]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some inputs were skipped.";

#[derive(Subcommand, Debug)]
enum Command {
    Run(run::RunArgs),
    Live(Box<live::LiveArgs>),
    Recover(recover::RecoverArgs),
    Corpus(corpus::CorpusArgs),
    Search(search::SearchArgs),
    Recommend(recommend::RecommendArgs),
    Show(show::ShowArgs),
    Export(export::ExportArgs),
    Restore(restore::RestoreArgs),
    Minutes(minutes::MinutesCommandArgs),
    Actions(actions::ActionsArgs),
    Forget(forget::ForgetArgs),
    Retain(retain::RetainArgs),
    Serve(serve::ServeArgs),
    Mcp(mcp::McpArgs),
    Jobs(jobs::JobsArgs),
    Tokens(tokens::TokensArgs),
    Config(config::ConfigArgs),
    Models(models_command::ModelsArgs),
    Index(index_command::IndexArgs),
    Evaluate(evaluate::EvaluateArgs),
    Doctor(doctor::DoctorArgs),
    Completions(completions::CompletionsArgs),
    /// Runs the speech engine for another greffier process
    #[command(name = WORKER_COMMAND, hide = true)]
    TranscriptionWorker,
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Everything was done.
    Done,
    /// Some inputs were skipped; each was reported.
    SomeSkipped,
}

/// Reads the command line, runs the command, reports its error.
pub fn main() -> ExitCode {
    let cli = config::command_line().map(clap::Command::get_matches);
    let cli = match cli.map(|matches| Cli::from_arg_matches(&matches)) {
        Ok(Ok(cli)) => cli,
        Ok(Err(error)) => error.exit(),
        // As a value of the option that is wrong.
        Err(error) => Cli::command()
            .error(ErrorKind::ValueValidation, format!("{error:#}"))
            .exit(),
    };
    if matches!(cli.command, Command::Live(_) | Command::Recover(_) | Command::Serve(_)) {
        engine_threads::settle();
    }
    let terminal = Terminal::new(&cli.settings);
    match dispatch(&cli, &terminal) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeSkipped) => ExitCode::from(3),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: &Cli, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let settings = &cli.settings;
    match &cli.command {
        Command::Run(args) => run::run(args, settings, terminal),
        Command::Live(args) => live::live(args, settings, terminal),
        Command::Recover(args) => recover::recover(args, settings, terminal),
        Command::Corpus(args) => corpus::corpus(args, settings, terminal),
        Command::Search(args) => search::search(args, settings, terminal),
        Command::Recommend(args) => recommend::recommend(args, settings, terminal),
        Command::Show(args) => show::show(args, settings, terminal),
        Command::Export(args) => export::export(args, settings, terminal),
        Command::Restore(args) => restore::restore(args, settings, terminal),
        Command::Minutes(args) => minutes::minutes(args, settings, terminal),
        Command::Actions(args) => actions::actions(args, settings, terminal),
        Command::Forget(args) => forget::forget(args, settings, terminal),
        Command::Retain(args) => retain::retain(args, cli.config.as_deref(), settings, terminal),
        Command::Serve(args) => serve::serve(args, cli.config.as_deref(), settings, terminal),
        Command::Mcp(args) => mcp::mcp(args, settings),
        Command::Jobs(args) => jobs::jobs(args, settings, terminal),
        Command::Tokens(args) => tokens::tokens(args, settings, terminal),
        Command::Config(args) => config::config(args, cli.config.as_deref(), terminal),
        Command::Models(args) => models_command::models(args, settings, terminal),
        Command::Index(args) => index_command::index(args, settings, terminal),
        Command::Evaluate(args) => evaluate::evaluate(args, settings, terminal),
        Command::Doctor(args) => doctor::doctor(args, cli.config.as_deref(), settings, terminal),
        Command::Completions(args) => completions::completions(args, terminal),
        Command::TranscriptionWorker => {
            serve_jobs(std::io::stdin().lock(), std::io::stdout().lock())?;
            Ok(Outcome::Done)
        }
    }
}

/// Whether the reader of our output went away, as `head` does: no failure of ours.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
            || cause
                .downcast_ref::<serde_json::Error>()
                .is_some_and(|error| error.io_error_kind() == Some(std::io::ErrorKind::BrokenPipe))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
