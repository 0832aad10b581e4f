//! What can go wrong with a recording, as values that name the file, the place and the remedy.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A recording cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is missing or may not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The recording.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder, a pipe or a device: a recording is read more than once and must stay where it is.
    #[error("`{}` is not a file; save the sound to a file first", path.display())]
    NotAFile {
        /// What was given.
        path: PathBuf,
    },
    /// Neither decoder finds audio in it.
    #[error("`{}` holds no audio that can be decoded ({reason}); convert it to WAV, FLAC, MP3, M4A or Ogg", path.display())]
    NoAudio {
        /// The recording.
        path: PathBuf,
        /// What the decoders said.
        reason: String,
    },
    /// The built-in decoders do not know the format, and `ffmpeg` is not on the `PATH`.
    #[error(
        "`{}` cannot be decoded without ffmpeg ({reason}); install ffmpeg and ffprobe, or convert the file to WAV, FLAC, \
         MP3, M4A or Ogg", path.display()
    )]
    NeedsFfmpeg {
        /// The recording.
        path: PathBuf,
        /// What the built-in decoders said.
        reason: String,
    },
    /// The container is there, but not one frame of sound can be had: a recording that was cut before its index was
    /// written, or never began.
    #[error(
        "`{}` holds not one frame of sound ({reason}); it was cut before its index or its first sound was written: look \
         for the recorder's own copy", path.display()
    )]
    NoFrames {
        /// The recording.
        path: PathBuf,
        /// What the decoders said.
        reason: String,
    },
}

/// Something of the recording is missing or was repaired; the rest is as good as ever.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Warning {
    /// The sound ends early: the file was cut, or is damaged from here on.
    #[error("track {track} ends at {at:.1?}{}: {reason}", declared.map(|all| format!(" of {all:.1?}")).unwrap_or_default())]
    Truncated {
        /// The audio track, counted from one.
        track: usize,
        /// Where the sound ends.
        at: Duration,
        /// Where the file says that it ends.
        declared: Option<Duration>,
        /// What the decoder met there.
        reason: String,
    },
    /// Packets that could not be decoded; silence stands in their place.
    #[error("track {track}: {packets} damaged packets, the first at {first_at:.1?}, replaced by silence")]
    Damaged {
        /// The audio track, counted from one.
        track: usize,
        /// How many.
        packets: u64,
        /// Where the first of them is.
        first_at: Duration,
    },
    /// Time stamps that jump back, or further ahead than any recording lasts; the sound goes on without the jump.
    #[error("track {track}: the time stamps jump {jumps} times, first at {first_at:.1?}; times after it may be off")]
    ClockJumps {
        /// The audio track, counted from one.
        track: usize,
        /// How often.
        jumps: u64,
        /// Where first.
        first_at: Duration,
    },
    /// A track that could not be decoded, beside others that could.
    #[error("track {track} is left out ({reason}); install ffmpeg and ffprobe to have it")]
    TrackLeftOut {
        /// The audio track, counted from one.
        track: usize,
        /// What the decoder said.
        reason: String,
    },
}

/// The spool cannot be written or recovered.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// There is a recording in the folder already.
    #[error("`{}` already holds a recording; recover it or choose another folder", dir.display())]
    Exists {
        /// The spool's folder.
        dir: PathBuf,
    },
    /// Another process is recording into it.
    #[error("`{}` is being recorded into by another process; stop that one first", dir.display())]
    InUse {
        /// The spool's folder.
        dir: PathBuf,
    },
    /// The folder holds no recording.
    #[error("`{}` holds no recording to recover", dir.display())]
    NotASpool {
        /// The folder.
        dir: PathBuf,
    },
    /// A later program wrote it.
    #[error("`{}` has spool format {found}, this program knows {known}; use the program that recorded it", path.display())]
    LaterFormat {
        /// The side file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// Disk full, rights, a broken disk.
    #[error("cannot write or read `{}`; is the disk full?", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Sound for a lane that was never added.
    #[error("the spool has no lane {lane}; add it first")]
    NoLane {
        /// The number given.
        lane: usize,
    },
}

/// A WAV file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`; is the disk full?", path.display())]
pub struct WavError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: hound::Error,
}
