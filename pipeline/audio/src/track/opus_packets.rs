//! Opus packets as they come over a network, without a container around them, to 16 kHz mono. libopus changes the rate and
//! mixes the channels itself, so that a packet of 20 ms is 320 samples, at once.

use symphonia::core::audio::layouts::CHANNEL_LAYOUT_MONO;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::container::{guarded, make_decoder};
use crate::{SAMPLE_RATE_HZ, pcm};

/// Decodes the packets of one track, in order.
pub struct OpusPackets {
    decoder: Box<dyn AudioDecoder>,
    planes: Vec<Vec<f32>>,
}

impl Default for OpusPackets {
    fn default() -> Self {
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(CODEC_ID_OPUS)
            .with_sample_rate(SAMPLE_RATE_HZ)
            .with_channels(CHANNEL_LAYOUT_MONO);
        Self {
            decoder: make_decoder(&parameters).expect("libopus is linked and decodes to 16 kHz mono"),
            planes: Vec::new(),
        }
    }
}

impl OpusPackets {
    /// The samples of the next packet; `None` where it is damaged.
    pub fn decode(&mut self, packet: &[u8]) -> Option<Vec<i16>> {
        // To libopus no bytes are a packet that was lost, for which it makes sound up.
        if packet.is_empty() {
            return None;
        }
        let packet = Packet::new(0, Timestamp::default(), Duration::default(), packet);
        let decoded = guarded(|| {
            let sound = self.decoder.decode(&packet)?;
            sound.copy_to_vecs_planar(&mut self.planes);
            Ok(())
        });
        let plane = self.planes.first().filter(|_| decoded.is_ok())?;
        Some(plane.iter().map(|&sample| pcm::to_i16(pcm::clean(sample))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_as_long_as_they_say_and_damaged_ones_are_none() {
        let mut packets = OpusPackets::default();
        // A packet of one byte names its length and holds nothing (RFC 6716, section 3.1): silence.
        let check = |packets: &mut OpusPackets, packet: &[u8], samples: Option<usize>| {
            assert_eq!(
                packets.decode(packet).map(|decoded| decoded.len()),
                samples,
                "{packet:?}"
            );
        };
        check(&mut packets, &[1 << 3], Some(320));
        check(&mut packets, &[3 << 3], Some(960));
        check(&mut packets, &[], None);
        check(&mut packets, &[0xff, 0xff, 0xff], None);
        check(&mut packets, &[1 << 3], Some(320));
    }
}
