//! Precision, recall and F1 of yes-or-no answers.

/// Answers counted against the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Yes, rightly.
    pub true_positives: usize,
    /// Yes, wrongly.
    pub false_positives: usize,
    /// No, wrongly.
    pub false_negatives: usize,
}

impl Confusion {
    /// Counts one answer.
    pub fn add(&mut self, reference: bool, hypothesis: bool) {
        match (reference, hypothesis) {
            (true, true) => self.true_positives += 1,
            (false, true) => self.false_positives += 1,
            (true, false) => self.false_negatives += 1,
            (false, false) => {}
        }
    }

    /// Share of the yes answers that are right, in 0..=1; 0 when there is none.
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Share of the positives that were found, in 0..=1; 0 when there is none.
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// Harmonic mean of precision and recall, in 0..=1.
    pub fn f1(&self) -> f64 {
        ratio(
            2 * self.true_positives,
            2 * self.true_positives + self.false_positives + self.false_negatives,
        )
    }
}

/// The threshold with the best F1 over `scored` examples (score, truth), and that F1; everything from the threshold on
/// counts as yes.
pub fn best_threshold(scored: &[(f32, bool)]) -> (f32, f64) {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|left, right| right.0.total_cmp(&left.0));
    let positives = sorted.iter().filter(|(_, positive)| *positive).count();
    let (mut best, mut found) = ((f32::INFINITY, 0.0), 0);
    for (rank, (score, positive)) in sorted.iter().enumerate() {
        found += usize::from(*positive);
        let f1 = ratio(2 * found, rank + 1 + positives);
        if f1 > best.1 {
            best = (*score, f1);
        }
    }
    best
}

/// Mean precision at each positive, in 0..=1: the quality of a ranking whatever the threshold.
pub fn average_precision(scored: &[(f32, bool)]) -> f64 {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|left, right| right.0.total_cmp(&left.0));
    let (mut found, mut sum) = (0, 0.0);
    for (rank, (_, positive)) in sorted.iter().enumerate() {
        if *positive {
            found += 1;
            sum += ratio(found, rank + 1);
        }
    }
    if found == 0 { 0.0 } else { sum / found as f64 }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_is_the_harmonic_mean() {
        let mut confusion = Confusion::default();
        for (reference, hypothesis) in [(true, true), (true, false), (false, true), (true, true), (false, false)] {
            confusion.add(reference, hypothesis);
        }
        let (precision, recall) = (confusion.precision(), confusion.recall());
        assert!((precision - 2.0 / 3.0).abs() < 1e-9 && (recall - 2.0 / 3.0).abs() < 1e-9);
        assert!((confusion.f1() - 2.0 * precision * recall / (precision + recall)).abs() < 1e-9);
        assert_eq!(Confusion::default().f1(), 0.0);
    }

    #[test]
    fn the_best_threshold_separates() {
        let scored = [(0.9, true), (0.8, true), (0.3, false), (0.1, false)];
        assert_eq!(best_threshold(&scored), (0.8, 1.0));
        assert!((average_precision(&scored) - 1.0).abs() < 1e-9);
        assert!((average_precision(&[(0.9, false), (0.5, true)]) - 0.5).abs() < 1e-9);
        assert_eq!(best_threshold(&[]).1, 0.0);
    }
}
