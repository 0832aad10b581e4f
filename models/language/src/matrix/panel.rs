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
        let stretches = panel
            .steps
            .chunks_mut(STRETCH / 4)
            .zip(panel.scales.chunks_mut(STRETCH / panel.group))
            .zip(panel.offsets.chunks_mut(STRETCH / panel.group));
        for (stretch, ((steps, scales), offsets)) in stretches.enumerate() {
            let at = stretch * STRETCH / weights * bytes;
            let turned = if by_eight { turn_rows(format, &rows, at, steps, scales, offsets) } else { 0 };
            for (column, row) in rows.iter().enumerate().skip(turned) {
                let blocks = row[at..].chunks_exact(bytes);
                for (index, (block, steps)) in blocks.zip(steps.chunks_exact_mut(weights / 4)).enumerate() {
                    format.unpack(block, &mut unpacked);
                    for group in 0..groups {
                        scales[index * groups + group][column] = unpacked.scales[group];
                        offsets[index * groups + group][column] = unpacked.offsets[group];
                    }
                    for (step, codes) in steps.iter_mut().zip(unpacked.codes.as_chunks::<4>().0) {
                        step.0[column] = u32::from_le_bytes(*codes);
                    }
                }
            }
        }
    }
}

/// Unpacks as many rows as come in eights, from the byte `at` on; returns how many. Meanwhile the bytes of the panel that
/// this thread will probably take next are asked for, in equal shares: 32 rows are more streams than the processor follows
/// of itself, and waiting for each of them took twice the time of all the rest.
#[cfg(target_arch = "x86_64")]
fn turn_rows(
    format: Format,
    rows: &[&[u8]],
    at: usize,
    steps: &mut [Step],
    scales: &mut [TileRow],
    offsets: &mut [TileRow],
) -> usize {
    let (eights, _) = rows.as_chunks::<{ x86_panel::ROWS }>();
    let share = x86_panel::ROWS * format.row_bytes(4 * steps.len());
    for (index, eight) in eights.iter().enumerate() {
        let ahead = rayon::current_num_threads() * eight[0].len() + at;
        x86_panel::prefetch(rows[0].as_ptr().wrapping_add(rows.len() * ahead + index * share), share);
        let (starts, column) = (eight.map(|row| row[at..].as_ptr()), index * x86_panel::ROWS);
        // SAFETY: `fill` has found AVX2 (and F16C, without which there is no such kernel); the rows are as long as all
        // steps, of which these are those from `at` on; there are at most 32 rows.
        unsafe {
            x86_panel::unpack(format, starts, steps, column);
            x86_panel::unpack_scales(format, starts, scales, offsets, column);
        }
    }
    eights.len() * x86_panel::ROWS
}

/// Elsewhere rows are unpacked one by one.
#[cfg(not(target_arch = "x86_64"))]
fn turn_rows(_: Format, _: &[&[u8]], _: usize, _: &mut [Step], _: &mut [TileRow], _: &mut [TileRow]) -> usize {
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
