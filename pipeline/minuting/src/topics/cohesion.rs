//! How alike the talk before and after each point is, in words or in speakers, over windows that slide in time
//! proportional to the talk, whatever their width.

/// Terms of one unit with their weights.
pub(super) type Terms = Vec<(u32, f32)>;

/// For each unit, the cosine between the terms of the `width` units before it and of the `width` units from it on; 0
/// where one side is empty. `terms` counts distinct terms.
pub(super) fn cohesion(units: &[Terms], terms: usize, width: usize) -> Vec<f32> {
    let mut sides = Sides {
        before: vec![0.0; terms],
        after: vec![0.0; terms],
        dot: 0.0,
        squares: [0.0; 2],
    };
    for unit in units.iter().take(width) {
        sides.change_after(unit, 1.0);
    }
    let mut cosines = Vec::with_capacity(units.len());
    for at in 0..units.len() {
        cosines.push(sides.cosine());
        sides.change_after(&units[at], -1.0);
        if let Some(coming) = units.get(at + width) {
            sides.change_after(coming, 1.0);
        }
        sides.change_before(&units[at], 1.0);
        if let Some(past) = at.checked_sub(width) {
            sides.change_before(&units[past], -1.0);
        }
    }
    cosines
}

/// Sums of both sides, with their product and squares kept up to date. In f64, so that removing what was added leaves
/// nothing behind that matters.
struct Sides {
    before: Vec<f64>,
    after: Vec<f64>,
    dot: f64,
    squares: [f64; 2],
}

impl Sides {
    fn change_before(&mut self, unit: &Terms, sign: f64) {
        for &(term, weight) in unit {
            let (term, change) = (term as usize, f64::from(weight) * sign);
            self.dot += change * self.after[term];
            self.squares[0] += change * (2.0 * self.before[term] + change);
            self.before[term] += change;
        }
    }

    fn change_after(&mut self, unit: &Terms, sign: f64) {
        for &(term, weight) in unit {
            let (term, change) = (term as usize, f64::from(weight) * sign);
            self.dot += change * self.before[term];
            self.squares[1] += change * (2.0 * self.after[term] + change);
            self.after[term] += change;
        }
    }

    fn cosine(&self) -> f32 {
        let norms = self.squares[0].max(0.0).sqrt() * self.squares[1].max(0.0).sqrt();
        if norms < 1e-6 {
            0.0
        } else {
            (self.dot / norms).clamp(0.0, 1.0) as f32
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_definition(units: &[Terms], terms: usize, width: usize, at: usize) -> f32 {
        let sum = |range: &[Terms]| {
            let mut sums = vec![0.0_f64; terms];
            for &(term, weight) in range.iter().flatten() {
                sums[term as usize] += f64::from(weight);
            }
            sums
        };
        let before = sum(&units[at.saturating_sub(width)..at]);
        let after = sum(&units[at..units.len().min(at + width)]);
        let dot = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
        let norms = (dot(&before, &before) * dot(&after, &after)).sqrt();
        if norms < 1e-6 {
            0.0
        } else {
            (dot(&before, &after) / norms) as f32
        }
    }

    proptest! {
        #[test]
        fn sliding_gives_what_the_definition_gives(
            units in prop::collection::vec(prop::collection::vec((0_u32..6, 0.5_f32..3.0), 0..4), 1..40),
            width in 1_usize..10,
        ) {
            let cosines = cohesion(&units, 6, width);
            for (at, cosine) in cosines.iter().enumerate() {
                prop_assert!((cosine - by_definition(&units, 6, width, at)).abs() < 1e-3);
            }
        }
    }
}
