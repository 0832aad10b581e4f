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
    let mut largest = 1e-9_f32;
    for x in unit {
        largest = if x.abs() > largest { x.abs() } else { largest };
    }
    let per_step = 127.0 / largest;
    let start = code.len();
    code.resize(start + unit.len(), 0);
    for (byte, x) in code[start..].iter_mut().zip(unit) {
        *byte = (x * per_step).round_ties_even() as i32 as u8;
    }
    largest / 127.0
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")
}

/// Sixteen products at a time: left to the compiler, the widening of bytes costs three times as much.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn dot_avx2(a: &[u8], b: &[u8]) -> i32 {
    use std::arch::x86_64::{
        __m128i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_setzero_si256,
    };
    let (a, a_rest) = a[..a.len().min(b.len())].as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    let mut sums = _mm256_setzero_si256();
    for (a, b) in a.iter().zip(b) {
        // SAFETY: both arrays hold the sixteen bytes that are read, at any alignment.
        let (a, b) = unsafe {
            (
                _mm_loadu_si128(a.as_ptr().cast::<__m128i>()),
                _mm_loadu_si128(b.as_ptr().cast::<__m128i>()),
            )
        };
        let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(a), _mm256_cvtepi8_epi16(b));
        sums = _mm256_add_epi32(sums, products);
    }
    // SAFETY: eight numbers of 32 bits are what the register holds.
    let sums: [i32; 8] = unsafe { std::mem::transmute(sums) };
    sums.iter().sum::<i32>() + dot_portable(a_rest, b_rest)
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

// Loops and not iterators with closures: a closure is compiled on its own, without the processor's features.
#[inline(always)]
fn differing_bits(query: &[u64], code: &[u8]) -> u16 {
    let (words, _) = code.as_chunks::<8>();
    let mut bits = 0;
    for (word, query) in words.iter().zip(query) {
        bits += (u64::from_le_bytes(*word) ^ query).count_ones();
    }
    bits as u16
}

#[inline(always)]
fn hamming_portable(query: &[u64], codes: &[u8], distances: &mut Vec<u16>) {
    // The usual length is known to the compiler, which then keeps the query in registers.
    if let Ok(query) = <&[u64; 6]>::try_from(query) {
        let (codes, _) = codes.as_chunks::<48>();
        distances.resize(codes.len(), 0);
        for (distance, code) in distances.iter_mut().zip(codes) {
            *distance = differing_bits(query, code);
        }
        return;
    }
    let bytes = query.len() * 8;
    if bytes == 0 {
        return;
    }
    distances.resize(codes.len() / bytes, 0);
    for (distance, code) in distances.iter_mut().zip(codes.chunks_exact(bytes)) {
        *distance = differing_bits(query, code);
    }
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
