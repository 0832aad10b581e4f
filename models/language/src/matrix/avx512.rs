//! 8-bit products on AVX-512 with VNNI: tiles of 6 rows by 32 outputs, and rows in the 256-bit forms of `x86_rows`.
#![allow(
    unsafe_code,
    reason = "vector registers are filled from raw pointers, on processors that have them"
)]

use std::arch::x86_64::*;

use super::panel::{Panel, groups_per_scale};
use super::portable::sums_of;
use super::x86_rows::{self, Isa};
use super::{Format, QuantizedRows, TILE_ROWS, TileRow};

/// Products of a panel with some rows of x from `first` on; returns with how many (at most `rows`).
///
/// # Safety
/// The processor has AVX-512 F, BW, VL and VNNI; x has these rows, each as long as the panel; `rows` is not 0.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(super) unsafe fn tile(
    panel: &Panel,
    x: &QuantizedRows,
    first: usize,
    rows: usize,
    tile: &mut [TileRow; TILE_ROWS],
) -> usize {
    // SAFETY: as the caller says.
    unsafe {
        match (rows, panel.group) {
            (6.., 16) => tile_of::<6, 16>(panel, x, first, tile),
            (6.., _) => tile_of::<6, 32>(panel, x, first, tile),
            (4.., 16) => tile_of::<4, 16>(panel, x, first, tile),
            (4.., _) => tile_of::<4, 32>(panel, x, first, tile),
            (2.., 16) => tile_of::<2, 16>(panel, x, first, tile),
            (2.., _) => tile_of::<2, 32>(panel, x, first, tile),
            (_, 16) => tile_of::<1, 16>(panel, x, first, tile),
            (..) => tile_of::<1, 32>(panel, x, first, tile),
        }
    }
}

/// # Safety
/// As for [`tile`], with `ROWS` rows and groups of `GROUP`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
unsafe fn tile_of<const ROWS: usize, const GROUP: usize>(
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
        let mut steps = panel.steps.as_ptr().cast::<u8>();
        let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
        for group in 0..groups {
            let mut products = [[_mm512_setzero_si512(); 2]; ROWS];
            for step in 0..GROUP / 4 {
                let left = _mm512_load_si512(steps.add(128 * step).cast());
                let right = _mm512_load_si512(steps.add(128 * step + 64).cast());
                for (row, products) in products.iter_mut().enumerate() {
                    let four = codes.add(row * x.columns + group * GROUP + 4 * step).cast::<i32>();
                    let four = _mm512_set1_epi32(four.read_unaligned());
                    products[0] = _mm512_dpbusd_epi32(products[0], left, four);
                    products[1] = _mm512_dpbusd_epi32(products[1], right, four);
                }
            }
            steps = steps.add(128 * (GROUP / 4));
            let (scales, offsets) = (panel.scales.as_ptr().add(group), panel.offsets.as_ptr().add(group));
            for half in 0..2 {
                let scale = _mm512_loadu_ps(scales.cast::<f32>().add(16 * half));
                let offset = _mm512_loadu_ps(offsets.cast::<f32>().add(16 * half));
                for (row, (sums, products)) in sums.iter_mut().zip(&products).enumerate() {
                    let x_scale = _mm512_set1_ps(*x_scales.add(row * scales_of_x + group / groups_per_scale(GROUP)));
                    let x_sum = _mm512_set1_ps(*x_sums.add(row * groups + group));
                    let scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(products[half]), x_scale);
                    sums[half] = _mm512_fmadd_ps(scaled, scale, sums[half]);
                    sums[half] = _mm512_fnmadd_ps(offset, x_sum, sums[half]);
                }
            }
        }
        for (target, sums) in tile.iter_mut().zip(sums) {
            _mm512_storeu_ps(target.as_mut_ptr(), sums[0]);
            _mm512_storeu_ps(target.as_mut_ptr().add(16), sums[1]);
        }
    }
    ROWS
}

/// `vpdpbusd` on 256 bits, as AVX-512 writes it.
struct Vnni256;

impl Isa for Vnni256 {
    #[inline(always)]
    unsafe fn products(codes: __m256i, x: __m256i) -> __m256i {
        // SAFETY: only called from functions of this module that have AVX-512 VNNI and VL.
        unsafe { _mm256_dpbusd_epi32(_mm256_setzero_si256(), codes, x) }
    }
}

/// Products of a row of weights with a few rows of x.
///
/// # Safety
/// The processor has AVX-512 F, BW, VL and VNNI; x has these rows, each as long as the weights.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c")]
pub(super) unsafe fn dot(format: Format, weights: &[u8], x: &QuantizedRows, sums: &mut [f32]) {
    // SAFETY: as the caller says.
    unsafe { x86_rows::dot::<Vnni256>(format, weights, x, sums) };
}
