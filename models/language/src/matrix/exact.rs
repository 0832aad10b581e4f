//! Products without rounding: 32 rows of weights at a time are brought to f32 and multiplied by the `gemm` crate.
#![allow(unsafe_code, reason = "the gemm crate takes raw pointers")]

use super::{Matrix, PANEL_COLUMNS, TILE_ROWS, TileRow};

/// 32 outputs of a matrix as f32, `[32, inputs]`.
#[derive(Debug, Default)]
pub(super) struct FloatPanel {
    floats: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

impl FloatPanel {
    pub(super) fn fill(&mut self, matrix: &Matrix, first: usize) {
        self.inputs = matrix.inputs;
        self.outputs = PANEL_COLUMNS.min(matrix.outputs - first);
        self.floats.resize(PANEL_COLUMNS * matrix.inputs, 0.0);
        for (row, floats) in self
            .floats
            .chunks_exact_mut(matrix.inputs)
            .take(self.outputs)
            .enumerate()
        {
            matrix.row_to_floats(first + row, floats);
        }
    }

    /// Products with the rows of `x`, at most [`TILE_ROWS`].
    pub(super) fn tile(&self, x: &[f32], tile: &mut [TileRow; TILE_ROWS]) {
        let rows = x.len() / self.inputs;
        assert!(
            rows <= TILE_ROWS && self.floats.len() >= self.outputs * self.inputs,
            "the tile holds all rows"
        );
        let stride = isize::try_from(self.inputs).expect("no slice has a longer stride");
        let plain = false;
        // SAFETY: x has `rows` rows of `inputs`, the panel `outputs` (at most 32) rows of `inputs`, the tile TILE_ROWS
        // rows of 32.
        unsafe {
            gemm::gemm(
                rows,
                self.outputs,
                self.inputs,
                tile.as_mut_ptr().cast::<f32>(),
                1,
                PANEL_COLUMNS.cast_signed(),
                false,
                x.as_ptr(),
                1,
                stride,
                self.floats.as_ptr(),
                stride,
                1,
                0.0,
                1.0,
                plain,
                plain,
                plain,
                gemm::Parallelism::None,
            );
        }
    }
}
