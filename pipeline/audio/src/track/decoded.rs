//! One track decoded by symphonia: packets become sound on the track's own clock, at 16 kHz.

use std::time::Duration;

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::{FORMAT_ID_MKV, FORMAT_ID_WAVE};
use symphonia::core::packet::Packet;

use super::clock::TrackClock;
use super::container::{ContainerTrack, Fault, audio_parameters, guarded, make_decoder};
use super::resample::{RATES_HZ, Resampler};
use super::{CHANNELS_MAX, TrackSource};
use crate::{SAMPLE_RATE_HZ, Warning, pcm};

/// Packets of a track without sound, in a row, after which it has ended: a damaged table may promise milliards of them.
const EMPTY_PACKETS_MAX: u32 = 100_000;

/// The same for packets of other tracks in between: somebody who says nothing for hours among twenty others is passed.
const FOREIGN_PACKETS_MAX: u32 = 50_000_000;

/// No recording lasts longer than two days; a damaged table may.
const LENGTH_MAX: Duration = Duration::from_secs(48 * 3600);

pub(super) struct DecodedTrack {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    id: u32,
    /// Place among the audio tracks.
    place: usize,
    channels: usize,
    clock: TrackClock,
    resampler: Option<Resampler>,
    /// Of `planes`.
    rate_hz: u32,
    /// Decoded sound that waits for the silence before it.
    planes: Vec<Vec<f32>>,
    /// Frames of silence due before `planes`.
    silence: u64,
    /// Packets given to the decoder.
    packets: u64,
    /// How many of them it refused, and where the first was.
    damaged: Option<(u64, Duration)>,
    truncated: Option<Warning>,
    ended: bool,
}

impl DecodedTrack {
    pub(super) fn new(format: Box<dyn FormatReader>, track: ContainerTrack) -> Result<Self, String> {
        let ContainerTrack { id, place, info } = track;
        let track = format
            .tracks()
            .iter()
            .find(|track| track.id == id)
            .ok_or("the track is gone")?;
        let decoder = make_decoder(audio_parameters(track).ok_or("the track is no audio")?)?;
        Ok(Self {
            format,
            decoder,
            id,
            place,
            channels: info.channels,
            clock: TrackClock::new(info.delay, info.duration),
            resampler: None,
            rate_hz: SAMPLE_RATE_HZ,
            planes: Vec::new(),
            silence: 0,
            packets: 0,
            damaged: None,
            truncated: None,
            ended: false,
        })
    }

    /// Decodes up to the next packet with sound into `planes`; false at the end.
    fn decode_next(&mut self) -> bool {
        let (mut empty, mut foreign) = (0, 0);
        while empty < EMPTY_PACKETS_MAX && foreign < FOREIGN_PACKETS_MAX {
            let packet = match guarded(|| self.format.next_packet()) {
                Ok(Some(packet)) => packet,
                Ok(None) => return self.end(None),
                Err(Fault::Reset) if self.next_stream() => continue,
                Err(Fault::Reset) => return self.end(None),
                Err(Fault::Cut) if self.is_live() => return self.end(None),
                Err(Fault::Cut) => return self.end(Some("the file ends within a packet".to_owned())),
                Err(Fault::Broken(reason)) => return self.end(Some(reason)),
            };
            let stamp = self.stamp(&packet);
            stamp.inspect(|&stamp| self.clock.set_origin(stamp));
            if packet.track_id != self.id {
                foreign += 1;
            } else if self.clock.position() > LENGTH_MAX {
                return self.end(Some("longer than any recording".to_owned()));
            } else if let Some(rate_hz) = self.decode(&packet) {
                self.rate_hz = rate_hz;
                let gap = stamp.map_or(0.0, |stamp| self.clock.gap_before(stamp));
                self.silence = (gap * f64::from(rate_hz)).round() as u64;
                return true;
            } else {
                self.planes.clear();
                empty += 1;
            }
        }
        self.end(Some("no more sound in the packets".to_owned()))
    }

    /// The time stamp of `packet` in seconds.
    fn stamp(&self, packet: &Packet) -> Option<f64> {
        let track = self.format.tracks().iter().find(|track| track.id == packet.track_id)?;
        Some(track.time_base?.calc_time(packet.pts)?.as_secs_f64())
    }

    /// Decodes `packet` into `planes`, one per channel; its rate, if it held sound.
    fn decode(&mut self, packet: &Packet) -> Option<u32> {
        self.packets += 1;
        let decoded = guarded(|| {
            self.decoder.decode(packet).map(|sound| {
                sound.copy_to_vecs_planar(&mut self.planes);
                sound.spec().rate()
            })
        });
        let rate_hz = match decoded {
            Ok(rate_hz) => rate_hz,
            Err(Fault::Reset) => {
                self.decoder.reset();
                return None;
            }
            Err(Fault::Cut | Fault::Broken(_)) => {
                self.damaged.get_or_insert((0, self.clock.position())).0 += 1;
                return None;
            }
        };
        let has_sound = self.planes.first().is_some_and(|plane| !plane.is_empty());
        if !has_sound || !RATES_HZ.contains(&rate_hz) || self.planes.len() > CHANNELS_MAX {
            return None;
        }
        for sample in self.planes.iter_mut().flatten() {
            *sample = pcm::clean(*sample);
        }
        self.fit_channels();
        Some(rate_hz)
    }

    /// A stream that changes its channels on the way goes on as the mean of them in every planned channel.
    fn fit_channels(&mut self) {
        if self.planes.len() != self.channels {
            let scale = 1.0 / self.planes.len() as f32;
            let mut mean = vec![0.0; self.planes[0].len()];
            for plane in &self.planes {
                for (mean, sample) in mean.iter_mut().zip(plane) {
                    *mean += sample * scale;
                }
            }
            self.planes = vec![mean; self.channels];
        }
    }

    /// Goes on with the stream that follows in the same file, as in concatenated Ogg; false when it has no such track.
    fn next_stream(&mut self) -> bool {
        let mut audio = self
            .format
            .tracks()
            .iter()
            .filter(|track| audio_parameters(track).is_some());
        let Some((track, parameters)) = audio
            .nth(self.place)
            .and_then(|track| Some((track, audio_parameters(track)?)))
        else {
            return false;
        };
        let Ok(decoder) = make_decoder(parameters) else {
            return false;
        };
        (self.id, self.decoder) = (track.id, decoder);
        self.clock.restart();
        true
    }

    /// A Matroska file of a browser or a bot that writes it as it goes, or WAV through a pipe: it states no length, and
    /// its end looks to the demuxer like a cut, whole as it may be.
    fn is_live(&self) -> bool {
        self.clock.declared().is_none() && matches!(self.format.format_info().format, FORMAT_ID_MKV | FORMAT_ID_WAVE)
    }

    fn end(&mut self, reason: Option<String>) -> bool {
        self.ended = true;
        if self.clock.is_short() || reason.is_some() {
            self.truncated = Some(Warning::Truncated {
                track: self.place + 1,
                at: self.clock.position(),
                declared: self.clock.declared(),
                reason: reason.unwrap_or_else(|| "the file ends here".to_owned()),
            });
        }
        false
    }

    /// Hands `frames` frames of silence, or the decoded planes, to the resampler.
    fn push(&mut self, silence: Option<usize>, out: &mut [Vec<f32>]) {
        if self
            .resampler
            .as_ref()
            .is_none_or(|resampler| resampler.rate_hz() != self.rate_hz)
        {
            self.finish(out);
        }
        let resampler = self
            .resampler
            .get_or_insert_with(|| Resampler::new(self.rate_hz, self.channels).expect("`decode` checks the rate"));
        let zeros = vec![0.0; silence.unwrap_or(0)];
        let planes = match silence {
            Some(_) => vec![zeros.as_slice(); self.channels],
            None => self.planes.iter().map(Vec::as_slice).collect(),
        };
        resampler.push(&planes, out);
        self.clock.advance(planes[0].len() as f64 / f64::from(self.rate_hz));
    }

    fn finish(&mut self, out: &mut [Vec<f32>]) {
        if let Some(mut resampler) = self.resampler.take() {
            resampler.finish(out);
        }
    }
}

impl TrackSource for DecodedTrack {
    fn read(&mut self, out: &mut [Vec<f32>]) -> bool {
        if self.silence > 0 {
            // In pieces of a second: a gap may last for hours.
            let piece = self.silence.min(u64::from(self.rate_hz));
            self.silence -= piece;
            self.push(Some(piece as usize), out);
        } else if !self.planes.is_empty() {
            self.push(None, out);
            self.planes.clear();
        } else if self.ended || !self.decode_next() {
            self.finish(out);
        }
        !self.ended
    }

    fn warnings(&self) -> Vec<Warning> {
        let damaged = self.damaged.map(|(packets, first_at)| Warning::Damaged {
            track: self.place + 1,
            packets,
            first_at,
        });
        let jumped = self.clock.jumps().map(|(jumps, first_at)| Warning::ClockJumps {
            track: self.place + 1,
            jumps,
            first_at,
        });
        self.truncated.iter().cloned().chain(damaged).chain(jumped).collect()
    }

    fn damaged_share(&self) -> f32 {
        self.damaged
            .map_or(0.0, |(damaged, _)| damaged as f32 / self.packets as f32)
    }
}
