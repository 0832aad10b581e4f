//! Draws by seed: the same on every machine, and no dependency.

/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    /// Uniform in 0..1.
    pub(crate) fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// Uniform in -1..1.
    pub(crate) fn centred(&mut self) -> f32 {
        2.0 * self.uniform() - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_fill_their_range_and_repeat_by_seed() {
        let draw = |seed| {
            let mut random = SplitMix(seed);
            (0..1000).map(|_| random.centred()).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
        let (low, high) = draw(3)
            .iter()
            .fold((1.0_f32, -1.0_f32), |(low, high), &x| (low.min(x), high.max(x)));
        assert!((-1.0..-0.98).contains(&low) && (0.98..1.0).contains(&high));
    }
}
