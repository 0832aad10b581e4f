//! Texts to token ids, cut at the model's longest input, and grouped by length so that little is computed twice.

use std::path::Path;

use rayon::prelude::*;
use tokenizers::{Tokenizer, TruncationParams};

use super::sentence_encoder::{EmbedError, LoadEncoderError};

/// The tokenizer of a model, set to its longest input and to no padding.
pub(super) struct TextTokenizer(Tokenizer);

impl TextTokenizer {
    /// Reads `tokenizer.json`; the cut and the padding written in it are replaced.
    pub(super) fn read(path: &Path, max_tokens: usize) -> Result<TextTokenizer, LoadEncoderError> {
        let fail = |source| LoadEncoderError::Tokenizer {
            path: path.to_owned(),
            source,
        };
        let mut tokenizer = Tokenizer::from_file(path).map_err(fail)?;
        let cut = TruncationParams {
            max_length: max_tokens,
            ..TruncationParams::default()
        };
        tokenizer.with_truncation(Some(cut)).map_err(fail)?;
        tokenizer.with_padding(None);
        Ok(TextTokenizer(tokenizer))
    }

    /// Token ids of each text, special tokens included, on the threads of the caller's pool.
    pub(super) fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>, EmbedError> {
        texts
            .par_iter()
            .with_min_len(16)
            .map(|text| self.encode_one(text))
            .collect()
    }

    fn encode_one(&self, text: &str) -> Result<Vec<u32>, EmbedError> {
        // Leading and trailing blanks are dropped first, as sentence-transformers does.
        let encoding = self
            .0
            .encode_fast(text.trim(), true)
            .map_err(|source| EmbedError::Tokenize { source })?;
        Ok(encoding.get_ids().to_vec())
    }
}

/// Groups of indices into `lengths`, longest first, each of at most `budget` tokens when padded to its longest
/// (or of one text).
pub(super) fn group_by_length(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(lengths[index]));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in order {
        match groups.last_mut() {
            Some(group) if (group.len() + 1) * lengths[group[0]] <= budget => group.push(index),
            _ => groups.push(vec![index]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_neighbours_in_length_under_the_budget() {
        assert_eq!(group_by_length(&[3, 9, 4, 2], 10), vec![vec![1], vec![2, 0], vec![3]]);
        assert_eq!(group_by_length(&[12], 10), vec![vec![0]]);
        assert!(group_by_length(&[], 10).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn every_text_is_in_exactly_one_group(lengths in proptest::collection::vec(1..300_usize, 0..80)) {
            let mut seen: Vec<usize> = group_by_length(&lengths, 512).concat();
            seen.sort_unstable();
            proptest::prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
        }
    }
}
