//! Which token comes next: the likeliest, or one drawn from the likeliest.

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sampling {
    /// Always the likeliest; of equals the one with the lowest id.
    #[default]
    Greedy,
    /// Drawn at random, the same for the same seed.
    Random {
        /// Above 0; below 1 likely tokens become likelier.
        temperature: f32,
        /// The likeliest tokens that together have at least this probability are drawn from; 1 is all of them. Source:
        /// Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020.
        top_p: f32,
        /// Where the random numbers begin.
        seed: u64,
    },
}

/// Chooses token after token.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    sampling: Sampling,
    state: u64,
}

impl Sampler {
    pub(crate) fn new(sampling: Sampling) -> Sampler {
        let state = match sampling {
            Sampling::Greedy => 0,
            Sampling::Random { seed, .. } => seed,
        };
        Sampler { sampling, state }
    }

    /// A token whose logit is not minus infinity, if there is one.
    pub(crate) fn choose(&mut self, logits: &[f32]) -> Option<u32> {
        let possible = (0..)
            .zip(logits.iter().copied())
            .filter(|(_, logit)| *logit > f32::NEG_INFINITY);
        match self.sampling {
            Sampling::Greedy => possible
                .reduce(|best, next| if next.1 > best.1 { next } else { best })
                .map(|(token, _)| token),
            Sampling::Random { temperature, top_p, .. } => self.draw(possible.collect(), temperature, top_p),
        }
    }

    fn draw(&mut self, mut tokens: Vec<(u32, f32)>, temperature: f32, top_p: f32) -> Option<u32> {
        tokens.sort_by(|left, right| right.1.total_cmp(&left.1));
        let highest = tokens.first()?.1;
        for (_, logit) in &mut tokens {
            *logit = ((*logit - highest) / temperature.max(f32::MIN_POSITIVE)).exp();
        }
        let total: f32 = tokens.iter().map(|(_, weight)| weight).sum();
        let mut kept = 0.0;
        let count = tokens.iter().position(|(_, weight)| {
            kept += weight;
            kept >= top_p * total
        });
        let tokens = &tokens[..count.map_or(tokens.len(), |count| count + 1)];
        let mut rest = self.number() * kept;
        let chosen = tokens.iter().find(|(_, weight)| {
            rest -= weight;
            rest < 0.0
        });
        chosen.or(tokens.last()).map(|(token, _)| *token)
    }

    /// In [0, 1). Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014 (SplitMix64).
    fn number(&mut self) -> f32 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) >> 40) as f32 / (1_u32 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: f32 = f32::NEG_INFINITY;

    #[test]
    fn the_greedy_choice_is_the_first_of_the_highest() {
        let mut sampler = Sampler::new(Sampling::Greedy);
        assert_eq!(sampler.choose(&[NONE, 1.0, 3.0, 3.0]), Some(2));
        assert_eq!(sampler.choose(&[NONE, NONE]), None);
    }

    #[test]
    fn draws_follow_the_probabilities_and_the_seed() {
        let random = |top_p| Sampling::Random {
            temperature: 1.0,
            top_p,
            seed: 7,
        };
        // Probabilities 0.6, 0.3, 0.1
        let logits = [0.6_f32.ln(), NONE, 0.1_f32.ln(), 0.3_f32.ln()];
        let mut sampler = Sampler::new(random(1.0));
        let drawn: Vec<u32> = (0..10_000).map(|_| sampler.choose(&logits).unwrap()).collect();
        let share = |token| drawn.iter().filter(|drawn| **drawn == token).count() as f32 / 1e4;
        for (token, expected) in [(0, 0.6), (1, 0.0), (2, 0.1), (3, 0.3)] {
            assert!((share(token) - expected).abs() < 0.02, "{token}: {}", share(token));
        }
        let mut again = Sampler::new(random(1.0));
        assert!(drawn.iter().all(|token| again.choose(&logits) == Some(*token)));
        let mut narrow = Sampler::new(random(0.85));
        assert!((0..1000).all(|_| matches!(narrow.choose(&logits), Some(0 | 3))));
    }
}
