//! Keys and values of what has been read, in f16, in pages of 64 positions that forks share.
//!
//! A fork copies a list of pages, not the pages; the one that is still being filled is copied when either side writes
//! on. Keys lie across (`[head_dim, 64]`), values along (`[64, head_dim]`), so that both are read in order as the right
//! factor of a product. Source of the paging: Kwon et al., "Efficient Memory Management for Large Language Model
//! Serving with PagedAttention", SOSP 2023.

use std::ops::Range;
use std::sync::Arc;

use half::f16;

use crate::matrix::attention_tile::PagePart;

/// Positions of a page.
pub(crate) const PAGE_POSITIONS: usize = 64;

/// Keys and values of a sequence.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    layers: usize,
    kv_heads: usize,
    head_dim: usize,
    precision: Precision,
    pages: Vec<Arc<Page>>,
    length: usize,
}

/// How keys and values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    Half,
    /// Twice the memory; goes with the exact kernel.
    Single,
}

#[derive(Clone, Debug)]
struct Page {
    /// `[layers, kv_heads, head_dim, 64]`
    keys: Numbers,
    /// `[layers, kv_heads, 64, head_dim]`
    values: Numbers,
}

#[derive(Clone, Debug)]
enum Numbers {
    Halves(Vec<f16>),
    Floats(Vec<f32>),
}

impl Numbers {
    fn zeros(precision: Precision, count: usize) -> Numbers {
        match precision {
            Precision::Half => Numbers::Halves(vec![f16::ZERO; count]),
            Precision::Single => Numbers::Floats(vec![0.0; count]),
        }
    }

    /// Writes `values` from `start` on, `stride` apart.
    fn write(&mut self, start: usize, stride: usize, values: &[f32]) {
        match self {
            Numbers::Halves(halves) => {
                let targets = halves[start..].iter_mut().step_by(stride);
                targets
                    .zip(values)
                    .for_each(|(target, value)| *target = f16::from_f32(*value));
            }
            Numbers::Floats(floats) => {
                let targets = floats[start..].iter_mut().step_by(stride);
                targets.zip(values).for_each(|(target, value)| *target = *value);
            }
        }
    }

    fn part(&self, range: Range<usize>) -> PagePart<'_> {
        match self {
            Numbers::Halves(halves) => PagePart::Halves(&halves[range]),
            Numbers::Floats(floats) => PagePart::Floats(&floats[range]),
        }
    }
}

impl Cache {
    pub(crate) fn new(layers: usize, kv_heads: usize, head_dim: usize, precision: Precision) -> Cache {
        Cache {
            layers,
            kv_heads,
            head_dim,
            precision,
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
        let precision = self.precision;
        self.pages.resize_with(pages, || {
            Arc::new(Page {
                keys: Numbers::zeros(precision, half),
                values: Numbers::zeros(precision, half),
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
            page.keys.write(start + position, PAGE_POSITIONS, key);
            for (head, value) in value.chunks_exact(width).enumerate() {
                let target = start + (head * PAGE_POSITIONS + position) * width;
                page.values.write(target, 1, value);
            }
        }
    }

    /// Counts `count` more positions as filled.
    pub(super) fn advance(&mut self, count: usize) {
        self.length += count;
    }

    /// Keys of a page, `[head_dim, 64]`.
    pub(super) fn keys(&self, page: usize, layer: usize, head: usize) -> PagePart<'_> {
        self.pages[page].keys.part(self.place(layer, head))
    }

    /// Values of a page, `[64, head_dim]`.
    pub(super) fn values(&self, page: usize, layer: usize, head: usize) -> PagePart<'_> {
        self.pages[page].values.part(self.place(layer, head))
    }

    fn place(&self, layer: usize, head: usize) -> Range<usize> {
        let length = self.head_dim * PAGE_POSITIONS;
        let start = (layer * self.kv_heads + head) * length;
        start..start + length
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
        let number = |part: PagePart<'_>, index: usize| match part {
            PagePart::Halves(halves) => halves[index].to_f32(),
            PagePart::Floats(floats) => floats[index],
        };
        let value = |position: usize| number(cache.values(position / 64, 0, 0), position % 64 * 16);
        let key = |position: usize| number(cache.keys(position / 64, 0, 0), position % 64);
        (0..cache.length())
            .map(|position| {
                assert_eq!(value(position), key(position));
                value(position)
            })
            .collect()
    }

    #[test]
    fn forks_share_what_was_and_differ_in_what_follows() {
        check(Precision::Half);
        check(Precision::Single);
    }

    fn check(precision: Precision) {
        let mut cache = Cache::new(1, 1, 16, precision);
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
