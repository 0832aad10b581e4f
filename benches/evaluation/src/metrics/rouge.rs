//! ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum as the Python package rouge-score 0.1.2 defines them (F measure), so that
//! figures can be set beside published ones. Source: C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of
//! Summaries", ACL workshop 2004.

use std::collections::HashMap;

use datasets::Language;

use super::porter_stemmer::porter_stem;

/// F measures in 0..=1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rouge {
    /// Single words.
    pub rouge1: f64,
    /// Pairs of neighbouring words.
    pub rouge2: f64,
    /// Longest common subsequence of the whole texts.
    pub rouge_l: f64,
    /// Union of the longest common subsequences line by line.
    pub rouge_lsum: f64,
}

/// Scores `hypothesis` against `reference`. English words are runs of ASCII letters and digits, those above three
/// characters stemmed; words of any other language are runs of Unicode letters and digits, because rouge-score's own
/// rule cuts them at every accent. Lines count for `rouge_lsum` only.
pub fn rouge(reference: &str, hypothesis: &str, language: Language) -> Rouge {
    let reference_lines = tokenize_lines(reference, language);
    let hypothesis_lines = tokenize_lines(hypothesis, language);
    let mut vocabulary = Vocabulary::default();
    let reference_lines = vocabulary.number_lines(&reference_lines);
    let hypothesis_lines = vocabulary.number_lines(&hypothesis_lines);
    let (reference, hypothesis) = (reference_lines.concat(), hypothesis_lines.concat());
    let f = |hits: usize, less: usize| {
        let count = |words: &[u32]| (words.len() + 1).saturating_sub(less);
        f_measure(hits, count(&reference), count(&hypothesis))
    };
    Rouge {
        rouge1: f(shared_ngrams(&reference, &hypothesis, 1), 1),
        rouge2: f(shared_ngrams(&reference, &hypothesis, 2), 2),
        rouge_l: f(longest_common_subsequence(&reference, &hypothesis), 1),
        rouge_lsum: f(union_hits(&reference_lines, &hypothesis_lines), 1),
    }
}

/// The words of `text` as ROUGE counts them.
pub fn tokenize(text: &str, language: Language) -> Vec<String> {
    if language != Language::ENGLISH {
        return minuting::text::words(text);
    }
    text.to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            if word.len() > 3 {
                porter_stem(word)
            } else {
                word.to_owned()
            }
        })
        .collect()
}

fn tokenize_lines(text: &str, language: Language) -> Vec<Vec<String>> {
    text.split('\n')
        .filter(|line| !line.is_empty())
        .map(|line| tokenize(line, language))
        .collect()
}

/// Numbers words, so that the tables compare integers.
#[derive(Default)]
struct Vocabulary<'a>(HashMap<&'a str, u32>);

impl<'a> Vocabulary<'a> {
    fn number_lines(&mut self, lines: &'a [Vec<String>]) -> Vec<Vec<u32>> {
        let mut number = |word: &'a String| {
            let next = self.0.len() as u32;
            *self.0.entry(word).or_insert(next)
        };
        lines
            .iter()
            .map(|line| line.iter().map(&mut number).collect())
            .collect()
    }
}

fn f_measure(hits: usize, reference: usize, hypothesis: usize) -> f64 {
    if hits == 0 {
        return 0.0;
    }
    2.0 * hits as f64 / (reference + hypothesis) as f64
}

fn shared_ngrams(reference: &[u32], hypothesis: &[u32], length: usize) -> usize {
    let mut left: HashMap<&[u32], usize> = HashMap::new();
    for ngram in reference.windows(length) {
        *left.entry(ngram).or_default() += 1;
    }
    let mut taken = |ngram: &[u32]| match left.get_mut(ngram) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    hypothesis.windows(length).filter(|ngram| taken(ngram)).count()
}

fn longest_common_subsequence(reference: &[u32], hypothesis: &[u32]) -> usize {
    let mut row = vec![0; hypothesis.len() + 1];
    for word in reference {
        let mut diagonal = 0;
        for (column, other) in hypothesis.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = if word == other {
                diagonal + 1
            } else {
                above.max(row[column])
            };
            diagonal = above;
        }
    }
    row[hypothesis.len()]
}

/// Words of the reference that stand in some longest common subsequence of their line with a line of the hypothesis,
/// each word counted as often at most as either text has it.
fn union_hits(reference: &[Vec<u32>], hypothesis: &[Vec<u32>]) -> usize {
    let (mut in_reference, mut in_hypothesis) = (counts(reference), counts(hypothesis));
    let mut hits = 0;
    for line in reference {
        let mut matched = vec![false; line.len()];
        for other in hypothesis {
            mark_common_subsequence(line, other, &mut matched);
        }
        for (word, _) in line.iter().zip(matched).filter(|(_, matched)| *matched) {
            let (Some(left), Some(right)) = (in_reference.get_mut(word), in_hypothesis.get_mut(word)) else {
                continue;
            };
            if *left > 0 && *right > 0 {
                *left -= 1;
                *right -= 1;
                hits += 1;
            }
        }
    }
    hits
}

fn counts(lines: &[Vec<u32>]) -> HashMap<u32, usize> {
    let mut counts = HashMap::new();
    for word in lines.iter().flatten() {
        *counts.entry(*word).or_default() += 1;
    }
    counts
}

/// Marks the words of `line` in one longest common subsequence with `other`: of several equal ones that which
/// rouge-score reads out of its table.
fn mark_common_subsequence(line: &[u32], other: &[u32], matched: &mut [bool]) {
    let width = other.len() + 1;
    let mut table = vec![0_u32; (line.len() + 1) * width];
    for row in 1..=line.len() {
        for column in 1..width {
            table[row * width + column] = if line[row - 1] == other[column - 1] {
                table[(row - 1) * width + column - 1] + 1
            } else {
                table[(row - 1) * width + column].max(table[row * width + column - 1])
            };
        }
    }
    let (mut row, mut column) = (line.len(), other.len());
    while row > 0 && column > 0 {
        if line[row - 1] == other[column - 1] {
            matched[row - 1] = true;
            row -= 1;
            column -= 1;
        } else if table[row * width + column - 1] > table[(row - 1) * width + column] {
            column -= 1;
        } else {
            row -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected figures printed by rouge-score 0.1.2 with stemming (`fmeasure`).
    fn check(reference: &str, hypothesis: &str, expected: [f64; 4]) {
        let found = rouge(reference, hypothesis, Language::ENGLISH);
        let found = [found.rouge1, found.rouge2, found.rouge_l, found.rouge_lsum];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }

    #[test]
    fn scores_are_those_of_rouge_score() {
        check(
            "The project manager opened the meeting.\nThe group discussed the remote's batteries and the remote control.",
            "The Project Manager opens a meeting\nthe remote control needs a battery\nremote controls, the group said.",
            [0.705882353, 0.437500000, 0.588235294, 0.588235294],
        );
        check(
            "a b c d e f",
            "f e d c b a",
            [1.000000000, 0.000000000, 0.166666667, 0.166666667],
        );
        check(
            "the the the cat sat on the mat\nthe dog sat",
            "the cat the mat\nsat sat the the dog",
            [0.900000000, 0.444444444, 0.600000000, 0.700000000],
        );
    }

    #[test]
    fn nothing_scores_zero() {
        check("", "", [0.0; 4]);
        check("a word", "", [0.0; 4]);
        check("", "\n", [0.0; 4]);
    }

    #[test]
    fn french_words_keep_their_accents() {
        let scores = rouge("L'été dernier", "l'été prochain", Language::FRENCH);
        assert!((scores.rouge1 - 2.0 / 3.0).abs() < 1e-12);
        assert!((scores.rouge2 - 0.5).abs() < 1e-12);
    }

    proptest::proptest! {
        #[test]
        fn a_text_is_its_own_best_summary(text in "[a-z]{1,5}( [a-z]{1,5}){1,9}") {
            let scores = rouge(&text, &text, Language::ENGLISH);
            proptest::prop_assert!((scores.rouge1 - 1.0).abs() < 1e-12);
            proptest::prop_assert!((scores.rouge2 - 1.0).abs() < 1e-12);
            proptest::prop_assert!((scores.rouge_lsum - 1.0).abs() < 1e-12);
        }
    }
}
