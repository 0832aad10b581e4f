//! How late `greffier live` commits words and how much memory it takes, measured on the program itself, as JSON.
//!
//! `bench_live --greffier PROGRAM --model FILE --recording FILE --seconds 300` repeats the recording to the length asked
//! for, on two lanes, the second half a recording later. By default it is piped in as fast as it was spoken, and lag is what
//! the program's events say. With `--fast` it is a file that is heard as fast as the machine can: hours become minutes, lag
//! says nothing, memory does. Memory is the resident set once a second: the most of each quarter of the run. Linux only.

use std::io::{BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use audio::{LaneReader, SAMPLE_RATE_HZ, WavFile, to_i16};
use clap::Parser;
use serde_json::{Value, json};

/// Measures live transcription.
#[derive(Parser)]
struct Arguments {
    /// The program
    #[arg(long)]
    greffier: PathBuf,
    /// A Whisper model in ggml form
    #[arg(long)]
    model: PathBuf,
    /// Speech, of any format; its first lane is used
    #[arg(long)]
    recording: PathBuf,
    /// Length of the meeting
    #[arg(long, default_value_t = 300)]
    seconds: usize,
    /// Lanes
    #[arg(long, default_value_t = 2)]
    lanes: usize,
    /// As fast as the machine can, from a file
    #[arg(long)]
    fast: bool,
}

/// What the program's events told.
#[derive(Default)]
struct Heard {
    lags_ms: Vec<i64>,
    levels: Vec<Value>,
    deferred_ms: i64,
    spoken_ms: i64,
    /// When the first event came, and when the last before the end: between them people were listening.
    began: Option<Instant>,
    last: Option<Instant>,
    finished: Option<Value>,
}

/// What the program took.
#[derive(Default)]
struct Watched {
    memory_kb: Vec<u64>,
    processor_s: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir().context("making a folder")?;
    let voice: Vec<f32> = LaneReader::open(&arguments.recording)?
        .filter_map(|block| block.lanes.into_iter().next())
        .flat_map(|lane| lane.samples)
        .collect();
    ensure!(!voice.is_empty(), "the recording is empty");
    let meeting = Meeting {
        voice,
        lanes: arguments.lanes,
        seconds: arguments.seconds,
    };
    let began = Instant::now();
    let mut command = Command::new(&arguments.greffier);
    command
        .args(["--json", "--quiet", "live", "--speech-model"])
        .arg(&arguments.model);
    command.env("GREFFIER_LIBRARY", folder.path().join("library"));
    command.env("GREFFIER_MODELS", folder.path().join("models"));
    if arguments.fast {
        let path = folder.path().join("meeting.wav");
        meeting.write(&path)?;
        command.args(["--pace", "fast", "--file"]).arg(&path);
    } else {
        command
            .args(["-", "--channels", &arguments.lanes.to_string()])
            .stdin(Stdio::piped());
    }
    let mut child = command.stdout(Stdio::piped()).spawn().context("starting greffier")?;
    let (heard, watched) = follow(&mut child, &meeting)?;
    ensure!(child.wait()?.success(), "greffier failed");
    let report = report(heard, &watched, &arguments, began.elapsed());
    writeln!(std::io::stdout().lock(), "{report}")?;
    Ok(())
}

/// The meeting that is heard: one voice, over and over.
struct Meeting {
    voice: Vec<f32>,
    lanes: usize,
    seconds: usize,
}

impl Meeting {
    /// A second of all lanes, the lanes' samples in turn.
    fn second(&self, second: usize) -> Vec<f32> {
        let rate = SAMPLE_RATE_HZ as usize;
        let shift = self.voice.len() / self.lanes.max(1);
        (second * rate..(second + 1) * rate)
            .flat_map(|at| (0..self.lanes).map(move |lane| at + lane * shift))
            .map(|at| self.voice[at % self.voice.len()])
            .collect()
    }

    fn write(&self, path: &Path) -> Result<()> {
        let mut file = WavFile::with_channels(path, u16::try_from(self.lanes)?)?;
        for second in 0..self.seconds {
            file.write(&self.second(second))?;
        }
        Ok(file.finish()?)
    }

    /// Writes raw samples, a tenth of a second when it was spoken.
    fn pipe(&self, mut input: impl Write) -> Result<()> {
        let (_alive, clock) = channel::<()>();
        let began = Instant::now();
        for second in 0..self.seconds {
            let samples = self.second(second);
            for (tenth, samples) in samples.chunks(samples.len() / 10).enumerate() {
                let due = Duration::from_millis((second * 1000 + (tenth + 1) * 100) as u64);
                let _ = clock.recv_timeout(due.saturating_sub(began.elapsed()));
                let bytes: Vec<u8> = samples
                    .iter()
                    .flat_map(|&sample| to_i16(sample).to_le_bytes())
                    .collect();
                input.write_all(&bytes).context("feeding greffier")?;
            }
        }
        Ok(())
    }
}

/// Feeds the program where it is fed, reads its events, and looks at its memory once a second.
fn follow(child: &mut Child, meeting: &Meeting) -> Result<(Heard, Watched)> {
    let input = child.stdin.take();
    let output = child.stdout.take().context("the program's output is piped")?;
    let process = child.id();
    std::thread::scope(|scope| {
        let feeding = scope.spawn(move || input.map_or(Ok(()), |input| meeting.pipe(input)));
        let (alive, ended) = channel::<()>();
        let watching = scope.spawn(move || {
            let mut watched = Watched::default();
            while ended.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                watched.memory_kb.extend(resident_kb(process));
                watched.processor_s = processor_s(process).unwrap_or(watched.processor_s);
            }
            watched
        });
        let mut heard = Heard::default();
        for line in BufReader::new(output).lines() {
            heard.take(serde_json::from_str(&line?)?);
        }
        drop(alive);
        let watched = watching.join().ok().context("watching broke down")?;
        feeding.join().ok().context("feeding broke down")??;
        Ok((heard, watched))
    })
}

fn resident_kb(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Time that the process has computed, at the 100 ticks a second that Linux tells it in.
fn processor_s(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before may hold spaces, and ends with the last bracket.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

impl Heard {
    fn take(&mut self, event: Value) {
        let now = Instant::now();
        self.began.get_or_insert(now);
        let at = |value: &Value| value.as_i64().unwrap_or(0);
        let covered_ms = at(&event["covers"]["end_ms"]) - at(&event["covers"]["start_ms"]);
        self.spoken_ms += covered_ms;
        match event["event"].as_str() {
            Some("committed") => {
                let now_ms = at(&event["end_ms"]) + at(&event["lag_ms"]);
                let words = event["words"].as_array().into_iter().flatten();
                self.lags_ms.extend(words.map(|word| now_ms - at(&word["end_ms"])));
            }
            Some("lag") => self.levels.push(event["level"].clone()),
            Some("deferred") => self.deferred_ms += covered_ms,
            Some("finished") => {
                self.finished = Some(event);
                return;
            }
            _ => {}
        }
        self.last = Some(now);
    }
}

fn report(mut heard: Heard, watched: &Watched, arguments: &Arguments, wall: Duration) -> Value {
    heard.lags_ms.sort_unstable();
    let lag = |share: usize| heard.lags_ms.get(heard.lags_ms.len() * share / 100).copied();
    let listening = heard
        .began
        .zip(heard.last)
        .map_or(0.0, |(began, last)| (last - began).as_secs_f64());
    let quarter = watched.memory_kb.len().div_ceil(4).max(1);
    let quarters: Vec<u64> = watched
        .memory_kb
        .chunks(quarter)
        .filter_map(|quarter| quarter.iter().max().map(|kb| kb / 1024))
        .collect();
    json!({
        "pace": if arguments.fast { "fast" } else { "real time" },
        "seconds": arguments.seconds,
        "lanes": arguments.lanes,
        "speech_s": heard.spoken_ms / 1000,
        "words": heard.lags_ms.len(),
        "lag_ms_median": lag(50),
        "lag_ms_p99": lag(99),
        "lag_ms_max": heard.lags_ms.last(),
        "levels": heard.levels,
        "deferred_s": heard.deferred_ms / 1000,
        "listening_s": listening,
        "real_time_factor": listening / arguments.seconds as f64,
        "processor_s": watched.processor_s,
        "wall_s": wall.as_secs_f64(),
        "memory_mib_by_quarter": quarters,
        "finished": heard.finished.is_some_and(|event| event["minutes"].is_object()),
    })
}
