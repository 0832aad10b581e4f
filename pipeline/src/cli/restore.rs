//! `greffier restore`: what the guards took out of a transcript, read and put back.

use anyhow::bail;
use clap::Args;
use datasets::library::Library;
use datasets::{SuppressedSpan, Transcript};
use serde_json::json;

use super::Outcome;
use super::arguments::MinutesArgs;
use super::show::visible_meeting;
use super::terminal::{FAINT, Terminal};
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::correct_meeting::{Correction, correct, keep_correction};

/// List what was taken out of a transcript as invented, or put some of it back
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier restore 2026-03-05-call\n  greffier restore 2026-03-05-call 2 5\n\nThe minutes are made anew from what is put back, and the index follows. Ids of utterances stay."
)]
pub(super) struct RestoreArgs {
    /// The meeting
    meeting: String,
    /// What to put back, as the list numbers it
    #[arg(value_name = "NUMBER")]
    numbers: Vec<usize>,
    #[command(flatten)]
    minutes: MinutesArgs,
}

pub(super) fn restore(args: &RestoreArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    if args.numbers.is_empty() {
        let library = Library::open(settings.library_folder()?)?;
        let meeting = visible_meeting(&library, &args.meeting, settings)?;
        list(&library.transcript(&meeting.id)?.unwrap_or_default(), terminal)?;
        return Ok(Outcome::Done);
    }
    let mut session = WritingSession::open(settings, &mut terminal.index_progress())?;
    let mut meeting = visible_meeting(session.library.library(), &args.meeting, settings)?;
    let mut transcript = session.library.library().transcript(&meeting.id)?.unwrap_or_default();
    let positions = positions(&args.numbers, &transcript)?;
    let count = positions.len();
    correct(&mut meeting, &mut transcript, &Correction::Restore { positions })?;
    keep_correction(&session.library, &meeting, &transcript, &args.minutes.options())?;
    session.index_meeting(&meeting.id)?;
    session.commit()?;
    if terminal.json {
        terminal
            .print_json(&json!({ "meeting": meeting.id, "restored": args.numbers, "left": transcript.suppressed }))?;
    } else {
        terminal.line(format!(
            "{}: {} put back, {} left",
            meeting.id,
            count,
            transcript.suppressed.len()
        ))?;
    }
    Ok(Outcome::Done)
}

fn positions(numbers: &[usize], transcript: &Transcript) -> anyhow::Result<Vec<usize>> {
    let count = transcript.suppressed.len();
    let mut positions = Vec::new();
    for &number in numbers {
        match number.checked_sub(1) {
            Some(position) if position < count => positions.push(position),
            _ => bail!("there is no number {number}: {count} stretches were taken out; list them without a number"),
        }
    }
    positions.sort_unstable();
    positions.dedup();
    Ok(positions)
}

fn list(transcript: &Transcript, terminal: &Terminal) -> anyhow::Result<()> {
    if terminal.json {
        return terminal.print_json(&transcript.suppressed);
    }
    for (number, suppressed) in (1..).zip(&transcript.suppressed) {
        let SuppressedSpan {
            span,
            speaker,
            text,
            reason,
        } = suppressed;
        let speaker = speaker
            .as_ref()
            .map(|speaker| format!("{speaker}: "))
            .unwrap_or_default();
        terminal.line(format!(
            "{number:>3} {FAINT}{} {}{FAINT:#} {speaker}{text}",
            span.start,
            terminal.phrases.suppression_reason(*reason)
        ))?;
    }
    Ok(())
}
