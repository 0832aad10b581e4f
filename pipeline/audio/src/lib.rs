//! The audio front end: any recording becomes lanes of 16 kHz mono sound, and live sound becomes a recording that
//! survives a crash.
//!
//! ```text
//!  file ─► container (symphonia, else ffmpeg) ─► track ─► decode, fill gaps, resample
//!                                                            │ one plane per channel, 16 kHz
//!                                                            ▼
//!                         lanes: channels that belong together are mixed, the others stay apart
//!                                                            │ [`Block`]s of one second
//!                                                            ▼
//!                    voice activity and transcription, per lane;  [`LaneLevels`]: whose lane it was
//!
//!  live sound ─► [`Resampler`] ─► [`Spool`] ─► `kill -9` ─► [`recover`] ─► the same [`Block`]s
//!                                     └─► [`LaneFollower`]: a lane as it is recorded
//! ```
//!
//! A **lane** is what one speaker, or one room, is heard on. Nothing here knows a meeting, runs a model or reads the
//! network; no recording is held in memory as a whole.

mod block;
mod cross_talk;
mod error;
mod lanes;
mod pcm;
mod reader;
mod spool;
mod track;
mod wav;

pub use block::{Block, Lane, LaneBlock, LaneId, SourceChannel};
pub use cross_talk::{Dominance, FRAME_SAMPLES, LaneLevels};
pub use error::{OpenError, SpoolError, Warning, WavError};
pub use pcm::{from_i16, to_i16};
pub use reader::LaneReader;
pub use spool::{LaneFollower, RecoveredLane, RecoveredSpool, Spool, recover};
pub use track::{OpusPackets, Resampler};
pub use wav::{WAV_BYTES_MAX, WavFile};

/// Samples per second of every lane; what Whisper and the voice activity models are trained on.
pub const SAMPLE_RATE_HZ: u32 = 16_000;

/// Length of a [`Block`] in samples: one second. Only the last block of a recording is shorter.
pub const BLOCK_SAMPLES: usize = SAMPLE_RATE_HZ as usize;
