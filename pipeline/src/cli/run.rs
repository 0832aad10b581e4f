//! `greffier run`: the main job, from files to minutes on standard output.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use datasets::formats::{invitation, markdown};
use datasets::{Language, SeriesId};
use jiff::Timestamp;
use minuting::engine::MinutesOptions;
use serde_json::{Value, json};

use super::Outcome;
use super::terminal::Terminal;
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::keep_meeting::{KeptMeeting, assign_id, keep_meeting};
use crate::stages::read_context::read_context_items;
use crate::stages::read_transcript::{KnownFacts, read_transcript};

/// Take meetings to minutes: read transcripts, keep them, summarize, index, print the minutes as Markdown
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier run standup.vtt\n  greffier run weekly.srt --series weekly --invitation weekly.ics --context budget.md\n  greffier run comite.txt --minutes-language en --json\n\nFormats: WebVTT, SRT, JSON of whisper.cpp and openai-whisper, RTTM, CTM, `Name: text` and `[00:01:02] Name: text`,\nJSON lines of AMI, ICSI, QMSum, FREDSum and public_meetings, JSON that `greffier export` wrote.\nWith --json: one object per meeting (an array when there are several) with meeting, transcript summary and minutes."
)]
pub(super) struct RunArgs {
    /// Transcripts
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A document, mail (.eml), contact (.vcf) or event (.ics) to keep beside the meetings; may be repeated
    #[arg(long, value_name = "FILE")]
    context: Vec<PathBuf>,
    /// The invitation to the meeting (.ics): title, time, people, series
    #[arg(long, value_name = "FILE")]
    invitation: Option<PathBuf>,
    /// Title of the meeting
    #[arg(long)]
    title: Option<String>,
    /// The line of meetings it belongs to
    #[arg(long)]
    series: Option<String>,
    /// When it began [default: from the invitation, or a day in the file's name]
    #[arg(long, value_parser = super::search::day_or_time, value_name = "TIME")]
    started_at: Option<Timestamp>,
    #[command(flatten)]
    minutes: MinutesArgs,
}

/// Options of the minutes, shared by `run` and `corpus`.
#[derive(Args, Clone, Debug)]
pub(super) struct MinutesArgs {
    /// Language of the minutes [default: that of the meeting]
    #[arg(long, value_name = "LANGUAGE")]
    minutes_language: Option<Language>,
    /// Words in the abstract, at most
    #[arg(long, value_name = "WORDS")]
    abstract_words: Option<usize>,
}

impl MinutesArgs {
    pub(super) fn options(&self) -> MinutesOptions {
        let default = MinutesOptions::default();
        MinutesOptions {
            language: self.minutes_language,
            abstract_words: self.abstract_words.unwrap_or(default.abstract_words),
            ..default
        }
    }
}

pub(super) fn run(args: &RunArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    if args.files.len() > 1 && (args.invitation.is_some() || args.title.is_some() || args.started_at.is_some()) {
        bail!("--invitation, --title and --started-at are for one meeting: run the files one by one");
    }
    let facts = KnownFacts {
        title: args.title.clone(),
        series: args.series.as_ref().map(SeriesId::new),
        started_at: args.started_at,
        invitation: args.invitation.as_deref().map(read_invitation).transpose()?,
        ..KnownFacts::default()
    };
    let mut session = WritingSession::open(settings, &mut terminal.index_progress())?;
    if session.encoder.is_none() {
        terminal.note(terminal.phrases.words_only());
    }
    let mut outcome = Outcome::Done;
    let mut reports = Vec::new();
    let mut failure = None;
    for path in &args.files {
        match run_file(path, &facts, args, &mut session, terminal) {
            Ok(kept) => reports.extend(kept.iter().map(report)),
            Err(error) if args.files.len() > 1 => {
                terminal.skipped(&error);
                outcome = Outcome::SomeSkipped;
                failure = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    for path in &args.context {
        for item in read_context_items(path)? {
            session.put_context_item(&item)?;
        }
    }
    session.commit()?;
    match (reports.len(), failure) {
        (0, Some(error)) => return Err(error.context("none of the files could be read; the last")),
        (1, _) if terminal.json => terminal.print_json(&reports[0])?,
        (_, _) if terminal.json => terminal.print_json(&reports)?,
        _ => {}
    }
    Ok(outcome)
}

fn run_file(
    path: &Path,
    facts: &KnownFacts,
    args: &RunArgs,
    session: &mut WritingSession,
    terminal: &Terminal,
) -> anyhow::Result<Vec<KeptMeeting>> {
    let read = read_transcript(path, facts)?;
    let source = (read.meetings.len() == 1).then_some(read.bytes.as_slice());
    let bar = terminal.bar(read.meetings.len(), "meetings");
    let mut taken = BTreeSet::new();
    let mut kept = Vec::new();
    for mut meeting in read.meetings {
        assign_id(session.library.library(), &mut meeting, &mut taken)?;
        let meeting = keep_meeting(&session.library, meeting, source, &args.minutes.options())?;
        session.index_meeting(&meeting.meeting.id)?;
        for warning in &meeting.transcript.warnings {
            terminal.note(format!("{}: {warning}", meeting.meeting.id));
        }
        bar.inc(1);
        kept.push(meeting);
    }
    bar.finish_and_clear();
    // Each file is committed by itself: what was printed is found, whatever happens to the next one.
    session.commit()?;
    if !terminal.json {
        for meeting in &kept {
            let options = markdown::MinutesOptions::default();
            terminal.line(markdown::minutes(
                &meeting.meeting,
                &meeting.minutes,
                Some(&meeting.transcript),
                &options,
            ))?;
        }
    }
    Ok(kept)
}

fn read_invitation(path: &Path) -> anyhow::Result<invitation::Invitation> {
    let bytes = std::fs::read(path).with_context(|| format!("reading `{}`", path.display()))?;
    let mut invitations = invitation::read(&path.to_string_lossy(), &bytes)?;
    if invitations.len() > 1 {
        bail!(
            "`{}` holds {} events: export the one of this meeting",
            path.display(),
            invitations.len()
        );
    }
    Ok(invitations.remove(0))
}

/// What `run --json` says of one meeting.
fn report(kept: &KeptMeeting) -> Value {
    let transcript = &kept.transcript;
    json!({
        "meeting": kept.meeting,
        "transcript": {
            "utterances": transcript.utterances.len(),
            "words": transcript.word_count(),
            "speakers": transcript.speakers(),
            "end_ms": transcript.end(),
            "engine": transcript.provenance.engine,
            "suppressed": transcript.suppressed.len(),
            "warnings": transcript.warnings,
        },
        "minutes": kept.minutes,
        "supported_share": kept.minutes.supported_share(),
        "coverage_share": kept.minutes.coverage.share(),
    })
}
