//! Causal attention over the cache, page by page: scores of one page at a time are all that is ever held.
//!
//! Query heads that share a key-value head are taken together as rows of one product, so keys are neither repeated nor
//! read twice. Source: Ainslie et al., "GQA", 2023; Dao et al., "FlashAttention", NeurIPS 2022 (the sums over pages).

use rayon::prelude::*;

use super::cache::{Cache, PAGE_POSITIONS};
use crate::matrix::Kernel;
use crate::matrix::attention_tile::{Factor, multiply_page};
use crate::vector_math::{Level, scale, softmax_step};

/// Rows (a query head of a token) that pass over the cache together: enough that widening keys costs little.
const ROWS: usize = 64;

/// How queries, keys and values are divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
}

/// `query` is `[tokens, heads * head_dim]`, already scaled, of the positions just written after the filled ones of the
/// cache; `attended` becomes the same shape. `by_head` is room to use again.
pub(super) fn attend(
    kernel: Kernel,
    heads: Heads,
    (cache, layer): (&Cache, usize),
    query: &[f32],
    by_head: &mut Vec<f32>,
    attended: &mut [f32],
) {
    let Heads { head_dim, kv_heads, .. } = heads;
    let (width, shared) = (heads.heads * head_dim, heads.heads / kv_heads);
    let tokens = query.len() / width;
    let block = (ROWS / shared).max(1);
    by_head.resize(query.len(), 0.0);
    // [kv_heads, tokens, shared * head_dim], so that each task's result is a slice of its own
    let tasks = by_head.par_chunks_mut(tokens * shared * head_dim).enumerate();
    tasks.for_each(|(head, output)| {
        let blocks = output.par_chunks_mut(block * shared * head_dim).enumerate();
        blocks.for_each(|(index, output)| {
            let rows: Vec<f32> = query
                .chunks_exact(width)
                .skip(index * block)
                .take(output.len() / (shared * head_dim))
                .flat_map(|row| &row[head * shared * head_dim..][..shared * head_dim])
                .copied()
                .collect();
            let task = Task {
                kernel,
                cache,
                layer,
                head,
                head_dim,
                shared,
                first: cache.length() + index * block,
            };
            task.run(&rows, output);
        });
    });
    let rows = attended.par_chunks_mut(width).enumerate();
    rows.with_min_len(32).for_each(|(token, row)| {
        for (head, part) in row.chunks_exact_mut(shared * head_dim).enumerate() {
            part.copy_from_slice(&by_head[(head * tokens + token) * shared * head_dim..][..shared * head_dim]);
        }
    });
}

/// Some tokens' queries of one key-value head.
struct Task<'a> {
    kernel: Kernel,
    cache: &'a Cache,
    layer: usize,
    head: usize,
    head_dim: usize,
    /// Query heads of this key-value head.
    shared: usize,
    /// Position of the first token.
    first: usize,
}

impl Task<'_> {
    /// `query` and `output` are `[tokens, shared, head_dim]`.
    fn run(&self, query: &[f32], output: &mut [f32]) {
        let (level, width) = (Level::of(self.kernel), self.head_dim);
        let rows = query.len() / width;
        let last = self.first + rows / self.shared - 1;
        let mut scores = vec![0.0; rows * PAGE_POSITIONS];
        let mut states = vec![(f32::NEG_INFINITY, 0.0); rows];
        let (mut factors, nothing) = (vec![0.0; rows], vec![0.0; rows]);
        for page in 0..=last / PAGE_POSITIONS {
            let keys = self.cache.keys(page, self.layer, self.head);
            multiply_page(
                self.kernel,
                factor(query, width),
                keys,
                PAGE_POSITIONS,
                &nothing,
                &mut scores,
            );
            for (row, scores) in scores.chunks_exact_mut(PAGE_POSITIONS).enumerate() {
                let visible = (self.first + row / self.shared + 1).saturating_sub(page * PAGE_POSITIONS);
                scores[visible.min(PAGE_POSITIONS)..].fill(f32::NEG_INFINITY);
                softmax_step(level, scores, &mut states[row], &mut factors[row]);
            }
            let values = self.cache.values(page, self.layer, self.head);
            multiply_page(
                self.kernel,
                factor(&scores, PAGE_POSITIONS),
                values,
                width,
                &factors,
                output,
            );
        }
        for (output, (_, sum)) in output.chunks_exact_mut(width).zip(states) {
            scale(level, output, 1.0 / sum);
        }
    }
}

fn factor(values: &[f32], width: usize) -> Factor<'_> {
    Factor {
        values,
        stride: width,
        rows: values.len() / width,
        depth: width,
    }
}
