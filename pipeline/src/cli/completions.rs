//! `greffier completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::terminal::Terminal;
use super::{Cli, Outcome};

/// Print a completion script for a shell
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  greffier completions bash > ~/.local/share/bash-completion/completions/greffier")]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "greffier", &mut script);
    terminal.line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Outcome::Done)
}
