//! Products on any processor: whole matrices by the `gemm` crate (which candle uses too), small tiles in plain Rust.
#![allow(unsafe_code, reason = "the gemm crate takes raw pointers")]

use super::{PANEL_COLUMNS, Strided, TileRow};

/// Rows of the largest tile.
pub(super) const ROWS: usize = 4;

/// Products of f32, eight columns at a time.
///
/// # Safety
/// `COUNT` rows of `x` and `steps` rows of `panel` can be read.
pub(super) unsafe fn tile_f32<const COUNT: usize>(x: Strided, panel: Strided, steps: usize, tile: &mut [TileRow]) {
    for first in (0..PANEL_COLUMNS).step_by(8) {
        let mut sums = [[0.0_f32; 8]; COUNT];
        for step in 0..steps {
            // SAFETY: the caller says that these rows can be read; a row of a panel has 32 words.
            let weights = unsafe {
                panel
                    .start
                    .add(step * panel.stride + first)
                    .cast::<[f32; 8]>()
                    .read_unaligned()
            };
            for (row, sums) in sums.iter_mut().enumerate() {
                // SAFETY: `row` is one of the COUNT rows of `x`.
                let value = unsafe { x.start.add(row * x.stride + step).cast::<f32>().read() };
                sums.iter_mut()
                    .zip(&weights)
                    .for_each(|(sum, weight)| *sum += weight * value);
            }
        }
        for (sums, row) in sums.iter().zip(tile.iter_mut()) {
            row[first..first + 8].copy_from_slice(sums);
        }
    }
}

/// `y = x·W` for `rows` rows of `steps` f32 at `x` and `steps` rows of `columns` f32 at `weights`.
///
/// # Safety
/// All of these can be read, and `columns` f32 of each of `rows` rows of `y` can be written.
pub(super) unsafe fn multiply(
    rows: usize,
    steps: usize,
    columns: usize,
    x: Strided,
    weights: Strided,
    (y, y_stride): (*mut f32, usize),
) {
    let stride = |stride: usize| isize::try_from(stride).expect("no slice has a longer stride");
    let (lhs, lhs_stride) = (x.start.cast::<f32>(), stride(x.stride));
    let (rhs, rhs_stride) = (weights.start.cast::<f32>(), stride(weights.stride));
    let (one_thread, plain) = (gemm::Parallelism::None, false);
    // SAFETY: as the caller says; neighbours in a row are one word apart.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            steps,
            y,
            1,
            stride(y_stride),
            false,
            lhs,
            1,
            lhs_stride,
            rhs,
            1,
            rhs_stride,
            0.0,
            1.0,
            plain,
            plain,
            plain,
            one_thread,
        );
    }
}
