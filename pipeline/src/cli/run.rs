//! `greffier run`: the main job, from files to minutes on standard output.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use datasets::SeriesId;
use datasets::formats::{MeetingRead, markdown};
use datasets::library::Library;
use serde_json::{Value, json};

use super::Outcome;
use super::arguments::{MeetingArgs, MinutesArgs, SpeechArgs, read_invitation};
use super::engine::{Engine, MinutesMaker, ModelArgs, replace_minutes};
use super::terminal::Terminal;
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::keep_meeting::{KeptMeeting, SourceFile, assign_id, keep_meeting};
use crate::stages::read_context::read_context_items;
use crate::stages::read_recording::{hear, unheard_meeting};
use crate::stages::read_transcript::{FileRead, KnownFacts, read_transcript};
use crate::stages::transcribe::{Transcriber, is_recording, remove_journals};

/// Take meetings to minutes: read transcripts or transcribe recordings, keep them, summarize, index, print the minutes
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier run standup.vtt\n  greffier run weekly.srt --series weekly --invitation weekly.ics --context budget.md\n  greffier run comite.txt --minutes-language en --json\n  greffier run call.mp4 --speech-model ggml-base.bin --invitation call.ics\n  greffier run weekly.vtt --engine lucie --model Lucie-7B-Instruct-v1.1-Q4_K_M.gguf\n\nRecordings: WAV, FLAC, MP3, AAC, Opus, Vorbis in their usual containers; the rest through ffmpeg, where it is installed.\nFormats: WebVTT, SRT, JSON of whisper.cpp and openai-whisper, RTTM, CTM, `Name: text` and `[00:01:02] Name: text`,\nJSON lines of AMI, ICSI, QMSum, FREDSum and public_meetings, JSON that `greffier export` wrote.\nWith --json: one object per meeting (an array when there are several) with meeting, transcript summary and minutes."
)]
pub(super) struct RunArgs {
    /// Transcripts and recordings
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    meeting: MeetingArgs,
    #[command(flatten)]
    speech: SpeechArgs,
    #[command(flatten)]
    minutes: MinutesArgs,
    /// What makes the minutes; those of `extractive` are kept until a model's are written
    #[arg(long, value_enum, default_value = "extractive")]
    engine: Engine,
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) fn run(args: &RunArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let known = &args.meeting;
    if args.files.len() > 1 && (known.invitation.is_some() || known.title.is_some() || known.started_at.is_some()) {
        bail!("--invitation, --title and --started-at are for one meeting: run the files one by one");
    }
    let facts = KnownFacts {
        title: known.title.clone(),
        series: known.series.as_ref().map(SeriesId::new),
        started_at: known.started_at,
        invitation: known.invitation.as_deref().map(read_invitation).transpose()?,
        ..KnownFacts::default()
    };
    let mut library = SharedLibrary::open(settings, terminal)?;
    let maker = match args.engine {
        Engine::Extractive => None, // they are made as the meeting is kept
        engine => Some(MinutesMaker::load(engine, &args.model, terminal)?),
    };
    let mut transcriber = None;
    let mut outcome = Outcome::Done;
    let mut reports = Vec::new();
    let mut failure = None;
    for path in &args.files {
        match run_file(
            path,
            &facts,
            args,
            maker.as_ref(),
            &mut transcriber,
            &mut library,
            terminal,
        ) {
            Ok(kept) => reports.extend(kept.iter().map(report)),
            Err(error) if args.files.len() > 1 => {
                terminal.skipped(&error);
                outcome = Outcome::SomeSkipped;
                failure = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    let session = library.writing()?;
    for path in &known.context {
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
    maker: Option<&MinutesMaker>,
    transcriber: &mut Option<Transcriber>,
    library: &mut SharedLibrary<'_>,
    terminal: &Terminal,
) -> anyhow::Result<Vec<KeptMeeting>> {
    let is_recording = is_recording(path)?;
    let read = if is_recording {
        let transcriber = loaded(transcriber, &args.speech, library.settings)?;
        FileRead {
            bytes: Vec::new(),
            meetings: vec![recording(
                path,
                facts,
                transcriber,
                &library.while_others_write()?,
                terminal,
            )?],
        }
    } else {
        read_transcript(path, facts)?
    };
    let source = match read.meetings.len() {
        1 if is_recording => Some(SourceFile::Path(path)),
        1 => Some(SourceFile::Bytes(&read.bytes)),
        _ => None,
    };
    let session = library.writing()?;
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
        if !meeting.transcript.suppressed.is_empty() {
            let count = meeting.transcript.suppressed.len();
            terminal.note(terminal.phrases.suppressed(count, &meeting.meeting.id));
        }
        bar.inc(1);
        kept.push(meeting);
    }
    bar.finish_and_clear();
    // Each file is committed by itself: what was printed is found, whatever happens to the next one.
    session.commit()?;
    if is_recording {
        for source in kept.iter().filter_map(|kept| kept.meeting.source.as_ref()) {
            remove_journals(session.library.library(), &source.sha256)?;
        }
    }
    if let Some(maker) = maker {
        for meeting in &mut kept {
            let free = library.while_others_write()?;
            let minutes = maker.make(
                &free,
                &meeting.meeting,
                &meeting.transcript,
                &args.minutes.options(),
                terminal,
            );
            let minutes = minutes.with_context(|| {
                let id = &meeting.meeting.id;
                format!("`{id}` is kept with extractive minutes; `greffier minutes {id} --engine …` goes on")
            })?;
            let session = library.writing()?;
            meeting.minutes = replace_minutes(session, &minutes, &meeting.meeting, &meeting.transcript)?;
        }
    }
    if !terminal.json {
        for meeting in &kept {
            print_minutes(meeting, terminal)?;
        }
    }
    Ok(kept)
}

/// Prints the minutes as Markdown.
pub(super) fn print_minutes(kept: &KeptMeeting, terminal: &Terminal) -> anyhow::Result<()> {
    let options = markdown::MinutesOptions::default();
    terminal.line(markdown::minutes(
        &kept.meeting,
        &kept.minutes,
        Some(&kept.transcript),
        &options,
    ))
}

/// The library, locked only while something is written: transcribing takes hours in which others have work to do.
struct SharedLibrary<'a> {
    settings: &'a Settings,
    terminal: &'a Terminal,
    session: Option<WritingSession>,
}

impl<'a> SharedLibrary<'a> {
    /// Opens the library, and makes it where there is none.
    fn open(settings: &'a Settings, terminal: &'a Terminal) -> anyhow::Result<Self> {
        let mut library = Self {
            settings,
            terminal,
            session: None,
        };
        if library.writing()?.encoder.is_none() {
            terminal.note(terminal.phrases.words_only());
        }
        Ok(library)
    }

    fn writing(&mut self) -> anyhow::Result<&mut WritingSession> {
        match &mut self.session {
            Some(session) => Ok(session),
            none => Ok(none.insert(WritingSession::open(
                self.settings,
                &mut self.terminal.index_progress(),
            )?)),
        }
    }

    /// The library for reading, with the lock released.
    fn while_others_write(&mut self) -> anyhow::Result<Library> {
        if let Some(mut session) = self.session.take() {
            session.commit()?;
        }
        Ok(Library::open(self.settings.library_folder()?)?)
    }
}

/// The transcriber, loaded when the first recording comes.
fn loaded<'a>(
    transcriber: &'a mut Option<Transcriber>,
    args: &SpeechArgs,
    settings: &Settings,
) -> anyhow::Result<&'a mut Transcriber> {
    match transcriber {
        Some(transcriber) => Ok(transcriber),
        none => Ok(none.insert(args.transcriber(settings)?)),
    }
}

/// Transcribes a recording, unless the library holds the transcript that would come of it.
fn recording(
    path: &Path,
    facts: &KnownFacts,
    transcriber: &mut Transcriber,
    library: &Library,
    terminal: &Terminal,
) -> anyhow::Result<MeetingRead> {
    let mut read = unheard_meeting(path, facts)?;
    assign_id(library, &mut read, &mut BTreeSet::new())?;
    let bar = terminal.bar(0, "transcribing");
    hear(&mut read, path, facts, library, transcriber, &mut |done_ms, all_ms| {
        bar.set_length(all_ms / 1000);
        bar.set_position(done_ms / 1000);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    Ok(read)
}

/// What `run --json` says of one meeting.
pub(super) fn report(kept: &KeptMeeting) -> Value {
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
