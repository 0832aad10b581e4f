//! Cuts a transcript into passages that fit the model, each utterance in exactly one.

use std::ops::Range;

/// From this share of what fits on, a passage ends at a boundary between topics if there is one.
const TOPIC_END_FROM: f64 = 0.6;

/// Ranges of utterance positions, in order, without gaps. `tokens` is the length of each utterance's line; at most
/// `tokens_max` go into a passage, except for a single utterance that is longer by itself. `topic_starts` are positions
/// of utterances that begin a topic.
pub(super) fn cut(tokens: &[usize], tokens_max: usize, topic_starts: &[usize]) -> Vec<Range<usize>> {
    let mut passages = Vec::new();
    let mut start = 0;
    while start < tokens.len() {
        let mut sum = 0;
        let mut end = start;
        let mut topic_end = None;
        while end < tokens.len() && (sum + tokens[end] <= tokens_max || end == start) {
            sum += tokens[end];
            end += 1;
            if sum as f64 >= TOPIC_END_FROM * tokens_max as f64 && topic_starts.contains(&end) {
                topic_end = Some(end);
            }
        }
        if end < tokens.len() {
            end = topic_end.unwrap_or(end);
        }
        passages.push(start..end);
        start = end;
    }
    passages
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_passage_ends_where_a_topic_does() {
        assert_eq!(cut(&[10; 10], 50, &[4, 7]), [0..4, 4..7, 7..10]);
        assert_eq!(cut(&[10; 10], 50, &[2]), [0..5, 5..10]);
        assert_eq!(
            cut(&[10; 6], 50, &[1]),
            [0..5, 5..6],
            "one that comes early makes no short passage"
        );
    }

    proptest! {
        #[test]
        fn each_utterance_is_in_exactly_one(
            tokens in prop::collection::vec(0_usize..60, 0..80),
            tokens_max in 1_usize..100,
            topic_starts in prop::collection::vec(0_usize..80, 0..8),
        ) {
            let passages = cut(&tokens, tokens_max, &topic_starts);
            let all: Vec<usize> = passages.iter().cloned().flatten().collect();
            prop_assert_eq!(all, (0..tokens.len()).collect::<Vec<_>>());
            for passage in passages {
                let sum: usize = tokens[passage.clone()].iter().sum();
                prop_assert!(sum <= tokens_max || passage.len() == 1);
            }
        }
    }
}
