//! `greffier corpus`: a folder of any size, in parallel, resumable; one bad file is reported and the rest goes on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context as _;
use clap::Args;
use datasets::formats::{MeetingRead, TextLayer};
use datasets::library::LibraryWriter;
use indicatif::ProgressBar;
use minuting::engine::MinutesOptions;
use models::embedding::SentenceEncoder;
use serde::Serialize;
use walkdir::WalkDir;

use super::Outcome;
use super::run::MinutesArgs;
use super::terminal::Terminal;
use crate::session::WritingSession;
use crate::settings::Settings;
use crate::stages::index_meeting::{self, PreparedMeeting};
use crate::stages::keep_meeting::{SourceFile, assign_id, keep_meeting};
use crate::stages::read_transcript::{KnownFacts, read_transcript};
use crate::stages::write_tables::write_tables;

/// Meetings between two commits: what a kill costs to index again, never to summarize again.
const COMMIT_EVERY: usize = 64;

/// Take a folder of transcripts to a library with minutes, index and Parquet tables
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier corpus transcripts/ --out library/\n  greffier corpus transcripts/ --out library/ --jobs 8 --json\n\nStopped at any point, the same command goes on where it was. Tables: library/tables/*/*.parquet."
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
    /// The file's content, where it holds this one meeting.
    source: Option<Vec<u8>>,
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
    let files = transcripts_in(&args.folder)?;
    let mut session = WritingSession::open(&settings, &mut terminal.index_progress())?;
    if session.encoder.is_none() {
        terminal.note(terminal.phrases.words_only());
    }
    let bar = terminal.bar(files.len(), "meetings");
    let mut summary = work(args, &files, &mut session, &bar, terminal)?;
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

/// Reader, workers and the one indexer, with bounded queues between them, so that memory does not grow with the corpus.
fn work(
    args: &CorpusArgs,
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
    let (to_indexer, events) = sync_channel::<Event>(threads * 2);
    let jobs = Mutex::new(jobs);
    let folder = args.folder.as_path();
    std::thread::scope(|scope| {
        let (jobs, options, facts) = (&jobs, &options, &facts);
        for _ in 0..threads {
            let to_indexer = to_indexer.clone();
            scope.spawn(move || worker(jobs, library, encoder, options, &to_indexer));
        }
        scope.spawn(move || reader(folder, files, library, facts, to_workers, &to_indexer));
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

fn reader(
    folder: &Path,
    files: &[PathBuf],
    library: &LibraryWriter,
    facts: &KnownFacts,
    to_workers: SyncSender<Job>,
    to_indexer: &SyncSender<Event>,
) {
    let mut taken = BTreeSet::new();
    for path in files {
        let jobs = read_transcript(path, facts).and_then(|file| {
            let single = file.meetings.len() == 1;
            let mut bytes = Some(file.bytes);
            let mut jobs = Vec::with_capacity(file.meetings.len());
            for mut read in file.meetings {
                if let Some(source) = &mut read.meeting.source {
                    // Two folders may hold files of one name.
                    let relative = path.strip_prefix(folder).unwrap_or(path);
                    if !relative.as_os_str().is_empty() {
                        source.file_name = relative.to_string_lossy().into_owned();
                    }
                }
                assign_id(library.library(), &mut read, &mut taken)?;
                jobs.push(Job {
                    read,
                    source: if single { bytes.take() } else { None },
                });
            }
            Ok(jobs)
        });
        let said = match jobs {
            Ok(jobs) => {
                let meetings = jobs.len();
                if jobs.into_iter().any(|job| to_workers.send(job).is_err()) {
                    return;
                }
                to_indexer.send(Event::FileRead { meetings })
            }
            Err(error) => to_indexer.send(Event::Skipped(path.clone(), error)),
        };
        if said.is_err() {
            // The indexer gave up: its own error is the one to report.
            return;
        }
    }
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
    let kept = keep_meeting(library, job.read, job.source.as_deref().map(SourceFile::Bytes), options)?;
    // What the library held unchanged is in the index too: opening the session saw to that.
    if kept.changed {
        index_meeting::prepare(library.library(), &kept.meeting.id, encoder).map(Some)
    } else {
        Ok(None)
    }
}

/// All files below `folder` in a fixed order; hidden ones and the notes that corpora bring along are no transcripts.
fn transcripts_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let shown = |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(shown)
    {
        let entry = entry.with_context(|| format!("reading the folder `{}`", folder.display()))?;
        let extension = entry
            .path()
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        let note = matches!(extension.as_deref(), Some("md" | "ics" | "vcf" | "eml" | "pdf"));
        if entry.file_type().is_file() && !note {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}
