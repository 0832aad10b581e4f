//! How good a ranking is when every item is relevant or not: nDCG, reciprocal rank, recall and average precision.

/// Discounted cumulative gain of the first `cut` items as a share of the best possible (Järvelin and Kekäläinen 2002),
/// in 0..=1; `ranking` says of each item, best first, whether it is relevant, `relevant` how many there are in all.
pub fn ndcg(ranking: &[bool], relevant: usize, cut: usize) -> f64 {
    let gain = |position: usize| 1.0 / (position as f64 + 2.0).log2();
    let ideal: f64 = (0..relevant.min(cut)).map(gain).sum();
    let found: f64 = ranking
        .iter()
        .take(cut)
        .enumerate()
        .filter(|(_, hit)| **hit)
        .map(|(position, _)| gain(position))
        .sum();
    if ideal > 0.0 { found / ideal } else { 0.0 }
}

/// One over the position of the first relevant item among the first `cut`; 0 where there is none.
pub fn reciprocal_rank(ranking: &[bool], cut: usize) -> f64 {
    ranking
        .iter()
        .take(cut)
        .position(|&hit| hit)
        .map_or(0.0, |position| 1.0 / (position as f64 + 1.0))
}

/// Share of the relevant items that stand among the first `cut`.
pub fn recall(ranking: &[bool], relevant: usize, cut: usize) -> f64 {
    let found = ranking.iter().take(cut).filter(|&&hit| hit).count();
    found as f64 / relevant.max(1) as f64
}

/// Mean of the precision at each relevant item; those that are not in the ranking count 0.
pub fn average_precision(ranking: &[bool], relevant: usize) -> f64 {
    let mut found = 0.0;
    let mut sum = 0.0;
    for (position, _) in ranking.iter().enumerate().filter(|(_, hit)| **hit) {
        found += 1.0;
        sum += found / (position as f64 + 1.0);
    }
    sum / relevant.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn a_perfect_ranking_scores_one() {
        near(ndcg(&[true, true, false], 2, 10), 1.0);
        near(average_precision(&[true, true, false], 2), 1.0);
        near(recall(&[true, true, false], 2, 10), 1.0);
        near(reciprocal_rank(&[true], 10), 1.0);
    }

    #[test]
    fn values_are_those_of_the_definitions() {
        // Gains 1/log2(3) and 1/log2(4) against 1 + 1/log2(3).
        near(
            ndcg(&[false, true, true], 2, 10),
            (0.630_929_753_571_457_4 + 0.5) / 1.630_929_753_571_457_4,
        );
        near(average_precision(&[false, true, false, true], 3), (0.5 + 0.5) / 3.0);
        near(reciprocal_rank(&[false, false, true], 2), 0.0);
        near(recall(&[false, true, true], 4, 2), 0.25);
    }

    #[test]
    fn nothing_relevant_scores_nothing() {
        near(ndcg(&[false], 0, 10), 0.0);
        near(average_precision(&[], 0), 0.0);
    }
}
