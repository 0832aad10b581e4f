//! The walk over the outputs of one or several matrices that share their input, on all threads of the current pool.
#![allow(
    unsafe_code,
    reason = "threads write disjoint columns of one result, which slices cannot say; kernels need their instructions"
)]

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::exact::FloatPanel;
use super::panel::Panel;
use super::{Kernel, Matrix, PANEL_COLUMNS, QuantizedRows, TILE_ROWS, TileRow, portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Up to so many rows of x, weights are unpacked row by row and never stored. Measured: filling a panel costs half as much
/// again as reading the weights, and each row of x is cheaper from then on, with VNNI by more.
fn few_rows(kernel: Kernel) -> usize {
    if kernel == Kernel::Avx512Vnni { 2 } else { 4 }
}

/// Products below this many multiplications are not worth a second thread (about 20 microseconds of work).
const PARALLEL_MULTIPLICATIONS: usize = 1 << 18;

/// A matrix and the room for its result, `[rows, outputs]`.
#[derive(Debug)]
pub(crate) struct Product<'a> {
    pub(crate) matrix: &'a Matrix,
    pub(crate) y: &'a mut [f32],
}

/// `y = x·Wᵀ + b` for each product; `x` is `[rows, inputs]`, f32.
///
/// # Panics
/// When shapes don't fit together, or the kernel is not available.
pub(crate) fn multiply(kernel: Kernel, x: &[f32], products: &mut [Product<'_>], room: &mut QuantizedRows) {
    assert!(
        kernel.is_available(),
        "the kernel {} needs another processor",
        kernel.name()
    );
    let Some(inputs) = products.first().map(|product| product.matrix.inputs) else {
        return;
    };
    let rows = x.len() / inputs;
    let mut parts = Vec::with_capacity(products.len());
    for product in products.iter_mut() {
        let outputs = product.matrix.outputs;
        assert_eq!(
            (product.matrix.inputs, x.len()),
            (inputs, rows * inputs),
            "x is whole rows of inputs"
        );
        assert_eq!(product.y.len(), rows * outputs, "y is {rows} rows of {outputs}");
        parts.push(Part {
            matrix: product.matrix,
            y: Columns(product.y.as_mut_ptr()),
            rows,
            quantized: kernel != Kernel::Exact && !product.matrix.format.is_float(),
        });
    }
    if parts.iter().any(|part| part.quantized) {
        room.fill(kernel, x, inputs);
    }
    let outputs: usize = parts.iter().map(|part| part.matrix.outputs).sum();
    let work = Work {
        kernel,
        x,
        rounded: room,
        parts: &parts,
        next: AtomicUsize::new(0),
    };
    if outputs * x.len() < PARALLEL_MULTIPLICATIONS {
        return work.run();
    }
    rayon::scope(|scope| {
        for _ in 1..rayon::current_num_threads() {
            scope.spawn(|_| work.run());
        }
        work.run();
    });
}

struct Part<'a> {
    matrix: &'a Matrix,
    y: Columns,
    rows: usize,
    quantized: bool,
}

/// The result, shared by threads that write different columns.
struct Columns(*mut f32);
// SAFETY: each panel of outputs is taken by one thread alone (`Work::next`).
unsafe impl Send for Columns {}
// SAFETY: as above.
unsafe impl Sync for Columns {}

/// What the threads of one product share.
struct Work<'a> {
    kernel: Kernel,
    x: &'a [f32],
    rounded: &'a QuantizedRows,
    parts: &'a [Part<'a>],
    /// The next panel, counted over all parts.
    next: AtomicUsize,
}

/// Buffers of one thread.
#[derive(Default)]
struct Room {
    panel: Panel,
    float_panel: FloatPanel,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

impl Work<'_> {
    /// Takes panel after panel until none is left.
    fn run(&self) {
        ROOM.with_borrow_mut(|room| {
            loop {
                let mut index = self.next.fetch_add(1, Ordering::Relaxed);
                let part = self.parts.iter().find(|part| {
                    let panels = part.matrix.outputs.div_ceil(PANEL_COLUMNS);
                    let found = index < panels;
                    index -= if found { 0 } else { panels };
                    found
                });
                let Some(part) = part else { return };
                let first = index * PANEL_COLUMNS;
                match part.quantized {
                    false => self.exact_panel(part, first, room),
                    true if part.rows <= few_rows(self.kernel) => self.row_by_row(part, first),
                    true => self.panel(part, first, room),
                }
            }
        });
    }

    fn exact_panel(&self, part: &Part<'_>, first: usize, room: &mut Room) {
        room.float_panel.fill(part.matrix, first);
        let mut tile = [[0.0; PANEL_COLUMNS]; TILE_ROWS];
        for (index, x) in self.x.chunks(TILE_ROWS * part.matrix.inputs).enumerate() {
            room.float_panel.tile(x, &mut tile);
            let rows = x.len() / part.matrix.inputs;
            part.store(index * TILE_ROWS, first, &tile[..rows]);
        }
    }

    fn panel(&self, part: &Part<'_>, first: usize, room: &mut Room) {
        room.panel.fill(self.kernel, part.matrix, first);
        let mut tile = [[0.0; PANEL_COLUMNS]; TILE_ROWS];
        let mut row = 0;
        while row < part.rows {
            let rows = TILE_ROWS.min(part.rows - row);
            let (panel, x) = (&room.panel, self.rounded);
            // SAFETY: `multiply` has found the kernel available; the panel has as many inputs as x, which has these rows.
            let done = unsafe {
                match self.kernel {
                    #[cfg(target_arch = "x86_64")]
                    Kernel::Avx512Vnni => avx512::tile(panel, x, row, rows, &mut tile),
                    #[cfg(target_arch = "x86_64")]
                    Kernel::AvxVnni => avx2::tile_vnni(panel, x, row, rows, &mut tile),
                    #[cfg(target_arch = "x86_64")]
                    Kernel::Avx2 => avx2::tile(panel, x, row, rows, &mut tile),
                    _ => {
                        portable::tile(panel, x, row, rows, &mut tile);
                        rows
                    }
                }
            };
            part.store(row, first, &tile[..done]);
            row += done;
        }
    }

    fn row_by_row(&self, part: &Part<'_>, first: usize) {
        let mut tile = [[0.0; PANEL_COLUMNS]; TILE_ROWS];
        for output in first..part.matrix.outputs.min(first + PANEL_COLUMNS) {
            let (weights, format) = (part.matrix.row(output), part.matrix.format);
            let mut sums = [0.0; TILE_ROWS];
            let (sums, x) = (&mut sums[..part.rows], self.rounded);
            // SAFETY: `multiply` has found the kernel available; a row of weights has as many inputs as x.
            unsafe {
                match self.kernel {
                    #[cfg(target_arch = "x86_64")]
                    Kernel::Avx512Vnni => avx512::dot(format, weights, x, sums),
                    #[cfg(target_arch = "x86_64")]
                    Kernel::AvxVnni => avx2::dot_vnni(format, weights, x, sums),
                    #[cfg(target_arch = "x86_64")]
                    Kernel::Avx2 => avx2::dot(format, weights, x, sums),
                    _ => {
                        for (row, sum) in sums.iter_mut().enumerate() {
                            *sum = portable::dot(format, weights, x, row);
                        }
                    }
                }
            }
            for (row, sum) in tile.iter_mut().zip(sums) {
                row[output - first] = *sum;
            }
        }
        part.store(0, first, &tile[..part.rows]);
    }
}

impl Part<'_> {
    /// Writes a tile, with the bias added, to the rows from `row` and the columns from `first`.
    fn store(&self, row: usize, first: usize, tile: &[TileRow]) {
        let outputs = self.matrix.outputs;
        let count = PANEL_COLUMNS.min(outputs - first);
        assert!(row + tile.len() <= self.rows, "the tile lies within the result");
        for (offset, sums) in tile.iter().enumerate() {
            // SAFETY: the row and the columns are those of y, and this thread alone has taken this panel.
            let target = unsafe {
                let start = self.y.0.add((row + offset) * outputs + first);
                std::slice::from_raw_parts_mut(start, count)
            };
            target.copy_from_slice(&sums[..count]);
            if let Some(bias) = &self.matrix.bias {
                target
                    .iter_mut()
                    .zip(&bias[first..])
                    .for_each(|(sum, bias)| *sum += bias);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Format;
    use crate::matrix::testing::{numbers, random_blocks, reference_floats};

    /// Largest error of a product of 8-bit codes, relative to the root of the sum of squared terms: half a step of 127
    /// in each factor x, uniformly spread (1 / (127 · √12) of the group's largest entry), times three.
    const ROUNDING_TOLERANCE: f64 = 0.03;

    fn check(kernel: Kernel, format: Format, rows: usize, outputs: usize, inputs: usize) {
        let x = numbers(rows * inputs, 5);
        let bytes = random_blocks(format, outputs, inputs, 11);
        let weights = reference_floats(format, &bytes, outputs, inputs);
        let bias = numbers(outputs, 3);
        let matrix = Matrix::new(bytes.into(), format, outputs, inputs).with_bias(Some(bias.clone()));
        let mut y = vec![f32::NAN; rows * outputs];
        let product = Product {
            matrix: &matrix,
            y: &mut y,
        };
        multiply(kernel, &x, &mut [product], &mut QuantizedRows::default());
        let exact = kernel == Kernel::Exact || format.is_float();
        for (x, y) in x.chunks(inputs).zip(y.chunks(outputs)) {
            for (output, (weights, found)) in weights.chunks(inputs).zip(y).enumerate() {
                let terms = || {
                    weights
                        .iter()
                        .zip(x)
                        .map(|(left, right)| f64::from(*left) * f64::from(*right))
                };
                let expected = terms().sum::<f64>() + f64::from(bias[output]);
                let spread = terms().map(|term| term * term).sum::<f64>().sqrt();
                let tolerance = if exact { 1e-5 } else { ROUNDING_TOLERANCE } * spread + 1e-6;
                let error = (f64::from(*found) - expected).abs();
                assert!(
                    error <= tolerance,
                    "{kernel:?} {format:?} {rows}x{outputs}x{inputs} [{output}]: {found}, expected {expected}"
                );
            }
        }
    }

    #[test]
    fn every_kernel_multiplies_every_format_and_shape() {
        for kernel in Kernel::available() {
            for format in Format::ALL {
                let block = format.block_weights().max(32);
                for (rows, outputs, inputs) in [
                    (1, 1, block),
                    (1, 33, 3 * block),
                    (2, 32, block),
                    (3, 40, 2 * block),
                    (5, 7, 2 * block),
                    (8, 31, block),
                    (9, 64, block),
                    (13, 65, 5 * block),
                    (47, 96, 2 * block),
                ] {
                    check(kernel, format, rows, outputs, inputs);
                }
            }
        }
    }

    /// Integer sums are exact, so kernels differ by the order of a few float additions alone.
    #[test]
    fn kernels_agree_with_the_portable_one() {
        for format in Format::ALL.into_iter().filter(|format| !format.is_float()) {
            for rows in [1, 2, 7, 20] {
                let (outputs, inputs) = (70, 768);
                let x = numbers(rows * inputs, 9);
                let matrix = Matrix::new(
                    random_blocks(format, outputs, inputs, 2).into(),
                    format,
                    outputs,
                    inputs,
                );
                let compute = |kernel| {
                    let mut y = vec![f32::NAN; rows * outputs];
                    let product = Product {
                        matrix: &matrix,
                        y: &mut y,
                    };
                    multiply(kernel, &x, &mut [product], &mut QuantizedRows::default());
                    y
                };
                let expected = compute(Kernel::Portable);
                let size = (expected.iter().map(|sum| sum * sum).sum::<f32>() / expected.len() as f32).sqrt();
                for kernel in Kernel::available().into_iter().skip(2) {
                    for (found, expected) in compute(kernel).iter().zip(&expected) {
                        assert!(
                            (found - expected).abs() <= 2e-4 * size,
                            "{kernel:?} {format:?} {rows}: {found} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn products_that_share_x_are_those_of_each() {
        let inputs = 256;
        let matrices: Vec<Matrix> = [(Format::Q4K, 100), (Format::F16, 33), (Format::Q6K, 64)]
            .into_iter()
            .map(|(format, outputs)| {
                Matrix::new(
                    random_blocks(format, outputs, inputs, 4).into(),
                    format,
                    outputs,
                    inputs,
                )
            })
            .collect();
        let x = numbers(20 * inputs, 1);
        let mut room = QuantizedRows::default();
        let mut together: Vec<Vec<f32>> = matrices.iter().map(|matrix| vec![0.0; 20 * matrix.outputs]).collect();
        let mut products: Vec<Product<'_>> = matrices
            .iter()
            .zip(&mut together)
            .map(|(matrix, y)| Product { matrix, y })
            .collect();
        multiply(Kernel::fastest(), &x, &mut products, &mut room);
        for (matrix, together) in matrices.iter().zip(&together) {
            let mut alone = vec![0.0; 20 * matrix.outputs];
            let product = Product { matrix, y: &mut alone };
            multiply(Kernel::fastest(), &x, &mut [product], &mut room);
            assert_eq!(&alone, together);
        }
    }
}
