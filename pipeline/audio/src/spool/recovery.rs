//! What is there of a recording, whether it was finished or its recorder was killed.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{FORMAT_VERSION, SAMPLE_BYTES, SIDE_FILE, SideFile, SideLane, io_error, lane_path, lock};
use crate::block::duration_of;
use crate::reader::ReadyLane;
use crate::track::TrackSource;
use crate::{BLOCK_SAMPLES, LaneId, LaneReader, SpoolError, Warning, from_i16};

/// A recording on disk that nobody writes to any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredSpool {
    /// Its folder.
    pub dir: PathBuf,
    /// Its lanes.
    pub lanes: Vec<RecoveredLane>,
    /// Whether the recorder ended it; otherwise it was killed.
    pub finished: bool,
}

/// A lane of a recovered recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredLane {
    /// As it was added.
    pub name: Option<String>,
    /// As it was added.
    pub language: Option<String>,
    /// The file of its samples.
    pub path: PathBuf,
    /// How many there are.
    pub samples: u64,
}

/// Opens the recording in the folder `dir`, finished or not. Nothing is changed there.
///
/// # Errors
/// When there is none, it is still being recorded, a later program wrote it, or the disk is broken.
pub fn recover(dir: &Path) -> Result<RecoveredSpool, SpoolError> {
    // A folder that never was a spool must not get a lock file by being asked.
    if !dir.join(SIDE_FILE).exists() && !lane_path(dir, LaneId(0)).exists() {
        return Err(SpoolError::NotASpool { dir: dir.to_owned() });
    }
    let _lock = lock(dir)?;
    contents(dir)
}

/// What is in the folder, for who holds its lock.
pub(super) fn contents(dir: &Path) -> Result<RecoveredSpool, SpoolError> {
    let path = dir.join(SIDE_FILE);
    let text = match fs::read(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(source) => return Err(SpoolError::Io { path, source }),
    };
    // A side file that a broken disk lost costs the names, not the sound.
    let side = text.and_then(|text| serde_json::from_slice::<SideFile>(&text).ok());
    if let Some(found) = side
        .as_ref()
        .map(|side| side.format)
        .filter(|&format| format > FORMAT_VERSION)
    {
        let known = FORMAT_VERSION;
        return Err(SpoolError::LaterFormat { path, found, known });
    }
    let named = side.as_ref().map_or(&[][..], |side| &side.lanes);
    let mut lanes = Vec::new();
    while let Some(samples) = samples_in(&lane_path(dir, LaneId(lanes.len())))? {
        let SideLane { name, language } = named.get(lanes.len()).cloned().unwrap_or_default();
        let path = lane_path(dir, LaneId(lanes.len()));
        lanes.push(RecoveredLane {
            name,
            language,
            path,
            samples,
        });
    }
    Ok(RecoveredSpool {
        dir: dir.to_owned(),
        lanes,
        finished: side.is_some_and(|side| side.finished),
    })
}

/// Whole samples in the file; half of one, at the end, is what a crash left.
fn samples_in(path: &Path) -> Result<Option<u64>, SpoolError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len() / SAMPLE_BYTES)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(io_error(path)(source)),
    }
}

impl RecoveredSpool {
    /// How long its longest lane is.
    pub fn duration(&self) -> Duration {
        duration_of(self.lanes.iter().map(|lane| lane.samples).max().unwrap_or(0))
    }

    /// Reads it as any recording is read, its lanes as they were recorded.
    ///
    /// # Errors
    /// When a lane's file cannot be opened.
    pub fn read(&self) -> Result<LaneReader, SpoolError> {
        let open = |lane: &RecoveredLane| {
            let file = File::open(&lane.path).map_err(io_error(&lane.path))?;
            Ok(ReadyLane {
                name: lane.name.clone(),
                language: lane.language.clone(),
                source: Box::new(SpooledLane(BufReader::new(file.take(lane.samples * SAMPLE_BYTES)))),
            })
        };
        let lanes = self.lanes.iter().map(open).collect::<Result<_, SpoolError>>()?;
        Ok(LaneReader::of_lanes(lanes, self.duration()))
    }
}

struct SpooledLane(BufReader<io::Take<File>>);

impl TrackSource for SpooledLane {
    fn read(&mut self, out: &mut [Vec<f32>]) -> bool {
        let mut bytes = Vec::with_capacity(BLOCK_SAMPLES * SAMPLE_BYTES as usize);
        let piece = (BLOCK_SAMPLES as u64) * SAMPLE_BYTES;
        let read = self.0.by_ref().take(piece).read_to_end(&mut bytes);
        let (samples, _) = bytes.as_chunks::<2>();
        out[0].extend(samples.iter().map(|&sample| from_i16(i16::from_le_bytes(sample))));
        read.is_ok_and(|read| read as u64 == piece)
    }

    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }
}
