//! Raw samples as they come through a pipe: signed, 16 bits, little-endian, the channels in turn.

use std::io::{ErrorKind, Read};
use std::sync::mpsc::SyncSender;

use anyhow::{Context as _, bail};
use audio::{Resampler, from_i16, to_i16};

use crate::live::progress::PIECE_MS;
use crate::live::recording::Piece;

/// What the samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcmFormat {
    /// Samples a second of each channel.
    pub rate_hz: u32,
    /// Channels; each is a lane.
    pub channels: usize,
    /// Mix the channels to one lane.
    pub mix: bool,
}

impl PcmFormat {
    fn lanes(&self) -> usize {
        if self.mix { 1 } else { self.channels }
    }

    fn frame_bytes(&self) -> usize {
        self.channels * 2
    }

    /// To 16 kHz.
    pub(super) fn resampler(&self) -> anyhow::Result<Resampler> {
        if !(1..=64).contains(&self.channels) {
            bail!("--channels {} is not between 1 and 64", self.channels);
        }
        Resampler::new(self.rate_hz, self.lanes())
            .with_context(|| format!("--rate {} is no sampling rate: give 8000 to 192000", self.rate_hz))
    }

    /// The samples of whole frames, lane by lane.
    fn lanes_of(&self, bytes: &[u8]) -> Vec<Vec<f32>> {
        let (samples, _) = bytes.as_chunks::<2>();
        let mut lanes = vec![Vec::with_capacity(samples.len() / self.channels); self.lanes()];
        for frame in samples.chunks_exact(self.channels) {
            let mut frame = frame.iter().map(|&sample| from_i16(i16::from_le_bytes(sample)));
            if self.mix {
                lanes[0].push(frame.sum::<f32>() / self.channels as f32);
            } else {
                lanes.iter_mut().for_each(|lane| lane.extend(frame.next()));
            }
        }
        lanes
    }
}

/// Hands over what comes on `input` until it ends, at once and in pieces of a tenth of a second at most.
pub(super) fn read(
    mut input: impl Read,
    format: PcmFormat,
    mut resampler: Resampler,
    hand_over: &SyncSender<Piece>,
) -> anyhow::Result<Vec<String>> {
    let piece_frames = (u64::from(format.rate_hz) * PIECE_MS / 1000).max(1) as usize;
    let mut bytes = vec![0; piece_frames * format.frame_bytes()];
    let (mut filled, mut frames, mut joined) = (0, 0_u64, vec![None; format.lanes()]);
    loop {
        let count = match input.read(&mut bytes[filled..]) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("reading the sound"),
        };
        if frames == 0 && (bytes.starts_with(b"RIFF") || bytes.starts_with(b"fLaC") || bytes.starts_with(b"OggS")) {
            bail!("this is a file, not raw samples: give it with --file, or pipe it through `ffmpeg -i - -f s16le -`");
        }
        filled += count;
        let whole = filled / format.frame_bytes() * format.frame_bytes();
        let planes = format.lanes_of(&bytes[..whole]);
        bytes.copy_within(whole..filled, 0);
        filled -= whole;
        frames += (whole / format.frame_bytes()) as u64;
        let mut lanes = vec![Vec::new(); format.lanes()];
        if count == 0 {
            resampler.finish(&mut lanes);
        } else {
            let planes: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
            resampler.push(&planes, &mut lanes);
        }
        let piece = Piece {
            joined: std::mem::take(&mut joined),
            lanes: lanes
                .iter()
                .map(|lane| lane.iter().copied().map(to_i16).collect())
                .collect(),
            heard_ms: frames * 1000 / u64::from(format.rate_hz),
        };
        // Whoever wrote it down is gone when the end was asked for.
        if hand_over.send(piece).is_err() || count == 0 {
            return Ok(Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use proptest::prelude::*;

    use super::*;

    /// A pipe that gives as many bytes at a time as it likes.
    struct Dripping<'a>(&'a [u8], std::slice::Iter<'a, usize>);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self
                .1
                .next()
                .copied()
                .unwrap_or(usize::MAX)
                .min(buffer.len())
                .min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn heard(bytes: &[u8], drips: &[usize], format: PcmFormat) -> Vec<Vec<i16>> {
        let (hand_over, pieces) = std::sync::mpsc::sync_channel::<Piece>(1);
        let (tell, told) = channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut lanes = vec![Vec::new(); format.lanes()];
                for piece in pieces.iter() {
                    for (lane, samples) in lanes.iter_mut().zip(piece.lanes) {
                        lane.extend(samples);
                    }
                }
                tell.send(lanes).unwrap();
            });
            let input = Dripping(bytes, drips.iter());
            read(input, format, format.resampler().unwrap(), &hand_over).unwrap();
            drop(hand_over);
        });
        told.recv().unwrap()
    }

    fn bytes_of(samples: &[i16]) -> Vec<u8> {
        samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    proptest! {
        #[test]
        fn each_channel_is_a_lane_however_the_pipe_drips(
            frames in prop::collection::vec((any::<i16>(), any::<i16>()), 1..4000),
            drips in prop::collection::vec(1_usize..500, 0..200),
        ) {
            let format = PcmFormat { rate_hz: 16_000, channels: 2, mix: false };
            let samples: Vec<i16> = frames.iter().flat_map(|&(left, right)| [left, right]).collect();
            let (left, right): (Vec<i16>, Vec<i16>) = frames.into_iter().unzip();
            prop_assert_eq!(heard(&bytes_of(&samples), &drips, format), [left, right]);
        }
    }

    #[test]
    fn channels_are_mixed_and_rates_changed() {
        let mixed = PcmFormat {
            rate_hz: 16_000,
            channels: 2,
            mix: true,
        };
        assert_eq!(heard(&bytes_of(&[100, 300, -50, 50]), &[], mixed), [[200, 0]]);
        let fast = PcmFormat {
            rate_hz: 48_000,
            channels: 1,
            mix: false,
        };
        assert_eq!(heard(&bytes_of(&[0; 4800]), &[], fast)[0].len(), 1600);
    }

    #[test]
    fn a_file_is_not_taken_for_samples() {
        let format = PcmFormat {
            rate_hz: 16_000,
            channels: 1,
            mix: false,
        };
        let (hand_over, _pieces) = std::sync::mpsc::sync_channel(8);
        let error = read(
            &b"RIFF\0\0\0\0WAVE"[..],
            format,
            format.resampler().unwrap(),
            &hand_over,
        )
        .unwrap_err();
        assert!(error.to_string().contains("--file"), "{error}");
    }
}
