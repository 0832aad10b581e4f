//! Sound that somebody sends, track by track, each piece with its place in the meeting: so that what is sent twice is
//! taken once, and what never comes is silence.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use audio::OpusPackets;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::wait_for_followers;
use crate::live::progress::{PIECE_MS, Progress, SAMPLES_PER_MS};
use crate::live::recording::Piece;
use crate::live::stop::Stop;

/// Frames that wait; who sends more is made to wait.
const FRAMES_MAX: usize = 16;
/// How far tracks may be apart: what lags further behind is silence. Until all have come this far, it is in memory alone.
const APART_SAMPLES_MAX: u64 = 1000 * SAMPLES_PER_MS;
/// A frame that is further ahead than this of what was sent before is a mistake.
const GAP_SAMPLES_MAX: u64 = 600_000 * SAMPLES_PER_MS;

/// What frames hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Samples at 16 kHz: signed, 16 bits, little-endian.
    Pcm,
    /// One Opus packet each.
    Opus,
}

/// A piece of one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFrame {
    /// Which track, from 0.
    pub track: usize,
    /// Where it begins, in samples at 16 kHz from the meeting's begin.
    pub position: u64,
    /// The sound, as the session's [`Coding`] says.
    pub payload: Vec<u8>,
}

/// The other end of a [`TrackInput`].
#[derive(Clone, Debug)]
pub struct TrackSender(Sender<Input>);

/// The meeting takes no more sound.
#[derive(Debug)]
pub struct Closed;

/// What comes from whoever sends.
#[derive(Debug)]
enum Input {
    Sound(TrackFrame),
    End,
}

/// Tracks whose sound is sent.
#[derive(Clone, Debug)]
pub struct TrackInput {
    names: Vec<Option<String>>,
    coding: Coding,
    pub(super) is_real_time: bool,
    // Taken when the meeting begins.
    input: Arc<Mutex<Option<Receiver<Input>>>>,
}

impl TrackInput {
    /// Tracks with these names. In real time they come as they are spoken, in time or not; otherwise the sender is made to
    /// wait for the recognizer.
    pub fn new(names: Vec<Option<String>>, coding: Coding, is_real_time: bool) -> (TrackSender, Self) {
        let (sender, input) = channel(FRAMES_MAX);
        let input = Self {
            names,
            coding,
            is_real_time,
            input: Arc::new(Mutex::new(Some(input))),
        };
        (TrackSender(sender), input)
    }

    pub(super) fn take(&self) -> anyhow::Result<Tracks> {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Tracks {
            input: input.context("the tracks are heard already")?,
            coding: self.coding,
            names: self.names.clone(),
            waits: !self.is_real_time,
        })
    }
}

impl TrackSender {
    /// Hands over a piece, as soon as there is room for it.
    ///
    /// # Errors
    /// When the meeting has ended.
    pub async fn send(&self, frame: TrackFrame) -> Result<(), Closed> {
        self.0.send(Input::Sound(frame)).await.map_err(|_| Closed)
    }

    /// Says that no more sound comes, as soon as there is room to say it.
    pub async fn end(&self) {
        // Where nobody listens it has ended.
        let _ = self.0.send(Input::End).await;
    }

    /// The same now; tells whether there was room.
    pub fn try_end(&self) -> bool {
        !matches!(
            self.0.try_send(Input::End),
            Err(tokio::sync::mpsc::error::TrySendError::Full(_))
        )
    }
}

/// Tracks that are being heard.
pub(super) struct Tracks {
    input: Receiver<Input>,
    coding: Coding,
    names: Vec<Option<String>>,
    waits: bool,
}

impl Tracks {
    /// Hands over what is sent until the sender ends it; gives what was wrong with the sound.
    pub(super) fn read(
        mut self,
        hand_over: &SyncSender<Piece>,
        progress: &Progress,
        stop: &Stop,
    ) -> anyhow::Result<Vec<String>> {
        let mut decoders: Vec<OpusPackets> = match self.coding {
            Coding::Pcm => Vec::new(),
            Coding::Opus => self.names.iter().map(|_| OpusPackets::default()).collect(),
        };
        let mut alignment = Alignment::new(self.names.len());
        let mut joined = self.names;
        let mut faults = Faults::default();
        let mut is_open = true;
        while is_open {
            let until = match self.input.blocking_recv() {
                Some(Input::Sound(frame)) => {
                    let samples = match self.coding {
                        Coding::Pcm => Some(samples_of(&frame.payload)),
                        Coding::Opus => decoders[frame.track].decode(&frame.payload),
                    };
                    match samples {
                        Some(samples) => {
                            faults.stray += u64::from(!alignment.take(frame.track, frame.position, &samples))
                        }
                        None => faults.damaged += 1,
                    }
                    alignment.common_end()
                }
                Some(Input::End) | None => {
                    is_open = false;
                    alignment.end()
                }
            };
            while let Some(lanes) = alignment.next_piece(until) {
                if self.waits && !wait_for_followers(progress, stop) {
                    return Ok(faults.warnings());
                }
                let piece = Piece {
                    joined: std::mem::take(&mut joined),
                    lanes,
                    heard_ms: alignment.written / SAMPLES_PER_MS,
                };
                // Whoever wrote it down is gone when the end was asked for.
                if hand_over.send(piece).is_err() {
                    return Ok(faults.warnings());
                }
            }
        }
        Ok(faults.warnings())
    }
}

/// Frames that could not be used.
#[derive(Default)]
struct Faults {
    damaged: u64,
    stray: u64,
}

impl Faults {
    fn warnings(&self) -> Vec<String> {
        let damaged = (self.damaged > 0).then(|| format!("{} packets that came were damaged", self.damaged));
        let stray = (self.stray > 0).then(|| format!("{} frames were far from where the meeting was", self.stray));
        damaged.into_iter().chain(stray).collect()
    }
}

fn samples_of(payload: &[u8]) -> Vec<i16> {
    let (samples, _) = payload.as_chunks::<2>();
    samples.iter().map(|&sample| i16::from_le_bytes(sample)).collect()
}

/// Brings tracks to one clock.
struct Alignment {
    /// Samples of each track that were handed over.
    written: u64,
    /// What came of each beyond that.
    waiting: Vec<VecDeque<i16>>,
}

impl Alignment {
    fn new(tracks: usize) -> Self {
        Self {
            written: 0,
            waiting: vec![VecDeque::new(); tracks],
        }
    }

    /// Takes `samples` of `track` from `position` on; `false` where that is out of all proportion.
    fn take(&mut self, track: usize, position: u64, samples: &[i16]) -> bool {
        let waiting = &mut self.waiting[track];
        let end = self.written + waiting.len() as u64;
        let gap = position.saturating_sub(end);
        if gap > GAP_SAMPLES_MAX {
            return false;
        }
        waiting.resize(waiting.len() + gap as usize, 0);
        // What is there already is not taken again.
        let known = usize::try_from(end.saturating_sub(position)).unwrap_or(usize::MAX);
        waiting.extend(samples.iter().skip(known));
        true
    }

    /// Up to where all tracks are known, or given up.
    fn common_end(&self) -> u64 {
        let least = self.waiting.iter().map(VecDeque::len).min().unwrap_or(0) as u64;
        (self.written + least).max(self.end().saturating_sub(APART_SAMPLES_MAX))
    }

    /// Up to where any track is known.
    fn end(&self) -> u64 {
        let most = self.waiting.iter().map(VecDeque::len).max().unwrap_or(0);
        self.written + most as u64
    }

    /// The next tenth of a second of all tracks, at most up to `until`; silence where nothing came.
    fn next_piece(&mut self, until: u64) -> Option<Vec<Vec<i16>>> {
        let count = until.saturating_sub(self.written).min(PIECE_MS * SAMPLES_PER_MS);
        if count == 0 {
            return None;
        }
        self.written += count;
        let count = count as usize;
        let next = |waiting: &mut VecDeque<i16>| {
            let mut piece: Vec<i16> = waiting.drain(..waiting.len().min(count)).collect();
            piece.resize(count, 0);
            piece
        };
        Some(self.waiting.iter_mut().map(next).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drained(alignment: &mut Alignment, until: u64, heard: &mut [Vec<i16>]) {
        while let Some(piece) = alignment.next_piece(until) {
            for (heard, piece) in heard.iter_mut().zip(piece) {
                heard.extend(piece);
            }
        }
    }

    proptest! {
        /// However it is cut, repeated and interleaved, sound stands where its position says.
        #[test]
        fn sound_stands_where_it_was_sent_to(
            lengths in prop::collection::vec(1_usize..3000, 2),
            cuts in prop::collection::vec((0_usize..2, 1_usize..400, 0_usize..200), 1..120),
        ) {
            let sent: Vec<Vec<i16>> = lengths.iter().enumerate()
                .map(|(track, &length)| (0..length).map(|at| (at as i16 + 1) * if track == 0 { 1 } else { -1 }).collect())
                .collect();
            let mut alignment = Alignment::new(2);
            let mut heard = vec![Vec::new(); 2];
            let mut ends = [0_usize; 2];
            let send = |track: usize, length: usize, back: usize, ends: &mut [usize; 2], alignment: &mut Alignment| {
                let from = ends[track].saturating_sub(back);
                let to = (ends[track] + length).min(sent[track].len());
                assert!(alignment.take(track, from as u64, &sent[track][from..to]));
                ends[track] = to;
            };
            for (track, length, back) in cuts {
                send(track, length, back, &mut ends, &mut alignment);
                let until = alignment.common_end();
                drained(&mut alignment, until, &mut heard);
            }
            for track in 0..2 {
                send(track, 3000, 0, &mut ends, &mut alignment);
            }
            let until = alignment.end();
            drained(&mut alignment, until, &mut heard);
            let longest = *lengths.iter().max().unwrap();
            for (mut sent, heard) in sent.into_iter().zip(heard) {
                sent.resize(longest, 0);
                prop_assert_eq!(sent, heard);
            }
        }
    }

    #[test]
    fn a_track_that_lags_is_silent_and_a_gap_is_too() {
        let mut alignment = Alignment::new(2);
        assert!(alignment.take(0, 0, &[7; 20_000]));
        assert_eq!(alignment.common_end(), 4000);
        let mut heard = vec![Vec::new(); 2];
        drained(&mut alignment, 4000, &mut heard);
        assert_eq!((heard[0].len(), &heard[1]), (4000, &vec![0; 4000]));
        // What comes too late for its place is left out, the rest is not.
        assert!(alignment.take(1, 3000, &[9; 2000]));
        assert!(alignment.take(1, 6000, &[5; 10]));
        drained(&mut alignment, 6010, &mut heard);
        assert_eq!(heard[1][4000..5000], [9; 1000]);
        assert_eq!(heard[1][5000..6000], [0; 1000]);
        assert_eq!(heard[1][6000..], [5; 10]);
        assert!(!alignment.take(1, u64::MAX - 3, &[1]));
    }
}
