//! Activations rounded to 8 bits: 32 entries share a scale.

use rayon::prelude::*;

use super::Kernel;
use crate::vector_math;

/// Entries that share a scale.
pub(crate) const GROUP: usize = 32;

/// Rows of x, `[rows, columns]`: `x = scale * code`, codes from -127 to 127.
#[derive(Debug, Default)]
pub(crate) struct QuantizedRows {
    pub(crate) columns: usize,
    /// `[rows, columns]`
    pub(crate) codes: Vec<i8>,
    /// `[rows, columns / 32]`
    pub(crate) scales: Vec<f32>,
    /// Sums of 32 rounded entries, `[rows, columns / 32]`: what offsets of weights are multiplied with.
    pub(crate) sums: Vec<f32>,
    /// Sums of 16 rounded entries, `[rows, columns / 16]`
    pub(crate) half_sums: Vec<f32>,
}

impl QuantizedRows {
    /// Rounds `x`, rows of `columns` entries; `columns` is a multiple of 32.
    pub(crate) fn fill(&mut self, kernel: Kernel, x: &[f32], columns: usize) {
        assert!(columns.is_multiple_of(GROUP), "quantized weights come in blocks of 32");
        self.columns = columns;
        self.codes.resize(x.len(), 0);
        self.scales.resize(x.len() / GROUP, 0.0);
        self.sums.resize(x.len() / GROUP, 0.0);
        self.half_sums.resize(x.len() / GROUP * 2, 0.0);
        let level = vector_math::Level::of(kernel);
        let rows = x
            .par_chunks(columns)
            .zip(self.codes.par_chunks_mut(columns))
            .zip(self.scales.par_chunks_mut(columns / GROUP))
            .zip(self.sums.par_chunks_mut(columns / GROUP))
            .zip(self.half_sums.par_chunks_mut(columns / GROUP * 2));
        rows.with_min_len(8)
            .for_each(|((((x, codes), scales), sums), half_sums)| {
                vector_math::round_to_bytes(level, x, codes, scales, sums, half_sums);
            });
    }
}
