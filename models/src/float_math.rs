//! Arithmetic of single floats that the loops of this crate and of the language model are made of. Everything is inlined
//! into functions that are compiled for several sets of vector instructions; `FUSED` says whether one of them multiplies
//! and adds at once.

/// `left * right + added`, rounded once where the instructions have it.
#[inline(always)]
pub fn multiply_add<const FUSED: bool>(left: f32, right: f32, added: f32) -> f32 {
    if FUSED {
        left.mul_add(right, added)
    } else {
        left * right + added
    }
}

/// e^x for x <= 0 to within 2 units in the last place; below -87 as at -87, at minus infinity 0.
#[inline(always)]
pub fn exp<const FUSED: bool>(x: f32) -> f32 {
    /// 1.5·2²³: adding it rounds to whole numbers and leaves them in the low bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, so that whole multiples can be taken off exactly.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const FACTORIALS: [f32; 7] = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let clamped = x.max(-87.0);
    let rounded = multiply_add::<FUSED>(clamped, std::f32::consts::LOG2_E, ROUND);
    let whole = rounded - ROUND;
    let rest = multiply_add::<FUSED>(whole, -LN_2_HIGH, clamped);
    let rest = multiply_add::<FUSED>(whole, -LN_2_LOW, rest);
    let power = FACTORIALS
        .iter()
        .fold(0.0, |sum, &term| multiply_add::<FUSED>(sum, rest, term));
    let exponent = (rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits());
    if x == f32::NEG_INFINITY {
        0.0
    } else {
        power * f32::from_bits(exponent)
    }
}

/// The sum of `map` over the values, in 16 lanes, an order that vectorizes.
#[inline(always)]
pub fn sum_of(values: &[f32], map: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut lanes = [0.0_f32; 16];
    for chunk in chunks {
        lanes
            .iter_mut()
            .zip(chunk)
            .for_each(|(lane, value)| *lane += map(*value));
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|value| map(*value)).sum::<f32>()
}

/// The highest value; minus infinity of none.
#[inline(always)]
pub fn highest_of(values: &[f32]) -> f32 {
    let higher = |left: f32, right: f32| if left > right { left } else { right };
    let (chunks, rest) = values.as_chunks::<16>();
    let mut lanes = [f32::NEG_INFINITY; 16];
    for chunk in chunks {
        lanes
            .iter_mut()
            .zip(chunk)
            .for_each(|(lane, value)| *lane = higher(*lane, *value));
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, higher)
}
