//! What stands between the products (normalization, activation, rotation, softmax, rounding): plain loops that the
//! compiler vectorizes, compiled once for each set of vector instructions.
#![allow(
    unsafe_code,
    reason = "a function compiled for more instructions may only run where they exist"
)]

use models::float_math::{exp, highest_of, sum_of};

use crate::matrix::Kernel;

/// A set of vector instructions that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(Instructions);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instructions {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The instructions that go with a kernel, which must be available.
    pub(crate) fn of(kernel: Kernel) -> Level {
        #[cfg(target_arch = "x86_64")]
        if kernel.is_available() {
            match kernel.instructions() {
                Kernel::Exact | Kernel::Portable => {}
                Kernel::Avx2 | Kernel::AvxVnni => return Level(Instructions::Avx2),
                Kernel::Avx512Vnni => return Level(Instructions::Avx512),
            }
        }
        let _ = kernel;
        Level(Instructions::Baseline)
    }

    pub(crate) fn instructions(self) -> Instructions {
        self.0
    }
}

/// Defines a function that is compiled for each level and takes the level as its first argument. In its body,
/// `multiply_add::<FUSED>` is one instruction where the level has one.
macro_rules! leveled {
    ($(#[$meta:meta])* fn $name:ident<const FUSED: bool>($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        pub(crate) fn $name(level: $crate::vector_math::Level, $($argument: $type),*) {
            #[inline(always)]
            fn body<const FUSED: bool>($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,fma")]
            fn for_avx512($($argument: $type),*) {
                body::<true>($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn for_avx2($($argument: $type),*) {
                body::<true>($($argument),*)
            }

            match level.instructions() {
                // SAFETY: such a level is only made where the processor has the instructions.
                #[cfg(target_arch = "x86_64")]
                $crate::vector_math::Instructions::Avx512 => unsafe { for_avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::vector_math::Instructions::Avx2 => unsafe { for_avx2($($argument),*) },
                $crate::vector_math::Instructions::Baseline => body::<{ cfg!(target_arch = "aarch64") }>($($argument),*),
            }
        }
    };
}

pub(crate) use leveled;

leveled! {
    /// Root-mean-square normalization: `normalized = states / sqrt(mean(states²) + eps) · weight`, row by row, each
    /// `weight.len()` long. Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.
    fn rms_norm<const FUSED: bool>(states: &[f32], weight: &[f32], eps: f32, normalized: &mut [f32]) {
        let width = weight.len();
        for (states, normalized) in states.chunks_exact(width).zip(normalized.chunks_exact_mut(width)) {
            let scale = 1.0 / (sum_of(states, |value| value * value) / width as f32 + eps).sqrt();
            for ((normalized, state), weight) in normalized.iter_mut().zip(states).zip(weight) {
                *normalized = state * scale * weight;
            }
        }
    }
}

leveled! {
    /// `states += added`.
    fn add<const FUSED: bool>(states: &mut [f32], added: &[f32]) {
        states.iter_mut().zip(added).for_each(|(state, added)| *state += added);
    }
}

leveled! {
    /// `gate = gate · sigmoid(gate) · up`. Source: Shazeer, "GLU Variants Improve Transformer", 2020 (SwiGLU).
    fn silu_times<const FUSED: bool>(gate: &mut [f32], up: &[f32]) {
        for (gate, up) in gate.iter_mut().zip(up) {
            // e^-|x| never overflows: sigmoid(x) is 1 / (1 + e^-x) or, for negative x, e^x / (1 + e^x).
            let power = exp::<FUSED>(-gate.abs());
            let upper = if *gate < 0.0 { power } else { 1.0 };
            *gate = *gate * upper / (1.0 + power) * up;
        }
    }
}

leveled! {
    /// One step of a softmax over keys that come page by page: `scores` become weights relative to the highest score
    /// so far, and `scale` is what earlier sums are to be multiplied with. `state` is (highest score, sum of weights).
    /// Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018.
    fn softmax_step<const FUSED: bool>(scores: &mut [f32], state: &mut (f32, f32), scale: &mut f32) {
        let highest = highest_of(scores).max(state.0);
        *scale = exp::<FUSED>(state.0 - highest);
        scores.iter_mut().for_each(|score| *score = exp::<FUSED>(*score - highest));
        *state = (highest, state.1 * *scale + sum_of(scores, |weight| weight));
    }
}

leveled! {
    /// `values *= factor`.
    fn scale<const FUSED: bool>(values: &mut [f32], factor: f32) {
        values.iter_mut().for_each(|value| *value *= factor);
    }
}

leveled! {
    /// Rounds one row to bytes, 32 entries a scale; sums are of rounded entries, of 32 and of 16.
    fn round_to_bytes<const FUSED: bool>(
        x: &[f32], codes: &mut [i8], scales: &mut [f32], sums: &mut [f32], half_sums: &mut [f32],
    ) {
        let groups = x.as_chunks::<32>().0.iter().zip(codes.as_chunks_mut::<32>().0);
        for (group, (x, codes)) in groups.enumerate() {
            let mut lanes = [0.0_f32; 16];
            for half in x.as_chunks::<16>().0 {
                for (lane, value) in lanes.iter_mut().zip(half) {
                    *lane = if value.abs() > *lane { value.abs() } else { *lane };
                }
            }
            let highest = lanes.into_iter().fold(0.0_f32, |left, right| if left > right { left } else { right });
            let scale = highest / 127.0;
            let inverse = if highest > 0.0 { 127.0 / highest } else { 0.0 };
            let mut whole = [0_i32; 32];
            for (whole, value) in whole.iter_mut().zip(x) {
                // Adding 1.5·2²³ rounds to whole numbers and leaves them in the low bits.
                *whole = (value * inverse + 12_582_912.0).to_bits().cast_signed() - 0x4B40_0000;
            }
            codes.iter_mut().zip(&whole).for_each(|(code, whole)| *code = *whole as i8);
            let (first, second) = (whole[..16].iter().sum::<i32>(), whole[16..].iter().sum::<i32>());
            scales[group] = scale;
            sums[group] = scale * (first + second) as f32;
            half_sums[2 * group] = scale * first as f32;
            half_sums[2 * group + 1] = scale * second as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels() -> Vec<Level> {
        Kernel::available().into_iter().map(Level::of).collect()
    }

    #[test]
    fn a_softmax_in_steps_is_a_softmax() {
        for level in levels() {
            let scores: Vec<f32> = (0..40).map(|index| ((index * 7) % 13) as f32 * 1.5 - 9.0).collect();
            let mut state = (f32::NEG_INFINITY, 0.0);
            let mut weights: Vec<f32> = Vec::new();
            for page in scores.chunks(16) {
                let (mut page, mut factor) = (page.to_vec(), 0.0);
                page.push(f32::NEG_INFINITY); // a masked key
                softmax_step(level, &mut page, &mut state, &mut factor);
                weights.iter_mut().for_each(|weight| *weight *= factor);
                assert_eq!(page.pop(), Some(0.0));
                weights.extend(page);
            }
            let total: f32 = scores.iter().map(|score| (score - 9.0).exp()).sum();
            for (weight, score) in weights.iter().zip(&scores) {
                let expected = (score - 9.0).exp() / total;
                assert!((weight / state.1 - expected).abs() <= 1e-6, "{weight} {expected}");
            }
        }
    }

    #[test]
    fn silu_is_that_of_its_definition() {
        for level in levels() {
            let xs = [-100.0_f32, -5.0, -0.5, 0.0, 0.3, 4.0, 90.0];
            let mut gate = xs.to_vec();
            silu_times(level, &mut gate, &[2.0; 7]);
            for (found, x) in gate.iter().zip(xs) {
                let expected = 2.0 * f64::from(x) / (1.0 + (-f64::from(x)).exp());
                assert!(
                    (f64::from(*found) - expected).abs() <= 1e-6 * expected.abs().max(1e-3),
                    "{x}"
                );
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn rounding_to_bytes_errs_by_half_a_step(x in proptest::collection::vec(-1e4_f32..1e4, 64)) {
            for level in levels() {
                let (mut codes, mut scales) = (vec![0; 64], vec![0.0; 2]);
                let (mut sums, mut half_sums) = (vec![0.0; 2], vec![0.0; 4]);
                round_to_bytes(level, &x, &mut codes, &mut scales, &mut sums, &mut half_sums);
                for (index, (x, code)) in x.iter().zip(&codes).enumerate() {
                    let scale = scales[index / 32];
                    proptest::prop_assert!((x - scale * f32::from(*code)).abs() <= scale * 0.5001);
                }
                let sum: f32 = codes[32..].iter().map(|&code| scales[1] * f32::from(code)).sum();
                proptest::prop_assert!((sums[1] - sum).abs() <= 1e-3 * scales[1] * 127.0);
                proptest::prop_assert!((half_sums[2] + half_sums[3] - sums[1]).abs() <= 1e-3 * scales[1] * 127.0);
            }
        }
    }
}
