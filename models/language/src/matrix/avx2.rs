//! 8-bit products on AVX2, with or without AVX-VNNI: tiles of 4 rows by 32 outputs, 8 outputs to a register.
#![allow(
    unsafe_code,
    reason = "vector registers are filled from raw pointers, on processors that have them"
)]

use std::arch::x86_64::*;

use super::panel::{Panel, groups_per_scale};
use super::portable::sums_of;
use super::x86_rows::{self, Isa};
use super::{Format, QuantizedRows, TILE_ROWS, TileRow};

/// Products by way of 16 bits: pairs of products of a 6-bit code (or of |q| <= 128 with |x| <= 127) fit.
struct Avx2;

impl Isa for Avx2 {
    #[inline(always)]
    unsafe fn products(codes: __m256i, x: __m256i) -> __m256i {
        // SAFETY: only called from functions of this module that have AVX2.
        unsafe { _mm256_madd_epi16(_mm256_maddubs_epi16(codes, x), _mm256_set1_epi16(1)) }
    }
}

/// `vpdpbusd` on 256 bits, as AVX-VNNI writes it.
struct AvxVnni;

impl Isa for AvxVnni {
    #[inline(always)]
    unsafe fn products(codes: __m256i, x: __m256i) -> __m256i {
        // SAFETY: only called from functions of this module that have AVX-VNNI.
        unsafe { _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), codes, x) }
    }

    #[inline(always)]
    unsafe fn add_products(sums: __m256i, codes: __m256i, x: __m256i) -> __m256i {
        // SAFETY: as above.
        unsafe { _mm256_dpbusd_avx_epi32(sums, codes, x) }
    }
}

/// Products of a row of weights with a few rows of x.
///
/// # Safety
/// The processor has AVX2, FMA and F16C; x has these rows, each as long as the weights.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn dot(format: Format, weights: &[u8], x: &QuantizedRows, sums: &mut [f32]) {
    // SAFETY: as the caller says.
    unsafe { x86_rows::dot::<Avx2>(format, weights, x, sums) };
}

/// As [`dot`].
///
/// # Safety
/// As for `dot`; and the processor has AVX-VNNI.
#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
pub(super) unsafe fn dot_vnni(format: Format, weights: &[u8], x: &QuantizedRows, sums: &mut [f32]) {
    // SAFETY: as the caller says.
    unsafe { x86_rows::dot::<AvxVnni>(format, weights, x, sums) };
}

/// Products of a panel with some rows of x from `first` on; returns with how many (at most `rows`).
///
/// # Safety
/// The processor has AVX2 and FMA; x has these rows, each as long as the panel; `rows` is not 0.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn tile(
    panel: &Panel,
    x: &QuantizedRows,
    first: usize,
    rows: usize,
    tile: &mut [TileRow; TILE_ROWS],
) -> usize {
    // SAFETY: as the caller says.
    unsafe {
        if panel.signed {
            by_rows::<Avx2, true>(panel, x, first, rows, tile)
        } else {
            by_rows::<Avx2, false>(panel, x, first, rows, tile)
        }
    }
}

/// As [`tile`]; panels must not be signed.
///
/// # Safety
/// As for `tile`; and the processor has AVX-VNNI.
#[target_feature(enable = "avx2,fma,avxvnni")]
pub(super) unsafe fn tile_vnni(
    panel: &Panel,
    x: &QuantizedRows,
    first: usize,
    rows: usize,
    tile: &mut [TileRow; TILE_ROWS],
) -> usize {
    // SAFETY: as the caller says.
    unsafe { by_rows::<AvxVnni, false>(panel, x, first, rows, tile) }
}

#[inline(always)]
unsafe fn by_rows<I: Isa, const SIGNED: bool>(
    panel: &Panel,
    x: &QuantizedRows,
    first: usize,
    rows: usize,
    tile: &mut [TileRow; TILE_ROWS],
) -> usize {
    // SAFETY: as the caller says.
    unsafe {
        match (rows, panel.group) {
            (4.., 16) => tile_of::<I, SIGNED, 4, 16>(panel, x, first, tile),
            (4.., _) => tile_of::<I, SIGNED, 4, 32>(panel, x, first, tile),
            (2.., 16) => tile_of::<I, SIGNED, 2, 16>(panel, x, first, tile),
            (2.., _) => tile_of::<I, SIGNED, 2, 32>(panel, x, first, tile),
            (_, 16) => tile_of::<I, SIGNED, 1, 16>(panel, x, first, tile),
            (..) => tile_of::<I, SIGNED, 1, 32>(panel, x, first, tile),
        }
    }
}

/// 16 outputs at a time, twice.
#[inline(always)]
unsafe fn tile_of<I: Isa, const SIGNED: bool, const ROWS: usize, const GROUP: usize>(
    panel: &Panel,
    x: &QuantizedRows,
    first: usize,
    tile: &mut [TileRow; TILE_ROWS],
) -> usize {
    let groups = x.columns / GROUP;
    let scales_of_x = x.columns / 32;
    debug_assert_eq!(panel.scales.len(), groups);
    // SAFETY: the caller says that x has these rows and that the panel is as long; a step has 32 words of 4 codes.
    unsafe {
        let codes = x.codes.as_ptr().add(first * x.columns);
        let x_scales = x.scales.as_ptr().add(first * scales_of_x);
        let x_sums = sums_of(x, GROUP).as_ptr().add(first * groups);
        for half in 0..2 {
            let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
            for group in 0..groups {
                let steps = panel
                    .steps
                    .as_ptr()
                    .add(group * (GROUP / 4))
                    .cast::<u8>()
                    .add(64 * half);
                let mut products = [[_mm256_setzero_si256(); 2]; ROWS];
                for step in 0..GROUP / 4 {
                    let left = _mm256_load_si256(steps.add(128 * step).cast());
                    let right = _mm256_load_si256(steps.add(128 * step + 32).cast());
                    for (row, products) in products.iter_mut().enumerate() {
                        let four = codes.add(row * x.columns + group * GROUP + 4 * step).cast::<i32>();
                        let four = _mm256_set1_epi32(four.read_unaligned());
                        products[0] = add::<I, SIGNED>(products[0], left, four);
                        products[1] = add::<I, SIGNED>(products[1], right, four);
                    }
                }
                let scales = panel.scales.as_ptr().add(group).cast::<f32>().add(16 * half);
                let offsets = panel.offsets.as_ptr().add(group).cast::<f32>().add(16 * half);
                for (row, (sums, products)) in sums.iter_mut().zip(&products).enumerate() {
                    let x_scale = _mm256_set1_ps(*x_scales.add(row * scales_of_x + group / groups_per_scale(GROUP)));
                    let x_sum = _mm256_set1_ps(*x_sums.add(row * groups + group));
                    for (part, (sum, products)) in sums.iter_mut().zip(products).enumerate() {
                        let scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(*products), x_scale);
                        *sum = _mm256_fmadd_ps(scaled, _mm256_loadu_ps(scales.add(8 * part)), *sum);
                        *sum = _mm256_fnmadd_ps(_mm256_loadu_ps(offsets.add(8 * part)), x_sum, *sum);
                    }
                }
            }
            for (target, sums) in tile.iter_mut().zip(sums) {
                _mm256_storeu_ps(target.as_mut_ptr().add(16 * half), sums[0]);
                _mm256_storeu_ps(target.as_mut_ptr().add(16 * half + 8), sums[1]);
            }
        }
    }
    ROWS
}

#[inline(always)]
unsafe fn add<I: Isa, const SIGNED: bool>(sums: __m256i, codes: __m256i, x: __m256i) -> __m256i {
    // SAFETY: only called from functions that have AVX2.
    unsafe {
        if SIGNED {
            // The signs of the weights go to x, which is never -128.
            I::add_products(sums, _mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes))
        } else {
            I::add_products(sums, codes, x)
        }
    }
}
