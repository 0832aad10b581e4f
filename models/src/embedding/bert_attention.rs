//! Attention within each sentence of a batch without padding, f32, head by head on small tiles.
#![allow(
    unsafe_code,
    reason = "tiles read query, key and value in place, through strided pointers"
)]

use crate::matmul::elementwise::softmax_rows;
use crate::matmul::{Kernel, Lines, PANEL_COLUMNS, Strided, TILE_ROWS, multiply_f32};

/// Query rows taken at a time: their scores stay in the nearest cache up to 500 tokens.
const QUERY_ROWS: usize = 12;

/// How the hidden width is divided.
#[derive(Clone, Copy)]
pub(super) struct HeadShape {
    pub(super) heads: usize,
    pub(super) head_dim: usize,
}

/// Buffers of one thread.
#[derive(Default)]
pub(super) struct AttentionRoom {
    /// Keys of one head, transposed: `[panel of 32 keys, head_dim, 32]`
    keys: Lines,
    /// `[QUERY_ROWS, keys rounded up to 32]`
    scores: Vec<f32>,
    /// Values of one head: `[key, head_dim rounded up to 32]`
    values: Lines,
}

/// `query_key_value` is `[tokens, 3 * hidden]`, sentences of `lengths` tokens end to end, queries already scaled;
/// `attended` becomes `[tokens, hidden]`.
pub(super) fn attend(
    kernel: Kernel,
    shape: HeadShape,
    lengths: impl Iterator<Item = usize>,
    query_key_value: &[f32],
    room: &mut AttentionRoom,
    attended: &mut Vec<f32>,
) {
    let hidden = shape.heads * shape.head_dim;
    attended.resize(query_key_value.len() / 3, 0.0);
    let mut first = 0;
    for length in lengths {
        let input = &query_key_value[first * 3 * hidden..(first + length) * 3 * hidden];
        let output = &mut attended[first * hidden..(first + length) * hidden];
        for head in 0..shape.heads {
            attend_head(kernel, shape, head, input, room, output);
        }
        first += length;
    }
}

/// Where one head's query, key or value of a token stands in its row of `[3 * hidden]`.
#[derive(Clone, Copy)]
struct HeadColumns {
    hidden: usize,
    first: usize,
    head_dim: usize,
}

fn attend_head(
    kernel: Kernel,
    shape: HeadShape,
    head: usize,
    input: &[f32],
    room: &mut AttentionRoom,
    output: &mut [f32],
) {
    let HeadShape { heads, head_dim } = shape;
    let head = HeadColumns {
        hidden: heads * head_dim,
        first: head * head_dim,
        head_dim,
    };
    let length = output.len() / head.hidden;
    let columns = length.next_multiple_of(PANEL_COLUMNS);
    let AttentionRoom { keys, scores, values } = room;
    let keys = transposed_keys(input, head, keys, columns);
    let (values, value_stride) = copied_values(input, head, values, length);
    scores.resize(QUERY_ROWS * columns, 0.0);
    let mut tile = [[0.0; PANEL_COLUMNS]; TILE_ROWS];
    for row in (0..length).step_by(QUERY_ROWS) {
        let rows = QUERY_ROWS.min(length - row);
        let query = Strided::of(&input[row * 3 * head.hidden + head.first..], 3 * head.hidden);
        for (panel, key) in keys.chunks_exact(head_dim * PANEL_COLUMNS).enumerate() {
            let key = Strided {
                start: key.as_ptr(),
                stride: PANEL_COLUMNS,
            };
            // SAFETY: `rows` queries of `head_dim` begin at `query`; a panel has `head_dim` rows of 32.
            unsafe { multiply_f32(kernel, rows, query, key, head_dim, &mut tile) };
            for (scores, sums) in scores.chunks_exact_mut(columns).zip(&tile[..rows]) {
                scores[panel * PANEL_COLUMNS..][..PANEL_COLUMNS].copy_from_slice(sums);
            }
        }
        softmax_rows(kernel.level(), &mut scores[..rows * columns], columns, length);
        let weights = Strided::of(scores, columns);
        for first in (0..head_dim).step_by(PANEL_COLUMNS) {
            let value = Strided {
                start: values[first..].as_ptr(),
                stride: value_stride,
            };
            // SAFETY: there are `rows` rows of `length` weights, and `length` rows of 32 values from `first` on.
            unsafe { multiply_f32(kernel, rows, weights, value, length, &mut tile) };
            let width = PANEL_COLUMNS.min(head_dim - first);
            for (output, sums) in output[row * head.hidden..]
                .chunks_exact_mut(head.hidden)
                .zip(&tile[..rows])
            {
                output[head.first + first..][..width].copy_from_slice(&sums[..width]);
            }
        }
    }
}

/// `[panel of 32 keys, head_dim, 32]`, zero beyond the last key
fn transposed_keys<'a>(input: &[f32], head: HeadColumns, room: &'a mut Lines, columns: usize) -> &'a [u32] {
    let keys = room.cleared(columns * head.head_dim);
    for (index, row) in input.chunks_exact(3 * head.hidden).enumerate() {
        let start = index / PANEL_COLUMNS * head.head_dim * PANEL_COLUMNS + index % PANEL_COLUMNS;
        let key = &row[head.hidden + head.first..][..head.head_dim];
        for (target, value) in keys[start..].iter_mut().step_by(PANEL_COLUMNS).zip(key) {
            *target = value.to_bits();
        }
    }
    keys
}

/// `[key, head_dim rounded up to 32]`, and the length of such a row
fn copied_values<'a>(input: &[f32], head: HeadColumns, room: &'a mut Lines, length: usize) -> (&'a [u32], usize) {
    let stride = head.head_dim.next_multiple_of(PANEL_COLUMNS);
    let values = room.cleared(length * stride);
    for (row, target) in input.chunks_exact(3 * head.hidden).zip(values.chunks_exact_mut(stride)) {
        let value = &row[2 * head.hidden + head.first..][..head.head_dim];
        target
            .iter_mut()
            .zip(value)
            .for_each(|(target, value)| *target = value.to_bits());
    }
    (values, stride)
}
