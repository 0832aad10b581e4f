//! Whose lane it is: where each participant has a microphone, every microphone hears the others too, but its own
//! speaker loudest.

use std::collections::VecDeque;

use crate::{Block, LaneId, SAMPLE_RATE_HZ};

/// Length of a level frame in samples: 20 ms, a few periods of the lowest voice.
pub const FRAME_SAMPLES: usize = SAMPLE_RATE_HZ as usize / 50;

/// A lane dominates when it is this much louder than every other, in dB: the project's measurements on speech recorded
/// with one channel per speaker.
const DOMINANCE_DB: f32 = 6.0;

/// Below this nobody speaks, in dBFS: the noise of an open microphone lies above it, that of an idle input below.
pub(crate) const SILENCE_DBFS: f32 = -70.0;

/// Levels are kept in steps of half a decibel, one byte each: 1.4 MB per lane for eight hours.
const STEPS_PER_DB: f32 = 2.0;

/// Who is heard in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dominance {
    /// Nobody: every lane is silent.
    Nobody,
    /// This lane alone; what the others carry is cross-talk.
    Lane(LaneId),
    /// Several lanes at similar levels: people speak at once, or share a room.
    Shared,
}

/// The levels of all lanes, frame by frame.
#[derive(Clone, Debug, Default)]
pub struct LaneLevels {
    /// Per lane, one level per frame from `first` on, in steps above silence.
    lanes: Vec<VecDeque<u8>>,
    /// Frames that were forgotten.
    first: u64,
    /// Frames seen in all.
    frames: u64,
}

impl LaneLevels {
    /// Takes the next block of the recording. Blocks come in order, without gaps.
    pub fn push(&mut self, block: &Block) {
        let frames = block.len.div_ceil(FRAME_SAMPLES);
        let kept = (self.frames - self.first) as usize;
        for lane in &block.lanes {
            if self.lanes.len() <= lane.lane.0 {
                self.lanes.resize(lane.lane.0 + 1, VecDeque::from(vec![0; kept]));
            }
            let levels = lane
                .samples
                .chunks(FRAME_SAMPLES)
                .map(|frame| to_steps(mean_square(frame)));
            self.lanes[lane.lane.0].extend(levels);
        }
        self.frames += frames as u64;
        for levels in &mut self.lanes {
            levels.resize(kept + frames, 0);
        }
    }

    /// Forgets what lies before `sample`, so that a stream of any length takes the same memory.
    pub fn forget_before(&mut self, sample: u64) {
        let frame = (sample / FRAME_SAMPLES as u64).clamp(self.first, self.frames);
        for levels in &mut self.lanes {
            levels.drain(..(frame - self.first) as usize);
        }
        self.first = frame;
    }

    /// Who is heard in the frame that holds `sample`.
    pub fn dominant_at(&self, sample: u64) -> Dominance {
        self.dominant_within(sample, sample + 1)
    }

    /// Who is heard from `start` up to `end`, in samples, by the energy of the whole span: a word's, for attribution.
    /// A span that was forgotten or is yet to come holds nobody.
    pub fn dominant_within(&self, start: u64, end: u64) -> Dominance {
        let frame = |sample: u64| (sample.clamp(self.first, self.frames) - self.first) as usize;
        let from = frame(start / FRAME_SAMPLES as u64);
        let to = frame(end.div_ceil(FRAME_SAMPLES as u64)).max(from);
        let energy = |levels: &VecDeque<u8>| levels.range(from..to).map(|&steps| from_steps(steps)).sum::<f32>();
        let energies = self.lanes.iter().map(energy).collect::<Vec<_>>();
        dominant(&energies)
    }
}

/// Who dominates, given the energy of each lane over the same time.
fn dominant(energies: &[f32]) -> Dominance {
    let loudest = energies.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
    let Some((lane, &energy)) = loudest.filter(|(_, energy)| **energy > 0.0) else {
        return Dominance::Nobody;
    };
    let next = energies.iter().enumerate().filter(|(other, _)| *other != lane);
    let next = next.map(|(_, &energy)| energy).fold(0.0, f32::max);
    if energy >= next * 10.0_f32.powf(DOMINANCE_DB / 10.0) {
        Dominance::Lane(LaneId(lane))
    } else {
        Dominance::Shared
    }
}

/// The mean of the squares of `samples`: their power.
pub(crate) fn mean_square(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32
}

/// A power in dB relative to full scale; silence is minus infinity.
pub(crate) fn decibels(power: f32) -> f32 {
    10.0 * power.log10()
}

/// Steps above silence, zero for silence.
fn to_steps(power: f32) -> u8 {
    // The cast saturates, which takes minus infinity to zero.
    ((decibels(power) - SILENCE_DBFS) * STEPS_PER_DB).round() as u8
}

fn from_steps(steps: u8) -> f32 {
    if steps == 0 {
        return 0.0;
    }
    10.0_f32.powf((f32::from(steps) / STEPS_PER_DB + SILENCE_DBFS) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LaneBlock;

    /// One block of a second; each lane's level in dBFS, or no lane.
    fn block(start: u64, levels: &[Option<f32>]) -> Block {
        let lane = |(lane, level): (usize, &Option<f32>)| {
            level.map(|level| LaneBlock {
                lane: LaneId(lane),
                samples: vec![10.0_f32.powf(level / 20.0); 16_000],
            })
        };
        Block {
            start,
            len: 16_000,
            lanes: levels.iter().enumerate().filter_map(lane).collect(),
        }
    }

    fn check(levels: &[Option<f32>], expected: Dominance) {
        let mut lanes = LaneLevels::default();
        lanes.push(&block(0, levels));
        assert_eq!(lanes.dominant_within(0, 16_000), expected, "{levels:?}");
        assert_eq!(lanes.dominant_at(8_000), expected, "{levels:?}");
    }

    #[test]
    fn six_decibels_make_a_speaker() {
        check(&[Some(-20.0), Some(-27.0)], Dominance::Lane(LaneId(0)));
        check(&[Some(-27.0), Some(-20.0), Some(-40.0)], Dominance::Lane(LaneId(1)));
        check(&[Some(-20.0), Some(-25.0)], Dominance::Shared);
        check(&[Some(-90.0), Some(-80.0)], Dominance::Nobody);
        check(&[], Dominance::Nobody);
        check(&[None, Some(-60.0)], Dominance::Lane(LaneId(1)));
        check(&[Some(-20.0)], Dominance::Lane(LaneId(0)));
    }

    #[test]
    fn lanes_that_wake_later_and_forgotten_time_keep_their_place() {
        let mut lanes = LaneLevels::default();
        lanes.push(&block(0, &[Some(-20.0)]));
        lanes.push(&block(16_000, &[Some(-60.0), Some(-20.0)]));
        lanes.push(&block(32_000, &[None, None]));
        let heard = |lanes: &LaneLevels| [8_000, 24_000, 40_000, 56_000].map(|sample| lanes.dominant_at(sample));
        let (first, second) = (Dominance::Lane(LaneId(0)), Dominance::Lane(LaneId(1)));
        assert_eq!(heard(&lanes), [first, second, Dominance::Nobody, Dominance::Nobody]);
        lanes.forget_before(16_000);
        assert_eq!(
            heard(&lanes),
            [Dominance::Nobody, second, Dominance::Nobody, Dominance::Nobody]
        );
        assert_eq!(lanes.lanes[0].len(), 100);
    }
}
