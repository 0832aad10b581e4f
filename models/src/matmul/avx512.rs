//! Tiles for processors with AVX-512: up to 12 rows by 32 columns in 24 registers, in three arithmetics.
//!
//! All three walk the same panels, 32 words a step: one f32 (`vfmadd231ps`), or two bf16 (`vdpbf16ps`, f32 sums), or
//! two f16 (`vfmadd231ph`, twice the rate of f32; sums in f16 for a stretch of [`F16_STRETCH`] steps, then in f32).
#![allow(
    unsafe_code,
    reason = "vector registers are filled from raw pointers, in loops written out in assembly"
)]

use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::{Strided, TileRow};

/// Rows of the largest tile: 12 x 2 sums, two registers of weights and one of activations fill 27 of 32.
pub(super) const ROWS: usize = 12;

/// Steps (of two f16 each) whose products are summed in f16. The rounding error of such a sum grows with its root and
/// is at 96 steps about that of rounding the factors to bf16 once.
const F16_STRETCH: usize = 96;

/// Defines the inner loop for one instruction and one number of rows. It is written out, because the compiler keeps
/// some of the 24 sums in memory. Four rows are reached from one pointer: `[x]`, `[x + s]`, `[x + 2s]`, `[x + 3s]`.
macro_rules! inner_loop {
    ($add:ident, $multiply_add:literal, [$($address:literal, $left:literal, $right:literal;)*]) => {
        /// Sums `steps` products: 32 words for each row.
        ///
        /// # Safety
        /// The processor has the instructions; the rows of `x`, `steps` rows of `panel`, and room for the rows' sums exist;
        /// `steps` is not 0.
        #[inline]
        #[target_feature(enable = "avx512f")]
        unsafe fn $add(x: Strided, panel: Strided, steps: usize, sums: *mut TileRow) {
            // SAFETY: reads `steps` words of each row of `x` and of the panel, writes the sums.
            unsafe {
                asm!(
                    $(concat!("vpxord zmm", $left, ", zmm", $left, ", zmm", $left),
                    concat!("vpxord zmm", $right, ", zmm", $right, ", zmm", $right),)*
                    "2:",
                    "vmovups zmm24, [{panel}]",
                    "vmovups zmm25, [{panel} + 64]",
                    $(concat!("vpbroadcastd zmm26, dword ptr [", $address, "]"),
                    concat!($multiply_add, " zmm", $left, ", zmm24, zmm26"),
                    concat!($multiply_add, " zmm", $right, ", zmm25, zmm26"),)*
                    "add {x}, 4",
                    "add {x4}, 4",
                    "add {x8}, 4",
                    "add {panel}, {panel_bytes}",
                    "dec {steps}",
                    "jnz 2b",
                    "// {s} {s3}",
                    $(concat!("vmovups [{sums} + 64*", $left, "], zmm", $left),
                    concat!("vmovups [{sums} + 64*", $right, "], zmm", $right),)*
                    sums = in(reg) sums,
                    x = inout(reg) x.start => _,
                    x4 = inout(reg) x.skip(4 * x.stride).start => _,
                    x8 = inout(reg) x.skip(8 * x.stride).start => _,
                    s = in(reg) 4 * x.stride,
                    s3 = in(reg) 12 * x.stride,
                    panel = inout(reg) panel.start => _,
                    panel_bytes = in(reg) 4 * panel.stride,
                    steps = inout(reg) steps => _,
                    out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _,
                    out("zmm6") _, out("zmm7") _, out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _,
                    out("zmm12") _, out("zmm13") _, out("zmm14") _, out("zmm15") _, out("zmm16") _, out("zmm17") _,
                    out("zmm18") _, out("zmm19") _, out("zmm20") _, out("zmm21") _, out("zmm22") _, out("zmm23") _,
                    out("zmm24") _, out("zmm25") _, out("zmm26") _,
                    options(nostack),
                );
            }
        }
    };
}

/// Defines the tiles of one instruction: the inner loops for 12, 8, 4 and 1 rows, and the choice among them.
macro_rules! inner_loops {
    ($module:ident, $multiply_add:literal) => {
        mod $module {
            use super::*;

            inner_loop!(sum_12, $multiply_add, [
                "{x}", 0, 1; "{x} + {s}", 2, 3; "{x} + 2*{s}", 4, 5; "{x} + {s3}", 6, 7;
                "{x4}", 8, 9; "{x4} + {s}", 10, 11; "{x4} + 2*{s}", 12, 13; "{x4} + {s3}", 14, 15;
                "{x8}", 16, 17; "{x8} + {s}", 18, 19; "{x8} + 2*{s}", 20, 21; "{x8} + {s3}", 22, 23;
            ]);
            inner_loop!(sum_8, $multiply_add, [
                "{x}", 0, 1; "{x} + {s}", 2, 3; "{x} + 2*{s}", 4, 5; "{x} + {s3}", 6, 7;
                "{x4}", 8, 9; "{x4} + {s}", 10, 11; "{x4} + 2*{s}", 12, 13; "{x4} + {s3}", 14, 15;
            ]);
            inner_loop!(sum_4, $multiply_add, [
                "{x}", 0, 1; "{x} + {s}", 2, 3; "{x} + 2*{s}", 4, 5; "{x} + {s3}", 6, 7;
            ]);
            inner_loop!(sum_1, $multiply_add, ["{x}", 0, 1;]);

            /// # Safety
            /// As for the inner loops; there are `COUNT` (12, 8, 4 or 1) rows of `x` and of `tile`.
            #[inline]
            #[target_feature(enable = "avx512f")]
            pub(super) unsafe fn sum<const COUNT: usize>(
                x: Strided, panel: Strided, steps: usize, tile: *mut TileRow,
            ) {
                const { assert!(matches!(COUNT, 12 | 8 | 4 | 1), "there are loops for 12, 8, 4 and 1 rows") };
                // SAFETY: as the caller says.
                unsafe {
                    match COUNT {
                        12 => sum_12(x, panel, steps, tile),
                        8 => sum_8(x, panel, steps, tile),
                        4 => sum_4(x, panel, steps, tile),
                        _ => sum_1(x, panel, steps, tile),
                    }
                }
            }
        }
    };
}

inner_loops!(of_f32, "vfmadd231ps");
inner_loops!(of_bf16, "vdpbf16ps");
inner_loops!(of_f16, "vfmadd231ph");

/// Products of f32.
///
/// # Safety
/// The processor has AVX-512F; `COUNT` rows of `x` and `steps` rows of `panel` can be read; `steps` is not 0.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn tile_f32<const COUNT: usize>(x: Strided, panel: Strided, steps: usize, tile: &mut [TileRow]) {
    // SAFETY: as the caller says.
    unsafe { of_f32::sum::<COUNT>(x, panel, steps, tile[..COUNT].as_mut_ptr()) };
}

/// Products of pairs of bf16.
///
/// # Safety
/// The processor has AVX-512 BF16; `COUNT` rows of `x` and `steps` rows of `panel` can be read; `steps` is not 0.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn tile_bf16<const COUNT: usize>(x: Strided, panel: Strided, steps: usize, tile: &mut [TileRow]) {
    // SAFETY: as the caller says.
    unsafe { of_bf16::sum::<COUNT>(x, panel, steps, tile[..COUNT].as_mut_ptr()) };
}

/// Products of pairs of f16: even and odd entries are summed apart, and brought together after each stretch.
///
/// # Safety
/// The processor has AVX-512 FP16; `COUNT` rows of `x` and `steps` rows of `panel` can be read; `steps` is not 0.
#[target_feature(enable = "avx512f,avx512fp16")]
pub(super) unsafe fn tile_f16<const COUNT: usize>(x: Strided, panel: Strided, steps: usize, tile: &mut [TileRow]) {
    let mut sums = MaybeUninit::<[TileRow; COUNT]>::uninit();
    for first in (0..steps).step_by(F16_STRETCH) {
        let stretch = F16_STRETCH.min(steps - first);
        let (x, panel) = (x.skip(first), panel.skip(first * panel.stride));
        // SAFETY: these steps are among those that the caller vouches for; all COUNT rows are written.
        let sums = unsafe {
            of_f16::sum::<COUNT>(x, panel, stretch, sums.as_mut_ptr().cast());
            sums.assume_init_ref()
        };
        for (row, sums) in tile[..COUNT].iter_mut().zip(sums) {
            for half in [0, 16] {
                // SAFETY: a row has 32 words, of which 16 follow `half`.
                unsafe {
                    let target = row.as_mut_ptr().add(half);
                    let total = if first == 0 {
                        _mm512_setzero_ps()
                    } else {
                        _mm512_loadu_ps(target)
                    };
                    _mm512_storeu_ps(
                        target,
                        _mm512_add_ps(total, folded(_mm512_loadu_ps(sums.as_ptr().add(half)))),
                    );
                }
            }
        }
    }
}

/// Sums of neighbours: of 32 f16, 16 f32.
#[inline]
#[target_feature(enable = "avx512f,avx512fp16")]
fn folded(sums: __m512) -> __m512 {
    let (low, high) = widen(sums);
    fold_pairs(low, high)
}

/// 32 f16 as twice 16 f32.
#[inline]
#[target_feature(enable = "avx512f,avx512fp16")]
fn widen(halves: __m512) -> (__m512, __m512) {
    let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(halves));
    let low = _mm512_castps512_ps256(halves);
    (
        _mm512_cvtxph_ps(_mm256_castps_ph(low)),
        _mm512_cvtxph_ps(_mm256_castpd_ph(high)),
    )
}

/// Sums of neighbours: of 32 f32 in two registers, 16.
#[inline]
#[target_feature(enable = "avx512f")]
fn fold_pairs(low: __m512, high: __m512) -> __m512 {
    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
    _mm512_add_ps(
        _mm512_permutex2var_ps(low, even, high),
        _mm512_permutex2var_ps(low, odd, high),
    )
}

/// Rounds f32 to f16, to nearest even.
///
/// # Safety
/// The processor has AVX-512F.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn round_to_f16(values: &[f32], halves: &mut [u16]) {
    let (chunks, rest) = values.as_chunks::<16>();
    for (chunk, target) in chunks.iter().zip(halves.as_chunks_mut::<16>().0) {
        // SAFETY: both are arrays of 16.
        unsafe {
            let rounded = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm512_loadu_ps(chunk.as_ptr()));
            _mm256_storeu_si256(target.as_mut_ptr().cast(), rounded);
        }
    }
    for (value, half) in rest.iter().zip(&mut halves[chunks.len() * 16..]) {
        *half = half::f16::from_f32(*value).to_bits();
    }
}
