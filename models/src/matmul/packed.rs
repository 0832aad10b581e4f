//! A packed matrix, and the walk over its panels.
#![allow(
    unsafe_code,
    reason = "threads write disjoint columns of one result, which slices cannot say"
)]

use std::ops::Range;

use super::elementwise::{self, Function};
use super::kernel::{Kernel, Word};
use super::{PANEL_COLUMNS, Strided, TILE_ROWS, portable};

/// Products below this many multiplications are not worth a second thread (about 0.1 ms of work).
const PARALLEL_MULTIPLICATIONS: usize = 1 << 22;

/// 64 bytes on a boundary of the cache, so that no load touches two lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u32; 16]);

/// Words on cache-line boundaries; room that is used again from one product to the next.
#[derive(Clone, Debug, Default)]
pub struct Lines(Vec<Line>);

/// Weights `[outputs, inputs]`, packed for one kernel.
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    kernel: Kernel,
    outputs: usize,
    inputs: usize,
    /// Words of a row of x, and rows of a panel.
    steps: usize,
    words: Lines,
}

/// What is done with a product.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    /// Added to each row; one entry per output.
    pub bias: &'a [f32],
    /// Applied after that.
    pub function: Function,
}

impl PackedMatrix {
    /// Packs `weights`, f32 `[outputs, inputs]`, row by row.
    ///
    /// # Panics
    /// When the length of `weights` is not `outputs * inputs`, either is 0, or the kernel is not available here.
    pub fn pack(kernel: Kernel, weights: &[f32], outputs: usize, inputs: usize) -> PackedMatrix {
        assert!(
            kernel.is_available(),
            "the kernel {} needs another processor",
            kernel.name()
        );
        assert!(
            outputs > 0 && inputs > 0 && weights.len() == outputs * inputs,
            "weights are outputs times inputs"
        );
        let per_word = if kernel.word() == Word::F32 { 1 } else { 2 };
        let steps = inputs.div_ceil(per_word).next_multiple_of(kernel.step_multiple());
        let panels = outputs.div_ceil(PANEL_COLUMNS);
        let mut packed = PackedMatrix {
            kernel,
            outputs,
            inputs,
            steps,
            words: Lines::default(),
        };
        let (panel_stride, panel_words) = (packed.panel_stride(), packed.panel_words());
        let words = packed.words.cleared(panels * PANEL_COLUMNS * steps);
        for (output, weights) in weights.chunks_exact(inputs).enumerate() {
            let start = output / PANEL_COLUMNS * panel_words + output % PANEL_COLUMNS;
            for (step, weights) in weights.chunks(per_word).enumerate() {
                words[start + step * panel_stride] = word(kernel.word(), weights);
            }
        }
        packed
    }

    /// Columns of the result.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Columns of x.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.words.0.len() * size_of::<Line>()
    }

    /// `y = function(x·Wᵀ + bias)` on this thread; `x` is f32 `[rows, inputs]`, `y` f32 `[rows, outputs]`. `scratch`
    /// is room to use again.
    ///
    /// # Panics
    /// When the lengths of `x`, `y` and the bias don't fit together.
    pub fn multiply(&self, x: &[f32], product: Product<'_>, scratch: &mut Lines, y: &mut [f32]) {
        let (rows, y) = self.checked(x, product, y);
        let x = self.rounded(x, rows, scratch);
        // SAFETY: `checked` has compared the lengths, and `y` is not used elsewhere meanwhile.
        unsafe { self.multiply_panels(rows, x, product, 0..self.panels(), y) };
    }

    /// As [`multiply`](Self::multiply), on all threads of the current rayon pool if there is enough to do.
    ///
    /// # Panics
    /// As `multiply`.
    pub fn multiply_parallel(&self, x: &[f32], product: Product<'_>, scratch: &mut Lines, y: &mut [f32]) {
        let threads = rayon::current_num_threads().min(self.panels());
        if threads < 2 || x.len() * self.outputs < PARALLEL_MULTIPLICATIONS {
            return self.multiply(x, product, scratch, y);
        }
        let (rows, y) = self.checked(x, product, y);
        let x = self.rounded(x, rows, scratch);
        rayon::scope(|scope| {
            for part in 0..threads {
                let panels = self.panels() * part / threads..self.panels() * (part + 1) / threads;
                let shared = (x, y);
                // SAFETY: as in `multiply`; each part writes other columns.
                scope.spawn(move |_| unsafe {
                    let (x, y) = { shared };
                    self.multiply_panels(rows, x, product, panels, y);
                });
            }
        });
    }

    /// # Safety
    /// `x` holds `rows` rounded rows, `y` may be written in the columns of `panels`, and by nobody else meanwhile.
    unsafe fn multiply_panels(&self, rows: usize, x: Words, product: Product<'_>, panels: Range<usize>, y: Result) {
        if self.kernel == Kernel::Portable {
            // SAFETY: as the caller says.
            return unsafe { self.multiply_whole(rows, x, product, panels, y) };
        }
        let compute = || {
            for panel in panels {
                // SAFETY: as the caller says; the thread is prepared.
                unsafe { self.multiply_panel(rows, x.0, product, panel, y) };
            }
        };
        // SAFETY: `pack` has found the kernel available.
        unsafe { self.kernel.with_thread_prepared(compute) };
    }

    /// # Safety
    /// As for `multiply_panels`, and the thread is prepared.
    unsafe fn multiply_panel(&self, rows: usize, x: Strided, product: Product<'_>, panel: usize, y: Result) {
        let first = panel * PANEL_COLUMNS;
        let columns = first..self.outputs.min(first + PANEL_COLUMNS);
        let mut tile = [[0.0; PANEL_COLUMNS]; TILE_ROWS];
        let tile_rows = self.kernel.tile_rows();
        for row in (0..rows).step_by(tile_rows) {
            let count = tile_rows.min(rows - row);
            // SAFETY: the rows are among those of x (rounded up for AMX, see `rounded`); the panel is one of this
            // matrix; these rows and columns of y are written by this thread alone.
            unsafe {
                self.kernel
                    .tile(count, x.skip(row * x.stride), self.panel(panel), self.steps, &mut tile)
            };
            let bias = &product.bias[columns.clone()];
            elementwise::finish_tile(self.kernel.level(), &mut tile[..count], bias, product.function);
            for (offset, sums) in tile[..count].iter().enumerate() {
                // SAFETY: as above.
                let y = unsafe { y.row(row + offset, columns.clone()) };
                match y.as_chunks_mut::<PANEL_COLUMNS>() {
                    ([whole], _) => *whole = *sums,
                    (_, part) => part.copy_from_slice(&sums[..columns.len()]),
                }
            }
        }
    }

    /// # Safety
    /// As for `multiply_panels`.
    unsafe fn multiply_whole(&self, rows: usize, x: Words, product: Product<'_>, panels: Range<usize>, y: Result) {
        let columns = panels.start * PANEL_COLUMNS..self.outputs.min(panels.end * PANEL_COLUMNS);
        let (weights, target) = (self.panel(panels.start), y.0.wrapping_add(columns.start));
        // SAFETY: as the caller says.
        unsafe { portable::multiply(rows, self.steps, columns.len(), x.0, weights, (target, self.outputs)) };
        for row in 0..rows {
            // SAFETY: as the caller says.
            let y = unsafe { y.row(row, columns.clone()) };
            elementwise::finish_row(self.kernel.level(), y, &product.bias[columns.clone()], product.function);
        }
    }

    fn panels(&self) -> usize {
        self.outputs.div_ceil(PANEL_COLUMNS)
    }

    /// For the `gemm` crate all panels lie side by side, as one matrix; for the others, one after the other.
    fn panel_stride(&self) -> usize {
        if self.kernel == Kernel::Portable {
            self.panels() * PANEL_COLUMNS
        } else {
            PANEL_COLUMNS
        }
    }

    fn panel_words(&self) -> usize {
        if self.kernel == Kernel::Portable {
            PANEL_COLUMNS
        } else {
            PANEL_COLUMNS * self.steps
        }
    }

    fn panel(&self, panel: usize) -> Strided {
        Strided {
            start: self.words.words()[panel * self.panel_words()..].as_ptr(),
            stride: self.panel_stride(),
        }
    }

    fn checked(&self, x: &[f32], product: Product<'_>, y: &mut [f32]) -> (usize, Result) {
        let rows = x.len() / self.inputs;
        assert_eq!(x.len(), rows * self.inputs, "x is whole rows of {} inputs", self.inputs);
        assert_eq!(
            y.len(),
            rows * self.outputs,
            "y is {rows} rows of {} outputs",
            self.outputs
        );
        assert_eq!(product.bias.len(), self.outputs, "one bias for each output");
        (rows, Result(y.as_mut_ptr(), self.outputs))
    }

    /// The rows of x as the kernel wants them: f32 as they are, others rounded into `scratch` and filled up with zeros.
    fn rounded(&self, x: &[f32], rows: usize, scratch: &mut Lines) -> Words {
        if self.kernel.word() == Word::F32 {
            return Words(Strided::of(x, self.inputs));
        }
        let all_rows = rows.next_multiple_of(self.kernel.row_multiple());
        let words = scratch.cleared(all_rows * self.steps);
        for (values, words) in x.chunks_exact(self.inputs).zip(words.chunks_exact_mut(self.steps)) {
            let halves = &mut bytemuck::cast_slice_mut::<u32, u16>(words)[..self.inputs];
            match self.kernel.word() {
                Word::Bf16Pair => elementwise::round_to_bf16(self.kernel.level(), values, halves),
                _ => round_to_f16(values, halves),
            }
        }
        Words(Strided {
            start: words.as_ptr(),
            stride: self.steps,
        })
    }
}

/// Rounded rows of x, shared by threads that only read them.
#[derive(Clone, Copy)]
struct Words(Strided);
// SAFETY: the words behind it are only read while it is in use.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

/// Rows of the result and their stride, shared by threads that write different columns.
#[derive(Clone, Copy)]
struct Result(*mut f32, usize);
// SAFETY: whoever shares it sees to it that no two threads write the same columns.
unsafe impl Send for Result {}
// SAFETY: as above.
unsafe impl Sync for Result {}

impl Result {
    /// Some columns of a row.
    ///
    /// # Safety
    /// They exist, and nobody else uses them meanwhile.
    unsafe fn row<'a>(self, row: usize, columns: Range<usize>) -> &'a mut [f32] {
        // SAFETY: as the caller says.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(row * self.1 + columns.start), columns.len()) }
    }
}

impl Lines {
    /// `count` words, all zero.
    pub(crate) fn cleared(&mut self, count: usize) -> &mut [u32] {
        self.0.clear();
        self.0.resize(count.div_ceil(16), Line([0; 16]));
        // SAFETY: a line is 16 words without padding.
        let words = unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast::<u32>(), self.0.len() * 16) };
        &mut words[..count]
    }

    fn words(&self) -> &[u32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u32>(), self.0.len() * 16) }
    }
}

/// One word of weights; a missing second half is zero.
fn word(kind: Word, weights: &[f32]) -> u32 {
    let pair = |round: fn(f32) -> u16| {
        let second = weights.get(1).map_or(0, |&weight| round(weight));
        u32::from(round(weights[0])) | u32::from(second) << 16
    };
    match kind {
        Word::F32 => weights[0].to_bits(),
        Word::Bf16Pair => pair(|weight| half::bf16::from_f32(weight).to_bits()),
        Word::F16Pair => pair(|weight| half::f16::from_f32(weight).to_bits()),
    }
}

fn round_to_f16(values: &[f32], halves: &mut [u16]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: words of f16 are those of an AVX-512 kernel.
    unsafe {
        super::avx512::round_to_f16(values, halves);
    }
    #[cfg(not(target_arch = "x86_64"))]
    values
        .iter()
        .zip(halves)
        .for_each(|(value, half)| *half = half::f16::from_f32(*value).to_bits());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, in [-1, 1].
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..count).map(next).collect()
    }

    /// Compares with sums in double precision; the tolerance is that of the kernel's rounding.
    fn check(kernel: Kernel, rows: usize, outputs: usize, inputs: usize, function: Function) {
        let (x, weights, bias) = (
            numbers(rows * inputs, 1),
            numbers(outputs * inputs, 2),
            numbers(outputs, 3),
        );
        let packed = PackedMatrix::pack(kernel, &weights, outputs, inputs);
        let mut y = vec![f32::NAN; rows * outputs];
        let mut scratch = Lines::default();
        packed.multiply(&x, Product { bias: &bias, function }, &mut scratch, &mut y);
        let tolerance = if kernel.word() == Word::F32 { 4e-6 } else { 6e-3 } * (inputs as f32).sqrt().max(1.0) + 2e-6;
        for (row, (x, y)) in x.chunks(inputs).zip(y.chunks(outputs)).enumerate() {
            for (output, (weights, &found)) in weights.chunks(inputs).zip(y).enumerate() {
                let sum: f64 = x
                    .iter()
                    .zip(weights)
                    .map(|(x, weight)| f64::from(*x) * f64::from(*weight))
                    .sum();
                let sum = sum as f32 + bias[output];
                let expected = if function == Function::Relu { sum.max(0.0) } else { sum };
                let close = (found - expected).abs() <= tolerance;
                assert!(
                    close,
                    "{kernel:?} {rows}x{outputs}x{inputs} [{row},{output}]: {found}, expected {expected}"
                );
            }
        }
        let mut parallel = vec![f32::NAN; rows * outputs];
        packed.multiply_parallel(&x, Product { bias: &bias, function }, &mut scratch, &mut parallel);
        assert_eq!(y, parallel, "{kernel:?}: threads change nothing");
    }

    #[test]
    fn every_kernel_multiplies_every_shape() {
        for kernel in Kernel::available() {
            for rows in [1, 2, 3, 5, 12, 13, 33, 47] {
                for (outputs, inputs) in [(1, 1), (32, 32), (33, 31), (96, 64), (40, 385)] {
                    check(kernel, rows, outputs, inputs, Function::Identity);
                }
            }
            check(kernel, 64, 384, 384, Function::Relu);
            check(kernel, 7, 64, 1536, Function::Identity);
        }
    }

    #[test]
    fn no_rows_give_no_rows() {
        let packed = PackedMatrix::pack(Kernel::fastest(), &[1.0; 6], 2, 3);
        packed.multiply(
            &[],
            Product {
                bias: &[0.0; 2],
                function: Function::Gelu,
            },
            &mut Lines::default(),
            &mut [],
        );
    }

    #[test]
    #[should_panic(expected = "y is 2 rows of 2 outputs")]
    fn a_result_of_another_length_is_refused() {
        let packed = PackedMatrix::pack(Kernel::Portable, &[1.0; 6], 2, 3);
        let product = Product {
            bias: &[0.0; 2],
            function: Function::Identity,
        };
        packed.multiply(&[0.0; 6], product, &mut Lines::default(), &mut [0.0; 3]);
    }
}
