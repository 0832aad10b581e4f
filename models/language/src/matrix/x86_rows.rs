//! Products of one row of weights with a few rows of x, unpacked in registers: what decoding spends its time on.
//!
//! Written once for all instruction sets of 256 bits; each has its own multiplication ([`Isa`]). Everything here is
//! inlined into functions that are compiled for their instructions.
#![allow(
    unsafe_code,
    reason = "vector registers are filled from raw pointers, on processors that have them"
)]

use std::arch::x86_64::*;

use super::format::six_bit_pairs;
use super::{Format, QuantizedRows};

/// How an instruction set multiplies bytes.
pub(super) trait Isa {
    /// Sums of four products each, of unsigned bytes with signed ones.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn products(codes: __m256i, x: __m256i) -> __m256i;

    /// The same, added to `sums`.
    ///
    /// # Safety
    /// The processor has the instructions.
    #[inline(always)]
    unsafe fn add_products(sums: __m256i, codes: __m256i, x: __m256i) -> __m256i {
        // SAFETY: as the caller says.
        unsafe { _mm256_add_epi32(sums, Self::products(codes, x)) }
    }
}

/// Products of a row of weights with the first rows of x, four rows at a time.
///
/// # Safety
/// The processor has the instructions, AVX2, FMA and F16C; x has `sums.len()` rows, each as long as the weights.
#[inline(always)]
pub(super) unsafe fn dot<I: Isa>(format: Format, weights: &[u8], x: &QuantizedRows, sums: &mut [f32]) {
    let mut first = 0;
    while first < sums.len() {
        // SAFETY: as the caller says.
        first += unsafe {
            match sums.len() - first {
                4.. => dot_rows::<I, 4>(format, weights, x, first, sums),
                2.. => dot_rows::<I, 2>(format, weights, x, first, sums),
                _ => dot_rows::<I, 1>(format, weights, x, first, sums),
            }
        };
    }
}

/// Where the rows of x begin.
#[derive(Clone, Copy)]
struct Rows<'a> {
    x: &'a QuantizedRows,
    first: usize,
}

impl Rows<'_> {
    /// 32 codes of a row.
    #[inline(always)]
    unsafe fn codes(self, row: usize, group: usize) -> __m256i {
        // SAFETY: the group lies within the row.
        unsafe {
            _mm256_loadu_si256(
                self.x
                    .codes
                    .as_ptr()
                    .add((self.first + row) * self.x.columns + 32 * group)
                    .cast(),
            )
        }
    }

    #[inline(always)]
    unsafe fn scales(self, row: usize, group: usize) -> *const f32 {
        // SAFETY: as above.
        unsafe {
            self.x
                .scales
                .as_ptr()
                .add((self.first + row) * (self.x.columns / 32) + group)
        }
    }

    #[inline(always)]
    unsafe fn sums(self, row: usize, group: usize) -> *const f32 {
        // SAFETY: as above.
        unsafe {
            self.x
                .sums
                .as_ptr()
                .add((self.first + row) * (self.x.columns / 32) + group)
        }
    }

    #[inline(always)]
    unsafe fn half_sums(self, row: usize, group: usize) -> *const f32 {
        // SAFETY: as above.
        unsafe {
            self.x
                .half_sums
                .as_ptr()
                .add((self.first + row) * (self.x.columns / 16) + 2 * group)
        }
    }
}

#[inline(always)]
unsafe fn dot_rows<I: Isa, const ROWS: usize>(
    format: Format,
    weights: &[u8],
    x: &QuantizedRows,
    first: usize,
    sums: &mut [f32],
) -> usize {
    let rows = Rows { x, first };
    // SAFETY: as the caller of `dot` says; a row of weights is whole blocks.
    let found = unsafe {
        match format {
            Format::Q4_0 => small_blocks::<I, Q4_0, ROWS>(weights, rows),
            Format::Q4_1 => small_blocks::<I, Q4_1, ROWS>(weights, rows),
            Format::Q5_0 => small_blocks::<I, Q5_0, ROWS>(weights, rows),
            Format::Q5_1 => small_blocks::<I, Q5_1, ROWS>(weights, rows),
            Format::Q8_0 => bytes::<I, ROWS>(weights, rows),
            Format::Q4K => large_blocks::<I, Q4K, ROWS>(weights, rows),
            Format::Q5K => large_blocks::<I, Q5K, ROWS>(weights, rows),
            Format::Q6K => six_bits::<I, ROWS>(weights, rows),
            Format::F32 | Format::F16 | Format::Bf16 => unreachable!("floats have no codes"),
        }
    };
    sums[first..first + ROWS].copy_from_slice(&found);
    ROWS
}

/// Blocks of 32 codes with one scale.
trait SmallBlock {
    const BYTES: usize;

    /// Codes, and scale and offset in all lanes.
    unsafe fn unpack(block: *const u8) -> (__m256i, __m256, __m256);
}

#[inline(always)]
unsafe fn small_blocks<I: Isa, B: SmallBlock, const ROWS: usize>(weights: &[u8], rows: Rows<'_>) -> [f32; ROWS] {
    // SAFETY: each block lies within the row, and x has as many groups.
    unsafe {
        let (mut sums, mut offsets) = ([_mm256_setzero_ps(); ROWS], [_mm256_setzero_ps(); ROWS]);
        for (group, block) in weights.chunks_exact(B::BYTES).enumerate() {
            prefetch::<1>(block.as_ptr());
            let (codes, scale, offset) = B::unpack(block.as_ptr());
            for (row, (sum, offsets)) in sums.iter_mut().zip(&mut offsets).enumerate() {
                let products = _mm256_cvtepi32_ps(I::products(codes, rows.codes(row, group)));
                let scale = _mm256_mul_ps(scale, _mm256_set1_ps(*rows.scales(row, group)));
                *sum = _mm256_fmadd_ps(products, scale, *sum);
                *offsets = _mm256_fmadd_ps(offset, _mm256_set1_ps(*rows.sums(row, group)), *offsets);
            }
        }
        std::array::from_fn(|row| sum_of(sums[row]) - _mm256_cvtss_f32(offsets[row]))
    }
}

/// Q8_0: signed codes, so the signs of the weights are given to x.
#[inline(always)]
unsafe fn bytes<I: Isa, const ROWS: usize>(weights: &[u8], rows: Rows<'_>) -> [f32; ROWS] {
    // SAFETY: each block lies within the row, and x has as many groups.
    unsafe {
        let mut sums = [_mm256_setzero_ps(); ROWS];
        for (group, block) in weights.chunks_exact(34).enumerate() {
            prefetch::<1>(block.as_ptr());
            let codes = _mm256_loadu_si256(block.as_ptr().add(2).cast());
            let (sizes, scale) = (_mm256_abs_epi8(codes), half_at(block.as_ptr()));
            for (row, sum) in sums.iter_mut().enumerate() {
                let x = _mm256_sign_epi8(rows.codes(row, group), codes);
                let products = _mm256_cvtepi32_ps(I::products(sizes, x));
                let scale = _mm256_mul_ps(scale, _mm256_set1_ps(*rows.scales(row, group)));
                *sum = _mm256_fmadd_ps(products, scale, *sum);
            }
        }
        sums.map(|sum| sum_of(sum))
    }
}

/// Blocks of 256 codes with a scale and an offset for each 32.
trait LargeBlock {
    const BYTES: usize;

    /// 64 codes: 32 of the low halves of bytes, 32 of the high ones.
    unsafe fn codes<const QUARTER: i32>(block: *const u8) -> [__m256i; 2];
}

#[inline(always)]
unsafe fn large_blocks<I: Isa, B: LargeBlock, const ROWS: usize>(weights: &[u8], rows: Rows<'_>) -> [f32; ROWS] {
    // SAFETY: each block lies within the row, and x has as many groups.
    unsafe {
        let (mut sums, mut offsets) = ([_mm256_setzero_ps(); ROWS], [_mm256_setzero_ps(); ROWS]);
        for (index, block) in weights.chunks_exact(B::BYTES).enumerate() {
            let first = 8 * index;
            let (scales, mins) = six_bit_pairs(&block[4..16]);
            let block = block.as_ptr();
            prefetch::<3>(block);
            let block_scales = _mm256_mul_ps(eight_floats(scales), half_at(block));
            let block_offsets = _mm256_mul_ps(eight_floats(mins), half_at(block.add(2)));
            let mut scales = [_mm256_setzero_ps(); ROWS];
            for row in 0..ROWS {
                scales[row] = _mm256_mul_ps(block_scales, _mm256_loadu_ps(rows.scales(row, first)));
                offsets[row] = _mm256_fmadd_ps(block_offsets, _mm256_loadu_ps(rows.sums(row, first)), offsets[row]);
            }
            macro_rules! quarter {
                ($quarter:literal) => {
                    let [low, high] = B::codes::<$quarter>(block);
                    for row in 0..ROWS {
                        let products = I::products(low, rows.codes(row, first + 2 * $quarter));
                        let scale = lane::<{ 2 * $quarter }>(scales[row]);
                        sums[row] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), scale, sums[row]);
                        let products = I::products(high, rows.codes(row, first + 2 * $quarter + 1));
                        let scale = lane::<{ 2 * $quarter + 1 }>(scales[row]);
                        sums[row] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), scale, sums[row]);
                    }
                };
            }
            quarter!(0);
            quarter!(1);
            quarter!(2);
            quarter!(3);
        }
        std::array::from_fn(|row| sum_of(_mm256_sub_ps(sums[row], offsets[row])))
    }
}

/// Q6_K: two scales for each 32 codes, and codes that count from 32.
#[inline(always)]
unsafe fn six_bits<I: Isa, const ROWS: usize>(weights: &[u8], rows: Rows<'_>) -> [f32; ROWS] {
    // SAFETY: each block lies within the row, and x has as many groups.
    unsafe {
        let (mut sums, mut offsets) = ([_mm256_setzero_ps(); ROWS], [_mm256_setzero_ps(); ROWS]);
        for (index, block) in weights.chunks_exact(210).enumerate() {
            let first = 8 * index;
            let block = block.as_ptr();
            prefetch::<4>(block);
            let factor = half_at(block.add(208));
            for half in 0..2 {
                let eight = _mm_loadl_epi64(block.add(192 + 8 * half).cast());
                let scales = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight)), factor);
                for (row, offset) in offsets.iter_mut().enumerate() {
                    let x_sums = _mm256_loadu_ps(rows.half_sums(row, first + 4 * half));
                    *offset = _mm256_fmadd_ps(scales, x_sums, *offset);
                }
                let codes = six_bit_codes(block, half);
                let pairs = [
                    pair::<0>(scales),
                    pair::<1>(scales),
                    pair::<2>(scales),
                    pair::<3>(scales),
                ];
                for (part, (codes, scales)) in codes.into_iter().zip(pairs).enumerate() {
                    let group = first + 4 * half + part;
                    for (row, sum) in sums.iter_mut().enumerate() {
                        let products = _mm256_cvtepi32_ps(I::products(codes, rows.codes(row, group)));
                        let scale = _mm256_mul_ps(scales, _mm256_set1_ps(*rows.scales(row, group)));
                        *sum = _mm256_fmadd_ps(products, scale, *sum);
                    }
                }
            }
        }
        let offset = _mm256_set1_ps(32.0);
        std::array::from_fn(|row| sum_of(_mm256_fnmadd_ps(offset, offsets[row], sums[row])))
    }
}

/// 128 codes of 6 bits.
#[inline(always)]
unsafe fn six_bit_codes(block: *const u8, half: usize) -> [__m256i; 4] {
    // SAFETY: the block has 128 bytes of low and 64 of high bits.
    unsafe {
        let first = _mm256_loadu_si256(block.add(64 * half).cast());
        let second = _mm256_loadu_si256(block.add(64 * half + 32).cast());
        let high = _mm256_loadu_si256(block.add(128 + 32 * half).cast());
        let (low_bits, two_bits) = (_mm256_set1_epi8(15), _mm256_set1_epi8(0x30));
        let top = |shifted: __m256i| _mm256_and_si256(shifted, two_bits);
        [
            _mm256_or_si256(_mm256_and_si256(first, low_bits), top(_mm256_slli_epi16::<4>(high))),
            _mm256_or_si256(_mm256_and_si256(second, low_bits), top(_mm256_slli_epi16::<2>(high))),
            _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16::<4>(first), low_bits), top(high)),
            _mm256_or_si256(
                _mm256_and_si256(_mm256_srli_epi16::<4>(second), low_bits),
                top(_mm256_srli_epi16::<2>(high)),
            ),
        ]
    }
}

struct Q4K;

impl LargeBlock for Q4K {
    const BYTES: usize = 144;

    #[inline(always)]
    unsafe fn codes<const QUARTER: i32>(block: *const u8) -> [__m256i; 2] {
        // SAFETY: codes begin at byte 16.
        unsafe { halves(block.add(16 + 32 * QUARTER as usize)) }
    }
}

struct Q5K;

impl LargeBlock for Q5K {
    const BYTES: usize = 176;

    #[inline(always)]
    unsafe fn codes<const QUARTER: i32>(block: *const u8) -> [__m256i; 2] {
        // SAFETY: high bits begin at byte 16, the others at 48.
        unsafe {
            let [low, high] = halves(block.add(48 + 32 * QUARTER as usize));
            let bits = _mm256_loadu_si256(block.add(16).cast());
            let count = _mm_cvtsi32_si128(2 * QUARTER);
            let bits = _mm256_slli_epi16::<4>(_mm256_and_si256(_mm256_srl_epi16(bits, count), _mm256_set1_epi8(3)));
            let fifth = _mm256_set1_epi8(16);
            let of_high = _mm256_and_si256(_mm256_srli_epi16::<1>(bits), fifth);
            [
                _mm256_or_si256(low, _mm256_and_si256(bits, fifth)),
                _mm256_or_si256(high, of_high),
            ]
        }
    }
}

struct Q4_0;

impl SmallBlock for Q4_0 {
    const BYTES: usize = 18;

    #[inline(always)]
    unsafe fn unpack(block: *const u8) -> (__m256i, __m256, __m256) {
        // SAFETY: a scale and 16 bytes.
        unsafe {
            let scale = half_at(block);
            (nibbles(block.add(2)), scale, _mm256_mul_ps(scale, _mm256_set1_ps(8.0)))
        }
    }
}

struct Q4_1;

impl SmallBlock for Q4_1 {
    const BYTES: usize = 20;

    #[inline(always)]
    unsafe fn unpack(block: *const u8) -> (__m256i, __m256, __m256) {
        // SAFETY: a scale, an offset and 16 bytes.
        unsafe { (nibbles(block.add(4)), half_at(block), negated(half_at(block.add(2)))) }
    }
}

struct Q5_0;

impl SmallBlock for Q5_0 {
    const BYTES: usize = 22;

    #[inline(always)]
    unsafe fn unpack(block: *const u8) -> (__m256i, __m256, __m256) {
        // SAFETY: a scale, 32 bits and 16 bytes.
        unsafe {
            let scale = half_at(block);
            let codes = _mm256_or_si256(nibbles(block.add(6)), fifth_bits(block.add(2)));
            (codes, scale, _mm256_mul_ps(scale, _mm256_set1_ps(16.0)))
        }
    }
}

struct Q5_1;

impl SmallBlock for Q5_1 {
    const BYTES: usize = 24;

    #[inline(always)]
    unsafe fn unpack(block: *const u8) -> (__m256i, __m256, __m256) {
        // SAFETY: a scale, an offset, 32 bits and 16 bytes.
        unsafe {
            let codes = _mm256_or_si256(nibbles(block.add(8)), fifth_bits(block.add(4)));
            (codes, half_at(block), negated(half_at(block.add(2))))
        }
    }
}

/// Low and high halves of 32 bytes.
#[inline(always)]
unsafe fn halves(bytes: *const u8) -> [__m256i; 2] {
    // SAFETY: as the caller says.
    unsafe {
        let bytes = _mm256_loadu_si256(bytes.cast());
        let low = _mm256_set1_epi8(15);
        [
            _mm256_and_si256(bytes, low),
            _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low),
        ]
    }
}

/// Low halves of 16 bytes, then their high halves.
#[inline(always)]
pub(super) unsafe fn nibbles(bytes: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    unsafe {
        let bytes = _mm_loadu_si128(bytes.cast());
        let both = _mm256_set_m128i(_mm_srli_epi16::<4>(bytes), bytes);
        _mm256_and_si256(both, _mm256_set1_epi8(15))
    }
}

/// 32 bits as bytes of 0 or 16.
#[inline(always)]
pub(super) unsafe fn fifth_bits(bits: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    unsafe {
        let bits = _mm256_set1_epi32(bits.cast::<i32>().read_unaligned());
        // Each byte gets a copy of the byte that holds its bit, and the bit is picked out.
        let copies = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
        let masks = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
        let picked = _mm256_and_si256(_mm256_shuffle_epi8(bits, copies), masks);
        _mm256_and_si256(_mm256_cmpeq_epi8(picked, masks), _mm256_set1_epi8(16))
    }
}

/// Eight bytes as floats.
#[inline(always)]
unsafe fn eight_floats(bytes: [u8; 8]) -> __m256 {
    // SAFETY: only called where there is AVX2.
    unsafe {
        let bytes = _mm_cvtsi64_si128(u64::from_le_bytes(bytes).cast_signed());
        _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes))
    }
}

/// One of eight floats in all lanes.
#[inline(always)]
unsafe fn lane<const INDEX: i32>(floats: __m256) -> __m256 {
    // SAFETY: only called where there is AVX2.
    unsafe { _mm256_permutevar8x32_ps(floats, _mm256_set1_epi32(INDEX)) }
}

/// Two neighbours of eight floats, each in four lanes.
#[inline(always)]
unsafe fn pair<const INDEX: i32>(floats: __m256) -> __m256 {
    // SAFETY: only called where there is AVX2.
    unsafe {
        let (left, right) = (2 * INDEX, 2 * INDEX + 1);
        _mm256_permutevar8x32_ps(
            floats,
            _mm256_setr_epi32(left, left, left, left, right, right, right, right),
        )
    }
}

#[inline(always)]
unsafe fn sum_of(floats: __m256) -> f32 {
    // SAFETY: only called where there is AVX2.
    unsafe {
        let four = _mm_add_ps(_mm256_castps256_ps128(floats), _mm256_extractf128_ps::<1>(floats));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
    }
}

/// Asks for what is needed soon. The processor's own prefetch ends at each page of 4 KiB, which is every tenth of a
/// microsecond here; nothing is read, so the address need not exist.
#[inline(always)]
unsafe fn prefetch<const LINES: usize>(block: *const u8) {
    const AHEAD: usize = 4096;
    for line in 0..LINES {
        // SAFETY: a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(block.wrapping_add(AHEAD + 64 * line).cast()) };
    }
}

/// An f16 in all lanes. It is broadcast before it is widened: a load into one lane would wait for whatever was in the
/// other lanes, which costs half the speed.
#[inline(always)]
unsafe fn half_at(bytes: *const u8) -> __m256 {
    // SAFETY: as the caller says; every caller is compiled with F16C.
    unsafe { _mm256_cvtph_ps(_mm_set1_epi16(bytes.cast::<i16>().read_unaligned())) }
}

#[inline(always)]
pub(super) unsafe fn negated(floats: __m256) -> __m256 {
    // SAFETY: only called where there is AVX2.
    unsafe { _mm256_xor_ps(floats, _mm256_set1_ps(-0.0)) }
}
