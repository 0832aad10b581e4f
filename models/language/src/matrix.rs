//! Products of activations with weights that stay as they lie in the file: `y = x·Wᵀ + b`.
//!
//! Weights are neither copied nor repacked. For few rows of x (decoding) each row of W is unpacked in registers and
//! multiplied at once, so that time goes into reading W; for many rows (prefill) 32 rows of W at a time are unpacked
//! into a panel that stays in the second-level cache while all rows of x pass by it. Products are those of 8-bit codes
//! (x is rounded to 8 bits for each 32 entries, W is what the file says), sums are exact in 32 bits within a group.
//! Source of the integer scheme: ggml's `vec_dot` functions; of the panels: Goto and van de Geijn, "Anatomy of
//! high-performance matrix multiplication", 2008.

pub(crate) mod attention_tile;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bytes;
mod exact;
mod format;
mod kernel;
mod panel;
mod portable;
mod product;
mod quantized_rows;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(target_arch = "x86_64")]
mod x86_panel;
#[cfg(target_arch = "x86_64")]
mod x86_rows;

pub(crate) use bytes::Bytes;
pub use format::Format;
pub use kernel::Kernel;
pub(crate) use product::{Product, multiply};
pub(crate) use quantized_rows::QuantizedRows;

/// Outputs of a panel.
pub(crate) const PANEL_COLUMNS: usize = 32;

/// One row of a tile of sums.
pub(crate) type TileRow = [f32; PANEL_COLUMNS];

/// Rows of the largest tile of any kernel.
pub(crate) const TILE_ROWS: usize = 8;

/// Weights `[outputs, inputs]` in the format of their file, and the bias that goes with them.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    bytes: Bytes,
    format: Format,
    outputs: usize,
    inputs: usize,
    bias: Option<Vec<f32>>,
}

impl Matrix {
    /// Rows of `bytes`, which are as many as the shape says.
    ///
    /// # Panics
    /// When the length of `bytes` is another, or rows are not whole blocks; whoever reads files checks that before.
    pub(crate) fn new(bytes: Bytes, format: Format, outputs: usize, inputs: usize) -> Matrix {
        assert!(inputs.is_multiple_of(format.block_weights()), "rows are whole blocks");
        assert_eq!(
            bytes.len(),
            outputs * format.row_bytes(inputs),
            "bytes are outputs times inputs"
        );
        Matrix {
            bytes,
            format,
            outputs,
            inputs,
            bias: None,
        }
    }

    /// With a bias, one entry for each output.
    pub(crate) fn with_bias(self, bias: Option<Vec<f32>>) -> Matrix {
        Matrix { bias, ..self }
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The bytes of one row.
    fn row(&self, output: usize) -> &[u8] {
        let length = self.format.row_bytes(self.inputs);
        &self.bytes[output * length..(output + 1) * length]
    }

    /// One row as floats; how a token's embedding is looked up.
    pub(crate) fn row_to_floats(&self, output: usize, floats: &mut [f32]) {
        self.format.to_floats(self.row(output), floats);
    }
}
