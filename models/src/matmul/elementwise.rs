//! What stands between the products (activation, normalization, softmax, rounding): plain loops that the compiler
//! vectorizes, compiled once for each set of vector instructions.
#![allow(
    unsafe_code,
    reason = "a function compiled for more instructions may only run where they exist"
)]

use super::TileRow;
use crate::float_math::{exp, highest_of, multiply_add, sum_of};

/// A set of vector instructions that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(Instructions);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instructions {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// What every processor of the target has.
    pub(crate) fn baseline() -> Level {
        Level(Instructions::Baseline)
    }

    /// AVX2 and FMA, if they are there.
    pub(crate) fn avx2() -> Option<Level> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Some(Level(Instructions::Avx2));
        }
        None
    }

    /// AVX-512F, AVX2 and FMA, if they are there.
    pub(crate) fn avx512() -> Option<Level> {
        #[cfg(target_arch = "x86_64")]
        if Level::avx2().is_some() && is_x86_feature_detected!("avx512f") {
            return Some(Level(Instructions::Avx512));
        }
        None
    }
}

/// Function applied to a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// None.
    Identity,
    /// x·Φ(x), to within 2e-6.
    Gelu,
    /// max(0, x).
    Relu,
}

/// Defines a function that is compiled for each level and takes the level as its first argument. In its body,
/// `multiply_add::<FUSED>` is one instruction where the level has one.
macro_rules! leveled {
    ($(#[$meta:meta])* fn $name:ident<const FUSED: bool>($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        pub(crate) fn $name(level: Level, $($argument: $type),*) {
            #[inline(always)]
            fn body<const FUSED: bool>($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn for_avx512($($argument: $type),*) {
                body::<true>($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn for_avx2($($argument: $type),*) {
                body::<true>($($argument),*)
            }

            match level.0 {
                // SAFETY: such a level is only made where the processor has the instructions.
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => unsafe { for_avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => unsafe { for_avx2($($argument),*) },
                Instructions::Baseline => body::<{ cfg!(target_arch = "aarch64") }>($($argument),*),
            }
        }
    };
}

leveled! {
    /// Adds the bias to each row of a tile and applies the function, in the first `bias.len()` columns.
    fn finish_tile<const FUSED: bool>(tile: &mut [TileRow], bias: &[f32], function: Function) {
        for row in tile {
            let row = &mut row[..bias.len()];
            row.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
            apply::<FUSED>(function, row);
        }
    }
}

leveled! {
    /// Adds the bias to a row and applies the function.
    fn finish_row<const FUSED: bool>(row: &mut [f32], bias: &[f32], function: Function) {
        row.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
        apply::<FUSED>(function, row);
    }
}

leveled! {
    /// `states = normalized(states + added)·weight + bias`, row by row, each `weight.len()` long.
    fn add_and_normalize<const FUSED: bool>(
        states: &mut [f32], added: &[f32], weight: &[f32], bias: &[f32], eps: f32,
    ) {
        let width = weight.len();
        for (states, added) in states.chunks_exact_mut(width).zip(added.chunks_exact(width)) {
            states.iter_mut().zip(added).for_each(|(state, added)| *state += added);
            let mean = sum_of(states, |value| value) / width as f32;
            let variance = sum_of(states, |value| (value - mean) * (value - mean)) / width as f32;
            let scale = 1.0 / (variance + eps).sqrt();
            for ((state, weight), bias) in states.iter_mut().zip(weight).zip(bias) {
                *state = multiply_add::<FUSED>((*state - mean) * scale, *weight, *bias);
            }
        }
    }
}

leveled! {
    /// Softmax of the first `length` entries of each row of `stride` entries.
    fn softmax_rows<const FUSED: bool>(scores: &mut [f32], stride: usize, length: usize) {
        for row in scores.chunks_exact_mut(stride) {
            let row = &mut row[..length];
            let highest = highest_of(row);
            row.iter_mut().for_each(|score| *score = exp::<FUSED>(*score - highest));
            let scale = 1.0 / sum_of(row, |value| value);
            row.iter_mut().for_each(|score| *score *= scale);
        }
    }
}

leveled! {
    /// Adds the rows of a matrix to `sum`.
    fn sum_rows<const FUSED: bool>(rows: &[f32], sum: &mut [f32]) {
        for row in rows.chunks_exact(sum.len()) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }
}

leveled! {
    /// Rounds to bf16, to nearest even.
    fn round_to_bf16<const FUSED: bool>(values: &[f32], rounded: &mut [u16]) {
        for (value, rounded) in values.iter().zip(rounded) {
            let bits = value.to_bits();
            // A number that is not one may become infinity here; it is one no more than before.
            *rounded = (bits.wrapping_add(0x7FFF + ((bits >> 16) & 1)) >> 16) as u16;
        }
    }
}

#[inline(always)]
fn apply<const FUSED: bool>(function: Function, values: &mut [f32]) {
    match function {
        Function::Identity => {}
        Function::Relu => values.iter_mut().for_each(|value| *value = value.max(0.0)),
        Function::Gelu => values.iter_mut().for_each(|value| *value = gelu::<FUSED>(*value)),
    }
}

/// x·Φ(x). Φ(x) - 1/2 is x times a polynomial in x², fitted at Chebyshev nodes for |x| <= 5, beyond which Φ is 0 or 1
/// to within 3e-7. Greatest error of the product over [-8, 8], against double precision: 1.2e-6.
#[inline(always)]
fn gelu<const FUSED: bool>(x: f32) -> f32 {
    const LIMIT: f32 = 5.0;
    /// Of degree 12 in t = 2x²/25 - 1, highest first.
    const POLYNOMIAL: [f32; 13] = [
        0.000_589_575_4,
        -0.001_606_024_7,
        0.001_777_535_5,
        -0.002_704_496_3,
        0.006_352_330_6,
        -0.011_146_55,
        0.016_430_397,
        -0.023_275_876,
        0.031_436_06,
        -0.040_441_43,
        0.051_521,
        -0.070_296_33,
        0.141_363_79,
    ];
    let clamped = x.clamp(-LIMIT, LIMIT);
    let t = multiply_add::<FUSED>(clamped * clamped, 2.0 / (LIMIT * LIMIT), -1.0);
    let slope = POLYNOMIAL
        .iter()
        .fold(0.0, |sum, &term| multiply_add::<FUSED>(sum, t, term));
    x * multiply_add::<FUSED>(clamped, slope, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels() -> Vec<Level> {
        [Some(Level::baseline()), Level::avx2(), Level::avx512()]
            .into_iter()
            .flatten()
            .collect()
    }

    #[test]
    fn gelu_is_that_of_the_error_function() {
        // x·Φ(x) by Python's math.erf
        let known = [
            (-6.0, -5.919e-9),
            (-3.0, -0.004_049_694),
            (-0.5, -0.154_268_77),
            (0.0, 0.0),
            (1.0, 0.841_344_8),
            (2.5, 2.484_475_8),
            (7.0, 7.0),
        ];
        for level in levels() {
            let mut values: Vec<f32> = known.iter().map(|pair| pair.0).collect();
            finish_row(level, &mut values, &[0.0; 7], Function::Gelu);
            for (value, (x, expected)) in values.iter().zip(known) {
                assert!(
                    (value - expected).abs() < 3e-6,
                    "gelu({x}) = {value}, expected {expected} ({level:?})"
                );
            }
        }
    }

    #[test]
    fn softmax_sums_to_one_and_keeps_ratios() {
        for level in levels() {
            let mut scores: Vec<f32> = (0..40).map(|index| -(index as f32) * 3.0).collect();
            scores.push(f32::NAN); // beyond the length: not looked at
            softmax_rows(level, &mut scores, 41, 40);
            assert!((scores[..40].iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert!((scores[1] / scores[0] - (-3.0_f32).exp()).abs() < 1e-6);
            assert!(scores[39] >= 0.0 && scores[39] < 1e-37);
        }
    }

    #[test]
    fn normalized_rows_have_mean_zero_and_variance_one() {
        for level in levels() {
            let mut states: Vec<f32> = (0..70).map(|index| (index * index % 13) as f32).collect();
            add_and_normalize(level, &mut states, &[1.0; 70], &[1.0; 35], &[0.0; 35], 1e-12);
            for row in states.chunks(35) {
                assert!(row.iter().sum::<f32>().abs() < 1e-4);
                assert!((row.iter().map(|value| value * value).sum::<f32>() / 35.0 - 1.0).abs() < 1e-5);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn bf16_is_rounded_as_the_half_crate_does(value in -1e30_f32..1e30) {
            let mut rounded = [0];
            round_to_bf16(Level::baseline(), &[value], &mut rounded);
            proptest::prop_assert_eq!(rounded[0], half::bf16::from_f32(value).to_bits());
        }
    }
}
