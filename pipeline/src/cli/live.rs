//! `greffier live`: a meeting as it is held, from its first sound to its minutes.

mod captions;
mod json_lines;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, bail};
use clap::Args;
use datasets::library::{Library, LibraryError, LibraryWriter};
use datasets::{Access, ContextItem, MeetingId, SeriesId};
use jiff::Timestamp;
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use self::captions::Captions;
use self::json_lines::JsonLines;
use super::Outcome;
use super::arguments::{MeetingArgs, MinutesArgs, SpeechArgs, read_invitation};
use super::recover::finish;
use super::run::{print_minutes, report};
use super::terminal::Terminal;
use crate::live::{
    Audience, LiveEngine, LiveFolder, Order, Pace, PcmFormat, Source, Stop, listen, local_time, unfinished,
};
use crate::minutes_engine::EngineOptions;
use crate::settings::Settings;
use crate::stages::read_context::read_context_items;

/// Follow a meeting live: captions as people speak, the recording safe on disk, minutes when it ends
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  greffier live --speech-model ggml-base.bin --title 'Weekly'      from the microphone, until Ctrl-C\n  ffmpeg -i rtsp://room -f s16le -ar 16000 -ac 1 - | greffier live - --speech-model ggml-base.bin\n  greffier live --file call.mka --pace fast --json\n\nCtrl-C ends the meeting and makes its minutes; a second one leaves that to `greffier recover`. A crash, even kill -9,\ncosts at most the last second. With --json: one event a line (started, speaker, partial, committed, suppressed, empty,\ndeferred, lag, finished), times in milliseconds."
)]
pub(super) struct LiveArgs {
    /// `-` for raw samples on standard input: 16 bits, little-endian [default: the microphone]
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with_all = ["file", "recorder"])]
    input: Option<String>,
    /// Hear a recording as if it were spoken now; each of its lanes is a speaker
    #[arg(long, value_name = "FILE", conflicts_with = "recorder")]
    file: Option<PathBuf>,
    /// How fast the recording is heard: 1.0 as it was spoken, 2.0 twice as fast, or `fast` as the machine can
    #[arg(long, default_value = "1.0", requires = "file")]
    pace: Pace,
    /// Samples a second on standard input or from the recorder
    #[arg(long, default_value_t = 16_000, value_name = "HZ")]
    rate: u32,
    /// Channels on standard input or from the recorder; each is a speaker
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    channels: usize,
    /// Mix the channels instead
    #[arg(long)]
    mix: bool,
    /// A command that writes raw samples [default: pw-record, parec, arecord or ffmpeg, whichever is found]
    #[arg(long, value_name = "CMD")]
    recorder: Option<String>,
    /// A smaller speech model, for when the first is too slow
    #[arg(long, value_name = "FILE")]
    fallback_model: Option<PathBuf>,
    #[command(flatten)]
    meeting: MeetingArgs,
    #[command(flatten)]
    speech: SpeechArgs,
    #[command(flatten)]
    minutes: MinutesArgs,
}

pub(super) fn live(args: &LiveArgs, settings: &Settings, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let source = args.source();
    let engine = LiveEngine::load(args.speech.options(settings)?, args.fallback_model.as_deref())?;
    let library = library(settings)?;
    mention_unfinished(&library, terminal)?;
    let (order, invitation) = args.order(&engine)?;
    let folder = LiveFolder::create(&library, &args.name(&order), order, invitation.as_deref())?;
    let vocabulary = folder.vocabulary()?;
    let stop = stop_on_signals()?;
    if !terminal.json {
        terminal.note(terminal.phrases.listening());
    }
    let mut audience: Box<dyn Audience> = if terminal.json {
        Box::new(JsonLines::new(*terminal))
    } else {
        Box::new(Captions::new(*terminal))
    };
    let listened = match listen(&folder, &source, &engine, &vocabulary, &stop, audience.as_mut()) {
        Ok(listened) => listened,
        Err(error) => {
            // It never began: nothing is left to recover.
            folder.remove()?;
            return Err(error);
        }
    };
    drop(audience);
    if let Some(failure) = &listened.failure {
        terminal.error(&anyhow::anyhow!("{failure:#}; what was recorded is kept"));
    }
    if stop.is_asked() {
        terminal.note(terminal.phrases.ending());
    }
    // At another pace than that of talk there is no lag to speak of.
    let lag_ms = |share| listened.lag.quantile_ms(share).filter(|_| source.is_real_time());
    let (lag_ms_median, lag_ms_p99) = (lag_ms(0.5), lag_ms(0.99));
    let Some((kept, missing_ms)) = finish(folder, &library, &engine, listened.warnings, settings, terminal)? else {
        return match listened.failure {
            Some(failure) => Err(failure),
            None => bail!("no sound came, so that there is no meeting"),
        };
    };
    if terminal.json {
        let mut event = json!({
            "event": "finished",
            "reconciled_ms": missing_ms,
            "lag_ms_median": lag_ms_median,
            "lag_ms_p99": lag_ms_p99,
        });
        if let (Some(event), Some(report)) = (event.as_object_mut(), report(&kept).as_object_mut()) {
            event.append(report);
        }
        terminal.print_json_line(&event)?;
    } else {
        print_minutes(&kept, terminal)?;
    }
    match listened.failure {
        Some(failure) => Err(failure.context("the meeting ended early")),
        None => Ok(Outcome::Done),
    }
}

impl LiveArgs {
    fn source(&self) -> Source {
        let format = PcmFormat {
            rate_hz: self.rate,
            channels: self.channels,
            mix: self.mix,
        };
        match (&self.input, &self.file) {
            (Some(_), _) => Source::StandardInput(format),
            (None, Some(path)) => Source::File {
                path: path.clone(),
                pace: self.pace,
            },
            (None, None) => Source::Microphone {
                recorder: self.recorder.clone(),
                format,
            },
        }
    }

    /// What is asked for, and the invitation as it was given.
    fn order(&self, engine: &LiveEngine) -> anyhow::Result<(Order, Option<Vec<u8>>)> {
        let now = Timestamp::now();
        let known = &self.meeting;
        let invitation = known.invitation.as_deref();
        let bytes = invitation
            .map(|path| std::fs::read(path).with_context(|| format!("reading `{}`", path.display())))
            .transpose()?;
        let invited_at = invitation
            .map(read_invitation)
            .transpose()?
            .and_then(|invitation| invitation.starts_at);
        // A recording that is played was not made now.
        let now_or_never = Some(now).filter(|_| self.file.is_none());
        let mut context: Vec<ContextItem> = Vec::new();
        for path in &known.context {
            context.extend(read_context_items(path)?);
        }
        let options = self.minutes.options();
        let speech = engine.options();
        let order = Order {
            format: Order::FORMAT,
            began_at: now,
            untitled: self
                .file
                .as_deref()
                .map_or_else(|| local_time(now, "Live %Y-%m-%d %H:%M"), stem),
            title: known.title.clone(),
            series: known.series.as_ref().map(SeriesId::new),
            started_at: known.started_at.or(invited_at).or(now_or_never),
            model: std::path::absolute(&speech.model).context("finding the speech model")?,
            language: speech.language,
            speakers: speech.speakers,
            voice_encoder: speech.voice_encoder.clone(),
            minutes_language: options.language,
            abstract_words: options.abstract_words,
            context,
            people: Vec::new(),
            vocabulary: Vec::new(),
            access: Access::default(),
            minutes_engine: EngineOptions::default(),
        };
        Ok((order, bytes))
    }

    /// The folder's name and the meeting's id: of a recording its own, else day, time and title.
    fn name(&self, order: &Order) -> String {
        let name = match &self.file {
            Some(path) => format!("live-{}", stem(path)),
            None => {
                let title = order.title.as_deref().unwrap_or("live");
                format!("{}-{title}", local_time(order.began_at, "%Y-%m-%d-%H%M%S"))
            }
        };
        MeetingId::from_title(&name).as_str().to_owned()
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// The library, made where there is none. It is not locked while the meeting lasts.
fn library(settings: &Settings) -> anyhow::Result<Library> {
    let root = settings.library_folder()?;
    match Library::open(&root) {
        Err(LibraryError::NotALibrary { .. }) => Ok(LibraryWriter::open(&root)?.library().clone()),
        other => Ok(other?),
    }
}

fn mention_unfinished(library: &Library, terminal: &Terminal) -> anyhow::Result<()> {
    let left = unfinished(library)?.into_iter().filter(|one| !one.is_running).count();
    if left > 0 {
        terminal.note(format!(
            "note: {left} unfinished live meetings: `greffier recover` finishes them"
        ));
    }
    Ok(())
}

/// Ctrl-C and its like end the meeting, as the end of sound does. A second one ends the process as ever: what is on the
/// disk is whole.
fn stop_on_signals() -> anyhow::Result<Stop> {
    const FAILED: &str = "waiting for Ctrl-C";
    let stop = Stop::default();
    let was_asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_default(signal, Arc::clone(&was_asked)).context(FAILED)?;
        flag::register(signal, Arc::clone(&was_asked)).context(FAILED)?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context(FAILED)?;
    let asker = stop.clone();
    let wait = move || signals.forever().for_each(|_| asker.ask());
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(wait).context(FAILED)?;
    Ok(stop)
}
