//! One track decoded by symphonia: packets become sound on the track's own clock, at 16 kHz.

use std::time::Duration;

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::{FORMAT_ID_MKV, FORMAT_ID_WAVE};
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

use super::container::{ContainerTrack, Fault, audio_parameters, guarded, make_decoder};
use super::resample::{RATES_HZ, Resampler};
use super::{CHANNELS_MAX, TrackSource};
use crate::{SAMPLE_RATE_HZ, Warning, pcm};

/// A packet that begins this much after the end of the one before leaves a gap, which is filled with silence: somebody
/// joined late, was muted, or sent nothing while silent. Below it lie the delays of codecs and the millisecond clock of
/// Matroska. In seconds.
const GAP_MIN: f64 = 0.1;

/// A file whose first time stamp is at most this begins at zero, and what is missing before is silence. In seconds.
const ORIGIN_MIN: f64 = 1.0;

/// A longer gap is a damaged time stamp. In seconds.
const GAP_MAX: f64 = 4.0 * 3600.0;

/// The sound may end this much before the length that the file states, without being called truncated. In seconds.
const SHORTFALL_MAX: f64 = 1.0;

/// Packets of a track without sound, in a row, after which it has ended: a damaged table may promise milliards of them.
const EMPTY_PACKETS_MAX: u32 = 100_000;

/// The same for packets of other tracks in between: somebody who says nothing for hours among twenty others is passed.
const FOREIGN_PACKETS_MAX: u32 = 50_000_000;

/// No recording lasts longer than two days; a damaged table may. In seconds.
const LENGTH_MAX: f64 = 48.0 * 3600.0;

pub(super) struct DecodedTrack {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    time_base: Option<TimeBase>,
    id: u32,
    /// Place among the audio tracks.
    place: usize,
    channels: usize,
    declared: Option<Duration>,
    resampler: Option<Resampler>,
    /// Of `planes`.
    rate_hz: u32,
    /// Decoded sound that waits for the silence before it.
    planes: Vec<Vec<f32>>,
    /// Frames of silence due before `planes`.
    silence: u64,
    /// Length of the sound handed to the resampler, in seconds.
    position: f64,
    /// Taken off time stamps to have the position, in seconds.
    clock_offset: f64,
    has_origin: bool,
    /// Packets given to the decoder.
    packets: u64,
    /// How many of them it refused, and where the first was.
    damaged: Option<(u64, Duration)>,
    warnings: Vec<Warning>,
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
            time_base: track.time_base,
            format,
            decoder,
            id,
            place,
            channels: info.channels,
            declared: info.duration.map(|length| length + info.delay),
            resampler: None,
            rate_hz: SAMPLE_RATE_HZ,
            planes: Vec::new(),
            silence: 0,
            position: 0.0,
            clock_offset: -info.delay.as_secs_f64(),
            has_origin: false,
            packets: 0,
            damaged: None,
            warnings: Vec::new(),
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
            self.set_origin(&packet);
            if packet.track_id != self.id {
                foreign += 1;
            } else if !self.decode(&packet) {
                empty += 1;
            } else if self.position > LENGTH_MAX {
                return self.end(Some("longer than any recording".to_owned()));
            } else {
                return true;
            }
        }
        self.end(Some("no more sound in the packets".to_owned()))
    }

    /// A recording that was cut out of a longer one keeps the time stamps of that one. Its first packet, of whatever
    /// track, then is where its clock begins: the same for all tracks, as each is read from the start of the file.
    fn set_origin(&mut self, packet: &Packet) {
        if std::mem::replace(&mut self.has_origin, true) {
            return;
        }
        let track = self.format.tracks().iter().find(|track| track.id == packet.track_id);
        let time = track.and_then(|track| track.time_base?.calc_time(packet.pts));
        let origin = time.map_or(0.0, |time| time.as_secs_f64());
        if origin > ORIGIN_MIN {
            self.clock_offset += origin;
            // Whether the length that is stated counts from there is anybody's guess.
            self.declared = None;
        }
    }

    /// Decodes `packet` into `planes`, and says whether it held sound.
    fn decode(&mut self, packet: &Packet) -> bool {
        self.planes.clear();
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
                return false;
            }
            Err(Fault::Cut | Fault::Broken(_)) => {
                let first = (0, Duration::from_secs_f64(self.position));
                self.damaged.get_or_insert(first).0 += 1;
                return false;
            }
        };
        let frames = self.planes.first().map_or(0, Vec::len);
        if frames == 0 || !RATES_HZ.contains(&rate_hz) || self.planes.len() > CHANNELS_MAX {
            return false;
        }
        for sample in self.planes.iter_mut().flatten() {
            *sample = pcm::clean(*sample);
        }
        self.fit_channels();
        self.silence = self.gap_before(packet, rate_hz);
        self.rate_hz = rate_hz;
        true
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

    /// Frames of silence between the end of the sound so far and `packet`.
    fn gap_before(&mut self, packet: &Packet, rate_hz: u32) -> u64 {
        let Some(time) = self.time_base.and_then(|base| base.calc_time(packet.pts)) else {
            return 0;
        };
        let gap = time.as_secs_f64() - self.clock_offset - self.position;
        let beyond_end = self
            .declared
            .is_some_and(|all| self.position + gap > all.as_secs_f64() + GAP_MIN.max(1.0));
        if gap < GAP_MIN {
            0
        } else if gap > GAP_MAX || beyond_end {
            self.clock_offset += gap;
            self.warnings.push(Warning::ClockJump {
                track: self.place + 1,
                at: Duration::from_secs_f64(self.position),
            });
            0
        } else {
            (gap * f64::from(rate_hz)).round() as u64
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
        (self.id, self.time_base, self.decoder) = (track.id, track.time_base, decoder);
        // Its clock begins at zero again.
        self.clock_offset = -self.position;
        // The length that was stated is that of the first stream.
        self.declared = None;
        true
    }

    /// A Matroska file of a browser or a bot that writes it as it goes, or WAV through a pipe: it states no length, and
    /// its end looks to the demuxer like a cut, whole as it may be.
    fn is_live(&self) -> bool {
        self.declared.is_none() && matches!(self.format.format_info().format, FORMAT_ID_MKV | FORMAT_ID_WAVE)
    }

    fn end(&mut self, reason: Option<String>) -> bool {
        self.ended = true;
        let short = self
            .declared
            .is_some_and(|declared| declared.as_secs_f64() - self.position > SHORTFALL_MAX);
        if short || reason.is_some() {
            self.warnings.push(Warning::Truncated {
                track: self.place + 1,
                at: Duration::from_secs_f64(self.position),
                declared: self.declared,
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
        self.position += planes[0].len() as f64 / f64::from(self.rate_hz);
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
        self.warnings.iter().cloned().chain(damaged).collect()
    }

    fn damaged_share(&self) -> f32 {
        self.damaged
            .map_or(0.0, |(damaged, _)| damaged as f32 / self.packets as f32)
    }
}
