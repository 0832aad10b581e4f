//! Which channels of a track are one lane, and which stay apart.
//!
//! A first look at the track's sound decides ([`scene`]): channels that carry the same sound are mixed, others are kept
//! apart. It cannot see what comes later, so no decision of it loses sound:
//!
//! - A silent channel sleeps. It is delivered, as a lane of its own, from the block in which it is first heard.
//! - Channels that were mixed are watched. When they come to differ (the ringing tone is over, and each party is on its
//!   own channel), the mix ends and each goes on as a lane of its own, from the block in which it showed.
//! - Channels that were apart stay apart, even if they come to be the same: nothing is lost by it, and
//!   [`LaneLevels`](crate::LaneLevels) finds neither dominant.

mod scene;

pub(crate) use self::scene::{Group, Scene};
use crate::cross_talk::{FRAME_SAMPLES, SILENCE_DBFS, decibels, mean_square};
use crate::{Lane, LaneBlock, LaneId, SourceChannel};

/// The lanes of one track.
pub(crate) struct TrackLanes {
    track: usize,
    name: Option<String>,
    language: Option<String>,
    groups: Vec<WatchedGroup>,
}

struct WatchedGroup {
    group: Group,
    /// The lane it is delivered as, once it was heard.
    lane: Option<LaneId>,
    /// What its channels did lately; only of a mix.
    lately: Option<Scene>,
}

impl WatchedGroup {
    fn new(group: Group) -> Self {
        Self {
            lately: (group.members.len() > 1).then(|| Scene::new(group.members.len())),
            group,
            lane: None,
        }
    }
}

impl TrackLanes {
    /// The lanes of `track` as a first look at it grouped its channels.
    pub(crate) fn new(track: usize, name: Option<String>, language: Option<String>, groups: Vec<Group>) -> Self {
        Self {
            track,
            name,
            language,
            groups: groups.into_iter().map(WatchedGroup::new).collect(),
        }
    }

    /// Makes lanes of `planes`, one per channel of the track, that begin at sample `start`. Lanes that are heard for
    /// the first time are added to `lanes`.
    pub(crate) fn deliver(&mut self, planes: &[&[f32]], start: u64, lanes: &mut Vec<Lane>, out: &mut Vec<LaneBlock>) {
        self.split_diverged(planes);
        for watched in &mut self.groups {
            let samples = watched.group.mix(planes);
            if watched.lane.is_none() && is_heard(&watched.group, planes) {
                let id = LaneId(lanes.len());
                watched.lane = Some(id);
                lanes.push(Lane {
                    id,
                    name: self.name.clone(),
                    language: self.language.clone(),
                    channels: watched.group.channels(self.track),
                    start,
                });
            }
            out.extend(watched.lane.map(|lane| LaneBlock { lane, samples }));
        }
    }

    fn split_diverged(&mut self, planes: &[&[f32]]) {
        let mut groups = Vec::with_capacity(self.groups.len());
        for mut watched in self.groups.drain(..) {
            let diverged = watched.lately.as_mut().is_some_and(|lately| {
                let members = watched.group.members.iter().map(|member| planes[member.channel]);
                lately.push(&members.collect::<Vec<_>>());
                lately.has_diverged()
            });
            if diverged {
                groups.extend(watched.group.apart().into_iter().map(WatchedGroup::new));
            } else {
                groups.push(watched);
            }
        }
        self.groups = groups;
    }
}

impl Group {
    fn channels(&self, track: usize) -> Vec<SourceChannel> {
        let channel = |channel| SourceChannel { track, channel };
        self.members.iter().map(|member| channel(member.channel)).collect()
    }
}

/// Whether any channel of `group` is more than silent somewhere in `planes`.
fn is_heard(group: &Group, planes: &[&[f32]]) -> bool {
    let members = group.members.iter().map(|member| planes[member.channel]);
    members
        .flat_map(|plane| plane.chunks(FRAME_SAMPLES))
        .any(|frame| decibels(mean_square(frame)) > SILENCE_DBFS)
}
