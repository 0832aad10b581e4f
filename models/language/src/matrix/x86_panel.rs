//! Eight rows of weights at a time, their codes turned into steps of four inputs for eight outputs and their scales into
//! columns: how panels are filled on AVX2.
#![allow(
    unsafe_code,
    reason = "vector registers are filled from raw pointers, on processors that have them"
)]

use std::arch::x86_64::*;

use super::panel::Step;
use super::x86_rows::{fifth_bits, negated, nibbles};
use super::{Format, TileRow};

/// Rows that are turned together.
pub(super) const ROWS: usize = 8;

/// Asks for bytes that are needed soon; nothing is read, so they need not exist.
pub(super) fn prefetch(first: *const u8, bytes: usize) {
    for line in (0..bytes).step_by(64) {
        // SAFETY: a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(first.wrapping_add(line).cast()) };
    }
}

/// Unpacks the scales and offsets of eight rows into the columns from `column` on; `rows` begin at the first block of
/// `scales`, which are a whole number of blocks.
///
/// # Safety
/// The processor has AVX2 and F16C; all rows can be read; `column` is at most 24; the format is quantized; there are as
/// many offsets as scales.
#[target_feature(enable = "avx2,f16c")]
pub(super) unsafe fn unpack_scales(
    format: Format,
    rows: [*const u8; ROWS],
    scales: &mut [TileRow],
    offsets: &mut [TileRow],
    column: usize,
) {
    let groups = format.block_weights() / format.group();
    let blocks = scales.chunks_exact_mut(groups).zip(offsets.chunks_exact_mut(groups));
    for (index, (scales, offsets)) in blocks.enumerate() {
        // SAFETY: as the caller says.
        unsafe {
            let rows = rows.map(|row| row.add(format.block_bytes() * index));
            let times = |factor: f32| {
                let scale = eight_halves(rows, 0);
                (scale, _mm256_mul_ps(scale, _mm256_set1_ps(factor)))
            };
            let mut store = |group: usize, scale, offset| {
                _mm256_storeu_ps(scales[group][column..column + ROWS].as_mut_ptr(), scale);
                _mm256_storeu_ps(offsets[group][column..column + ROWS].as_mut_ptr(), offset);
            };
            let one = match format {
                Format::Q4_0 => times(8.0),
                Format::Q5_0 => times(16.0),
                Format::Q8_0 => times(128.0),
                Format::Q4_1 | Format::Q5_1 => (eight_halves(rows, 0), negated(eight_halves(rows, 2))),
                Format::Q4K | Format::Q5K => {
                    let [halves, scales, offsets, both] = transposed_words(rows);
                    let (scale, offset) = halves_of_words(halves);
                    // As `six_bit_pairs` does it, in each lane for another row.
                    let low = |word| _mm256_and_si256(word, _mm256_set1_epi32(0x3F3F_3F3F));
                    let high = |four_bits, word| {
                        let four_bits = _mm256_and_si256(four_bits, _mm256_set1_epi32(0x0F0F_0F0F));
                        let top = _mm256_and_si256(_mm256_srli_epi32::<2>(word), _mm256_set1_epi32(0x3030_3030));
                        _mm256_or_si256(four_bits, top)
                    };
                    let factors = [low(scales), high(both, scales)];
                    let minima = [low(offsets), high(_mm256_srli_epi32::<4>(both), offsets)];
                    for group in 0..8 {
                        let count = _mm_cvtsi32_si128(8 * (group as i32 % 4));
                        let floats = |words: [__m256i; 2]| {
                            let byte = _mm256_srl_epi32(words[group / 4], count);
                            _mm256_cvtepi32_ps(_mm256_and_si256(byte, _mm256_set1_epi32(255)))
                        };
                        let (factor, minimum) = (floats(factors), floats(minima));
                        store(group, _mm256_mul_ps(factor, scale), _mm256_mul_ps(minimum, offset));
                    }
                    continue;
                }
                Format::Q6K => {
                    let scale = eight_halves(rows, 208);
                    let words = transposed_words(rows.map(|row| row.add(192)));
                    for group in 0..16 {
                        let count = _mm_cvtsi32_si128(24 - 8 * (group as i32 % 4));
                        let byte = _mm256_srai_epi32::<24>(_mm256_sll_epi32(words[group / 4], count));
                        let factor = _mm256_mul_ps(_mm256_cvtepi32_ps(byte), scale);
                        store(group, factor, _mm256_mul_ps(factor, _mm256_set1_ps(32.0)));
                    }
                    continue;
                }
                Format::F32 | Format::F16 | Format::Bf16 => unreachable!("floats have no scales"),
            };
            store(0, one.0, one.1);
        }
    }
}

/// The f16 at the byte `at` of each row, widened.
#[inline(always)]
unsafe fn eight_halves(rows: [*const u8; ROWS], at: usize) -> __m256 {
    // SAFETY: as the caller says; every caller is compiled with F16C.
    unsafe {
        let [a, b, c, d, e, f, g, h] = rows.map(|row| row.add(at).cast::<i16>().read_unaligned());
        _mm256_cvtph_ps(_mm_setr_epi16(a, b, c, d, e, f, g, h))
    }
}

/// The first 16 bytes of each row as four columns of words.
#[inline(always)]
unsafe fn transposed_words(rows: [*const u8; ROWS]) -> [__m256i; 4] {
    // SAFETY: as the caller says; every caller is compiled with AVX2.
    unsafe {
        // Rows four apart share a register, so that columns come out in the order of the rows.
        let two = |row: usize| _mm256_loadu2_m128i(rows[row + 4].cast(), rows[row].cast());
        let rows = [two(0), two(1), two(2), two(3)];
        let (left, right) = (
            [
                _mm256_unpacklo_epi32(rows[0], rows[1]),
                _mm256_unpackhi_epi32(rows[0], rows[1]),
            ],
            [
                _mm256_unpacklo_epi32(rows[2], rows[3]),
                _mm256_unpackhi_epi32(rows[2], rows[3]),
            ],
        );
        [
            _mm256_unpacklo_epi64(left[0], right[0]),
            _mm256_unpackhi_epi64(left[0], right[0]),
            _mm256_unpacklo_epi64(left[1], right[1]),
            _mm256_unpackhi_epi64(left[1], right[1]),
        ]
    }
}

/// The f16 in the low and in the high halves of words, widened.
#[inline(always)]
unsafe fn halves_of_words(words: __m256i) -> (__m256, __m256) {
    // SAFETY: only called where there is AVX2 and F16C.
    unsafe {
        let low = _mm256_and_si256(words, _mm256_set1_epi32(0xFFFF));
        let packed = _mm256_packus_epi32(low, _mm256_srli_epi32::<16>(words));
        let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
        (
            _mm256_cvtph_ps(_mm256_castsi256_si128(ordered)),
            _mm256_cvtph_ps(_mm256_extracti128_si256::<1>(ordered)),
        )
    }
}

/// Unpacks the codes of eight rows into the columns from `column` on; `rows` begin at the codes of the first step, which
/// is the first of a block, and are as long as the steps.
///
/// # Safety
/// The processor has AVX2; all rows can be read; `column` is at most 24 and a multiple of 8; the format is quantized.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn unpack(format: Format, rows: [*const u8; ROWS], steps: &mut [Step], column: usize) {
    // SAFETY: as the caller says.
    unsafe {
        match format {
            Format::Q4_0 => turn(steps, column, |row, chunk| nibbles(rows[row].add(18 * chunk + 2))),
            Format::Q4_1 => turn(steps, column, |row, chunk| nibbles(rows[row].add(20 * chunk + 4))),
            Format::Q5_0 => turn(steps, column, |row, chunk| {
                let block = rows[row].add(22 * chunk);
                _mm256_or_si256(nibbles(block.add(6)), fifth_bits(block.add(2)))
            }),
            Format::Q5_1 => turn(steps, column, |row, chunk| {
                let block = rows[row].add(24 * chunk);
                _mm256_or_si256(nibbles(block.add(8)), fifth_bits(block.add(4)))
            }),
            Format::Q8_0 => turn(steps, column, |row, chunk| {
                let codes = load(rows[row].add(34 * chunk + 2));
                _mm256_xor_si256(codes, _mm256_set1_epi8(-128))
            }),
            Format::Q4K => turn(steps, column, |row, chunk| {
                let block = rows[row].add(144 * (chunk / 8));
                half(load(block.add(16 + chunk % 8 / 2 * 32)), chunk % 2)
            }),
            Format::Q5K => turn(steps, column, |row, chunk| {
                let block = rows[row].add(176 * (chunk / 8));
                let low = half(load(block.add(48 + chunk % 8 / 2 * 32)), chunk % 2);
                let high = _mm256_and_si256(shifted(load(block.add(16)), chunk % 8), _mm256_set1_epi8(1));
                _mm256_or_si256(low, _mm256_slli_epi16::<4>(high))
            }),
            Format::Q6K => turn(steps, column, |row, chunk| {
                let (block, side, part) = (rows[row].add(210 * (chunk / 8)), chunk % 8 / 4, chunk % 4);
                let low = half(load(block.add(64 * side + 32 * (part % 2))), part / 2);
                let high = shifted(load(block.add(128 + 32 * side)), 2 * part);
                let high = _mm256_and_si256(high, _mm256_set1_epi8(3));
                _mm256_or_si256(low, _mm256_slli_epi16::<4>(high))
            }),
            Format::F32 | Format::F16 | Format::Bf16 => unreachable!("floats have no codes"),
        }
    }
}

/// For each 32 codes of eight rows: eight steps of eight columns.
#[inline(always)]
unsafe fn turn(steps: &mut [Step], column: usize, codes: impl Fn(usize, usize) -> __m256i) {
    for (chunk, steps) in steps.chunks_exact_mut(8).enumerate() {
        // SAFETY: only called where there is AVX2; a step has 32 columns.
        unsafe {
            let turned = transposed(std::array::from_fn(|row| codes(row, chunk)));
            for (step, words) in steps.iter_mut().zip(turned) {
                _mm256_storeu_si256(step.0[column..column + ROWS].as_mut_ptr().cast(), words);
            }
        }
    }
}

/// Rows of eight words as columns.
#[inline(always)]
unsafe fn transposed(rows: [__m256i; 8]) -> [__m256i; 8] {
    // SAFETY: only called where there is AVX2.
    unsafe {
        let mut pairs = rows;
        for index in 0..4 {
            pairs[2 * index] = _mm256_unpacklo_epi32(rows[2 * index], rows[2 * index + 1]);
            pairs[2 * index + 1] = _mm256_unpackhi_epi32(rows[2 * index], rows[2 * index + 1]);
        }
        let mut fours = pairs;
        for half in [0, 4] {
            fours[half] = _mm256_unpacklo_epi64(pairs[half], pairs[half + 2]);
            fours[half + 1] = _mm256_unpackhi_epi64(pairs[half], pairs[half + 2]);
            fours[half + 2] = _mm256_unpacklo_epi64(pairs[half + 1], pairs[half + 3]);
            fours[half + 3] = _mm256_unpackhi_epi64(pairs[half + 1], pairs[half + 3]);
        }
        let mut turned = fours;
        for index in 0..4 {
            turned[index] = _mm256_permute2x128_si256::<0x20>(fours[index], fours[index + 4]);
            turned[index + 4] = _mm256_permute2x128_si256::<0x31>(fours[index], fours[index + 4]);
        }
        turned
    }
}

#[inline(always)]
unsafe fn load(bytes: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    unsafe { _mm256_loadu_si256(bytes.cast()) }
}

/// Low or high halves of bytes.
#[inline(always)]
unsafe fn half(bytes: __m256i, which: usize) -> __m256i {
    // SAFETY: only called where there is AVX2.
    unsafe { _mm256_and_si256(shifted(bytes, 4 * which), _mm256_set1_epi8(15)) }
}

/// Bytes shifted down; bits of their neighbours come in from above, so a mask must follow.
#[inline(always)]
unsafe fn shifted(bytes: __m256i, count: usize) -> __m256i {
    // SAFETY: only called where there is AVX2.
    unsafe { _mm256_srl_epi16(bytes, _mm_cvtsi64_si128(count as i64)) }
}
