//! The audio tracks of a file, each as a stream of 16 kHz samples per channel, whoever decodes it.

mod clock;
mod container;
mod decoded;
mod ffmpeg;
mod matroska;
mod mp4;
mod opus_packets;
mod resample;
mod titles;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::container::Container;
pub use self::opus_packets::OpusPackets;
pub use self::resample::Resampler;
use crate::{OpenError, Warning};

/// Channels of one track that are looked at; what a damaged header claims beyond that is no recorder.
pub(crate) const CHANNELS_MAX: usize = 32;

/// Length of a packet of an MPEG transport stream, in bytes, and the byte each begins with. Source: ISO/IEC 13818-1.
const TRANSPORT_PACKET: u64 = 188;
const TRANSPORT_SYNC: u8 = 0x47;

/// Sound of one track at 16 kHz. It never fails: where the sound cannot go on it ends, and says why in `warnings`.
pub(crate) trait TrackSource: Send {
    /// Appends the next piece to each channel's plane in `out`, all by the same length, and says whether there may be
    /// more.
    fn read(&mut self, out: &mut [Vec<f32>]) -> bool;

    /// What was met so far.
    fn warnings(&self) -> Vec<Warning>;

    /// Share of the packets so far that could not be decoded; where it is large, the format was mistaken for another.
    fn damaged_share(&self) -> f32 {
        0.0
    }
}

/// What the file says of one audio track.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrackInfo {
    pub(crate) name: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) channels: usize,
    pub(crate) duration: Option<Duration>,
    /// How long after the recording's start the track's clock begins.
    pub(crate) delay: Duration,
}

/// A file whose audio tracks are known; each can be read from its start as often as wanted.
pub(crate) struct Media {
    path: PathBuf,
    pub(crate) tracks: Vec<TrackInfo>,
    /// Length of the recording as the file states it.
    pub(crate) duration: Option<Duration>,
    pub(crate) warnings: Vec<Warning>,
    decoder: Decoder,
}

enum Decoder {
    Symphonia(Container),
    Ffmpeg,
}

impl Media {
    /// Finds the audio tracks of `path` by its content, whatever its name: by the built-in decoders, else by ffmpeg.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let read = |source| OpenError::Read {
            path: path.to_owned(),
            source,
        };
        if !fs::metadata(path).map_err(read)?.is_file() {
            return Err(OpenError::NotAFile { path: path.to_owned() });
        }
        // Said here, because the decoders would hide it among their own errors.
        fs::File::open(path).map_err(read)?;
        if is_transport_stream(path).map_err(read)? {
            return Self::open_with_ffmpeg(path, "an MPEG transport stream".to_owned());
        }
        match Container::open(path) {
            Ok(container) if container.left_out.is_empty() => Ok(Self::from_container(path, container)),
            // Some tracks only ffmpeg might know: all or nothing, so that every track is on one decoder's clock.
            Ok(container) => Ok(ffmpeg::tracks(path)
                .ok()
                .filter(|tracks| tracks.len() > container.tracks.len())
                .map(|tracks| Self::from_ffmpeg(path, tracks))
                .unwrap_or_else(|| Self::from_container(path, container))),
            Err(reason) => Self::open_with_ffmpeg(path, reason),
        }
    }

    /// The same by ffmpeg alone, for a file of which the built-in decoders made nothing, for `reason`.
    pub(crate) fn open_with_ffmpeg(path: &Path, reason: String) -> Result<Self, OpenError> {
        let refused = |path: PathBuf, reason| match mp4::length_before_cut(&path) {
            // What it lacks is not a decoder but its index, which recorders write last.
            Some(_) => OpenError::NoFrames { path, reason },
            None => OpenError::NoAudio { path, reason },
        };
        let path = path.to_owned();
        match ffmpeg::tracks(&path) {
            Ok(tracks) if !tracks.is_empty() => Ok(Self::from_ffmpeg(&path, tracks)),
            Ok(_) => Err(refused(path, reason)),
            Err(ffmpeg::Unavailable::Missing) => match refused(path, reason) {
                OpenError::NoAudio { path, reason } => Err(OpenError::NeedsFfmpeg { path, reason }),
                cut => Err(cut),
            },
            Err(ffmpeg::Unavailable::Refused(refusal)) => Err(refused(path, format!("{reason}; ffmpeg: {refusal}"))),
        }
    }

    /// Whether ffmpeg reads it, after which nothing is left to be tried.
    pub(crate) fn is_by_ffmpeg(&self) -> bool {
        matches!(self.decoder, Decoder::Ffmpeg)
    }

    /// Begins to read `track`, by its place among the audio tracks.
    pub(crate) fn read_track(&self, track: usize) -> Result<Box<dyn TrackSource>, String> {
        match &self.decoder {
            Decoder::Symphonia(container) => container.read_track(&self.path, track),
            Decoder::Ffmpeg => ffmpeg::read_track(&self.path, track, self.tracks[track].channels),
        }
    }

    fn from_container(path: &Path, container: Container) -> Self {
        let tracks = container
            .tracks
            .iter()
            .map(|track| track.info.clone())
            .collect::<Vec<_>>();
        Self {
            path: path.to_owned(),
            duration: container.duration.or_else(|| longest(&tracks)),
            tracks,
            warnings: container.left_out.clone(),
            decoder: Decoder::Symphonia(container),
        }
    }

    fn from_ffmpeg(path: &Path, tracks: Vec<TrackInfo>) -> Self {
        Self {
            path: path.to_owned(),
            duration: longest(&tracks),
            tracks,
            warnings: Vec::new(),
            decoder: Decoder::Ffmpeg,
        }
    }
}

/// Whether the file is an MPEG transport stream. The built-in decoders do not know them, but find the frames of AAC or
/// MP3 in their packets, cut to pieces.
fn is_transport_stream(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    let packets = 4;
    fs::File::open(path)?
        .take(TRANSPORT_PACKET * packets)
        .read_to_end(&mut head)?;
    let starts = head.iter().step_by(TRANSPORT_PACKET as usize);
    Ok(head.len() as u64 == TRANSPORT_PACKET * packets && starts.into_iter().all(|&byte| byte == TRANSPORT_SYNC))
}

fn longest(tracks: &[TrackInfo]) -> Option<Duration> {
    tracks.iter().filter_map(|track| track.duration).max()
}
