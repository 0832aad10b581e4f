//! Joins the utterances of a speaker that follow each other, passing over what others only throw in.

use datasets::Language;

use super::Token;
use super::lexicon::is_acknowledgement;
use crate::text::{clean, is_stop_word};

/// Words of an utterance up to which it may be a mere acknowledgement.
const ACKNOWLEDGEMENT_WORDS_MAX: usize = 3;

/// How many words of the text before are searched for a repeated end: recognizers that work in overlapping windows
/// give the last words of one utterance again as the first of the next.
const OVERLAP_WORDS_MAX: usize = 25;

/// An utterance as it is handed in.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    /// Position of the utterance in the transcript.
    pub utterance: usize,
    /// Number of its speaker; equal numbers are one person. `None` where nothing is known.
    pub speaker: Option<usize>,
    /// What was said.
    pub text: &'a str,
}

/// What a speaker says until somebody else takes the floor.
#[derive(Clone, Debug)]
pub struct SpeechTurn {
    /// Number of the speaker.
    pub speaker: Option<usize>,
    /// The words, cleaned.
    pub tokens: Vec<Token>,
    /// Positions in `tokens` where a new utterance begins, in order; 0 is not among them.
    pub utterance_starts: Vec<usize>,
}

/// The speech turns of `units`, which stand in the order they were said.
pub fn join_utterances<'a>(units: impl IntoIterator<Item = Unit<'a>>, language: Language) -> Vec<SpeechTurn> {
    let mut turns: Vec<SpeechTurn> = Vec::new();
    for unit in units {
        let cleaned = clean(unit.text, language);
        let tokens: Vec<Token> = cleaned
            .split_whitespace()
            .map(|word| Token::new(word, unit.utterance))
            .collect();
        if tokens.is_empty() {
            continue;
        }
        match turns.last_mut() {
            Some(turn) if turn.speaker == unit.speaker => turn.append(tokens, language),
            Some(_) if is_thrown_in(&tokens) => {}
            _ => turns.push(SpeechTurn {
                speaker: unit.speaker,
                tokens,
                utterance_starts: Vec::new(),
            }),
        }
    }
    turns
}

fn is_thrown_in(tokens: &[Token]) -> bool {
    tokens.len() <= ACKNOWLEDGEMENT_WORDS_MAX && tokens.iter().all(|token| is_acknowledgement(&token.bare))
}

/// A word that has its capital only because an utterance begins with it.
fn is_capitalised_function_word(token: &Token, language: Language) -> bool {
    let mut letters = token.text.chars();
    letters.next().is_some_and(char::is_uppercase)
        && letters.all(|letter| !letter.is_uppercase())
        && token.bare.split('\'').next() != Some("i")
        && token
            .bare
            .split('\'')
            .next()
            .is_some_and(|word| is_stop_word(word, language))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(char::to_lowercase)
        .into_iter()
        .flatten()
        .chain(letters)
        .collect()
}

impl SpeechTurn {
    fn append(&mut self, mut tokens: Vec<Token>, language: Language) {
        tokens.drain(..self.repeated_words(&tokens));
        let goes_on = self.tokens.last().is_some_and(|last| !last.ends_sentence());
        let Some(first) = tokens.first_mut() else { return };
        if goes_on && is_capitalised_function_word(first, language) {
            first.text = lower_first(&first.text);
        }
        self.utterance_starts.push(self.tokens.len());
        self.tokens.append(&mut tokens);
    }

    /// How many of the first words of `next` repeat the end of this turn; a single number is no repetition, and nothing is
    /// repeated across the end of a sentence.
    fn repeated_words(&self, next: &[Token]) -> usize {
        let longest = OVERLAP_WORDS_MAX.min(self.tokens.len()).min(next.len());
        if self.tokens.last().is_some_and(Token::ends_sentence) {
            return 0;
        }
        let repeats = |&length: &usize| {
            let end = &self.tokens[self.tokens.len() - length..];
            end.iter().zip(next).all(|(left, right)| left.bare == right.bare)
        };
        let first_is_number = next.first().is_some_and(|token| token.bare.contains(char::is_numeric));
        (if first_is_number { 2 } else { 1 }..=longest)
            .rev()
            .find(repeats)
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[(usize, &str)], expected: &[&str]) {
        let units = lines.iter().enumerate().map(|(utterance, &(speaker, text))| Unit {
            utterance,
            speaker: Some(speaker),
            text,
        });
        let turns = join_utterances(units, Language::ENGLISH);
        let texts: Vec<String> = turns
            .iter()
            .map(|turn| {
                turn.tokens
                    .iter()
                    .map(|token| token.text.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn an_acknowledgement_does_not_take_the_floor() {
        check(
            &[
                (0, "we need a chip"),
                (1, "Yeah ."),
                (0, "and a battery ."),
                (1, "A kinetic one ?"),
            ],
            &["we need a chip and a battery.", "A kinetic one?"],
        );
    }

    #[test]
    fn an_utterance_that_goes_on_begins_with_a_small_letter() {
        check(
            &[(0, "we need a chip"), (0, "And It is cheap"), (0, "Phone it")],
            &["we need a chip and It is cheap Phone it"],
        );
    }

    #[test]
    fn words_given_twice_by_the_recognizer_stand_once() {
        check(
            &[(0, "we need a big"), (0, "a big chip"), (0, "a big chip")],
            &["we need a big chip"],
        );
    }
}
