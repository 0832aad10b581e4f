//! The sound of a spool as files for players and other programs, and its levels on the way.

use std::path::{Path, PathBuf};

use audio::{
    BLOCK_SAMPLES, Block, LaneBlock, LaneFollower, LaneId, LaneLevels, RecoveredSpool, WAV_BYTES_MAX, WavFile,
};

/// Writes the recording to `<dir>/<name>.wav`, a channel for each lane, or a file for each where that would be too long
/// for WAV; `levels` take it in. The same spool gives the same bytes.
pub(super) fn write_recordings(
    spool: &RecoveredSpool,
    dir: &Path,
    name: &str,
    levels: &mut LaneLevels,
) -> anyhow::Result<Vec<PathBuf>> {
    let samples = spool.lanes.iter().map(|lane| lane.samples).max().unwrap_or(0);
    let lanes = spool.lanes.len();
    let is_one = samples * lanes as u64 * 2 <= WAV_BYTES_MAX;
    let paths: Vec<PathBuf> = if is_one {
        vec![dir.join(format!("{name}.wav"))]
    } else {
        (1..=lanes).map(|lane| dir.join(format!("{name}-{lane}.wav"))).collect()
    };
    let channels = if is_one { lanes } else { 1 };
    let mut files = Vec::with_capacity(paths.len());
    for path in &paths {
        files.push(WavFile::with_channels(path, u16::try_from(channels)?)?);
    }
    let mut interleaved = Vec::new();
    let mut followers = Vec::with_capacity(lanes);
    for lane in &spool.lanes {
        followers.push(LaneFollower::open(&lane.path, 0)?);
    }
    for start in (0..samples).step_by(BLOCK_SAMPLES) {
        let block = next_block(
            start,
            (samples - start).min(BLOCK_SAMPLES as u64) as usize,
            &mut followers,
        )?;
        levels.push(&block);
        if is_one {
            interleaved.clear();
            interleaved.extend((0..block.len).flat_map(|at| block.lanes.iter().map(move |lane| lane.samples[at])));
            files[0].write(&interleaved)?;
        } else {
            for (file, lane) in files.iter_mut().zip(&block.lanes) {
                file.write(&lane.samples)?;
            }
        }
    }
    for file in files {
        file.finish()?;
    }
    Ok(paths)
}

/// The next second of all lanes; a kill may have cut one shorter than another, and then silence follows.
fn next_block(start: u64, len: usize, followers: &mut [LaneFollower]) -> anyhow::Result<Block> {
    let mut lanes = Vec::with_capacity(followers.len());
    for (number, follower) in followers.iter_mut().enumerate() {
        let mut samples = Vec::with_capacity(len);
        follower.read(len, &mut samples)?;
        samples.resize(len, 0.0);
        lanes.push(LaneBlock {
            lane: LaneId(number),
            samples,
        });
    }
    Ok(Block { start, len, lanes })
}
