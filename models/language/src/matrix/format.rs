//! How weights lie in a GGUF file: the block formats, and each block unpacked into codes, scales and offsets.
//!
//! Every quantized format is brought to one form: `weight = scale * code - offset`, a code being 0 to 255 and scale and
//! offset shared by a group of 16 or 32 codes. So one product serves them all. Source: the block layouts of ggml
//! (`ggml-common.h`, `ggml-quants.c`).

use candle_core::quantized::GgmlDType;
use half::{bf16, f16};

/// A way of writing weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// 32-bit floats.
    F32,
    /// 16-bit floats of IEEE 754.
    F16,
    /// The upper half of 32-bit floats.
    Bf16,
    /// 4 bits, 32 to a block, one scale.
    Q4_0,
    /// 4 bits, 32 to a block, scale and offset.
    Q4_1,
    /// 5 bits, 32 to a block, one scale.
    Q5_0,
    /// 5 bits, 32 to a block, scale and offset.
    Q5_1,
    /// 8 bits, 32 to a block, one scale.
    Q8_0,
    /// 4 bits, 256 to a block, 6-bit scales and offsets for each 32.
    Q4K,
    /// 5 bits, 256 to a block, 6-bit scales and offsets for each 32.
    Q5K,
    /// 6 bits, 256 to a block, 8-bit scales for each 16.
    Q6K,
}

/// Weights of the largest block.
pub(crate) const BLOCK_MAX: usize = 256;

/// Groups of the block with most of them.
const GROUPS_MAX: usize = 16;

/// One block as codes, scales and offsets; only the first entries of each are used by smaller blocks.
#[derive(Clone, Debug)]
pub(crate) struct Unpacked {
    pub(crate) codes: [u8; BLOCK_MAX],
    pub(crate) scales: [f32; GROUPS_MAX],
    pub(crate) offsets: [f32; GROUPS_MAX],
}

impl Unpacked {
    pub(crate) const EMPTY: Unpacked = Unpacked {
        codes: [0; BLOCK_MAX],
        scales: [0.0; GROUPS_MAX],
        offsets: [0.0; GROUPS_MAX],
    };
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 11] = [
        Format::F32,
        Format::F16,
        Format::Bf16,
        Format::Q4_0,
        Format::Q4_1,
        Format::Q5_0,
        Format::Q5_1,
        Format::Q8_0,
        Format::Q4K,
        Format::Q5K,
        Format::Q6K,
    ];

    /// The format of a GGUF tensor, if it is one of ours.
    pub(crate) fn of_ggml(kind: GgmlDType) -> Option<Format> {
        match kind {
            GgmlDType::F32 => Some(Format::F32),
            GgmlDType::F16 => Some(Format::F16),
            GgmlDType::BF16 => Some(Format::Bf16),
            GgmlDType::Q4_0 => Some(Format::Q4_0),
            GgmlDType::Q4_1 => Some(Format::Q4_1),
            GgmlDType::Q5_0 => Some(Format::Q5_0),
            GgmlDType::Q5_1 => Some(Format::Q5_1),
            GgmlDType::Q8_0 => Some(Format::Q8_0),
            GgmlDType::Q4K => Some(Format::Q4K),
            GgmlDType::Q5K => Some(Format::Q5K),
            GgmlDType::Q6K => Some(Format::Q6K),
            _ => None,
        }
    }

    /// Whether weights are plain floats.
    pub(crate) fn is_float(self) -> bool {
        matches!(self, Format::F32 | Format::F16 | Format::Bf16)
    }

    /// Weights of one block.
    pub(crate) fn block_weights(self) -> usize {
        match self {
            Format::F32 | Format::F16 | Format::Bf16 => 1,
            Format::Q4_0 | Format::Q4_1 | Format::Q5_0 | Format::Q5_1 | Format::Q8_0 => 32,
            Format::Q4K | Format::Q5K | Format::Q6K => 256,
        }
    }

    /// Bytes of one block.
    pub(crate) fn block_bytes(self) -> usize {
        match self {
            Format::F32 => 4,
            Format::F16 | Format::Bf16 => 2,
            Format::Q4_0 => 18,
            Format::Q4_1 => 20,
            Format::Q5_0 => 22,
            Format::Q5_1 => 24,
            Format::Q8_0 => 34,
            Format::Q4K => 144,
            Format::Q5K => 176,
            Format::Q6K => 210,
        }
    }

    /// Codes that share a scale.
    pub(crate) fn group(self) -> usize {
        if self == Format::Q6K { 16 } else { 32 }
    }

    /// Bytes of a row of `columns` weights, which must be whole blocks.
    pub(crate) fn row_bytes(self, columns: usize) -> usize {
        columns / self.block_weights() * self.block_bytes()
    }

    /// Unpacks one block of a quantized format.
    #[inline(always)]
    pub(crate) fn unpack(self, block: &[u8], unpacked: &mut Unpacked) {
        self.unpack_scales(block, unpacked);
        self.unpack_codes(block, unpacked);
    }

    /// Scales and offsets of one block of a quantized format.
    #[inline(always)]
    fn unpack_scales(self, block: &[u8], unpacked: &mut Unpacked) {
        let scale = half_at(block, 0);
        match self {
            Format::Q4_0 => unpacked.set_one(scale, 8.0 * scale),
            Format::Q5_0 => unpacked.set_one(scale, 16.0 * scale),
            Format::Q8_0 => unpacked.set_one(scale, 128.0 * scale),
            Format::Q4_1 | Format::Q5_1 => unpacked.set_one(scale, -half_at(block, 2)),
            Format::Q4K | Format::Q5K => unpacked.set_six_bit_scales(block),
            Format::Q6K => unpacked.set_eight_bit_scales(block),
            Format::F32 | Format::F16 | Format::Bf16 => unreachable!("floats have no scales"),
        }
    }

    /// Codes of one block of a quantized format.
    #[inline(always)]
    fn unpack_codes(self, block: &[u8], unpacked: &mut Unpacked) {
        let codes = &mut unpacked.codes;
        match self {
            Format::Q4_0 => nibbles(&block[2..18], codes),
            Format::Q4_1 => nibbles(&block[4..20], codes),
            Format::Q5_0 => {
                nibbles(&block[6..22], codes);
                fifth_bits(&block[2..6], codes);
            }
            Format::Q5_1 => {
                nibbles(&block[8..24], codes);
                fifth_bits(&block[4..8], codes);
            }
            Format::Q8_0 => codes
                .iter_mut()
                .zip(&block[2..34])
                .for_each(|(code, byte)| *code = byte ^ 0x80),
            Format::Q4K => {
                for (quarter, bytes) in block[16..144].as_chunks::<32>().0.iter().enumerate() {
                    let codes = &mut codes[64 * quarter..][..64];
                    codes[..32].copy_from_slice(&bytes.map(|byte| byte & 15));
                    codes[32..].copy_from_slice(&bytes.map(|byte| byte >> 4));
                }
            }
            Format::Q5K => {
                let high: &[u8; 32] = block[16..48].try_into().expect("32 bytes");
                for (quarter, bytes) in block[48..176].as_chunks::<32>().0.iter().enumerate() {
                    let codes = &mut codes[64 * quarter..][..64];
                    for (index, byte) in bytes.iter().enumerate() {
                        codes[index] = byte & 15 | (high[index] >> (2 * quarter) & 1) << 4;
                        codes[32 + index] = byte >> 4 | (high[index] >> (2 * quarter + 1) & 1) << 4;
                    }
                }
            }
            Format::Q6K => six_bit_codes(block, codes),
            Format::F32 | Format::F16 | Format::Bf16 => unreachable!("floats have no codes"),
        }
    }

    /// Unpacks a row into f32.
    pub(crate) fn to_floats(self, row: &[u8], floats: &mut [f32]) {
        match self {
            Format::F32 => floats
                .iter_mut()
                .zip(row.as_chunks::<4>().0)
                .for_each(|(float, bytes)| *float = f32::from_le_bytes(*bytes)),
            Format::F16 => floats
                .iter_mut()
                .zip(row.as_chunks::<2>().0)
                .for_each(|(float, bytes)| *float = f16::from_le_bytes(*bytes).to_f32()),
            Format::Bf16 => floats
                .iter_mut()
                .zip(row.as_chunks::<2>().0)
                .for_each(|(float, bytes)| *float = bf16::from_le_bytes(*bytes).to_f32()),
            _ => {
                let mut unpacked = Unpacked::EMPTY;
                let blocks = row.chunks_exact(self.block_bytes());
                for (block, floats) in blocks.zip(floats.chunks_exact_mut(self.block_weights())) {
                    self.unpack(block, &mut unpacked);
                    for (index, float) in floats.iter_mut().enumerate() {
                        let group = index / self.group();
                        *float = unpacked.scales[group] * f32::from(unpacked.codes[index]) - unpacked.offsets[group];
                    }
                }
            }
        }
    }
}

impl Unpacked {
    #[inline(always)]
    fn set_one(&mut self, scale: f32, offset: f32) {
        self.scales[0] = scale;
        self.offsets[0] = offset;
    }

    /// The twelve bytes of 6-bit scales and offsets of Q4_K and Q5_K.
    #[inline(always)]
    fn set_six_bit_scales(&mut self, block: &[u8]) {
        let (scale, offset) = (half_at(block, 0), half_at(block, 2));
        let (scales, offsets) = six_bit_pairs(&block[4..16]);
        for group in 0..8 {
            self.scales[group] = scale * f32::from(scales[group]);
            self.offsets[group] = offset * f32::from(offsets[group]);
        }
    }

    /// The sixteen signed bytes of Q6_K, whose codes count from 32.
    #[inline(always)]
    fn set_eight_bit_scales(&mut self, block: &[u8]) {
        let scale = half_at(block, 208);
        for group in 0..16 {
            let factor = scale * f32::from(block[192 + group].cast_signed());
            self.scales[group] = factor;
            self.offsets[group] = 32.0 * factor;
        }
    }
}

/// The codes of Q6_K: four low bits here, two high bits there.
#[inline(always)]
fn six_bit_codes(block: &[u8], codes: &mut [u8; BLOCK_MAX]) {
    for (half, codes) in codes.as_chunks_mut::<128>().0.iter_mut().enumerate() {
        let low: &[u8; 64] = block[64 * half..][..64].try_into().expect("64 bytes");
        let high: &[u8; 32] = block[128 + 32 * half..][..32].try_into().expect("32 bytes");
        for index in 0..32 {
            codes[index] = low[index] & 15 | (high[index] & 3) << 4;
            codes[32 + index] = low[32 + index] & 15 | (high[index] >> 2 & 3) << 4;
            codes[64 + index] = low[index] >> 4 | (high[index] >> 4 & 3) << 4;
            codes[96 + index] = low[32 + index] >> 4 | (high[index] >> 6) << 4;
        }
    }
}

/// Eight 6-bit scales and eight 6-bit offsets from 12 bytes: the first four of each in the low bits of bytes 0 to 7,
/// the rest in bytes 8 to 11 and the top bits of bytes 0 to 7.
#[inline(always)]
pub(crate) fn six_bit_pairs(bytes: &[u8]) -> ([u8; 8], [u8; 8]) {
    let word = |first: usize| u32::from_le_bytes(bytes[first..first + 4].try_into().expect("4 bytes"));
    let (first, second, third) = (word(0), word(4), word(8));
    let low = |word: u32| u64::from(word & 0x3F3F_3F3F);
    let top = |word: u32| (word >> 6 & 0x0303_0303) << 4;
    let scales = low(first) | u64::from(third & 0x0F0F_0F0F | top(first)) << 32;
    let offsets = low(second) | u64::from(third >> 4 & 0x0F0F_0F0F | top(second)) << 32;
    (scales.to_le_bytes(), offsets.to_le_bytes())
}

#[inline(always)]
fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// 16 bytes: low halves are codes 0 to 15, high halves 16 to 31.
#[inline(always)]
fn nibbles(bytes: &[u8], codes: &mut [u8; BLOCK_MAX]) {
    let bytes: [u8; 16] = bytes.try_into().expect("16 bytes");
    codes[..16].copy_from_slice(&bytes.map(|byte| byte & 15));
    codes[16..32].copy_from_slice(&bytes.map(|byte| byte >> 4));
}

/// One more bit for each of 32 codes.
#[inline(always)]
fn fifth_bits(bytes: &[u8], codes: &mut [u8; BLOCK_MAX]) {
    let bits = u32::from_le_bytes(bytes.try_into().expect("4 bytes"));
    for (index, code) in codes[..32].iter_mut().enumerate() {
        *code |= ((bits >> index & 1) as u8) << 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::testing::{random_blocks, reference_floats};

    /// candle's own dequantization is the reference.
    #[test]
    fn blocks_unpack_as_candle_does() {
        for format in Format::ALL {
            let columns = 512;
            let bytes = random_blocks(format, 3, columns, 7);
            let mut floats = vec![0.0; 3 * columns];
            let rows = bytes.chunks(format.row_bytes(columns));
            for (row, floats) in rows.zip(floats.chunks_mut(columns)) {
                format.to_floats(row, floats);
            }
            let expected = reference_floats(format, &bytes, 3, columns);
            for (index, (found, expected)) in floats.iter().zip(&expected).enumerate() {
                let tolerance = 1e-5 * expected.abs().max(0.1);
                assert!(
                    (found - expected).abs() <= tolerance,
                    "{format:?} {index}: {found}, {expected}"
                );
            }
        }
    }
}
