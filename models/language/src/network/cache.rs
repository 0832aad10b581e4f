//! Keys and values of what has been read, in f16, in pages of 64 positions that forks share.
//!
//! A fork copies a list of pages, not the pages; the one that is still being filled is copied when either side writes
//! on. Keys lie across (`[head_dim, 64]`), values along (`[64, head_dim]`), so that both are read in order as the right
//! factor of a product. Source of the paging: Kwon et al., "Efficient Memory Management for Large Language Model
//! Serving with PagedAttention", SOSP 2023.

use std::sync::Arc;

use half::f16;

/// Positions of a page.
pub(crate) const PAGE_POSITIONS: usize = 64;

/// Keys and values of a sequence.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    layers: usize,
    kv_heads: usize,
    head_dim: usize,
    pages: Vec<Arc<Page>>,
    length: usize,
}

#[derive(Clone, Debug)]
struct Page {
    /// `[layers, kv_heads, head_dim, 64]`
    keys: Vec<f16>,
    /// `[layers, kv_heads, 64, head_dim]`
    values: Vec<f16>,
}

impl Cache {
    pub(crate) fn new(layers: usize, kv_heads: usize, head_dim: usize) -> Cache {
        Cache {
            layers,
            kv_heads,
            head_dim,
            pages: Vec::new(),
            length: 0,
        }
    }

    /// Positions that are filled.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Forgets all positions from `length` on.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
        self.pages.truncate(self.length.div_ceil(PAGE_POSITIONS));
    }

    /// Sees to it that `count` positions can be written after the filled ones. They are filled by [`write`](Self::write)
    /// for each layer and then [`advance`](Self::advance).
    pub(super) fn make_room(&mut self, count: usize) {
        let first = self.length / PAGE_POSITIONS;
        let pages = (self.length + count).div_ceil(PAGE_POSITIONS);
        let half = self.layers * self.kv_heads * self.head_dim * PAGE_POSITIONS;
        self.pages.resize_with(pages, || {
            Arc::new(Page {
                keys: vec![f16::ZERO; half],
                values: vec![f16::ZERO; half],
            })
        });
        for page in &mut self.pages[first..] {
            Arc::make_mut(page);
        }
    }

    /// Writes one layer's keys and values, `[tokens, kv_heads * head_dim]`, after the filled positions.
    pub(super) fn write(&mut self, layer: usize, keys: &[f32], values: &[f32]) {
        let (heads, width) = (self.kv_heads, self.head_dim);
        let rows = keys.chunks_exact(heads * width).zip(values.chunks_exact(heads * width));
        for (position, (key, value)) in (self.length..).zip(rows) {
            let page = Arc::get_mut(&mut self.pages[position / PAGE_POSITIONS]).expect("make_room made it our own");
            let position = position % PAGE_POSITIONS;
            let start = layer * heads * width * PAGE_POSITIONS;
            let across = page.keys[start + position..].iter_mut().step_by(PAGE_POSITIONS);
            across.zip(key).for_each(|(target, key)| *target = f16::from_f32(*key));
            for (head, value) in value.chunks_exact(width).enumerate() {
                let target = start + (head * PAGE_POSITIONS + position) * width;
                let target = &mut page.values[target..][..width];
                target
                    .iter_mut()
                    .zip(value)
                    .for_each(|(target, value)| *target = f16::from_f32(*value));
            }
        }
    }

    /// Counts `count` more positions as filled.
    pub(super) fn advance(&mut self, count: usize) {
        self.length += count;
    }

    /// Keys of a page, `[head_dim, 64]`.
    pub(super) fn keys(&self, page: usize, layer: usize, head: usize) -> &[f16] {
        let length = self.head_dim * PAGE_POSITIONS;
        &self.pages[page].keys[(layer * self.kv_heads + head) * length..][..length]
    }

    /// Values of a page, `[64, head_dim]`.
    pub(super) fn values(&self, page: usize, layer: usize, head: usize) -> &[f16] {
        let length = self.head_dim * PAGE_POSITIONS;
        &self.pages[page].values[(layer * self.kv_heads + head) * length..][..length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(cache: &mut Cache, numbers: std::ops::Range<usize>) {
        cache.make_room(numbers.len());
        let rows: Vec<f32> = numbers.clone().flat_map(|number| [number as f32; 16]).collect();
        cache.write(0, &rows, &rows);
        cache.advance(numbers.len());
    }

    fn contents(cache: &Cache) -> Vec<f32> {
        let value = |position: usize| cache.values(position / 64, 0, 0)[position % 64 * 16].to_f32();
        let key = |position: usize| cache.keys(position / 64, 0, 0)[position % 64].to_f32();
        (0..cache.length())
            .map(|position| {
                assert_eq!(value(position), key(position));
                value(position)
            })
            .collect()
    }

    #[test]
    fn forks_share_what_was_and_differ_in_what_follows() {
        let mut cache = Cache::new(1, 1, 16);
        fill(&mut cache, 0..100);
        let mut fork = cache.clone();
        fill(&mut cache, 100..130);
        fill(&mut fork, 500..510);
        assert!(Arc::ptr_eq(&cache.pages[0], &fork.pages[0]), "whole pages are shared");
        let numbers = |range: std::ops::Range<usize>| range.map(|number| number as f32).collect::<Vec<_>>();
        assert_eq!(contents(&cache), numbers(0..130));
        assert_eq!(contents(&fork), [numbers(0..100), numbers(500..510)].concat());
        cache.truncate(64);
        fill(&mut cache, 7..9);
        assert_eq!(contents(&cache), [numbers(0..64), numbers(7..9)].concat());
    }
}
