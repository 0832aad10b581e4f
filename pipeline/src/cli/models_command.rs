//! `greffier models`.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use models::weights::{ChecksumOrigin, FileState, ModelState, WeightsStore};
use serde_json::{Value, json};

use super::Outcome;
use super::terminal::{FAINT, TITLE, Terminal};
use crate::download::{self, Origins};
use crate::session::weights_store;
use crate::settings::Settings;

/// List, download, check and carry model weights
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier models list\n  greffier models pull all-minilm-l6-v2\n  greffier models pull all-minilm-l6-v2 --mirror /mnt/models\n  greffier models export all-minilm-l6-v2 --to models.tar    # then, in the air-gapped room:\n  greffier models import models.tar\n\nModels of your own: list them in `manifest.toml` in the models folder, in the form of greffier's own manifest.\nWhere a model's checksum is not published, the one of the first pull is recorded and holds from then on."
)]
pub(super) struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Subcommand, Debug)]
enum ModelsCommand {
    /// Which models there are, and which are installed
    List,
    /// Download models; goes on where it was cut
    Pull {
        /// Their names, as `list` gives them
        #[arg(required = true)]
        names: Vec<String>,
        /// A folder with one folder per model, tried first
        #[arg(long, env = "GREFFIER_MIRROR", value_name = "DIR")]
        mirror: Option<PathBuf>,
        /// Address of the hub
        #[arg(long, env = "GREFFIER_HUB", default_value = download::DEFAULT_HUB, value_name = "URL")]
        hub: String,
    },
    /// Read installed models and compare their checksums
    Verify {
        /// Their names [default: all that are installed]
        names: Vec<String>,
    },
    /// Write models into one file with checksums, for a machine without network
    Export {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
        /// The file
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Install models from a file that `export` wrote
    Import {
        /// The file
        file: PathBuf,
    },
}

pub(super) fn models(args: &ModelsArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let store = weights_store(settings)?;
    match &args.command {
        ModelsCommand::List => list(&store, terminal),
        ModelsCommand::Pull { names, mirror, hub } => {
            let origins = Origins {
                mirror: mirror.clone(),
                hub: hub.trim_end_matches('/').to_owned(),
            };
            pull(&store, names, &origins, terminal)
        }
        ModelsCommand::Verify { names } => verify(&store, names, terminal),
        ModelsCommand::Export { names, to } => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let file = File::create(to).with_context(|| format!("making `{}`", to.display()))?;
            store.export_bundle(&names, file)?;
            said(
                terminal,
                json!({ "exported": names, "file": to }),
                &format!("{} written", to.display()),
            )
        }
        ModelsCommand::Import { file } => {
            let reader = File::open(file).with_context(|| format!("opening `{}`", file.display()))?;
            let names = store.import_bundle(reader)?;
            said(
                terminal,
                json!({ "imported": names }),
                &format!("installed: {}", names.join(", ")),
            )
        }
    }
}

fn said(terminal: &Terminal, value: Value, text: &str) -> anyhow::Result<Outcome> {
    if terminal.json {
        terminal.print_json(&value)?
    } else {
        terminal.line(text)?
    }
    Ok(Outcome::Done)
}

fn list(store: &WeightsStore, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let mut rows = Vec::new();
    for (entry, state) in store.list() {
        let state = match state {
            ModelState::Complete => "installed".to_owned(),
            ModelState::Partial { bytes } => {
                format!("partial, {} of {} MB", bytes / 1_000_000, entry.bytes() / 1_000_000)
            }
            ModelState::Absent => "not installed".to_owned(),
        };
        let (checksum, note) = match store.checksum_origin(&entry.name)? {
            ChecksumOrigin::Manifest => ("manifest", ""),
            ChecksumOrigin::Recorded => ("recorded", ", checksum recorded at the first pull"),
            ChecksumOrigin::FirstArrival => ("first pull", ", no checksum published: recorded at the first pull"),
        };
        if terminal.json {
            rows.push(json!({
                "name": entry.name, "purpose": entry.purpose, "licence": entry.licence, "bytes": entry.bytes(),
                "state": state, "checksum": checksum
            }));
        } else {
            terminal.line(format!(
                "{TITLE}{}{TITLE:#} {state} {FAINT}{} MB, {}{note}{FAINT:#}",
                entry.name,
                entry.bytes().div_ceil(1_000_000),
                entry.licence
            ))?;
            terminal.line(format!("    {}", entry.purpose))?;
        }
    }
    if terminal.json {
        terminal.print_json(&rows)?;
    }
    Ok(Outcome::Done)
}

fn pull(store: &WeightsStore, names: &[String], origins: &Origins, terminal: &Terminal) -> anyhow::Result<Outcome> {
    for name in names {
        let Some(entry) = store.manifest().model(name) else {
            bail!("there is no model `{name}`: `greffier models list` names them");
        };
        if store
            .list()
            .iter()
            .any(|(listed, state)| listed.name == *name && *state == ModelState::Complete)
        {
            store.open(name)?;
            terminal.note(format!("{name} is installed"));
            continue;
        }
        let bar = terminal.byte_bar("pulling");
        let folder = download::pull(store, entry, origins, &bar);
        bar.finish_and_clear();
        said(
            terminal,
            json!({ "pulled": name, "folder": folder.as_ref().ok() }),
            &format!("{name} installed"),
        )
        .and(folder.map(|_| ()))?;
    }
    Ok(Outcome::Done)
}

fn verify(store: &WeightsStore, names: &[String], terminal: &Terminal) -> anyhow::Result<Outcome> {
    let installed: Vec<String> = store
        .list()
        .iter()
        .filter(|(_, state)| *state != ModelState::Absent)
        .map(|(entry, _)| entry.name.clone())
        .collect();
    let names = if names.is_empty() { &installed } else { names };
    let mut damaged = Vec::new();
    let mut rows = Vec::new();
    for name in names {
        for (path, state) in store.verify(name)? {
            let whole = matches!(state, FileState::Good);
            if !whole {
                damaged.push(path.display().to_string());
            }
            if terminal.json {
                rows.push(json!({ "model": name, "file": path, "good": whole }));
            } else {
                terminal.line(format!(
                    "{} {}",
                    if whole { "good   " } else { "DAMAGED" },
                    path.display()
                ))?;
            }
        }
    }
    if terminal.json {
        terminal.print_json(&rows)?;
    }
    if damaged.is_empty() {
        return Ok(Outcome::Done);
    }
    bail!(
        "damaged: {}: delete them and run `greffier models pull` again",
        damaged.join(", ")
    )
}
