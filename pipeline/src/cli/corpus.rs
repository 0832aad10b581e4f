//! `greffier corpus`: a folder of any size, in parallel, resumable; one bad file is reported and the rest goes on.
//!
//! ```text
//! reader ─┬─────────── transcripts ──────────┬─► workers: minutes, vectors ─► indexer
//!         └─ recordings ─► the one engine ───┘
//! ```

mod sources;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use clap::Args;
use datasets::formats::{MeetingRead, TextLayer};
use datasets::library::LibraryWriter;
use indicatif::ProgressBar;
use minuting::engine::MinutesOptions;
use models::embedding::SentenceEncoder;
use serde::Serialize;

use self::sources::{Engine, Reader, files_in};
use super::Outcome;
use super::arguments::{MinutesArgs, SpeechArgs};
use super::terminal::Terminal;
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::index_meeting::{self, PreparedMeeting};
use crate::stages::keep_meeting::{SourceFile, keep_meeting};
use crate::stages::read_transcript::KnownFacts;
use crate::stages::transcribe::remove_journals;
use crate::stages::write_tables::write_tables;

/// Meetings between two commits: what a kill costs to index again, never to summarize again.
const COMMIT_EVERY: usize = 64;

/// Take a folder of transcripts and recordings to a library with minutes, index and Parquet tables
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier corpus transcripts/ --out library/\n  greffier corpus transcripts/ --out library/ --jobs 8 --json\n  greffier corpus recordings/ --out library/ --speech-model whisper-base-q5_1\n\nRecordings are transcribed one after the other, with all processors; transcripts go on beside them.\nStopped at any point, the same command goes on where it was. Tables: library/tables/*/*.parquet."
)]
pub(super) struct CorpusArgs {
    /// The folder (or one file); folders within it too
    folder: PathBuf,
    /// The library to write to; tables go to its folder `tables`
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Meetings at the same time [default: one per processor]
    #[arg(long, short)]
    jobs: Option<usize>,
    /// Take the recognizer's text where a file holds both (AMI, ICSI)
    #[arg(long)]
    asr: bool,
    /// Write no tables
    #[arg(long)]
    no_tables: bool,
    #[command(flatten)]
    speech: SpeechArgs,
    #[command(flatten)]
    minutes: MinutesArgs,
}

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Summary {
    files: usize,
    meetings: usize,
    /// Of the meetings, those that were there already.
    unchanged: usize,
    skipped: Vec<Skipped>,
    table_rows: std::collections::BTreeMap<String, usize>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Skipped {
    file: PathBuf,
    error: String,
}

/// A meeting on its way from a file to a worker.
struct Job {
    read: MeetingRead,
    /// The file, where it holds this one meeting.
    source: Option<JobSource>,
}

enum JobSource {
    /// The content of a transcript.
    Bytes(Vec<u8>),
    /// A recording, too long for the memory.
    Recording(PathBuf),
}

/// A recording on its way to the engine.
struct Unheard {
    path: PathBuf,
    read: MeetingRead,
}

/// What a worker or the reader found out.
enum Event {
    Meeting(Box<PreparedMeeting>),
    Unchanged,
    FileRead { meetings: usize },
    Skipped(PathBuf, anyhow::Error),
}

pub(super) fn corpus(args: &CorpusArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let started = std::time::Instant::now();
    let settings = Settings {
        library: Some(args.out.clone()),
        ..settings.clone()
    };
    let files = files_in(&args.folder)?;
    let mut session = WritingSession::open(&settings, &mut terminal.index_progress())?;
    if session.encoder.is_none() {
        terminal.note(terminal.phrases.words_only());
    }
    let bar = terminal.bar(files.len(), "meetings");
    let mut summary = work(args, &settings, &files, &mut session, &bar, terminal)?;
    bar.finish_and_clear();
    if !args.no_tables {
        let bar = terminal.bar(summary.meetings, "tables");
        summary.table_rows = write_tables(session.library.library(), &args.out.join("tables"), &bar)?;
        bar.finish_and_clear();
    }
    summary.seconds = started.elapsed().as_secs_f64();
    if terminal.json {
        terminal.print_json(&summary)?;
    } else {
        terminal.line(format!(
            "{} meetings from {} files in {:.1} s, {} of them known already, {} files skipped",
            summary.meetings,
            summary.files,
            summary.seconds,
            summary.unchanged,
            summary.skipped.len()
        ))?;
    }
    Ok(if summary.skipped.is_empty() {
        Outcome::Done
    } else {
        Outcome::SomeSkipped
    })
}

/// Reader, engine, workers and the one indexer, with bounded queues between them, so that memory does not grow with the corpus.
fn work(
    args: &CorpusArgs,
    settings: &Settings,
    files: &[PathBuf],
    session: &mut WritingSession,
    bar: &ProgressBar,
    terminal: &Terminal,
) -> anyhow::Result<Summary> {
    let threads = args
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
        .max(1);
    let options = args.minutes.options();
    let facts = KnownFacts {
        text: if args.asr { TextLayer::Asr } else { TextLayer::Manual },
        ..KnownFacts::default()
    };
    let (library, encoder, mut indexer) = session.parts();
    let (to_workers, jobs) = sync_channel::<Job>(threads);
    let (to_engine, unheard) = sync_channel::<Unheard>(threads);
    let (to_indexer, events) = sync_channel::<Event>(threads * 2);
    let jobs = Mutex::new(jobs);
    let folder = args.folder.as_path();
    std::thread::scope(|scope| {
        let (jobs, options, facts) = (&jobs, &options, &facts);
        for _ in 0..threads {
            let to_indexer = to_indexer.clone();
            scope.spawn(move || worker(jobs, library, encoder, options, &to_indexer));
        }
        let engine = Engine {
            library,
            facts,
            to_workers: to_workers.clone(),
            to_indexer: to_indexer.clone(),
            bar,
        };
        scope.spawn(move || engine.run(&unheard, &mut || args.speech.transcriber(settings)));
        let reader = Reader {
            folder,
            library,
            facts,
            to_workers,
            to_engine,
            to_indexer,
        };
        scope.spawn(move || reader.run(files));
        let mut summary = Summary::default();
        for event in events {
            match event {
                Event::FileRead { meetings } => {
                    summary.files += 1;
                    bar.inc_length((meetings as u64).saturating_sub(1));
                }
                Event::Unchanged => {
                    summary.meetings += 1;
                    summary.unchanged += 1;
                    bar.inc(1);
                }
                Event::Skipped(file, error) => {
                    bar.suspend(|| terminal.skipped(&error));
                    summary.skipped.push(Skipped {
                        file,
                        error: format!("{error:#}"),
                    });
                    bar.inc(1);
                }
                Event::Meeting(prepared) => {
                    indexer.put_prepared(&prepared)?;
                    summary.meetings += 1;
                    if summary.meetings % COMMIT_EVERY == 0 {
                        indexer.commit()?;
                    }
                    bar.inc(1);
                }
            }
        }
        indexer.commit()?;
        Ok(summary)
    })
}

fn worker(
    jobs: &Mutex<Receiver<Job>>,
    library: &LibraryWriter,
    encoder: Option<&SentenceEncoder>,
    options: &MinutesOptions,
    to_indexer: &SyncSender<Event>,
) {
    let mut indexer_is_gone = false;
    loop {
        let job = match jobs.lock() {
            Ok(jobs) => jobs.recv(),
            Err(_) => return,
        };
        let Ok(job) = job else { return };
        if indexer_is_gone {
            // Only so that the reader is not left waiting on a full queue.
            continue;
        }
        let file = job
            .read
            .meeting
            .source
            .as_ref()
            .map_or_else(PathBuf::new, |source| PathBuf::from(&source.file_name));
        let event = match process(job, library, encoder, options) {
            Ok(Some(prepared)) => Event::Meeting(Box::new(prepared)),
            Ok(None) => Event::Unchanged,
            Err(error) => Event::Skipped(file, error),
        };
        indexer_is_gone = to_indexer.send(event).is_err();
    }
}

fn process(
    job: Job,
    library: &LibraryWriter,
    encoder: Option<&SentenceEncoder>,
    options: &MinutesOptions,
) -> anyhow::Result<Option<PreparedMeeting>> {
    let source = job.source.as_ref().map(|source| match source {
        JobSource::Bytes(bytes) => SourceFile::Bytes(bytes),
        JobSource::Recording(path) => SourceFile::Path(path),
    });
    let kept = keep_meeting(library, job.read, source, options)?;
    if let (Some(JobSource::Recording(_)), Some(source)) = (&job.source, &kept.meeting.source) {
        remove_journals(library.library(), &source.sha256)?;
    }
    // What the library held unchanged is in the index too: opening the session saw to that.
    if kept.changed {
        index_meeting::prepare(library.library(), &kept.meeting.id, encoder).map(Some)
    } else {
        Ok(None)
    }
}
