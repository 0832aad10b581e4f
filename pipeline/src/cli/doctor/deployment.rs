//! What a server needs: a configuration that holds, a folder that it can write to, jobs that were not given up, and an
//! identity provider that answers.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use clap::{CommandFactory as _, FromArgMatches as _};
use datasets::library::Library;

use super::{Finding, State};
use crate::cli::Cli;
use crate::cli::config::check_file;
use crate::cli::config_file::SERVE;
use crate::cli::serve::ServeArgs;
use crate::service::identity::IdentityProvider;
use crate::service::queue::Queue;
use crate::service::service_folder;
use crate::service::store::{Store, has_store};
use crate::settings::Settings;

/// What is to be said of a server with this configuration file; nothing of what is not used.
pub(super) fn findings(config: Option<&Path>, settings: &Settings) -> Vec<Finding> {
    let server = serve_args(config);
    [
        config.map(configuration),
        rights(settings),
        queue(settings),
        server.as_ref().and_then(|server| speech_model(server, settings)),
        server.as_ref().and_then(identity_provider),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn configuration(path: &Path) -> Finding {
    let checked = check_file(path);
    let (state, text) = match checked {
        Ok(file) => {
            let (options, rules) = (file.options.len(), file.retention.len());
            (
                State::Good,
                format!("{}: {options} options, {rules} retention rules", path.display()),
            )
        }
        Err(error) => (State::Bad, format!("{error:#}")),
    };
    Finding {
        subject: "configuration",
        state,
        text,
    }
}

/// What a server would be run with here: file and environment, without flags.
fn serve_args(config: Option<&Path>) -> Option<ServeArgs> {
    let file = config.map(check_file).transpose().ok()?.unwrap_or_default();
    let matches = file
        .underlie(Cli::command())
        .try_get_matches_from(["greffier", SERVE])
        .ok()?;
    ServeArgs::from_arg_matches(matches.subcommand_matches(SERVE)?).ok()
}

/// Whether the library can be written to by this user, and read by nobody else.
fn rights(settings: &Settings) -> Option<Finding> {
    let folder = settings.library_folder().ok()?;
    let mode = std::fs::metadata(&folder).ok()?.mode();
    let (state, text) = match tempfile::tempfile_in(&folder) {
        Err(error) => {
            let remedy = "give the folder to the user that runs greffier (chown)";
            (
                State::Bad,
                format!("{} cannot be written to: {error}: {remedy}", folder.display()),
            )
        }
        Ok(_) if mode & 0o077 != 0 => {
            let text = format!(
                "other users of this machine can look into {0}: `chmod 700 {0}`",
                folder.display()
            );
            (State::Note, text)
        }
        Ok(_) => (State::Good, "the folder is writable, and this user's alone".to_owned()),
    };
    Some(Finding {
        subject: "rights",
        state,
        text,
    })
}

fn queue(settings: &Settings) -> Option<Finding> {
    let library = Library::open(settings.library_folder().ok()?).ok()?;
    let folder = service_folder(&library);
    if !has_store(&folder) {
        return None;
    }
    let counted = Store::open(&folder).and_then(|store| Queue::over(Arc::new(store)).counts());
    let (state, text) = match counted {
        Ok(counts) => {
            let of = |wanted: &str| -> u64 {
                let found = counts.iter().filter(|(state, _)| state == wanted);
                found.map(|(_, jobs)| jobs).sum()
            };
            let (waiting, dead) = (of("queued") + of("running"), of("dead"));
            match dead {
                0 => (State::Good, format!("{waiting} jobs to do, none given up")),
                _ => (
                    State::Note,
                    format!("{waiting} jobs to do, {dead} given up: `greffier jobs --state dead` says why"),
                ),
            }
        }
        Err(error) => (State::Bad, format!("{error:#}")),
    };
    Some(Finding {
        subject: "jobs",
        state,
        text,
    })
}

/// The speech model that a server is told to use.
fn speech_model(server: &ServeArgs, settings: &Settings) -> Option<Finding> {
    let (state, text) = match server.speech_model_file(settings)? {
        Ok(file) => (State::Good, file.display().to_string()),
        Err(error) => (State::Bad, format!("{error:#}")),
    };
    Some(Finding {
        subject: "speech model of the server",
        state,
        text,
    })
}

fn identity_provider(server: &ServeArgs) -> Option<Finding> {
    let options = server.identity().ok()??;
    let issuer = options.issuer.clone();
    let (state, text) = match IdentityProvider::new(options).count_keys() {
        Ok(0) => (
            State::Bad,
            format!("{issuer} publishes no keys: no token of it can be checked"),
        ),
        Ok(keys) => (State::Good, format!("{issuer} answers with {keys} keys")),
        Err(error) => (
            State::Bad,
            format!("{error:#}: tokens of {issuer} are refused until it answers"),
        ),
    };
    Some(Finding {
        subject: "identity provider",
        state,
        text,
    })
}
