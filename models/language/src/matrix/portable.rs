//! 8-bit products on any processor, in plain Rust; what the other kernels are compared with.

use super::format::Unpacked;
use super::panel::{Panel, groups_per_scale};
use super::quantized_rows::GROUP;
use super::{Format, PANEL_COLUMNS, QuantizedRows, TILE_ROWS, TileRow};

/// Products of one row of weights with one row of x.
pub(super) fn dot(format: Format, weights: &[u8], x: &QuantizedRows, row: usize) -> f32 {
    let mut unpacked = Unpacked::EMPTY;
    let (group, columns) = (format.group(), x.columns);
    let codes = x.codes[row * columns..][..columns].chunks_exact(format.block_weights());
    let mut total = 0.0;
    let mut at = row * columns / group;
    for (block, codes) in weights.chunks_exact(format.block_bytes()).zip(codes) {
        format.unpack(block, &mut unpacked);
        let groups = unpacked.codes.chunks_exact(group).zip(codes.chunks_exact(group));
        for (index, (weights, x_codes)) in groups.enumerate() {
            let products = weights.iter().zip(x_codes);
            let sum: i32 = products.map(|(weight, x)| i32::from(*weight) * i32::from(*x)).sum();
            let (scale, x_sum) = (x.scales[at * group / GROUP], sums_of(x, group)[at]);
            total += unpacked.scales[index] * scale * sum as f32 - unpacked.offsets[index] * x_sum;
            at += 1;
        }
    }
    total
}

/// Products of a panel with `rows` rows of x, at most [`TILE_ROWS`].
pub(super) fn tile(panel: &Panel, x: &QuantizedRows, first: usize, rows: usize, tile: &mut [TileRow; TILE_ROWS]) {
    let groups = x.columns / panel.group;
    for (row, sums) in (first..first + rows).zip(tile.iter_mut()) {
        *sums = [0.0; PANEL_COLUMNS];
        let codes = x.codes[row * x.columns..][..x.columns].chunks_exact(panel.group);
        let steps = panel.steps.chunks_exact(panel.group / 4);
        for (group, (codes, steps)) in codes.zip(steps).enumerate() {
            let mut products = [0_i32; PANEL_COLUMNS];
            for (step, x) in steps.iter().zip(codes.as_chunks::<4>().0) {
                for (product, weights) in products.iter_mut().zip(&step.0) {
                    for (weight, x) in weights.to_le_bytes().into_iter().zip(x) {
                        *product += i32::from(weight) * i32::from(*x);
                    }
                }
            }
            let scale = x.scales[(row * groups + group) / groups_per_scale(panel.group)];
            let x_sum = sums_of(x, panel.group)[row * groups + group];
            let weights = panel.scales[group].iter().zip(&panel.offsets[group]);
            for ((sum, product), (weight, offset)) in sums.iter_mut().zip(products).zip(weights) {
                *sum += weight * scale * product as f32 - offset * x_sum;
            }
        }
    }
}

/// Sums of rounded entries by groups of 16 or 32.
pub(super) fn sums_of(x: &QuantizedRows, group: usize) -> &[f32] {
    if group == GROUP { &x.sums } else { &x.half_sums }
}
