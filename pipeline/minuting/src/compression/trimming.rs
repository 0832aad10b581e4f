//! Takes the words of talk off a clause.

use datasets::Language;

use super::Token;
use super::lexicon::{closers, openers, parentheses};

/// `tokens` without openers ("so", "I think that"), closers ("or something", "of the") and parentheses ("you know").
pub(super) fn trim(tokens: &[Token], language: Language) -> Vec<Token> {
    let mut rest = tokens;
    while let Some(length) = longest(openers(language), |words| starts_with(rest, words)) {
        rest = &rest[length..];
    }
    while let Some(length) = longest(closers(language), |words| ends_with(rest, words)) {
        rest = &rest[..rest.len() - length];
    }
    let mut kept: Vec<Token> = Vec::with_capacity(rest.len());
    while let Some(token) = rest.first() {
        match longest(parentheses(language), |words| starts_with(rest, words)) {
            Some(length) => rest = &rest[length..],
            None => {
                kept.push(token.clone());
                rest = &rest[1..];
            }
        }
    }
    kept
}

/// The number of words of the longest of `sequences` that `fits` accepts.
fn longest(sequences: &[&str], fits: impl Fn(&[&str]) -> bool) -> Option<usize> {
    let mut best = None;
    for sequence in sequences {
        let words: Vec<&str> = sequence.split(' ').collect();
        if best.is_none_or(|length| words.len() > length) && fits(&words) {
            best = Some(words.len());
        }
    }
    best
}

fn starts_with(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() > words.len() && tokens.iter().zip(words).all(|(token, word)| token.bare == *word)
}

fn ends_with(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() > words.len() && starts_with_end(&tokens[tokens.len() - words.len()..], words)
}

fn starts_with_end(tokens: &[Token], words: &[&str]) -> bool {
    tokens.iter().zip(words).all(|(token, word)| token.bare == *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: Language, text: &str, expected: &str) {
        let tokens: Vec<Token> = text.split(' ').map(|word| Token::new(word, 0)).collect();
        let kept: Vec<String> = trim(&tokens, language).into_iter().map(|token| token.text).collect();
        assert_eq!(kept.join(" "), expected);
    }

    #[test]
    fn the_words_of_talk_go_and_the_claim_stays() {
        check(
            Language::ENGLISH,
            "So I think that we need, you know, a chip or something.",
            "we need, a chip",
        );
        check(
            Language::FRENCH,
            "Donc je pense que le budget est voté, voilà.",
            "le budget est voté,",
        );
        check(Language::ENGLISH, "well", "well");
    }
}
