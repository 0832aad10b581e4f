//! The engine in a process of its own, so that its end is an error of one recording and not the end of the program.
//!
//! The program starts itself with the hidden command `transcription-worker`. Jobs go in as lines of JSON, one at a time,
//! and [`Message`]s come back. When this side goes away the worker ends at its next message, at the latest when the job
//! is done.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context as _, anyhow, bail};
use audio::OpenError;
use datasets::{Provenance, Transcript};
use serde::{Deserialize, Serialize};
use speech::card::ModelCard;
use speech::domain::OutsideDomain;
use speech::model_file::ModelFile;

use super::{SpeechEngine, SpeechOptions, WindowJournal, sha256_of};
use crate::engine_threads::{SPIN_COUNT, spin_count};

/// What the worker is started with.
pub(crate) const WORKER_COMMAND: &str = "transcription-worker";
/// Lines of what the engine says that are shown when it dies.
const LAST_WORDS_MAX: usize = 5;

/// A recording to transcribe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TranscriptionJob {
    /// The recording.
    pub path: PathBuf,
    /// What the transcript will be made by.
    pub provenance: Provenance,
    /// Words that are likely to occur.
    pub vocabulary: String,
    /// Where windows are kept as they are done.
    pub journal: PathBuf,
}

/// What the worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    /// Milliseconds done, of how many.
    Progress(u64, u64),
    /// The job is done.
    Finished(Box<Transcript>),
    /// It is not: the error and what caused it, outermost first; and whether the recording is at fault.
    Failed { chain: Vec<String>, is_unusable: bool },
}

/// A recording that cannot be decoded, or in which something else is said than the model was trained for: trying again is
/// of no use.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnusableRecording(String);

/// Nobody wants the transcript any more.
#[derive(Debug, thiserror::Error)]
#[error("the transcription was stopped")]
pub struct TranscriptionStopped;

/// A speech model in a process of its own. The process is started with the first job, and anew when it died.
pub struct Transcriber {
    options: SpeechOptions,
    model_sha256: String,
    worker: Option<Worker>,
}

struct Worker {
    process: Child,
    jobs: Option<ChildStdin>,
    messages: BufReader<ChildStdout>,
    last_words: Option<JoinHandle<VecDeque<String>>>,
}

impl Transcriber {
    /// Looks at the model.
    ///
    /// # Errors
    /// When its file is no whole model, or the card beside it is that of another file.
    pub fn load(options: SpeechOptions) -> anyhow::Result<Self> {
        ModelFile::inspect(&options.model)?;
        let model_sha256 = sha256_of(&options.model)?;
        let card = ModelCard::beside(&options.model)?;
        if card.is_some_and(|card| card.sha256 != model_sha256) {
            bail!(
                "the card beside `{}` is that of another file: put model and card there together",
                options.model.display()
            );
        }
        Ok(Self {
            model_sha256,
            options,
            worker: None,
        })
    }

    /// What a transcript of the recording with this SHA-256 would be made by: the same provenance is the same transcript.
    pub fn provenance(&self, input_sha256: &str, vocabulary: &str) -> Provenance {
        self.options.provenance(input_sha256, &self.model_sha256, vocabulary)
    }

    /// Transcribes a recording. `on_progress` hears how much of all lanes together is done, in milliseconds, and of how
    /// much, and says whether to go on.
    ///
    /// # Errors
    /// When nothing can be decoded from the file, the engine fails, or its process dies; [`TranscriptionStopped`] when
    /// `on_progress` said so. The next job may succeed; what was done of this one is in its journal.
    pub fn transcribe(
        &mut self,
        job: &TranscriptionJob,
        on_progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> anyhow::Result<Transcript> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            None => self.worker.insert(Worker::start(&self.options)?),
        };
        let mut done_ms = 0;
        let mut on_progress = |done: u64, all: u64| {
            done_ms = done;
            on_progress(done, all)
        };
        match worker.take(job, &mut on_progress) {
            Ok(Ok(transcript)) => Ok(transcript),
            Ok(Err(error)) => {
                if error.is::<TranscriptionStopped>() {
                    // It is in the middle of a window, and whoever comes next is not to wait for that.
                    self.worker = None;
                }
                Err(error)
            }
            Err(_) => {
                let (status, last_words) = match self.worker.take() {
                    Some(worker) => worker.end()?,
                    None => bail!("the speech engine is gone"),
                };
                Err(died(job, done_ms, status, &last_words))
            }
        }
    }
}

impl Worker {
    fn start(options: &SpeechOptions) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("finding the program that runs")?;
        let mut process = Command::new(&program)
            .arg(WORKER_COMMAND)
            .env(SPIN_COUNT, spin_count())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting `{}` for the speech engine", program.display()))?;
        let stdout = process.stdout.take().context("the worker has an output")?;
        let stderr = process.stderr.take().context("the worker has an error output")?;
        let last_words = std::thread::spawn(move || {
            let mut last = VecDeque::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                last.push_back(line);
                if last.len() > LAST_WORDS_MAX {
                    last.pop_front();
                }
            }
            last
        });
        let mut worker = Self {
            jobs: process.stdin.take(),
            process,
            messages: BufReader::new(stdout),
            last_words: Some(last_words),
        };
        // A worker that dies at once is told by its first job.
        let _ = worker.send(options);
        Ok(worker)
    }

    fn send(&mut self, what: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        let jobs = self.jobs.as_mut().context("the worker is ending")?;
        jobs.write_all(&line)?;
        Ok(jobs.flush()?)
    }

    /// The transcript or why there is none; an outer error when the worker is gone.
    fn take(
        &mut self,
        job: &TranscriptionJob,
        on_progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> anyhow::Result<anyhow::Result<Transcript>> {
        self.send(job)?;
        let mut line = String::new();
        loop {
            line.clear();
            if self.messages.read_line(&mut line)? == 0 {
                bail!("the worker is gone");
            }
            match serde_json::from_str(&line)? {
                Message::Progress(done_ms, all_ms) => {
                    if on_progress(done_ms, all_ms).is_break() {
                        return Ok(Err(TranscriptionStopped.into()));
                    }
                }
                Message::Finished(transcript) => return Ok(Ok(*transcript)),
                Message::Failed { chain, is_unusable } => {
                    let mut causes = chain.into_iter().rev();
                    let innermost = causes.next().unwrap_or_else(|| "the engine failed".to_owned());
                    let innermost = if is_unusable {
                        UnusableRecording(innermost).into()
                    } else {
                        anyhow!(innermost)
                    };
                    return Ok(Err(causes.fold(innermost, anyhow::Error::context)));
                }
            }
        }
    }

    /// Waits for the end of a worker that is gone, and gives what it said last.
    fn end(mut self) -> anyhow::Result<(ExitStatus, VecDeque<String>)> {
        self.jobs = None;
        let status = self.process.wait().context("waiting for the speech engine to end")?;
        let said = self.last_words.take().and_then(|reader| reader.join().ok());
        Ok((status, said.unwrap_or_default()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Without jobs it ends by itself; one that is at work is not waited for.
        self.jobs = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn died(job: &TranscriptionJob, done_ms: u64, status: ExitStatus, last_words: &VecDeque<String>) -> anyhow::Error {
    let said: Vec<&str> = last_words.iter().map(String::as_str).collect();
    let said = if said.is_empty() {
        String::new()
    } else {
        format!("; it said: {}", said.join(" | "))
    };
    anyhow!(
        "the speech engine died ({status}) at {:02}:{:02} of `{}`{said}\nwhat was done until then is kept: run the same \
         command again to go on. If it dies at the same place, free memory or take another model",
        done_ms / 60_000,
        done_ms / 1000 % 60,
        job.path.display()
    )
}

/// The other side: loads the model that the first line of `jobs` names, and does one job per line.
///
/// # Errors
/// When the lines are no jobs, or nobody listens any more.
pub fn serve_jobs(jobs: impl std::io::BufRead, mut messages: impl Write) -> anyhow::Result<()> {
    let mut lines = jobs.lines();
    let Some(options) = lines.next() else { return Ok(()) };
    let options: SpeechOptions = serde_json::from_str(&options?).context("reading how to transcribe")?;
    let mut engine = None;
    for line in lines {
        let job: TranscriptionJob = serde_json::from_str(&line?).context("reading a job")?;
        let message = match do_job(&options, &mut engine, &job, &mut messages) {
            Ok(transcript) => Message::Finished(Box::new(transcript)),
            Err(error) => Message::Failed {
                chain: error.chain().map(ToString::to_string).collect(),
                is_unusable: is_of_recording(&error),
            },
        };
        tell(&mut messages, &message)?;
    }
    Ok(())
}

/// Whether the same recording would fail again. A file that cannot be read now may be readable later.
fn is_of_recording(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let cannot_open = cause.downcast_ref::<OpenError>();
        cause.is::<OutsideDomain>() || cannot_open.is_some_and(|error| !matches!(error, OpenError::Read { .. }))
    })
}

fn do_job(
    options: &SpeechOptions,
    engine: &mut Option<SpeechEngine>,
    job: &TranscriptionJob,
    messages: &mut impl Write,
) -> anyhow::Result<Transcript> {
    let engine = match engine {
        Some(engine) => engine,
        None => engine.insert(SpeechEngine::load(options.clone())?),
    };
    let mut journal = WindowJournal::open(Path::new(&job.journal))?;
    let mut told_s = None;
    let mut on_progress = |done_ms: u64, all_ms: u64| {
        let second = done_ms / 1000;
        if told_s.replace(second) == Some(second) {
            return Ok(());
        }
        tell(messages, &Message::Progress(done_ms, all_ms)).context("nobody waits for the transcript any more")
    };
    engine.transcribe(
        &job.path,
        job.provenance.clone(),
        &job.vocabulary,
        &mut journal,
        &mut on_progress,
    )
}

fn tell(messages: &mut impl Write, message: &Message) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    messages.write_all(&line)?;
    Ok(messages.flush()?)
}
