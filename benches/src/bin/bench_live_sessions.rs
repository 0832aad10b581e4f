//! How many live meetings one server holds at once, measured on the program itself, as JSON.
//!
//! `bench_live_sessions --greffier PROGRAM --model FILE_OR_NAME --recording FILE --sessions 4 --seconds 60` starts a server,
//! opens so many meetings of one track each, and sends the recording into each as fast as it was spoken, each from another
//! place. Lag is what the events say. In the end every meeting is finished, and what the library holds of it is compared
//! with what was sent: the overload contract is that nothing is lost, however many there are.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use audio::{LaneReader, SAMPLE_RATE_HZ, to_i16};
use clap::Parser;
use serde_json::{Value, json};
use tungstenite::{Error, Message, WebSocket};

/// Measures live meetings at once.
#[derive(Parser)]
struct Arguments {
    /// The program
    #[arg(long)]
    greffier: PathBuf,
    /// A Whisper model in ggml form, or the name of an installed one
    #[arg(long)]
    model: PathBuf,
    /// Speech, of any format; its first lane is used
    #[arg(long)]
    recording: PathBuf,
    /// Meetings at once
    #[arg(long, default_value_t = 4)]
    sessions: usize,
    /// Length of each
    #[arg(long, default_value_t = 60)]
    seconds: usize,
}

/// Samples of a frame.
const FRAME: usize = SAMPLE_RATE_HZ as usize / 10;
/// How long a meeting may take to be finished.
const FINISH_MAX: Duration = Duration::from_secs(900);

/// The server; ended when this is dropped.
struct Server {
    process: Child,
    host: String,
}

/// What was told of one meeting.
#[derive(Default)]
struct Heard {
    lags_ms: Vec<i64>,
    levels: Vec<String>,
    deferred_ms: i64,
    covered_ms: i64,
    accepted: u64,
    meeting: Option<String>,
    /// From the last sound to the meeting in the library.
    finishing_s: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir().context("making a folder")?;
    let blocks = LaneReader::open(&arguments.recording)?;
    let lanes = blocks.filter_map(|block| block.lanes.into_iter().next());
    let voice: Vec<i16> = lanes.flat_map(|lane| lane.samples).map(to_i16).collect();
    ensure!(!voice.is_empty(), "the recording is empty");
    let server = Server::start(&arguments, folder.path())?;
    let heard = std::thread::scope(|scope| {
        let sessions: Vec<_> = (0..arguments.sessions)
            .map(|number| {
                let (server, voice) = (&server, &voice);
                let from = number * voice.len() / arguments.sessions;
                scope.spawn(move || hold(server, voice, from, arguments.seconds))
            })
            .collect();
        let joined = sessions
            .into_iter()
            .map(|session| session.join().ok().context("a session broke down")?);
        joined.collect::<Result<Vec<Heard>>>()
    })?;
    let sent = (arguments.seconds * SAMPLE_RATE_HZ as usize) as u64;
    let mut lost = 0;
    for one in &heard {
        let meeting = one.meeting.as_deref().context("a meeting was not finished")?;
        lost += sent.saturating_sub(recorded(folder.path(), meeting)?);
    }
    writeln!(std::io::stdout().lock(), "{}", report(&arguments, &heard, lost))?;
    Ok(())
}

impl Server {
    fn start(arguments: &Arguments, folder: &Path) -> Result<Self> {
        let mut process = Command::new(&arguments.greffier)
            .args(["--quiet", "serve", "--anonymous", "--listen", "127.0.0.1:0"])
            .args(["--live-max", &arguments.sessions.to_string(), "--speech-model"])
            .arg(&arguments.model)
            .env("GREFFIER_LIBRARY", folder.join("library"))
            .env("GREFFIER_MODELS", folder.join("models"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting greffier")?;
        let log = process.stderr.take().context("the log is piped")?;
        let mut lines = BufReader::new(log).lines();
        let host = loop {
            let line = lines.next().context("the server ended")??;
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "ready" {
                break event["address"].as_str().unwrap_or_default().to_owned();
            }
        };
        // A pipe that nobody empties would stop the server.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Self { process, host })
    }

    fn open(&self) -> Result<String> {
        let mut answer = ureq::post(format!("http://{}/v1/live", self.host)).send_json(json!({}))?;
        let live: Value = answer.body_mut().read_json()?;
        Ok(live["socket"].as_str().unwrap_or_default().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Holds a meeting: sends the voice from sample `from` on, around and around, and hears what is told.
fn hold(server: &Server, voice: &[i16], from: usize, seconds: usize) -> Result<Heard> {
    let path = server.open()?;
    let stream = TcpStream::connect(&server.host)?;
    let (mut socket, _) = tungstenite::client(format!("ws://{}{path}", server.host), stream)?;
    let (_alive, clock) = channel::<()>();
    let began = Instant::now();
    let mut heard = Heard::default();
    for frame in 0..seconds * 10 {
        let due = Duration::from_millis((frame as u64 + 1) * 100);
        let _ = clock.recv_timeout(due.saturating_sub(began.elapsed()));
        let at = frame * FRAME;
        let samples = (at..at + FRAME).map(|at| voice[(from + at) % voice.len()]);
        let mut bytes = [&0_u16.to_le_bytes()[..], &(at as u64).to_le_bytes()].concat();
        bytes.extend(samples.flat_map(i16::to_le_bytes));
        socket.send(Message::binary(bytes))?;
        heard.take_all(&mut socket, Duration::from_micros(1))?;
    }
    socket.send(Message::text(r#"{"type": "finish"}"#))?;
    let ended = Instant::now();
    while heard.meeting.is_none() {
        ensure!(ended.elapsed() < FINISH_MAX, "a meeting is not finished");
        heard.take_all(&mut socket, Duration::from_millis(100))?;
    }
    heard.finishing_s = ended.elapsed().as_secs_f64();
    Ok(heard)
}

impl Heard {
    fn take_all(&mut self, socket: &mut WebSocket<TcpStream>, wait: Duration) -> Result<()> {
        socket.get_ref().set_read_timeout(Some(wait))?;
        loop {
            match socket.read() {
                Ok(Message::Text(text)) => self.take(&serde_json::from_str(&text)?),
                Ok(_) => {}
                Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
                Err(Error::ConnectionClosed) => break,
                Err(error) => return Err(error.into()),
            }
            if self.meeting.is_some() {
                break;
            }
        }
        Ok(socket.get_ref().set_read_timeout(None)?)
    }

    fn take(&mut self, event: &Value) {
        let at = |value: &Value| value.as_i64().unwrap_or(0);
        let covered_ms = at(&event["covers"]["end_ms"]) - at(&event["covers"]["start_ms"]);
        self.covered_ms += covered_ms;
        match event["event"].as_str() {
            Some("committed") => {
                let now_ms = at(&event["end_ms"]) + at(&event["lag_ms"]);
                let words = event["words"].as_array().into_iter().flatten();
                self.lags_ms.extend(words.map(|word| now_ms - at(&word["end_ms"])));
            }
            Some("lag") => self.levels.extend(event["level"].as_str().map(str::to_owned)),
            Some("deferred") => self.deferred_ms += covered_ms,
            Some("accepted") => self.accepted = event["samples"].as_u64().unwrap_or(0),
            Some("finished") => self.meeting = event["meeting"].as_str().map(str::to_owned),
            _ => {}
        }
    }
}

/// Samples of a meeting's recording in the library.
fn recorded(folder: &Path, meeting: &str) -> Result<u64> {
    let source = folder.join("library/meetings").join(meeting).join("source");
    let path = source.join(format!("{meeting}.wav"));
    let blocks = LaneReader::open(&path)?;
    Ok(blocks.map(|block| block.len as u64).sum())
}

fn report(arguments: &Arguments, heard: &[Heard], lost: u64) -> Value {
    let mut lags_ms: Vec<i64> = heard.iter().flat_map(|one| one.lags_ms.iter().copied()).collect();
    lags_ms.sort_unstable();
    let lag = |share: usize| lags_ms.get(lags_ms.len() * share / 100).copied();
    let sum = |of: fn(&Heard) -> i64| heard.iter().map(of).sum::<i64>() / 1000;
    let worst = heard.iter().map(|one| one.finishing_s).fold(0.0, f64::max);
    json!({
        "sessions": arguments.sessions,
        "seconds": arguments.seconds,
        "words": lags_ms.len(),
        "lag_ms_median": lag(50),
        "lag_ms_p99": lag(99),
        "speech_s": sum(|one| one.covered_ms),
        "deferred_s": sum(|one| one.deferred_ms),
        "levels": heard.iter().map(|one| one.levels.len()).sum::<usize>(),
        "finishing_s_max": worst,
        "lost_samples": lost,
    })
}
