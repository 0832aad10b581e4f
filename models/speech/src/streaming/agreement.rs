//! Which words of a new run are beyond the committed ones, and on which of them two runs agree.

use crate::transcript::Word;

/// How far, in words, what was committed may be moved in a new run.
const SHIFT_WORDS_MAX: usize = 4;
/// Words compared to find it.
const MATCH_WORDS_MAX: usize = 5;

/// The words of a run that come after those committed of the same sound, by text where it matches and else by time. All
/// times are the lane's.
pub fn beyond(committed: &[Word], mut run: Vec<Word>) -> Vec<Word> {
    let Some(last) = committed.last() else {
        return run;
    };
    let by_time = run.partition_point(|word| i64::midpoint(word.start_ms, word.end_ms) <= last.end_ms);
    let candidates = by_time.saturating_sub(SHIFT_WORDS_MAX)..=(by_time + SHIFT_WORDS_MAX).min(run.len());
    let by_text = candidates
        .map(|at| (matching_end(committed, &run[..at]), at))
        .filter(|(matching, _)| *matching > 0)
        .max_by_key(|&(matching, at)| (matching, usize::MAX - at.abs_diff(by_time)));
    run.drain(..by_text.map_or(by_time, |(_, at)| at));
    run
}

/// The words at the begin on which two runs agree, as the later one has them.
pub(super) fn agreed<'a>(before: &[Word], now: &'a [Word]) -> &'a [Word] {
    let count = before.iter().zip(now).take_while(|(a, b)| same(a, b)).count();
    &now[..count]
}

/// How many words at the ends are the same.
fn matching_end(left: &[Word], right: &[Word]) -> usize {
    let pairs = left.iter().rev().zip(right.iter().rev()).take(MATCH_WORDS_MAX);
    pairs.take_while(|(a, b)| same(a, b)).count()
}

/// Whether two words are the same but for case and signs.
fn same(a: &Word, b: &Word) -> bool {
    let letters = |word: &str| -> String {
        word.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    letters(&a.text) == letters(&b.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of 300 ms, one after the other.
    fn words(text: &str, start_ms: i64) -> Vec<Word> {
        let at = |index: usize| start_ms + index as i64 * 300;
        text.split_whitespace()
            .enumerate()
            .map(|(index, text)| Word {
                start_ms: at(index),
                end_ms: at(index + 1),
                text: text.to_owned(),
                probability: 1.0,
            })
            .collect()
    }

    fn check(committed: &str, run: &str, run_start_ms: i64, expected: &str) {
        let found = beyond(&words(committed, 0), words(run, run_start_ms));
        assert_eq!(crate::transcript::text_of(&found), expected);
    }

    #[test]
    fn committed_words_are_found_by_text_and_else_by_time() {
        check("", "we ship it", 0, "we ship it");
        check("we ship", "We ship, it now", 0, "it now");
        check("we ship", "we ship it now", 400, "it now"); // heard later this time
        check("we ship", "so we ship it now", 0, "it now"); // one word more before
        check("we ship", "he shipped it now", 0, "it now"); // heard otherwise: by time
        check("very", "very very good", 0, "very good");
    }

    #[test]
    fn runs_agree_up_to_the_first_difference() {
        let (before, now) = (words("We ship it Monday", 0), words("we ship it on Monday", 50));
        assert_eq!(crate::transcript::text_of(agreed(&before, &now)), "we ship it");
        assert!(agreed(&[], &now).is_empty());
    }
}
