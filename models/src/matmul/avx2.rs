//! Tiles for processors with AVX2 and FMA: up to 6 rows by 16 columns in 12 registers, f32.
#![allow(
    unsafe_code,
    reason = "vector registers are filled from raw pointers, on processors that have them"
)]

use std::arch::x86_64::*;

use super::{PANEL_COLUMNS, Strided, TileRow};

/// Rows of the largest tile: 6 x 2 sums, two registers of weights and one of activations fill 15 of 16.
pub(super) const ROWS: usize = 6;

/// Products of f32: the two halves of a panel one after the other.
///
/// # Safety
/// The processor has AVX2 and FMA; `COUNT` rows of `x` and `steps` rows of `panel` can be read.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn tile_f32<const COUNT: usize>(x: Strided, panel: Strided, steps: usize, tile: &mut [TileRow]) {
    for half in (0..PANEL_COLUMNS).step_by(16) {
        let mut sums = [[_mm256_setzero_ps(); 2]; COUNT];
        for step in 0..steps {
            // SAFETY: the caller says that these rows can be read; a row of a panel has 32 words.
            let (left, right, column) = unsafe {
                let weights = panel.start.add(step * panel.stride + half).cast::<f32>();
                (
                    _mm256_loadu_ps(weights),
                    _mm256_loadu_ps(weights.add(8)),
                    x.start.add(step).cast::<f32>(),
                )
            };
            for (row, [first, second]) in sums.iter_mut().enumerate() {
                // SAFETY: `row` is one of the COUNT rows of `x`.
                let value = unsafe { _mm256_broadcast_ss(&*column.add(row * x.stride)) };
                *first = _mm256_fmadd_ps(left, value, *first);
                *second = _mm256_fmadd_ps(right, value, *second);
            }
        }
        for ([first, second], row) in sums.iter().zip(tile.iter_mut()) {
            // SAFETY: a row of the tile has 32 words, of which 16 follow `half`.
            unsafe {
                _mm256_storeu_ps(row.as_mut_ptr().add(half), *first);
                _mm256_storeu_ps(row.as_mut_ptr().add(half + 8), *second);
            }
        }
    }
}
