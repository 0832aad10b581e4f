//! A file, heard as if it were spoken now: all its lanes, at its own pace or as fast as the followers can.

use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use audio::{Block, Lane, LaneId, LaneReader, to_i16};

use super::{Pace, wait_for_followers};
use crate::live::progress::{PIECE_MS, Progress, SAMPLES_PER_MS};
use crate::live::recording::Piece;
use crate::live::stop::Stop;

/// Hands over the file; gives what was wrong with it.
pub(super) fn read(
    mut reader: LaneReader,
    pace: Pace,
    hand_over: &SyncSender<Piece>,
    progress: &Progress,
    stop: &Stop,
) -> anyhow::Result<Vec<String>> {
    let began = Instant::now();
    let mut known = 0;
    while let Some(block) = reader.next() {
        let name = |lane: &Lane| lane.name.as_ref().map(|_| lane.label());
        let mut joined: Vec<_> = reader.lanes()[known..].iter().map(name).collect();
        known = reader.lanes().len();
        let piece_samples = (PIECE_MS * SAMPLES_PER_MS) as usize;
        for from in (0..block.len).step_by(piece_samples) {
            let to = (from + piece_samples).min(block.len);
            let heard_ms = (block.start + to as u64) / SAMPLES_PER_MS;
            let goes_on = match pace {
                Pace::Times(times) => {
                    !stop.wait_until(began + Duration::from_secs_f64(heard_ms as f64 / 1000.0 / times))
                }
                Pace::Fast => wait_for_followers(progress, stop),
            };
            let piece = Piece {
                joined: std::mem::take(&mut joined),
                lanes: (0..known).map(|lane| sound(&block, LaneId(lane), from, to)).collect(),
                heard_ms,
            };
            if !goes_on || hand_over.send(piece).is_err() {
                return Ok(Vec::new());
            }
        }
    }
    Ok(reader.warnings().iter().map(ToString::to_string).collect())
}

/// The sound of a lane; silence where it is heard no more, so that all lanes keep one clock.
fn sound(block: &Block, lane: LaneId, from: usize, to: usize) -> Vec<i16> {
    block.lane(lane).map_or_else(
        || vec![0; to - from],
        |samples| samples[from..to].iter().copied().map(to_i16).collect(),
    )
}
