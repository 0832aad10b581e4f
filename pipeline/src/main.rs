//! The program `greffier`: reads the command line, runs one command, prints the error chain and a hint.

use std::process::ExitCode;

fn main() -> ExitCode {
    pipeline::cli::main()
}
