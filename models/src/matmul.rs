//! Products of activations with fixed weights, `y = x·Wᵀ + b`: the weights are packed once for the processor at hand.
//!
//! W is cut into panels of 32 outputs, each with all its inputs, so that one panel stays in the nearest caches while all
//! rows of x pass by it; a tile of rows by 32 outputs is summed in registers over all inputs. What a processor can do is
//! asked at run time, so one binary is fast everywhere.
//! Source of the scheme: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod elementwise;
mod kernel;
mod packed;
mod portable;

pub use elementwise::Function;
pub use kernel::Kernel;
pub(crate) use kernel::multiply_f32;
pub use packed::{Lines, PackedMatrix, Product};

/// Outputs of a panel.
pub(crate) const PANEL_COLUMNS: usize = 32;

/// One row of a tile of sums.
pub(crate) type TileRow = [f32; PANEL_COLUMNS];

/// Rows of the largest tile of any kernel.
pub(crate) const TILE_ROWS: usize = 32;

/// Rows of 32-bit words in memory: a word is one f32, or two bf16 or f16.
#[derive(Clone, Copy)]
pub(crate) struct Strided {
    /// First word of the first row.
    pub(crate) start: *const u32,
    /// Words from one row to the next.
    pub(crate) stride: usize,
}

impl Strided {
    /// The rows of f32 that begin at a slice's start.
    pub(crate) fn of(values: &[f32], stride: usize) -> Strided {
        Strided {
            start: values.as_ptr().cast(),
            stride,
        }
    }

    /// The same rows from a later word on.
    fn skip(self, words: usize) -> Strided {
        Strided {
            start: self.start.wrapping_add(words),
            ..self
        }
    }
}
