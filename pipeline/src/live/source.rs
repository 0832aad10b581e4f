//! Where sound comes from: a recorder program, standard input, a file at the pace at which it was spoken, or tracks that
//! somebody sends. Each hands over pieces of a tenth of a second from a thread of its own.

mod file;
mod pcm;
mod recorder;
mod tracks;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;

pub use self::pcm::PcmFormat;
use self::recorder::Recorder;
pub use self::tracks::{Closed, Coding, TrackFrame, TrackInput, TrackSender};
use super::progress::Progress;
use super::recording::Piece;
use super::stop::Stop;

/// Pieces between source and disk: the disk's writes return at once, so that there is hardly ever one.
const PIECES_MAX: usize = 64;
/// Where sound waits to be recognized, what is on disk and was not taken is this much at most.
const AHEAD_MS_MAX: u64 = 20_000;
/// How often who waits looks whether the end is asked for.
const LOOK: Duration = Duration::from_millis(200);

/// Where sound comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file, each lane of it.
    File {
        /// In any format that can be decoded.
        path: PathBuf,
        /// How fast.
        pace: Pace,
    },
    /// Raw samples on standard input.
    StandardInput(PcmFormat),
    /// A microphone, by a recorder program that writes raw samples.
    Microphone {
        /// The command for the shell; `None` for what is found.
        recorder: Option<String>,
        /// What it is to write.
        format: PcmFormat,
    },
    /// Tracks that somebody sends.
    Tracks(TrackInput),
}

/// How fast a file is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many times as fast as it was spoken.
    Times(f64),
    /// As fast as it can be recognized.
    Fast,
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<f64>() {
            _ if text == "fast" => Ok(Self::Fast),
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            _ => Err("give a number above 0, such as 1.0, or `fast`".to_owned()),
        }
    }
}

/// A source that hands over sound.
pub(super) struct Running {
    /// Gives what was wrong with the sound.
    reader: JoinHandle<anyhow::Result<Vec<String>>>,
    recorder: Option<Recorder>,
}

impl Source {
    /// Where sound comes from, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::StandardInput(_) => "standard input".to_owned(),
            Self::Microphone { recorder, .. } => recorder.clone().unwrap_or_else(|| "microphone".to_owned()),
            Self::Tracks(_) => "network".to_owned(),
        }
    }

    /// Whether sound comes whether or not it can be recognized in time.
    pub fn is_real_time(&self) -> bool {
        match self {
            Self::File { pace, .. } => *pace != Pace::Fast,
            Self::Tracks(input) => input.is_real_time,
            Self::StandardInput(_) | Self::Microphone { .. } => true,
        }
    }

    /// Begins to hear. What a recorder says goes to the file `log`.
    ///
    /// # Errors
    /// When there is nothing to hear: the file is none, no recorder is found.
    pub(super) fn start(
        &self,
        log: &Path,
        progress: &Arc<Progress>,
        stop: &Stop,
    ) -> anyhow::Result<(Receiver<Piece>, Running)> {
        let (hand_over, pieces) = sync_channel(PIECES_MAX);
        let (progress, stop) = (Arc::clone(progress), stop.clone());
        let mut recorder = None;
        let spawn = |read: Box<dyn FnOnce() -> anyhow::Result<Vec<String>> + Send>| {
            let thread = std::thread::Builder::new().name("sound source".to_owned());
            thread.spawn(read).context("starting a thread")
        };
        let reader = match self {
            Self::File { path, pace } => {
                let lanes = audio::LaneReader::open(path)?;
                let pace = *pace;
                spawn(Box::new(move || file::read(lanes, pace, &hand_over, &progress, &stop)))?
            }
            Self::StandardInput(format) => {
                let resampler = format.resampler()?;
                let format = *format;
                spawn(Box::new(move || {
                    pcm::read(std::io::stdin().lock(), format, resampler, &hand_over)
                }))?
            }
            Self::Microphone {
                recorder: command,
                format,
            } => {
                let resampler = format.resampler()?;
                let format = *format;
                let mut started = Recorder::start(command.as_deref(), format, log)?;
                let output = started.output()?;
                recorder = Some(started);
                spawn(Box::new(move || pcm::read(output, format, resampler, &hand_over)))?
            }
            Self::Tracks(input) => {
                let tracks = input.take()?;
                spawn(Box::new(move || tracks.read(&hand_over, &progress, &stop)))?
            }
        };
        Ok((pieces, Running { reader, recorder }))
    }
}

impl Running {
    /// What was wrong with the sound, once no more comes.
    ///
    /// # Errors
    /// When the source failed before its end.
    pub(super) fn end(self, stop: &Stop) -> anyhow::Result<Vec<String>> {
        let recorder = self.recorder.map_or(Ok(()), |recorder| recorder.end(stop));
        // Standard input may be silent for ever: its reader ends with the process.
        let warnings = if self.reader.is_finished() || !stop.is_asked() {
            match self.reader.join() {
                Ok(read) => read?,
                Err(_) => anyhow::bail!("the thread that reads the sound broke down"),
            }
        } else {
            Vec::new()
        };
        recorder.map(|()| warnings)
    }
}

/// Waits until the followers are near; tells whether the meeting goes on.
fn wait_for_followers(progress: &Progress, stop: &Stop) -> bool {
    while !stop.is_asked() {
        if progress.wait_for_followers(AHEAD_MS_MAX, LOOK) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_a_number_or_fast() {
        assert_eq!("1.5".parse(), Ok(Pace::Times(1.5)));
        assert_eq!("fast".parse(), Ok(Pace::Fast));
        for wrong in ["0", "-1", "inf", "NaN", "slow"] {
            assert!(wrong.parse::<Pace>().is_err(), "{wrong}");
        }
    }
}
