//! Slips of the tongue and of the recognizer, taken out of a line of words. Each function takes time in proportion to
//! the words.

use super::cleaning::bare;

/// How many words an immediate repetition may have and still be taken for a slip of the tongue.
const REPETITION_WORDS_MAX: usize = 4;

/// Short words that may well stand before a longer one that begins like them: "the then", "in into".
const WHOLE_SHORT_WORDS: &str = " a i is in so no do an be we he the to it for on or at as us me my you can all any one his her \
    had has was are not but out up go if of by too who how now new use let get put two she they them this that ";

/// Takes out the beginning of a word that the speaker then said in full: `th there`, `w we`.
pub(super) fn drop_false_starts(tokens: &mut Vec<String>) {
    let cut = |start: &str, word: &str| {
        let (start, word) = (bare(start).to_lowercase(), bare(word).to_lowercase());
        let is_letters = start.chars().all(char::is_alphabetic) && (1..=3).contains(&start.chars().count());
        is_letters
            && word.len() > start.len()
            && word.starts_with(&start)
            && !WHOLE_SHORT_WORDS.contains(&format!(" {start} "))
    };
    let mut kept = Vec::with_capacity(tokens.len());
    let mut rest = std::mem::take(tokens).into_iter().peekable();
    while let Some(token) = rest.next() {
        if !rest.peek().is_some_and(|next| cut(&token, next)) {
            kept.push(token);
        }
    }
    *tokens = kept;
}

/// Takes out the first of two equal neighbouring runs of up to four words: `I think I think we` gives `I think we`.
pub(super) fn drop_repetitions(tokens: &mut Vec<String>) {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let longest = REPETITION_WORDS_MAX.min((tokens.len() - at) / 2);
        match (1..=longest).rev().find(|&length| repeats(tokens, at, length)) {
            Some(length) => at += length,
            None => {
                kept.push(std::mem::take(&mut tokens[at]));
                at += 1;
            }
        }
    }
    *tokens = kept;
}

fn repeats(tokens: &[String], at: usize, length: usize) -> bool {
    (0..length).all(|offset| {
        let (first, second) = (&tokens[at + offset], &tokens[at + length + offset]);
        // The end of a sentence within the run, or a number said twice, is no slip.
        let ends = first.ends_with(['.', '?', '!', '…']);
        let (first, second) = (bare(first), bare(second));
        !ends && !first.is_empty() && !first.contains(char::is_numeric) && first.to_lowercase() == second.to_lowercase()
    })
}

/// Joins letters that a recognizer spells: `l. c. d.` becomes `LCD`.
pub(super) fn join_spelled_out(tokens: &mut Vec<String>) {
    let letter = |token: &String| {
        let mut characters = token.chars();
        match (characters.next(), characters.next(), characters.next()) {
            (Some(letter), Some('.'), None) if letter.is_ascii_lowercase() => Some(letter.to_ascii_uppercase()),
            _ => None,
        }
    };
    let mut joined = Vec::with_capacity(tokens.len());
    let mut rest = std::mem::take(tokens).into_iter().peekable();
    while let Some(token) = rest.next() {
        let mut letters: String = letter(&token).into_iter().collect();
        while let Some(next) = rest.next_if(|next| !letters.is_empty() && letter(next).is_some()) {
            letters.extend(letter(&next));
        }
        joined.push(if letters.len() > 1 { letters } else { token });
    }
    *tokens = joined;
}
