//! The thread that writes the sound: nothing it does waits for a model, a screen or a disk that is slow to sync.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use audio::{LaneId, Spool, SpoolError};

use super::progress::{LaneProgress, Progress};
use super::stop::Stop;

/// How often it looks whether the end is asked for while no sound comes.
const LOOK: Duration = Duration::from_millis(100);

/// Sound of all lanes over the same time, as a source hands it over.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Names of the lanes that join with this piece, after those that were there.
    pub(super) joined: Vec<Option<String>>,
    /// The samples of each lane, equally many.
    pub(super) lanes: Vec<Vec<i16>>,
    /// Up to where the source was heard, in milliseconds; what is still in a resampler included.
    pub(super) heard_ms: u64,
}

/// Writes pieces to the spool in `dir` until they end, or until the end is asked for.
///
/// # Errors
/// When the disk is full or broken; then the end is asked for.
pub(super) fn record(dir: &Path, pieces: Receiver<Piece>, progress: &Progress, stop: &Stop) -> Result<(), SpoolError> {
    let _end = End(progress);
    let recorded = write_all(dir, &pieces, progress, stop);
    if recorded.is_err() {
        stop.ask();
    }
    recorded
}

/// Tells the followers that no sound will come any more, whatever happened.
struct End<'a>(&'a Progress);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn write_all(dir: &Path, pieces: &Receiver<Piece>, progress: &Progress, stop: &Stop) -> Result<(), SpoolError> {
    let mut spool = Spool::create(dir)?;
    loop {
        match pieces.recv_timeout(LOOK) {
            Ok(piece) => write(&mut spool, piece, progress)?,
            Err(RecvTimeoutError::Timeout) if stop.is_asked() => break,
            Err(RecvTimeoutError::Timeout) => spool.keep_synced()?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if stop.is_asked() {
            // What was heard before is still taken.
            while let Ok(piece) = pieces.try_recv() {
                write(&mut spool, piece, progress)?;
            }
            break;
        }
    }
    spool.finish().map(drop)
}

fn write(spool: &mut Spool, piece: Piece, progress: &Progress) -> Result<(), SpoolError> {
    let known = progress.lanes();
    let start = known.first().map_or(0, |lane| lane.end);
    for name in piece.joined {
        let id = spool.add_lane(name.as_deref(), None, start)?;
        progress.add_lane(LaneProgress {
            path: spool.lane_path(id)?.to_owned(),
            name,
            start,
            end: start,
        });
    }
    for (number, samples) in piece.lanes.iter().enumerate() {
        spool.write(LaneId(number), samples)?;
    }
    let samples = piece.lanes.first().map_or(0, Vec::len) as u64;
    progress.grow(samples, piece.heard_ms);
    Ok(())
}
