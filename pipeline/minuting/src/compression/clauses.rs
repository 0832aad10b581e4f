//! Cuts a speech turn into clauses that may stand in minutes.

use datasets::Language;

use super::grammar::stands_alone;
use super::lexicon::is_conjunction;
use super::trimming::trim;
use super::{SpeechTurn, Token};

/// The fewest words a clause may have after trimming; shorter ones are rarely whole.
pub(super) const CLAUSE_WORDS_MIN: usize = 5;

/// The most words a clause may have before trimming.
pub(super) const CLAUSE_WORDS_MAX: usize = 45;

/// How firmly the text is cut at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Boundary {
    /// A comma, or before a conjunction.
    Clause,
    /// The end of an utterance without a mark.
    Utterance,
    /// The end of a sentence or of the turn.
    Sentence,
}

/// Part of a turn that may stand by itself.
#[derive(Clone, Debug)]
pub struct Clause {
    /// The words left after trimming.
    pub tokens: Vec<Token>,
    /// Where the clause begins in the tokens of the turn, before trimming.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
    /// How many of its two ends were cut inside a sentence.
    pub cuts: usize,
}

/// All clauses of `turn`, longer and shorter ones that overlap included: the selection chooses among them.
pub fn clauses(turn: &SpeechTurn, language: Language) -> Vec<Clause> {
    let boundaries = boundaries(turn, language);
    let mut found = Vec::new();
    for (first, &(start, opening)) in boundaries.iter().enumerate() {
        for &(end, closing) in &boundaries[first + 1..] {
            if end - start > CLAUSE_WORDS_MAX {
                break;
            }
            let tokens = trim(&turn.tokens[start..end], language);
            if tokens.len() >= CLAUSE_WORDS_MIN && stands_alone(&tokens, opening, closing, language) {
                let cuts = [opening, closing]
                    .iter()
                    .filter(|&&end| end == Boundary::Clause)
                    .count();
                found.push(Clause {
                    tokens,
                    start,
                    end,
                    cuts,
                });
            }
            if closing == Boundary::Sentence {
                break;
            }
        }
    }
    found
}

/// The places where `turn` may be cut, with the firmest reason for each, in order; its beginning and end included.
fn boundaries(turn: &SpeechTurn, language: Language) -> Vec<(usize, Boundary)> {
    let mut boundaries = vec![(0, Boundary::Sentence)];
    let mut add = |position: usize, boundary: Boundary| match boundaries.last_mut() {
        Some((last, firmest)) if *last == position => *firmest = boundary.max(*firmest),
        _ => boundaries.push((position, boundary)),
    };
    let mut utterance_starts = turn.utterance_starts.iter().copied().peekable();
    for (position, token) in turn.tokens.iter().enumerate() {
        if utterance_starts.next_if_eq(&position).is_some() {
            add(position, Boundary::Utterance);
        } else if is_conjunction(&token.bare, language) {
            add(position, Boundary::Clause);
        }
        if token.ends_sentence() {
            add(position + 1, Boundary::Sentence);
        } else if !token.mark().is_empty() {
            add(position + 1, Boundary::Clause);
        }
    }
    add(turn.tokens.len(), Boundary::Sentence);
    boundaries
}
