//! The two inner loops of vector search, written so that the compiler vectorises them, and compiled a second time for
//! processors that have AVX2 and POPCNT (seen at run time).
#![allow(
    unsafe_code,
    reason = "a function compiled for a processor feature may only be called after the feature was seen"
)]

/// Sum of the products of two vectors of bytes, each byte a signed number; the shorter length counts.
pub(crate) fn dot(a: &[u8], b: &[u8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor was just seen to have what the function is compiled for.
        return unsafe { dot_avx2(a, b) };
    }
    dot_portable(a, b)
}

/// Number of bits in which each code of `codes` differs from `query`, into `distances`; a code is `query.len()` words of
/// 64 bits, little-endian.
pub(crate) fn hamming(query: &[u64], codes: &[u8], distances: &mut Vec<u16>) {
    distances.clear();
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: as above.
        unsafe { hamming_avx2(query, codes, distances) };
        return;
    }
    hamming_portable(query, codes, distances);
}

/// Appends one signed byte per dimension in -127..=127 to `code`; returns what one step is worth.
pub(crate) fn encode(unit: &[f32], code: &mut Vec<u8>) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: as above.
        return unsafe { encode_avx2(unit, code) };
    }
    encode_portable(unit, code)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn encode_avx2(unit: &[f32], code: &mut Vec<u8>) -> f32 {
    encode_portable(unit, code)
}

#[inline(always)]
fn encode_portable(unit: &[f32], code: &mut Vec<u8>) -> f32 {
    let largest = unit
        .iter()
        .fold(1e-9_f32, |largest, x| if x.abs() > largest { x.abs() } else { largest });
    let per_step = 127.0 / largest;
    code.extend(unit.iter().map(|x| (x * per_step).round_ties_even() as i32 as u8));
    largest / 127.0
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn dot_avx2(a: &[u8], b: &[u8]) -> i32 {
    dot_portable(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn hamming_avx2(query: &[u64], codes: &[u8], distances: &mut Vec<u16>) {
    hamming_portable(query, codes, distances);
}

#[inline(always)]
fn dot_portable(a: &[u8], b: &[u8]) -> i32 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| i32::from(i16::from(a as i8) * i16::from(b as i8)))
        .sum()
}

#[inline(always)]
fn hamming_portable(query: &[u64], codes: &[u8], distances: &mut Vec<u16>) {
    let bytes = query.len() * 8;
    if bytes == 0 {
        return;
    }
    distances.extend(codes.chunks_exact(bytes).map(|code| {
        let (words, _) = code.as_chunks::<8>();
        words
            .iter()
            .zip(query)
            .map(|(word, query)| (u64::from_le_bytes(*word) ^ query).count_ones() as u16)
            .sum::<u16>()
    }));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_compilations_agree(a in prop::collection::vec(any::<u8>(), 384), b in prop::collection::vec(any::<u8>(), 384)) {
            // -128 never stands in a code: see the encoder.
            let clean = |v: &[u8]| v.iter().map(|&x| if x == 0x80 { 0 } else { x }).collect::<Vec<_>>();
            let (a, b) = (clean(&a), clean(&b));
            let plain: i32 = a.iter().zip(&b).map(|(&a, &b)| i32::from(a as i8) * i32::from(b as i8)).sum();
            prop_assert_eq!(dot(&a, &b), plain);
            let query: Vec<u64> = a[..48].as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
            let mut distances = Vec::new();
            hamming(&query, &b[..48], &mut distances);
            let bits: u32 = a[..48].iter().zip(&b[..48]).map(|(a, b)| (a ^ b).count_ones()).sum();
            prop_assert_eq!(distances, vec![bits as u16]);
        }
    }
}
