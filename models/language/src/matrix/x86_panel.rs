//! Codes of eight rows of weights at a time, turned into steps of four inputs for eight outputs: how panels are filled
//! on AVX2.
#![allow(
    unsafe_code,
    reason = "vector registers are filled from raw pointers, on processors that have them"
)]

use std::arch::x86_64::*;

use super::Format;
use super::panel::Step;
use super::x86_rows::{fifth_bits, nibbles};

/// Rows that are turned together.
pub(super) const ROWS: usize = 8;

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
