//! The products of attention: f32 rows with a page of keys or values, in f16 widened in registers.
#![allow(
    unsafe_code,
    reason = "vector registers are filled from raw pointers, on processors that have them"
)]

use half::f16;

use super::Kernel;
use crate::vector_math::{Level, leveled};

/// Columns are a multiple of this.
pub(crate) const COLUMN_MULTIPLE: usize = 16;

/// Rows of f32 with a distance from one to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    /// Entries of a row that are multiplied.
    pub(crate) depth: usize,
}

/// A page of keys or values, `[depth, columns]`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PagePart<'a> {
    /// As they are kept.
    Halves(&'a [f16]),
    /// Without rounding, for the exact kernel.
    Floats(&'a [f32]),
}

/// `sums = sums · factors + x · page`: `x` is `[rows, depth]`, `page` `[depth, columns]`, `sums` `[rows, columns]`;
/// `factors` has one entry for each row (all 0 to begin anew).
///
/// # Panics
/// When a slice is too short, columns are not a multiple of 16, or the kernel is not available.
pub(crate) fn multiply_page(
    kernel: Kernel,
    x: Factor<'_>,
    page: PagePart<'_>,
    columns: usize,
    factors: &[f32],
    sums: &mut [f32],
) {
    let Factor {
        rows, depth, stride, ..
    } = x;
    assert!(
        columns.is_multiple_of(COLUMN_MULTIPLE),
        "columns come in multiples of 16"
    );
    assert!(
        rows == 0 || x.values.len() >= (rows - 1) * stride + depth,
        "x has all rows"
    );
    let length = match page {
        PagePart::Halves(halves) => halves.len(),
        PagePart::Floats(floats) => floats.len(),
    };
    assert!(length >= depth * columns, "the page has all rows");
    assert!(
        sums.len() >= rows * columns && factors.len() >= rows,
        "there is room for all sums"
    );
    assert!(
        kernel.is_available(),
        "the kernel {} needs another processor",
        kernel.name()
    );
    let halves = match page {
        PagePart::Halves(halves) => halves,
        PagePart::Floats(floats) => return multiply_floats(Level::of(kernel), x, floats, columns, factors, sums),
    };
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the kernel is available and the lengths have been compared.
    unsafe {
        match kernel {
            Kernel::Avx512Vnni => return x86::avx512(x, halves, columns, factors, sums),
            Kernel::Avx2 | Kernel::AvxVnni => return x86::avx2(x, halves, columns, factors, sums),
            Kernel::Exact | Kernel::Portable => {}
        }
    }
    let floats: Vec<f32> = halves[..depth * columns].iter().map(|half| half.to_f32()).collect();
    multiply_floats(Level::of(kernel), x, &floats, columns, factors, sums);
}

leveled! {
    fn multiply_floats<const FUSED: bool>(
        x: Factor<'_>, floats: &[f32], columns: usize, factors: &[f32], sums: &mut [f32],
    ) {
        for (row, (sums, factor)) in sums.chunks_exact_mut(columns).zip(factors).take(x.rows).enumerate() {
            if *factor == 0.0 {
                sums.fill(0.0);
            }
            sums.iter_mut().for_each(|sum| *sum *= factor);
            for (value, floats) in x.values[row * x.stride..][..x.depth].iter().zip(floats.chunks_exact(columns)) {
                sums.iter_mut().zip(floats).for_each(|(sum, float)| *sum += value * float);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{COLUMN_MULTIPLE, Factor};
    use half::f16;

    /// # Safety
    /// The processor has AVX-512F; lengths are as `multiply_page` has checked.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(x: Factor<'_>, halves: &[f16], columns: usize, factors: &[f32], sums: &mut [f32]) {
        let mut row = 0;
        while row < x.rows {
            // SAFETY: as the caller says.
            row += unsafe {
                match x.rows - row {
                    8.. => rows_avx512::<8>(x, row, halves, columns, factors, sums),
                    4.. => rows_avx512::<4>(x, row, halves, columns, factors, sums),
                    2.. => rows_avx512::<2>(x, row, halves, columns, factors, sums),
                    _ => rows_avx512::<1>(x, row, halves, columns, factors, sums),
                }
            };
        }
    }

    /// # Safety
    /// As for [`avx512`]; there are `ROWS` rows from `row` on.
    #[target_feature(enable = "avx512f")]
    unsafe fn rows_avx512<const ROWS: usize>(
        x: Factor<'_>,
        row: usize,
        halves: &[f16],
        columns: usize,
        factors: &[f32],
        sums: &mut [f32],
    ) -> usize {
        let mut column = 0;
        while column + 32 <= columns {
            // SAFETY: 32 columns follow.
            unsafe { block_avx512::<ROWS, 2>(x, row, halves, columns, column, factors, sums) };
            column += 32;
        }
        if column < columns {
            // SAFETY: 16 columns follow.
            unsafe { block_avx512::<ROWS, 1>(x, row, halves, columns, column, factors, sums) };
        }
        ROWS
    }

    /// # Safety
    /// As for [`rows_avx512`]; there are `16 * WIDTH` columns from `column` on.
    #[target_feature(enable = "avx512f")]
    unsafe fn block_avx512<const ROWS: usize, const WIDTH: usize>(
        x: Factor<'_>,
        row: usize,
        halves: &[f16],
        columns: usize,
        column: usize,
        factors: &[f32],
        sums: &mut [f32],
    ) {
        // SAFETY: as the caller says.
        unsafe {
            let values = x.values.as_ptr().add(row * x.stride);
            let halves = halves.as_ptr().add(column);
            let target = sums.as_mut_ptr().add(row * columns + column);
            let mut totals = [[_mm512_setzero_ps(); WIDTH]; ROWS];
            for (index, totals) in totals.iter_mut().enumerate() {
                let factor = factors[row + index];
                if factor != 0.0 {
                    for (part, total) in totals.iter_mut().enumerate() {
                        let earlier = _mm512_loadu_ps(target.add(index * columns + 16 * part));
                        *total = _mm512_mul_ps(earlier, _mm512_set1_ps(factor));
                    }
                }
            }
            for step in 0..x.depth {
                let mut wide = [_mm512_setzero_ps(); WIDTH];
                for (part, wide) in wide.iter_mut().enumerate() {
                    *wide = _mm512_cvtph_ps(_mm256_loadu_si256(halves.add(step * columns + 16 * part).cast()));
                }
                for (index, totals) in totals.iter_mut().enumerate() {
                    let value = _mm512_set1_ps(*values.add(index * x.stride + step));
                    for (total, wide) in totals.iter_mut().zip(wide) {
                        *total = _mm512_fmadd_ps(value, wide, *total);
                    }
                }
            }
            for (index, totals) in totals.iter().enumerate() {
                for (part, total) in totals.iter().enumerate() {
                    _mm512_storeu_ps(target.add(index * columns + 16 * part), *total);
                }
            }
        }
    }

    /// # Safety
    /// The processor has AVX2, FMA and F16C; lengths are as `multiply_page` has checked.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn avx2(x: Factor<'_>, halves: &[f16], columns: usize, factors: &[f32], sums: &mut [f32]) {
        let mut row = 0;
        while row < x.rows {
            // SAFETY: as the caller says.
            row += unsafe {
                match x.rows - row {
                    4.. => rows_avx2::<4>(x, row, halves, columns, factors, sums),
                    2.. => rows_avx2::<2>(x, row, halves, columns, factors, sums),
                    _ => rows_avx2::<1>(x, row, halves, columns, factors, sums),
                }
            };
        }
    }

    /// # Safety
    /// As for [`avx2`]; there are `ROWS` rows from `row` on.
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn rows_avx2<const ROWS: usize>(
        x: Factor<'_>,
        row: usize,
        halves: &[f16],
        columns: usize,
        factors: &[f32],
        sums: &mut [f32],
    ) -> usize {
        for column in (0..columns).step_by(COLUMN_MULTIPLE) {
            // SAFETY: as the caller says; 16 columns follow.
            unsafe {
                let values = x.values.as_ptr().add(row * x.stride);
                let halves = halves.as_ptr().add(column);
                let target = sums.as_mut_ptr().add(row * columns + column);
                let mut totals = [[_mm256_setzero_ps(); 2]; ROWS];
                for (index, totals) in totals.iter_mut().enumerate() {
                    let factor = factors[row + index];
                    if factor != 0.0 {
                        for (part, total) in totals.iter_mut().enumerate() {
                            let earlier = _mm256_loadu_ps(target.add(index * columns + 8 * part));
                            *total = _mm256_mul_ps(earlier, _mm256_set1_ps(factor));
                        }
                    }
                }
                for step in 0..x.depth {
                    let left = _mm256_cvtph_ps(_mm_loadu_si128(halves.add(step * columns).cast()));
                    let right = _mm256_cvtph_ps(_mm_loadu_si128(halves.add(step * columns + 8).cast()));
                    for (index, [first, second]) in totals.iter_mut().enumerate() {
                        let value = _mm256_set1_ps(*values.add(index * x.stride + step));
                        *first = _mm256_fmadd_ps(value, left, *first);
                        *second = _mm256_fmadd_ps(value, right, *second);
                    }
                }
                for (index, [first, second]) in totals.iter().enumerate() {
                    _mm256_storeu_ps(target.add(index * columns), *first);
                    _mm256_storeu_ps(target.add(index * columns + 8), *second);
                }
            }
        }
        ROWS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::testing::numbers;

    #[test]
    fn every_kernel_multiplies_every_shape() {
        for kernel in Kernel::available() {
            for (rows, depth, columns, stride) in [(1, 64, 64, 64), (3, 5, 16, 9), (8, 64, 48, 70), (15, 17, 96, 17)] {
                let values = numbers(rows * stride, 1);
                let halves: Vec<f16> = numbers(depth * columns, 2).into_iter().map(f16::from_f32).collect();
                let factors: Vec<f32> = (0..rows).map(|row| [0.0, 0.5, 1.0][row % 3]).collect();
                let before: Vec<f32> = (0..rows * columns)
                    .map(|index| {
                        if (index / columns).is_multiple_of(3) {
                            f32::NAN
                        } else {
                            index as f32 % 7.0
                        }
                    })
                    .collect();
                let mut sums = before.clone();
                let x = Factor {
                    values: &values,
                    stride,
                    rows,
                    depth,
                };
                multiply_page(kernel, x, PagePart::Halves(&halves), columns, &factors, &mut sums);
                for row in 0..rows {
                    for column in 0..columns {
                        let products = (0..depth)
                            .map(|step| values[row * stride + step] * halves[step * columns + column].to_f32());
                        let earlier = if factors[row] == 0.0 {
                            0.0
                        } else {
                            before[row * columns + column]
                        };
                        let expected = earlier * factors[row] + products.sum::<f32>();
                        let found = sums[row * columns + column];
                        assert!(
                            (found - expected).abs() < 1e-4,
                            "{kernel:?} {row} {column}: {found} {expected}"
                        );
                    }
                }
            }
        }
    }
}
