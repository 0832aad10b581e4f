//! `greffier config`: whether a configuration file holds, and what a server would be run with.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, CommandFactory as _, FromArgMatches as _, Subcommand};
use serde::Serialize;

use super::config_file::{ConfigFile, SERVE, arguments, without_environment};
use super::serve::ServeArgs;
use super::terminal::{FAINT, Terminal};
use super::{Cli, Outcome};
use crate::service::retention::RetentionRule;

/// Check the configuration file of a server, or show what a server would be run with
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier config check /etc/greffier/greffier.toml\n  greffier --config /etc/greffier/greffier.toml config show\n\nThe file is TOML: the names of the flags of `greffier serve` and of --library, --models and --language, and\n[[retention]] rules. A flag comes before the environment, that before the file."
)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand, Debug)]
enum ConfigCommand {
    /// Say what is wrong with a file, with lines and remedies
    Check {
        /// The file [default: that of --config]
        file: Option<PathBuf>,
    },
    /// Show what holds and where it comes from; secrets are hidden
    Show,
}

pub(super) fn config(args: &ConfigArgs, file: Option<&Path>, terminal: &Terminal) -> anyhow::Result<Outcome> {
    match &args.command {
        ConfigCommand::Check { file: named } => match named.as_deref().or(file) {
            Some(file) => check(file, terminal)?,
            None => bail!("which file? name it, or set --config or GREFFIER_CONFIG"),
        },
        ConfigCommand::Show => show(file, terminal)?,
    }
    Ok(Outcome::Done)
}

/// Checks what a file says by itself: without flags and without the environment.
pub(super) fn check_file(path: &Path) -> anyhow::Result<ConfigFile> {
    let file = ConfigFile::read(path, &Cli::command())?;
    let command = file.underlie(without_environment(Cli::command()));
    let matches = command.try_get_matches_from(["greffier", SERVE])?;
    if let Some(serve) = matches.subcommand_matches(SERVE) {
        let checked = ServeArgs::from_arg_matches(serve)?.check();
        checked.map_err(|error| error.context(format!("`{}` does not hold together", path.display())))?;
    }
    Ok(file)
}

/// How long meetings are kept, as the file says, where there is one.
pub(super) fn rules_of(path: Option<&Path>) -> anyhow::Result<Vec<RetentionRule>> {
    let file = path.map(|path| ConfigFile::read(path, &Cli::command())).transpose()?;
    Ok(file.unwrap_or_default().retention)
}

fn check(path: &Path, terminal: &Terminal) -> anyhow::Result<()> {
    let file = check_file(path)?;
    terminal.line(format!(
        "{}: {} options and {} retention rules hold",
        path.display(),
        file.options.len(),
        file.retention.len()
    ))
}

fn show(path: Option<&Path>, terminal: &Terminal) -> anyhow::Result<()> {
    let file = path.map(|path| ConfigFile::read(path, &Cli::command())).transpose()?;
    let file = file.unwrap_or_default();
    let command = file.underlie(Cli::command());
    let matches = command.clone().try_get_matches_from(["greffier", SERVE])?;
    let Some(serve) = matches.subcommand_matches(SERVE) else {
        return Ok(());
    };
    let mut shown = Vec::new();
    for argument in arguments(&command) {
        let Some(option) = argument.get_long() else { continue };
        let (value, source) = value_of(argument, serve);
        let source = match source {
            Some(ValueSource::EnvVariable) => "environment",
            Some(_) if file.options.iter().any(|(of_file, _)| of_file == option) => "file",
            Some(_) => "built in",
            None => "not set",
        };
        shown.push(Shown { option, value, source });
    }
    if terminal.json {
        return terminal.print_json(&serde_json::json!({ "options": shown, "retention": file.retention }));
    }
    for Shown { option, value, source } in shown {
        let begin = if value.is_some() { "" } else { "# " };
        let value = value.unwrap_or_default();
        terminal.line(format!("{begin}{option} = {value}  {FAINT}# {source}{FAINT:#}"))?;
    }
    for rule in &file.retention {
        terminal.line(format!("\n[[retention]]\n{}", toml::to_string(rule)?.trim_end()))?;
    }
    Ok(())
}

/// An option of the server.
#[derive(Serialize)]
struct Shown<'a> {
    option: &'a str,
    /// As TOML; `None` where nothing is set.
    value: Option<String>,
    /// `environment`, `file`, `built in` or `not set`.
    source: &'static str,
}

/// The value as TOML, and where it comes from.
fn value_of(argument: &Arg, matches: &ArgMatches) -> (Option<String>, Option<ValueSource>) {
    let id = argument.get_id().as_str();
    let source = matches.value_source(id);
    let texts: Vec<String> = matches
        .get_raw(id)
        .into_iter()
        .flatten()
        .map(|raw| raw.to_string_lossy().into_owned())
        .collect();
    if texts.is_empty() {
        return (None, source);
    }
    if argument.is_hide_env_values_set() {
        return (Some("\"(hidden)\"".to_owned()), source);
    }
    let value = match argument.get_action() {
        clap::ArgAction::SetTrue => texts[0].clone(),
        clap::ArgAction::Append => toml::Value::from(texts).to_string(),
        _ => match texts[0].parse::<i64>() {
            Ok(number) => number.to_string(),
            Err(_) => toml::Value::from(texts[0].clone()).to_string(),
        },
    };
    (Some(value), source)
}

/// The command line with what the file says underneath, when one is named by a flag or by the environment.
///
/// # Errors
/// When the file does not hold. Commands that judge the file read it themselves.
pub(super) fn command_line() -> anyhow::Result<Command> {
    // Which file and which command, whatever else is wrong with the line: that is told when it is read as a whole.
    let glance = Cli::command().ignore_errors(true).try_get_matches();
    let Ok(glance) = glance else {
        return Ok(Cli::command());
    };
    let Some(path) = glance.get_one::<PathBuf>("config") else {
        return Ok(Cli::command());
    };
    match ConfigFile::read(path, &Cli::command()) {
        Ok(file) => Ok(file.underlie(Cli::command())),
        Err(_) if matches!(glance.subcommand_name(), Some("config" | "doctor" | "completions")) => Ok(Cli::command()),
        Err(error) => Err(error),
    }
}
