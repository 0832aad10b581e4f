//! `greffier doctor`: what is wrong with this installation, and what to do about it.

mod deployment;

use std::path::Path;

use clap::Args;
use datasets::library::{Library, LibraryError};
use models::weights::ModelKind;
use serde::Serialize;

use super::Outcome;
use super::recover::describe;
use super::terminal::{FAINT, Terminal};
use crate::live::unfinished;
use crate::session::{self, SENTENCE_ENCODER};
use crate::settings::Settings;
use crate::speech_models::installed_names;

/// Check library, index, models and processor, and what a server needs: configuration, rights, jobs, identity provider
#[derive(Args, Debug)]
pub(super) struct DoctorArgs {}

#[derive(Serialize)]
struct Finding {
    subject: &'static str,
    state: State,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    Note,
    Bad,
}

pub(super) fn doctor(
    _args: &DoctorArgs,
    config: Option<&Path>,
    settings: &Settings,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let findings: Vec<Finding> = [
        library(settings)?,
        index(settings),
        encoder(settings),
        speech(settings),
        processor(),
    ]
    .into_iter()
    .chain(live_meetings(settings))
    .chain(deployment::findings(config, settings))
    .collect();
    if terminal.json {
        terminal.print_json(&findings)?;
    } else {
        for finding in &findings {
            let mark = match finding.state {
                State::Good => "ok  ",
                State::Note => "note",
                State::Bad => "BAD ",
            };
            terminal.line(format!("{mark} {} {FAINT}{}{FAINT:#}", finding.subject, finding.text))?;
        }
    }
    let bad = findings.iter().any(|finding| finding.state == State::Bad);
    if bad {
        anyhow::bail!("something is wrong, see above")
    } else {
        Ok(Outcome::Done)
    }
}

fn library(settings: &Settings) -> anyhow::Result<Finding> {
    let folder = settings.library_folder()?;
    let library = match Library::open(&folder) {
        Ok(library) => library,
        Err(LibraryError::NotALibrary { .. }) => {
            return Ok(Finding {
                subject: "library",
                state: State::Note,
                text: format!("none yet at {}: `greffier run FILE` makes it", folder.display()),
            });
        }
        Err(error) => {
            return Ok(Finding {
                subject: "library",
                state: State::Bad,
                text: error.to_string(),
            });
        }
    };
    let mut damaged = Vec::new();
    let ids = library.meeting_ids()?;
    for id in &ids {
        let read = library
            .meeting(id)
            .and_then(|_| library.transcript(id))
            .and_then(|_| library.minutes(id));
        damaged.extend(read.err().map(|error| error.to_string()));
    }
    let items = library.context_items().map_or_else(
        |error| {
            damaged.push(error.to_string());
            0
        },
        |items| items.len(),
    );
    Ok(if damaged.is_empty() {
        Finding {
            subject: "library",
            state: State::Good,
            text: format!("{}: {} meetings, {items} context items", folder.display(), ids.len()),
        }
    } else {
        Finding {
            subject: "library",
            state: State::Bad,
            text: damaged.join("; "),
        }
    })
}

fn index(settings: &Settings) -> Finding {
    let checked = (|| {
        let library = Library::open(settings.library_folder()?)?;
        let encoder = session::load_encoder(settings)?;
        session::is_up_to_date(&library, encoder.as_ref())
    })();
    match checked {
        Ok(true) => Finding {
            subject: "index",
            state: State::Good,
            text: "holds the newest of everything".to_owned(),
        },
        Ok(false) => Finding {
            subject: "index",
            state: State::Note,
            text: "behind the library: the next search brings it up to date".to_owned(),
        },
        Err(error) if error.downcast_ref::<LibraryError>().is_some() => Finding {
            subject: "index",
            state: State::Note,
            text: "no library, no index".to_owned(),
        },
        Err(error) => Finding {
            subject: "index",
            state: State::Bad,
            text: format!("{error:#}"),
        },
    }
}

fn encoder(settings: &Settings) -> Finding {
    match session::load_encoder(settings) {
        Ok(Some(encoder)) => Finding {
            subject: "sentence encoder",
            state: State::Good,
            text: format!("{SENTENCE_ENCODER}, {} dimensions", encoder.dimensions()),
        },
        Ok(None) => Finding {
            subject: "sentence encoder",
            state: State::Note,
            text: format!("not installed, words alone are used: `greffier models pull {SENTENCE_ENCODER}`"),
        },
        Err(error) => Finding {
            subject: "sentence encoder",
            state: State::Bad,
            text: format!("{error:#}"),
        },
    }
}

/// Says something only where there is something unfinished.
fn live_meetings(settings: &Settings) -> Option<Finding> {
    let found = Library::open(settings.library_folder().ok()?).ok()?;
    let (state, text) = match unfinished(&found) {
        Ok(found) if found.is_empty() => return None,
        Ok(found) => {
            let lines: Vec<String> = found.iter().map(describe).collect();
            let remedy = if found.iter().all(|one| one.is_running) {
                ""
            } else {
                ": `greffier recover`"
            };
            (State::Note, format!("{}{remedy}", lines.join("; ")))
        }
        Err(error) => (State::Bad, format!("{error:#}")),
    };
    Some(Finding {
        subject: "live meetings",
        state,
        text,
    })
}

fn speech(settings: &Settings) -> Finding {
    // Without one that hears, those that tell speech from silence or voices apart are of no use.
    let hears = installed_names(settings, &[ModelKind::Speech]);
    let hears_real = hears.map(|names| names.iter().any(|name| name != "demo"));
    let all = [ModelKind::Speech, ModelKind::VoiceActivity, ModelKind::SpeakerEmbedding];
    let named = hears_real.and_then(|hears_real| Ok((hears_real, installed_names(settings, &all)?)));
    let (state, text) = match named {
        Ok((false, _)) => {
            let text = "none but the demo model, for recordings pull a real one: `greffier models pull whisper-base-q5_1 silero-v6.2.0`";
            (State::Note, text.to_owned())
        }
        Ok((true, names)) => (State::Good, names.join(", ")),
        Err(error) => (State::Bad, format!("{error:#}")),
    };
    Finding {
        subject: "speech models",
        state,
        text,
    }
}

fn processor() -> Finding {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Finding {
        subject: "processor",
        state: State::Good,
        text: format!("{threads} threads{}", instruction_sets()),
    }
}

#[cfg(target_arch = "x86_64")]
fn instruction_sets() -> String {
    let mut sets = String::new();
    for (name, there) in [
        ("AVX2", is_x86_feature_detected!("avx2")),
        ("AVX-512", is_x86_feature_detected!("avx512f")),
    ] {
        if there {
            sets.push_str(", ");
            sets.push_str(name);
        }
    }
    sets
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction_sets() -> String {
    String::new()
}
