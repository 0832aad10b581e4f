//! 32 rows of weights unpacked side by side, for the tiles of prefill.
#![allow(
    unsafe_code,
    reason = "a function compiled for more instructions may only run where they exist"
)]

use std::ops::Range;

use super::format::{BLOCK_MAX, Unpacked};
use super::quantized_rows::GROUP;
#[cfg(target_arch = "x86_64")]
use super::x86_panel;
use super::{Format, Kernel, Matrix, PANEL_COLUMNS, TileRow};
use crate::vector_math::{Level, leveled};

/// Inputs that are unpacked of one row before the next row's turn: those of the largest block.
const STRETCH: usize = BLOCK_MAX;

/// Codes of four inputs for each of 32 outputs; on a boundary of the cache, so that no load touches two lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(128))]
pub(crate) struct Step(pub(crate) [u32; PANEL_COLUMNS]);

/// 32 outputs of a quantized matrix, with all their inputs. Outputs beyond the matrix are zero.
#[derive(Debug, Default)]
pub(crate) struct Panel {
    /// `[inputs / 4, 32]`, each four codes: unsigned bytes, or signed if `signed`.
    pub(crate) steps: Vec<Step>,
    /// `[inputs / group, 32]`
    pub(crate) scales: Vec<TileRow>,
    /// `[inputs / group, 32]`
    pub(crate) offsets: Vec<TileRow>,
    /// Inputs that share a scale: 16 or 32.
    pub(crate) group: usize,
    /// Whether codes are signed bytes and there are no offsets.
    pub(crate) signed: bool,
}

impl Panel {
    /// Unpacks the 32 outputs from `first` on.
    pub(crate) fn fill(&mut self, kernel: Kernel, matrix: &Matrix, first: usize) {
        let inputs = matrix.inputs;
        self.group = matrix.format.group();
        self.signed = matrix.format == Format::Q8_0 && kernel.has_signed_bytes();
        let missing = (first + PANEL_COLUMNS).saturating_sub(matrix.outputs);
        if missing > 0 {
            self.steps.clear();
            self.scales.clear();
            self.offsets.clear();
        }
        self.steps.resize(inputs / 4, Step([0; PANEL_COLUMNS]));
        self.scales.resize(inputs / self.group, [0.0; PANEL_COLUMNS]);
        self.offsets.resize(inputs / self.group, [0.0; PANEL_COLUMNS]);
        let level = Level::of(kernel);
        let outputs = first..first + PANEL_COLUMNS - missing;
        unpack_rows(level, matrix, outputs, self, kernel.instructions() >= Kernel::Avx2);
        if self.signed {
            flip_signs(level, &mut self.steps);
            self.offsets.fill([0.0; PANEL_COLUMNS]);
        }
    }
}

leveled! {
    /// Stretch after stretch of all rows, so that what is written stays in the nearest cache.
    fn unpack_rows<const FUSED: bool>(matrix: &Matrix, outputs: Range<usize>, panel: &mut Panel, by_eight: bool) {
        let format = matrix.format;
        let (weights, bytes) = (format.block_weights(), format.block_bytes());
        let groups = weights / panel.group;
        let mut unpacked = Unpacked::EMPTY;
        let rows: Vec<&[u8]> = outputs.map(|output| matrix.row(output)).collect();
        for (stretch, steps) in panel.steps.chunks_mut(STRETCH / 4).enumerate() {
            let first = stretch * STRETCH / weights;
            let turned = if by_eight { turn_rows(format, &rows, first * bytes, steps) } else { 0 };
            for (column, row) in rows.iter().enumerate() {
                let blocks = row[first * bytes..].chunks_exact(bytes);
                for (index, (block, steps)) in blocks.zip(steps.chunks_exact_mut(weights / 4)).enumerate() {
                    format.unpack_scales(block, &mut unpacked);
                    for group in 0..groups {
                        panel.scales[(first + index) * groups + group][column] = unpacked.scales[group];
                        panel.offsets[(first + index) * groups + group][column] = unpacked.offsets[group];
                    }
                    if column >= turned {
                        format.unpack_codes(block, &mut unpacked);
                        for (step, codes) in steps.iter_mut().zip(unpacked.codes.as_chunks::<4>().0) {
                            step.0[column] = u32::from_le_bytes(*codes);
                        }
                    }
                }
            }
        }
    }
}

/// Unpacks the codes of as many rows as come in eights, from the byte `at` on; returns of how many.
#[cfg(target_arch = "x86_64")]
fn turn_rows(format: Format, rows: &[&[u8]], at: usize, steps: &mut [Step]) -> usize {
    let (eights, _) = rows.as_chunks::<{ x86_panel::ROWS }>();
    for (index, rows) in eights.iter().enumerate() {
        let rows = rows.map(|row| row[at..].as_ptr());
        // SAFETY: `fill` has found AVX2; the rows are as long as all steps, of which these are those from `at` on; there
        // are at most 32 rows.
        unsafe { x86_panel::unpack(format, rows, steps, index * x86_panel::ROWS) };
    }
    eights.len() * x86_panel::ROWS
}

/// Elsewhere rows are unpacked one by one.
#[cfg(not(target_arch = "x86_64"))]
fn turn_rows(_: Format, _: &[&[u8]], _: usize, _: &mut [Step]) -> usize {
    0
}

leveled! {
    fn flip_signs<const FUSED: bool>(steps: &mut [Step]) {
        for step in steps {
            step.0.iter_mut().for_each(|codes| *codes ^= 0x8080_8080);
        }
    }
}

/// Groups of weights to a group of activations.
pub(crate) fn groups_per_scale(group: usize) -> usize {
    GROUP / group
}
