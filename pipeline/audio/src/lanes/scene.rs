//! Do these channels carry the same sound? Levels and correlations of channels over frames of 20 ms.
//!
//! Two channels are the same when their samples correlate (a mono recording in stereo, at whatever gain or polarity).
//! They are also the same scene when their levels go up and down together: two microphones in one room, where the
//! delay between them destroys the correlation of samples but nobody is near one of them alone. Otherwise they are
//! independent: one speaker each.

use crate::cross_talk::{FRAME_SAMPLES, SILENCE_DBFS, decibels, mean_square};

/// Correlation of samples, of either sign, above which two channels are the same sound.
const SAME_CORRELATION: f32 = 0.95;

/// Frames louder than the quietest by this much count as active, in dB: what is only noise says nothing about speakers.
const ACTIVE_DB: f32 = 10.0;

/// Least share of sounding frames that must be active for levels to be compared on them alone; a steady tone has none.
const ACTIVE_SHARE_MIN: f32 = 0.05;

/// In one scene most frames differ by the same gain, give or take this, in dB: the measure of dominance.
const SCENE_SPREAD_DB: f32 = 6.0;

/// In one scene the gain between two microphones is at most this, in dB; more is one speaker's own microphone.
const SCENE_GAIN_MAX_DB: f32 = 12.0;

/// Share of active frames that must follow the common gain.
const SCENE_SHARE_MIN: f32 = 0.8;

/// A mix is judged anew over this many sounding frames: 20 s.
const WATCHED_FRAMES: usize = 1_000;

/// Below this correlation a mix is broken up, in any window; well under the value that makes one, so that it does not
/// flutter.
const DIVERGED_CORRELATION: f32 = 0.5;

/// Channels that are delivered as one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) members: Vec<Member>,
}

/// A channel in a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) channel: usize,
    /// Of opposite polarity to the first: added as it is, it would cancel the others.
    pub(crate) inverted: bool,
}

/// Frames of several channels that sound at the same time.
pub(crate) struct Scene {
    channels: usize,
    /// Per channel, the power of each frame in which any channel is heard.
    powers: Vec<Vec<f32>>,
    /// Per pair of channels, in the order of [`pairs`], the mean product of samples in each such frame.
    products: Vec<Vec<f32>>,
}

impl Group {
    /// The channel alone.
    pub(crate) fn of(channel: usize) -> Self {
        let inverted = false;
        Self {
            members: vec![Member { channel, inverted }],
        }
    }

    /// Each member alone.
    pub(crate) fn apart(&self) -> Vec<Self> {
        self.members.iter().map(|member| Self::of(member.channel)).collect()
    }

    /// The mean of the members, of their planes among those of all channels.
    pub(crate) fn mix(&self, planes: &[&[f32]]) -> Vec<f32> {
        let scale = 1.0 / self.members.len() as f32;
        let (first, others) = self.members.split_first().expect("a group has a member");
        let mut mix = planes[first.channel].to_vec();
        for member in others {
            let sign = if member.inverted { -1.0 } else { 1.0 };
            for (mix, sample) in mix.iter_mut().zip(planes[member.channel]) {
                *mix += sign * sample;
            }
        }
        if !others.is_empty() {
            mix.iter_mut().for_each(|sample| *sample *= scale);
        }
        mix
    }
}

impl Scene {
    /// A scene of `channels` channels, of which nothing was heard yet.
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            channels,
            powers: vec![Vec::new(); channels],
            products: vec![Vec::new(); pairs(channels).count()],
        }
    }

    /// Takes the next sound, one plane per channel, whole frames of it.
    pub(crate) fn push(&mut self, planes: &[&[f32]]) {
        let frames = planes.first().map_or(0, |plane| plane.len() / FRAME_SAMPLES);
        for frame in 0..frames {
            let span = frame * FRAME_SAMPLES..(frame + 1) * FRAME_SAMPLES;
            let powers = planes
                .iter()
                .map(|plane| mean_square(&plane[span.clone()]))
                .collect::<Vec<_>>();
            if powers.iter().all(|&power| decibels(power) <= SILENCE_DBFS) {
                continue;
            }
            for (kept, power) in self.powers.iter_mut().zip(powers) {
                kept.push(power);
            }
            for ((a, b), kept) in pairs(self.channels).zip(&mut self.products) {
                let product = planes[a][span.clone()]
                    .iter()
                    .zip(&planes[b][span.clone()])
                    .map(|(a, b)| a * b);
                kept.push(product.sum::<f32>() / FRAME_SAMPLES as f32);
            }
        }
    }

    /// Frames in which any channel was heard.
    pub(crate) fn sounding_frames(&self) -> usize {
        self.powers.first().map_or(0, Vec::len)
    }

    /// The channels, those that are the same together. A silent channel is like none.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for channel in 0..self.channels {
            let like = groups.iter_mut().find_map(|group| {
                let inverted = self.sameness(group.members[0].channel, channel)?;
                Some((group, inverted))
            });
            match like {
                Some((group, inverted)) => group.members.push(Member { channel, inverted }),
                None => groups.push(Group::of(channel)),
            }
        }
        groups
    }

    /// Whether channels that were mixed differ by now. Judges each window once, then begins another.
    pub(crate) fn has_diverged(&mut self) -> bool {
        if self.sounding_frames() < WATCHED_FRAMES {
            return false;
        }
        let diverged = (1..self.channels).any(|channel| {
            let active = self.active_frames(0, channel);
            self.correlation(0, channel, &active).abs() < DIVERGED_CORRELATION
                && !self.is_one_scene(0, channel, &active)
        });
        *self = Self::new(self.channels);
        diverged
    }

    /// `Some` when `a` and `b`, `a < b`, carry the same sound; whether with opposite polarity.
    fn sameness(&self, a: usize, b: usize) -> Option<bool> {
        let active = self.active_frames(a, b);
        let correlation = self.correlation(a, b, &active);
        if correlation.abs() > SAME_CORRELATION {
            Some(correlation < 0.0)
        } else {
            self.is_one_scene(a, b, &active).then_some(false)
        }
    }

    /// Frames in which one of the two channels is well above the quietest.
    fn active_frames(&self, a: usize, b: usize) -> Vec<usize> {
        let louder = |frame: usize| decibels(self.powers[a][frame].max(self.powers[b][frame]));
        let heard = (0..self.sounding_frames())
            .filter(|&frame| louder(frame) > SILENCE_DBFS)
            .collect::<Vec<_>>();
        let mut levels = heard.iter().map(|&frame| louder(frame)).collect::<Vec<_>>();
        levels.sort_by(f32::total_cmp);
        let floor = levels.get(levels.len() / 10).copied().unwrap_or(SILENCE_DBFS);
        let active = heard
            .iter()
            .copied()
            .filter(|&frame| louder(frame) > floor + ACTIVE_DB)
            .collect::<Vec<_>>();
        if active.len() as f32 >= heard.len() as f32 * ACTIVE_SHARE_MIN {
            active
        } else {
            heard
        }
    }

    /// Pearson's correlation of the samples in `frames`; zero where one of the channels is silent.
    fn correlation(&self, a: usize, b: usize, frames: &[usize]) -> f32 {
        let pair = pairs(self.channels)
            .position(|pair| pair == (a, b))
            .expect("a < b < channels");
        let sum = |values: &[f32]| frames.iter().map(|&frame| f64::from(values[frame])).sum::<f64>();
        let scale = (sum(&self.powers[a]) * sum(&self.powers[b])).sqrt();
        if scale > 0.0 {
            (sum(&self.products[pair]) / scale) as f32
        } else {
            0.0
        }
    }

    /// Whether the levels of both channels go together in `frames`.
    fn is_one_scene(&self, a: usize, b: usize, frames: &[usize]) -> bool {
        // The floor keeps digital silence finite.
        let level = |power: f32| decibels(power.max(1e-10));
        let mut gains = frames
            .iter()
            .map(|&frame| level(self.powers[a][frame]) - level(self.powers[b][frame]));
        let mut gains = gains.by_ref().collect::<Vec<_>>();
        gains.sort_by(f32::total_cmp);
        let Some(&median) = gains.get(gains.len() / 2) else {
            return false;
        };
        let following = gains
            .iter()
            .filter(|gain| (*gain - median).abs() <= SCENE_SPREAD_DB)
            .count();
        median.abs() <= SCENE_GAIN_MAX_DB && following as f32 >= gains.len() as f32 * SCENE_SHARE_MIN
    }
}

/// All pairs of channels, the lesser first.
fn pairs(channels: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..channels).flat_map(move |a| (a + 1..channels).map(move |b| (a, b)))
}
