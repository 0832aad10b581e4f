//! Rotary positions: pairs of entries of each head are turned by angles that grow with the position.

use rayon::prelude::*;

use crate::config::{RotatedPairs, Rotation};

/// Cosines and sines of the positions of one call.
#[derive(Debug, Default)]
pub(super) struct Angles {
    halves: bool,
    /// `[tokens, pairs]`, (cosine, sine)
    turns: Vec<(f32, f32)>,
    pairs: usize,
    tokens: usize,
}

impl Angles {
    /// Of `tokens` positions from `first` on.
    pub(super) fn fill(&mut self, rotation: &Rotation, first: usize, tokens: usize) {
        self.halves = rotation.pairs == RotatedPairs::Halves;
        self.pairs = rotation.frequencies.len();
        self.tokens = tokens;
        self.turns.clear();
        for position in first..first + tokens {
            // The angle is rounded to f32 as the reference implementation rounds it.
            let angles = rotation.frequencies.iter().map(|frequency| position as f32 * frequency);
            self.turns.extend(angles.map(|angle| {
                let (sine, cosine) = f64::from(angle).sin_cos();
                (cosine as f32, sine as f32)
            }));
        }
    }

    /// Turns `values`, `[tokens, heads * width]`, and multiplies them with `factor`.
    pub(super) fn turn(&self, values: &mut [f32], width: usize, factor: f32) {
        let row = values.len() / self.tokens;
        let rows = values.par_chunks_mut(row).zip(self.turns.par_chunks(self.pairs));
        rows.with_min_len(16).for_each(|(row, turns)| {
            for head in row.chunks_exact_mut(width) {
                if self.halves {
                    turn_halves(head, turns, factor);
                } else {
                    turn_neighbours(head, turns, factor);
                }
                head[2 * turns.len()..].iter_mut().for_each(|value| *value *= factor);
            }
        });
    }
}

fn turn_neighbours(head: &mut [f32], turns: &[(f32, f32)], factor: f32) {
    for ([first, second], (cosine, sine)) in head.as_chunks_mut::<2>().0.iter_mut().zip(turns) {
        let (x, y) = (*first * factor, *second * factor);
        *first = x * cosine - y * sine;
        *second = x * sine + y * cosine;
    }
}

fn turn_halves(head: &mut [f32], turns: &[(f32, f32)], factor: f32) {
    let (left, right) = head.split_at_mut(turns.len());
    for ((first, second), (cosine, sine)) in left.iter_mut().zip(right).zip(turns) {
        let (x, y) = (*first * factor, *second * factor);
        *first = x * cosine - y * sine;
        *second = x * sine + y * cosine;
    }
}
