//! `greffier recover`: live meetings that were not finished, because of a crash or in haste, are.

use anyhow::Context as _;
use clap::Args;
use datasets::library::{Library, LibraryError};
use serde_json::json;

use super::Outcome;
use super::run::report;
use super::terminal::Terminal;
use crate::live::{LiveEngine, LiveFolder, Unfinished, complete_meeting, keep_live_meeting, unfinished};
use crate::settings::Settings;
use crate::stages::keep_meeting::KeptMeeting;

/// Finish live meetings that a crash cut short: transcript, minutes, library
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier recover --list\n  greffier recover\n  greffier recover 2026-11-22-101500-weekly\n\nWhat was shown live stays, under the same utterance ids; only what is missing is transcribed. A meeting that is still\nbeing recorded is left alone."
)]
pub(super) struct RecoverArgs {
    /// Which [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only list them
    #[arg(long)]
    list: bool,
    /// The speech model [default: the one of the meeting]
    #[arg(long, value_name = "FILE")]
    speech_model: Option<std::path::PathBuf>,
}

pub(super) fn recover(args: &RecoverArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let library = match Library::open(settings.library_folder()?) {
        Err(LibraryError::NotALibrary { .. }) => return nothing(terminal),
        other => other?,
    };
    let mut found = unfinished(&library)?;
    for name in &args.names {
        if !found.iter().any(|one| one.name == *name) {
            anyhow::bail!("there is no unfinished live meeting `{name}`: `greffier recover --list` lists them");
        }
    }
    found.retain(|one| args.names.is_empty() || args.names.contains(&one.name));
    if args.list {
        return list(&found, terminal);
    }
    if found.is_empty() {
        return nothing(terminal);
    }
    let mut reports = Vec::new();
    let mut outcome = Outcome::Done;
    let mut failure = None;
    for one in &found {
        match recover_one(&one.name, args, &library, settings, terminal) {
            Ok(recovered) => reports.push(recovered),
            Err(error) => {
                let error = error.context(format!("recovering `{}`", one.name));
                terminal.skipped(&error);
                outcome = Outcome::SomeSkipped;
                failure = Some(error);
            }
        }
    }
    if reports.is_empty()
        && let Some(error) = failure
    {
        return Err(error);
    }
    if terminal.json {
        terminal.print_json(&reports)?;
    }
    Ok(outcome)
}

fn nothing(terminal: &Terminal) -> anyhow::Result<Outcome> {
    if terminal.json {
        terminal.print_json(&json!([]))?;
    } else {
        terminal.line(terminal.phrases.nothing_unfinished())?;
    }
    Ok(Outcome::Done)
}

fn list(found: &[Unfinished], terminal: &Terminal) -> anyhow::Result<Outcome> {
    if terminal.json {
        terminal.print_json(&found)?;
    } else if found.is_empty() {
        return nothing(terminal);
    } else {
        for one in found {
            terminal.line(describe(one))?;
        }
    }
    Ok(Outcome::Done)
}

/// A line on an unfinished meeting.
pub(super) fn describe(one: &Unfinished) -> String {
    let seconds = one.recorded.as_secs();
    if one.is_running {
        format!("{}: being recorded", one.name)
    } else {
        format!("{}: {}:{:02} recorded", one.name, seconds / 60, seconds % 60)
    }
}

fn recover_one(
    name: &str,
    args: &RecoverArgs,
    library: &Library,
    settings: &Settings,
    terminal: &Terminal,
) -> anyhow::Result<serde_json::Value> {
    let Some(folder) = LiveFolder::open(library, name)? else {
        terminal.note(format!("{name}: being recorded, left alone"));
        return Ok(json!({ "name": name, "running": true }));
    };
    let mut speech = folder.order().speech();
    if let Some(model) = &args.speech_model {
        speech.model.clone_from(model);
    }
    let engine = LiveEngine::load(speech, None)
        .context("loading the meeting's speech model; --speech-model FILE takes another")?;
    let warnings = vec!["the recording was cut short and recovered".to_owned()];
    let finished = finish(folder, library, &engine, warnings, settings, terminal)?;
    let Some((kept, missing_ms)) = finished else {
        terminal.note(format!("{name}: no sound was recorded, taken away"));
        return Ok(json!({ "name": name, "empty": true }));
    };
    if !terminal.json {
        terminal.line(format!(
            "{}: {} utterances, {} words; `greffier show {}`",
            kept.meeting.id,
            kept.transcript.utterances.len(),
            kept.transcript.word_count(),
            kept.meeting.id
        ))?;
    }
    let mut recovered = report(&kept);
    recovered["name"] = json!(name);
    recovered["reconciled_ms"] = json!(missing_ms);
    Ok(recovered)
}

/// From what is on disk to the kept meeting, with the milliseconds that were transcribed now; `None` when no sound was
/// recorded, and then the folder is gone.
pub(super) fn finish(
    folder: LiveFolder,
    library: &Library,
    engine: &LiveEngine,
    warnings: Vec<String>,
    settings: &Settings,
    terminal: &Terminal,
) -> anyhow::Result<Option<(KeptMeeting, i64)>> {
    let mut bar = None;
    let completed = complete_meeting(&folder, library, engine, warnings, &mut |done_ms, all_ms| {
        let bar = bar.get_or_insert_with(|| terminal.bar(all_ms as usize / 1000, "transcribing"));
        bar.set_position((done_ms / 1000).min(all_ms / 1000));
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let Some(completed) = completed else {
        folder.remove()?;
        return Ok(None);
    };
    let missing_ms = completed.missing_ms;
    let mut on_wait = || terminal.note(terminal.phrases.waiting_for_library());
    let kept = keep_live_meeting(
        folder,
        completed,
        settings,
        &mut terminal.index_progress(),
        &mut on_wait,
    )?;
    for warning in &kept.transcript.warnings {
        terminal.note(format!("{}: {warning}", kept.meeting.id));
    }
    Ok(Some((kept, missing_ms)))
}
