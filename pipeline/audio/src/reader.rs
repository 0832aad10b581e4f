//! A recording as a stream of blocks: opens it, looks at its first minutes to find its lanes, and reads it from the
//! start.

use std::path::Path;
use std::time::Duration;

use crate::block::duration_of;
use crate::cross_talk::FRAME_SAMPLES;
use crate::lanes::{Group, Scene, TrackLanes};
use crate::track::{Media, TrackSource};
use crate::{BLOCK_SAMPLES, Block, Lane, OpenError, SAMPLE_RATE_HZ, Warning};

/// The first look ends with this much sound, in frames: two minutes.
const LOOK_SOUNDING_FRAMES: usize = 2 * 60 * SAMPLE_RATE_HZ as usize / FRAME_SAMPLES;

/// The first look ends after this much of the recording, ten minutes …
const LOOK_SAMPLES_MAX: u64 = 10 * 60 * SAMPLE_RATE_HZ as u64;

/// … unless there was less sound than this in it, in frames: ten seconds, the least on which to judge.
const LOOK_SOUNDING_FRAMES_MIN: usize = 10 * SAMPLE_RATE_HZ as usize / FRAME_SAMPLES;

/// Of a track with one channel, this much shows whether it can be decoded: ten seconds.
const LOOK_SAMPLES_MONO: u64 = 10 * SAMPLE_RATE_HZ as u64;

/// A larger share of damaged packets is not damage: a scratched recording loses packets here and there.
const DAMAGED_SHARE_MAX: f32 = 0.2;

/// A recording being read: an iterator over its [`Block`]s that holds a few seconds of sound at a time.
///
/// Lanes appear in [`lanes`](Self::lanes) when they are first heard. Sound that is missing or was repaired is told by
/// [`warnings`](Self::warnings), complete once the iterator has ended.
pub struct LaneReader {
    tracks: Vec<Track>,
    lanes: Vec<Lane>,
    duration: Option<Duration>,
    position: u64,
    /// Known before the first block.
    warnings: Vec<Warning>,
}

struct Track {
    source: Box<dyn TrackSource>,
    lanes: TrackLanes,
    /// Sound that was read and not yet delivered, one plane per channel.
    planes: Vec<Vec<f32>>,
    ended: bool,
}

/// What the first minutes of a track tell.
struct FirstLook {
    groups: Vec<Group>,
    damaged_share: f32,
}

/// Why a track, or a file, gives not one frame.
struct NoSound {
    reason: String,
    /// There is something that this decoder cannot decode.
    is_undecodable: bool,
}

impl NoSound {
    fn of(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_undecodable: false,
        }
    }
}

/// A lane that needs no decision.
pub(crate) struct ReadyLane {
    pub(crate) name: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) source: Box<dyn TrackSource>,
}

impl LaneReader {
    /// Opens the recording at `path`, in any format. Its name does not matter, its content does.
    ///
    /// Of a track with several channels up to ten minutes are decoded first, to find out which belong together.
    ///
    /// # Errors
    /// When the file cannot be read, holds no audio, or not one frame of it; the error says what to do.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let media = Media::open(path)?;
        let no_frames = |NoSound { reason, .. }| OpenError::NoFrames {
            path: path.to_owned(),
            reason,
        };
        match Self::begin(&media) {
            // Taken for another format than it is, perhaps; ffmpeg may know better.
            Ok((reader, damaged_share)) if damaged_share > DAMAGED_SHARE_MAX && !media.is_by_ffmpeg() => {
                let other = Media::open_with_ffmpeg(path, String::new()).ok();
                let other = other.and_then(|media| Self::begin(&media).ok());
                Ok(other.map_or(reader, |(other, _)| other))
            }
            Err(silent) if !media.is_by_ffmpeg() => {
                // The container is known, but its sound is not: what the built-in decoders cannot decode ffmpeg may.
                match Media::open_with_ffmpeg(path, silent.reason.clone()) {
                    Ok(media) => Self::begin(&media).map(|(reader, _)| reader).map_err(no_frames),
                    Err(needed @ OpenError::NeedsFfmpeg { .. }) if silent.is_undecodable => Err(needed),
                    Err(_) => Err(no_frames(silent)),
                }
            }
            begun => begun.map(|(reader, _)| reader).map_err(no_frames),
        }
    }

    /// Whether players leave some of the recording at `path` out: most play its first track alone, and of more than two
    /// channels not all. Looks at the file's head; nothing is decoded.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no audio.
    pub fn is_played_in_part(path: &Path) -> Result<bool, OpenError> {
        let tracks = Media::open(path)?.tracks;
        Ok(tracks.len() > 1 || tracks.iter().any(|track| track.channels > 2))
    }

    /// Also says which share of the packets seen was damaged, in the worst track.
    fn begin(media: &Media) -> Result<(Self, f32), NoSound> {
        let mut damaged_share = 0.0_f32;
        let mut tracks = Vec::new();
        let mut warnings = media.warnings.clone();
        let mut silent = NoSound::of("no audio track");
        for (place, info) in media.tracks.iter().enumerate() {
            match first_look(media, place) {
                Ok(look) => {
                    damaged_share = damaged_share.max(look.damaged_share);
                    tracks.push(Track {
                        source: media.read_track(place).map_err(NoSound::of)?,
                        lanes: TrackLanes::new(place, info.name.clone(), info.language.clone(), look.groups),
                        planes: vec![Vec::new(); info.channels],
                        ended: false,
                    });
                }
                Err(why) => {
                    warnings.push(Warning::TrackLeftOut {
                        track: place + 1,
                        reason: why.reason.clone(),
                    });
                    silent = why;
                }
            }
        }
        if tracks.is_empty() {
            return Err(silent);
        }
        let reader = Self {
            tracks,
            lanes: Vec::new(),
            duration: media.duration,
            position: 0,
            warnings,
        };
        Ok((reader, damaged_share))
    }

    /// Reads lanes that are apart already.
    pub(crate) fn of_lanes(lanes: Vec<ReadyLane>, duration: Duration) -> Self {
        let tracks = lanes.into_iter().enumerate().map(|(place, lane)| Track {
            source: lane.source,
            lanes: TrackLanes::new(place, lane.name, lane.language, vec![Group::of(0)]),
            planes: vec![Vec::new()],
            ended: false,
        });
        Self {
            tracks: tracks.collect(),
            lanes: Vec::new(),
            duration: Some(duration),
            position: 0,
            warnings: Vec::new(),
        }
    }

    /// The lanes heard so far, by [`LaneId`](crate::LaneId).
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Length of the recording as the file states it, for showing progress; the file may not know, or be wrong.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// How much was delivered.
    pub fn position(&self) -> Duration {
        duration_of(self.position)
    }

    /// What was missing or repaired so far.
    pub fn warnings(&self) -> Vec<Warning> {
        let tracks = self.tracks.iter().flat_map(|track| track.source.warnings());
        self.warnings.iter().cloned().chain(tracks).collect()
    }
}

impl Iterator for LaneReader {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        for track in &mut self.tracks {
            track.fill();
        }
        let longest = self.tracks.iter().map(Track::available).max()?;
        let len = longest.min(BLOCK_SAMPLES);
        if len == 0 {
            return None;
        }
        let start = self.position;
        let mut lanes = Vec::new();
        for track in &mut self.tracks {
            track.deliver(start, len, &mut self.lanes, &mut lanes);
        }
        lanes.sort_by_key(|lane| lane.lane);
        self.position += len as u64;
        Some(Block { start, len, lanes })
    }
}

impl Track {
    fn available(&self) -> usize {
        self.planes.first().map_or(0, Vec::len)
    }

    /// Reads until there is a whole block, or no more.
    fn fill(&mut self) {
        while !self.ended && self.available() < BLOCK_SAMPLES {
            self.ended = !self.source.read(&mut self.planes);
        }
    }

    /// Delivers the next `len` samples. A track that ends within them is filled up with silence; one that has ended
    /// before delivers nothing.
    fn deliver(&mut self, start: u64, len: usize, lanes: &mut Vec<Lane>, out: &mut Vec<crate::LaneBlock>) {
        if self.available() == 0 {
            return;
        }
        for plane in &mut self.planes {
            if plane.len() < len {
                plane.resize(len, 0.0);
            }
        }
        let planes = self.planes.iter().map(|plane| &plane[..len]).collect::<Vec<_>>();
        self.lanes.deliver(&planes, start, lanes, out);
        for plane in &mut self.planes {
            plane.drain(..len);
        }
    }
}

/// Decodes the beginning of the track at `place` to see that it decodes at all, and which of its channels belong
/// together.
fn first_look(media: &Media, place: usize) -> Result<FirstLook, NoSound> {
    let mut source = media.read_track(place).map_err(NoSound::of)?;
    let channels = media.tracks[place].channels;
    let mut planes = vec![Vec::new(); channels];
    let mut scene = Scene::new(channels);
    let mut samples = 0;
    loop {
        let more = source.read(&mut planes);
        let whole = if more {
            planes[0].len() / FRAME_SAMPLES * FRAME_SAMPLES
        } else {
            planes[0].len()
        };
        samples += whole as u64;
        if channels > 1 {
            scene.push(&planes.iter().map(|plane| &plane[..whole]).collect::<Vec<_>>());
        }
        planes.iter_mut().for_each(|plane| drop(plane.drain(..whole)));
        let sounding = scene.sounding_frames();
        let enough = match channels {
            1 => samples >= LOOK_SAMPLES_MONO,
            _ if samples < LOOK_SAMPLES_MAX => sounding >= LOOK_SOUNDING_FRAMES,
            _ => sounding >= LOOK_SOUNDING_FRAMES_MIN,
        };
        if !more || enough {
            break;
        }
    }
    if samples == 0 {
        let warnings = source.warnings();
        let told = warnings.first().map(Warning::to_string);
        return Err(NoSound {
            reason: told.unwrap_or_else(|| "the track ends before its first frame".to_owned()),
            is_undecodable: warnings
                .iter()
                .any(|warning| matches!(warning, Warning::Damaged { .. })),
        });
    }
    Ok(FirstLook {
        groups: scene.groups(),
        damaged_share: source.damaged_share(),
    })
}
