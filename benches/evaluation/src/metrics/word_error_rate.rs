//! Word error rate: the fewest words to replace, leave out and put in that turn the hypothesis into the reference, over
//! the words of the reference.
//!
//! Texts are compared as [`words`] cuts them, in the line of the normalizers that Whisper's figures are published with.

mod normalization;

use pathfinding::kuhn_munkres::kuhn_munkres_min;
use pathfinding::matrix::Matrix;

pub use normalization::words;

/// Errors, and the words to divide them by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WordErrors {
    /// Words of the reference.
    pub words: usize,
    /// Words of the reference with another in their place.
    pub substitutions: usize,
    /// Words of the reference that are missing.
    pub deletions: usize,
    /// Words that the reference has not.
    pub insertions: usize,
}

impl WordErrors {
    /// All errors.
    pub fn errors(&self) -> usize {
        self.substitutions + self.deletions + self.insertions
    }

    /// Errors by words of the reference; more than one is possible. `None` where the reference has no word.
    pub fn rate(&self) -> Option<f64> {
        (self.words > 0).then(|| self.errors() as f64 / self.words as f64)
    }

    /// Both texts together.
    pub fn and(self, other: Self) -> Self {
        Self {
            words: self.words + other.words,
            substitutions: self.substitutions + other.substitutions,
            deletions: self.deletions + other.deletions,
            insertions: self.insertions + other.insertions,
        }
    }
}

/// Aligns two texts with the fewest errors (Levenshtein's distance over words). Takes the product of their lengths in
/// time, and memory for one of them.
pub fn word_errors<W: PartialEq>(reference: &[W], hypothesis: &[W]) -> WordErrors {
    // Errors between what was read of the reference and the first `column` words of the hypothesis.
    let mut row: Vec<WordErrors> = (0..=hypothesis.len())
        .map(|insertions| WordErrors {
            insertions,
            ..WordErrors::default()
        })
        .collect();
    for expected in reference {
        let mut diagonal = row[0];
        row[0].deletions += 1;
        for (column, found) in (1..).zip(hypothesis) {
            let (above, left) = (row[column], row[column - 1]);
            let substituted = WordErrors {
                substitutions: diagonal.substitutions + usize::from(expected != found),
                ..diagonal
            };
            let deleted = WordErrors {
                deletions: above.deletions + 1,
                ..above
            };
            let inserted = WordErrors {
                insertions: left.insertions + 1,
                ..left
            };
            diagonal = above;
            row[column] = [substituted, deleted, inserted]
                .into_iter()
                .min_by_key(WordErrors::errors)
                .expect("three are compared");
        }
    }
    WordErrors {
        words: reference.len(),
        ..row[hypothesis.len()]
    }
}

/// Errors where each speaker's words are a text of their own, under the pairing of speakers with the fewest (Watanabe et
/// al., "CHiME-6 Challenge", 2020: concatenated minimum-permutation word error rate). A speaker without a partner is left
/// out, or put in, as a whole.
pub fn word_errors_by_speaker<W: PartialEq>(reference: &[Vec<W>], hypothesis: &[Vec<W>]) -> WordErrors {
    let size = reference.len().max(hypothesis.len());
    let nobody = Vec::new();
    let pairs = Matrix::from_fn(size, size, |(expected, found)| {
        let expected = reference.get(expected).unwrap_or(&nobody);
        word_errors(expected, hypothesis.get(found).unwrap_or(&nobody))
    });
    let costs = pairs.clone().map(|errors| errors.errors() as i64);
    let (_, partners) = kuhn_munkres_min(&costs);
    (0..size)
        .map(|expected| pairs[(expected, partners[expected])])
        .fold(WordErrors::default(), WordErrors::and)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(reference: &str, hypothesis: &str, expected: [usize; 3]) {
        let [reference, hypothesis] = [reference, hypothesis].map(|text| text.split_whitespace().collect::<Vec<_>>());
        let errors = word_errors(&reference, &hypothesis);
        let found = [errors.substitutions, errors.deletions, errors.insertions];
        assert_eq!(found, expected, "{reference:?} / {hypothesis:?}");
    }

    #[test]
    fn each_kind_of_error_is_counted() {
        check("a b c d", "a b c d", [0, 0, 0]);
        check("a b c d", "a x c d", [1, 0, 0]);
        check("a b c d", "a c d", [0, 1, 0]);
        check("a b c d", "a b x c d", [0, 0, 1]);
        check("a b c d", "x a b d", [0, 1, 1]);
        check("", "a b", [0, 0, 2]);
        check("a b", "", [0, 2, 0]);
    }

    #[test]
    fn without_a_reference_there_is_no_rate() {
        assert_eq!(word_errors::<&str>(&[], &["a"]).rate(), None);
        assert_eq!(word_errors(&["a", "b"], &["c"]).rate(), Some(1.0));
    }

    #[test]
    fn speakers_are_paired_as_it_fits_best() {
        let reference = [vec!["a", "b", "c"], vec!["d", "e"]];
        let check = |hypothesis: &[Vec<&str>], expected| {
            assert_eq!(
                word_errors_by_speaker(&reference, hypothesis).errors(),
                expected,
                "{hypothesis:?}"
            );
        };
        check(&[vec!["d", "e"], vec!["a", "b", "c"]], 0);
        check(&[vec!["d"], vec!["a", "b", "c"], vec!["x", "y"]], 3);
        check(&[vec!["a", "b", "c"]], 2);
        check(&[], 5);
    }

    proptest! {
        /// What is left out and put in explains the lengths; the errors are those of an independent implementation.
        #[test]
        fn errors_are_the_distance(a in prop::collection::vec(0_u8..4, 0..30), b in prop::collection::vec(0_u8..4, 0..30)) {
            let errors = word_errors(&a, &b);
            prop_assert_eq!(a.len() + errors.insertions, b.len() + errors.deletions);
            prop_assert!(errors.substitutions + errors.deletions <= a.len());
            prop_assert_eq!(errors.errors(), strsim::generic_levenshtein(&a, &b));
            prop_assert_eq!(errors.errors(), word_errors(&b, &a).errors());
        }
    }
}
