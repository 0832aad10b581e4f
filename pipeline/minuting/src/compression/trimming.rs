//! Takes the words of talk off a clause.

use datasets::Language;

use super::Token;
use super::lexicon::{Phrases, closers, openers, parentheses};

/// `tokens` without openers ("so", "I think that"), closers ("or something") and parentheses ("you know").
pub(crate) fn trim(tokens: &[Token], language: Language) -> Vec<Token> {
    let mut rest = tokens;
    while let Some(length) = openers(language).longest_at_start(rest) {
        rest = &rest[length..];
    }
    while let Some(length) = closers(language).longest_at_end(rest) {
        rest = &rest[..rest.len() - length];
    }
    without(parentheses(language), rest)
}

fn without(parentheses: &Phrases, mut rest: &[Token]) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::with_capacity(rest.len());
    while let Some(token) = rest.first() {
        match parentheses.longest_at_start(rest) {
            Some(length) => rest = &rest[length..],
            None => {
                kept.push(token.clone());
                rest = &rest[1..];
            }
        }
    }
    kept
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
