//! Tells by its words whether a clause can stand by itself. Rules of thumb, not a parser: they are there to keep
//! fragments out of minutes, and rather lose a good clause than let half of one through.

mod english;
mod french;

use datasets::Language;

use super::Token;
use super::clauses::Boundary;

/// Whether `tokens`, cut out between an `opening` and a `closing` boundary, read as a whole statement.
pub(super) fn stands_alone(tokens: &[Token], opening: Boundary, closing: Boundary, language: Language) -> bool {
    match language {
        Language::ENGLISH => english::stands_alone(tokens, opening, closing),
        Language::FRENCH => french::stands_alone(tokens, opening, closing),
        _ => opening == Boundary::Sentence && closing == Boundary::Sentence,
    }
}
