//! What the front end hands out: lanes, and blocks of their sound on one clock.

use std::fmt;
use std::time::Duration;

use crate::SAMPLE_RATE_HZ;

/// The place of a lane in [`LaneReader::lanes`](crate::LaneReader::lanes); stays the same for the whole recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub usize);

/// One channel of one track of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceChannel {
    /// Place of the track among the audio tracks of the file, from zero.
    pub track: usize,
    /// Place of the channel in the track, from zero.
    pub channel: usize,
}

/// Where one speaker, or one room, is heard: a channel of its own, or channels that carry the same sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its number.
    pub id: LaneId,
    /// The track's title, where the file has one: on many platforms the participant's name.
    pub name: Option<String>,
    /// The track's language tag as written in the file (`eng`, `fr-CA`), where it has one.
    pub language: Option<String>,
    /// The channels it is mixed of.
    pub channels: Vec<SourceChannel>,
    /// The sample at which it is first heard. A lane exists from the first sound on: a channel that stays silent is no
    /// lane.
    pub start: u64,
}

impl Lane {
    /// The name, else where the lane is found in the file: `track 1`, `track 1, channel 2`, counted from one.
    pub fn label(&self) -> String {
        match (&self.name, self.channels.as_slice()) {
            (Some(name), [_, _, ..] | []) => name.clone(),
            (Some(name), [one]) if one.channel == 0 => name.clone(),
            (Some(name), [one]) => format!("{name}, channel {}", one.channel + 1),
            (None, [one]) => one.to_string(),
            (None, [first, ..]) => format!("track {}", first.track + 1),
            (None, []) => "no track".to_owned(),
        }
    }
}

impl fmt::Display for SourceChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "track {}, channel {}", self.track + 1, self.channel + 1)
    }
}

/// A second of the recording: the sound of every lane that is awake, on one clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Samples from the start of the recording to the first of this block.
    pub start: u64,
    /// Samples in each lane of this block.
    pub len: usize,
    /// The lanes that are awake, in the order of their ids. A lane is missing before its first sound and after its end.
    pub lanes: Vec<LaneBlock>,
}

/// The sound of one lane within a [`Block`].
#[derive(Clone, Debug, PartialEq)]
pub struct LaneBlock {
    /// Whose sound it is.
    pub lane: LaneId,
    /// 16 kHz mono, within [-1, 1]; as many as [`Block::len`].
    pub samples: Vec<f32>,
}

impl Block {
    /// The sound of `lane` in this block, if it is awake.
    pub fn lane(&self, lane: LaneId) -> Option<&[f32]> {
        self.lanes
            .iter()
            .find(|candidate| candidate.lane == lane)
            .map(|found| found.samples.as_slice())
    }

    /// The sample after the last of this block.
    pub fn end(&self) -> u64 {
        self.start + self.len as u64
    }
}

/// How long `samples` last.
pub(crate) fn duration_of(samples: u64) -> Duration {
    let rate = u64::from(SAMPLE_RATE_HZ);
    Duration::from_secs(samples / rate) + Duration::from_nanos(samples % rate * 1_000_000_000 / rate)
}
