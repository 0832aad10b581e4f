//! Live sound on disk as it arrives, so that a crash, or `kill -9`, costs at most a second of it.
//!
//! ```text
//! <folder>/spool.json      format, and name and language of each lane; replaced whole or not at all
//! <folder>/lane-000.pcm    samples of the first lane: 16 kHz mono, 16 bits, little-endian, nothing else
//! ```
//!
//! There is no header to complete and no index to repair: the length of a lane is the length of its file. What was
//! handed to [`Spool::write`] is with the operating system when it returns, so that it survives the death of the
//! process; about a second later it is on the disk, so that it survives a power cut. The disk is waited for on a thread
//! of its own: a slow one does not hold up the sound that arrives. The folder is locked while it is recorded into; the
//! lock dies with the process. Other files in the folder are let alone. While it is recorded, a lane can be read:
//! [`LaneFollower`].

mod follower;
mod recovery;
mod sync_thread;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use scopeguard::{ScopeGuard, guard};
use serde::{Deserialize, Serialize};

pub use self::follower::LaneFollower;
pub use self::recovery::{RecoveredLane, RecoveredSpool, recover};
use self::sync_thread::SyncThread;
use crate::{LaneId, SAMPLE_RATE_HZ, SpoolError};

/// An open file that is locked, and free again when it is dropped.
type Lock = ScopeGuard<File, fn(File)>;

/// The layout that this program writes.
const FORMAT_VERSION: u32 = 1;

const SIDE_FILE: &str = "spool.json";
const LOCK_FILE: &str = ".lock";

/// Bytes of a sample.
const SAMPLE_BYTES: u64 = 2;

/// A power cut may cost this much.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// A recording being written.
pub struct Spool {
    dir: PathBuf,
    side: SideFile,
    lanes: Vec<LaneFile>,
    synced: Instant,
    background: SyncThread,
    // Held for its lock alone.
    _lock: Lock,
}

struct LaneFile {
    path: PathBuf,
    file: File,
    samples: u64,
    /// Whether there is something that was not synced.
    dirty: bool,
}

/// What the side file holds.
#[derive(Serialize, Deserialize)]
struct SideFile {
    format: u32,
    sample_rate_hz: u32,
    lanes: Vec<SideLane>,
    /// Whether the recording came to its proper end.
    finished: bool,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct SideLane {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

impl Spool {
    /// Begins a recording in the folder `dir`, which is made if it is missing.
    ///
    /// # Errors
    /// When it holds a recording already, or cannot be written to.
    pub fn create(dir: &Path) -> Result<Self, SpoolError> {
        fs::create_dir_all(dir).map_err(io_error(dir))?;
        let lock = lock(dir)?;
        if dir.join(SIDE_FILE).exists() {
            return Err(SpoolError::Exists { dir: dir.to_owned() });
        }
        let spool = Self {
            dir: dir.to_owned(),
            side: SideFile {
                format: FORMAT_VERSION,
                sample_rate_hz: SAMPLE_RATE_HZ,
                lanes: Vec::new(),
                finished: false,
            },
            lanes: Vec::new(),
            synced: Instant::now(),
            background: SyncThread::start().map_err(io_error(dir))?,
            _lock: lock,
        };
        spool.write_side_file()?;
        Ok(spool)
    }

    /// Adds a lane that begins at sample `start` of the recording; before it there is silence, which takes no room.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn add_lane(&mut self, name: Option<&str>, language: Option<&str>, start: u64) -> Result<LaneId, SpoolError> {
        let id = LaneId(self.lanes.len());
        let path = lane_path(&self.dir, id);
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        let file = file.map_err(io_error(&path))?;
        file.set_len(start * SAMPLE_BYTES).map_err(io_error(&path))?;
        self.lanes.push(LaneFile {
            path,
            file,
            samples: start,
            dirty: true,
        });
        // Last: a lane that the side file names is there.
        self.side.lanes.push(SideLane {
            name: name.map(str::to_owned),
            language: language.map(str::to_owned),
        });
        self.write_side_file()?;
        Ok(id)
    }

    /// Appends `samples`, 16 kHz mono, to `lane`. When it returns they outlive this process; a second later, and the time
    /// that the disk takes, they outlive the machine.
    ///
    /// # Errors
    /// When the disk is full or broken (of what was written before, perhaps), or there is no such lane.
    pub fn write(&mut self, lane: LaneId, samples: &[i16]) -> Result<(), SpoolError> {
        let file = self.lanes.get_mut(lane.0).ok_or(SpoolError::NoLane { lane: lane.0 })?;
        file.write(samples).map_err(io_error(&file.path))?;
        self.keep_synced()
    }

    /// Has everything brought to the disk, if a second has passed since it was last; does not wait for it.
    /// [`write`](Self::write) does so too: call it when no sound arrives.
    ///
    /// # Errors
    /// When the disk is full or broken.
    pub fn keep_synced(&mut self) -> Result<(), SpoolError> {
        self.background.failure()?;
        if self.synced.elapsed() < SYNC_INTERVAL || !self.background.is_free() {
            return Ok(());
        }
        let mut files = Vec::new();
        for lane in self.lanes.iter_mut().filter(|lane| lane.dirty) {
            files.push((lane.path.clone(), lane.file.try_clone().map_err(io_error(&lane.path))?));
            lane.dirty = false;
        }
        self.background.sync(files);
        self.synced = Instant::now();
        Ok(())
    }

    /// The file of `lane`, for a [`LaneFollower`].
    ///
    /// # Errors
    /// When there is no such lane.
    pub fn lane_path(&self, lane: LaneId) -> Result<&Path, SpoolError> {
        let file = self.lanes.get(lane.0).ok_or(SpoolError::NoLane { lane: lane.0 })?;
        Ok(&file.path)
    }

    /// Samples of `lane` so far, its silent beginning included.
    ///
    /// # Errors
    /// When there is no such lane.
    pub fn samples(&self, lane: LaneId) -> Result<u64, SpoolError> {
        let file = self.lanes.get(lane.0).ok_or(SpoolError::NoLane { lane: lane.0 })?;
        Ok(file.samples)
    }

    /// Brings everything to the disk, and waits for it.
    fn sync(&mut self) -> Result<(), SpoolError> {
        self.background.wait()?;
        for lane in self.lanes.iter_mut().filter(|lane| lane.dirty) {
            lane.file.sync_data().map_err(io_error(&lane.path))?;
            lane.dirty = false;
        }
        self.synced = Instant::now();
        Ok(())
    }

    /// Ends the recording, and opens it for reading.
    ///
    /// # Errors
    /// When the disk is full or broken.
    pub fn finish(mut self) -> Result<RecoveredSpool, SpoolError> {
        self.sync()?;
        self.side.finished = true;
        self.write_side_file()?;
        recovery::contents(&self.dir)
    }

    fn write_side_file(&self) -> Result<(), SpoolError> {
        let path = self.dir.join(SIDE_FILE);
        let partial = self.dir.join("spool.json.partial");
        let text = serde_json::to_vec_pretty(&self.side).expect("names and numbers are JSON");
        let write = || -> io::Result<()> {
            let mut file = File::create(&partial)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&partial, &path)?;
            // The folder too, or a power cut may forget the names of the files.
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(io_error(&path))
    }
}

impl LaneFile {
    fn write(&mut self, samples: &[i16]) -> io::Result<()> {
        let bytes = samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect::<Vec<_>>();
        self.dirty = true;
        let written = self.file.write_all(&bytes);
        if written.is_err() {
            // A full disk may have taken half a sample; without it the next write would swap the bytes of all.
            let _ = self.file.set_len(self.samples * SAMPLE_BYTES);
            return written;
        }
        self.samples += samples.len() as u64;
        Ok(())
    }
}

/// Locks the folder for one recorder.
fn lock(dir: &Path) -> Result<Lock, SpoolError> {
    let path = dir.join(LOCK_FILE);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(io_error(&path))?;
    match file.try_lock() {
        // Closing is not enough: a program that another thread is just starting has the file open too, until it runs.
        Ok(()) => Ok(guard(file, |file| drop(file.unlock()))),
        Err(TryLockError::WouldBlock) => Err(SpoolError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(SpoolError::Io { path, source }),
    }
}

fn lane_path(dir: &Path, lane: LaneId) -> PathBuf {
    dir.join(format!("lane-{:03}.pcm", lane.0))
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> SpoolError + use<> {
    let path = path.to_owned();
    move |source| SpoolError::Io {
        path: path.clone(),
        source,
    }
}
