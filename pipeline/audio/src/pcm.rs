//! Between 16-bit samples, as files and devices have them, and floats within [-1, 1], as models want them.

/// Full scale of a 16-bit sample; dividing by it maps every `i16` into [-1, 1).
const FULL_SCALE: f32 = 32_768.0;

/// The float of a 16-bit sample, within [-1, 1).
pub fn from_i16(sample: i16) -> f32 {
    f32::from(sample) / FULL_SCALE
}

/// The nearest 16-bit sample; what is beyond full scale is clipped, what is no number is silence.
pub fn to_i16(sample: f32) -> i16 {
    // The cast saturates, and turns not-a-number into zero.
    (sample * FULL_SCALE).round() as i16
}

/// `sample` within [-1, 1]; float files may hold anything, and one infinity would poison every sum after it.
pub(crate) fn clean(sample: f32) -> f32 {
    if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_16_bit_sample_comes_back() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(to_i16(from_i16(sample)), sample);
        }
    }

    proptest! {
        #[test]
        fn any_float_becomes_a_sample(sample in proptest::num::f32::ANY) {
            prop_assert!(clean(sample).abs() <= 1.0);
            prop_assert_eq!(to_i16(clean(sample)), to_i16(sample));
        }
    }
}
