//! Everything that could become a statement of the minutes.

use std::collections::HashSet;

use datasets::{Meeting, Transcript};

use crate::compression::{Clause, SpeechTurn, clauses};
use crate::reported_speech::{Narrator, Persons, as_text};
use crate::salience::{SpokenWords, WordId};
use crate::text::Stemmer;

/// A sentence that may be selected.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// With its capital and its stop.
    pub text: String,
    /// Its words, as salience counts them.
    pub words: Vec<WordId>,
    /// Words between white space: what it costs.
    pub cost: usize,
    /// Positions of the utterances it was made from, in order.
    pub evidence: Vec<usize>,
    /// Number of its speech turn.
    pub turn: usize,
    /// Where it begins in the turn.
    pub start: usize,
    /// Where it ends in the turn, exclusive.
    pub end: usize,
    /// How many of its two ends were cut inside a sentence.
    pub cuts: usize,
    /// Of whom it speaks.
    pub persons: Persons,
    /// Whether it begins with a pronoun that the sentence before would have to explain.
    pub needs_context: bool,
    /// Whether it asks.
    pub is_question: bool,
}

/// All candidates of `turns`, in the order they were said; the same text is offered once.
pub(super) fn candidates(
    meeting: &Meeting,
    transcript: &Transcript,
    turns: &[SpeechTurn],
    spoken: &mut SpokenWords,
    stemmer: &Stemmer,
) -> Vec<Candidate> {
    let narrator = Narrator::new(meeting, transcript, stemmer.language());
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        let subject = turn.speaker.and_then(|speaker| narrator.subject_at(speaker));
        for clause in clauses(turn, stemmer.language()) {
            if let Some(candidate) = candidate(&clause, number, (&narrator, subject), spoken, stemmer)
                && seen.insert(candidate.text.to_lowercase())
            {
                found.push(candidate);
            }
        }
    }
    found
}

fn candidate(
    clause: &Clause,
    turn: usize,
    (narrator, subject): (&Narrator, Option<&str>),
    spoken: &mut SpokenWords,
    stemmer: &Stemmer,
) -> Option<Candidate> {
    let (tokens, persons) = narrator.tell(&clause.tokens, subject)?;
    let text = as_text(&tokens);
    let mut evidence: Vec<usize> = clause.tokens.iter().map(|token| token.utterance).collect();
    evidence.sort_unstable();
    evidence.dedup();
    Some(Candidate {
        words: spoken.number(&text, stemmer),
        cost: text.split_whitespace().count(),
        evidence,
        turn,
        start: clause.start,
        end: clause.end,
        cuts: clause.cuts,
        persons,
        needs_context: tokens.first().is_some_and(|first| needs_context(&first.bare)),
        is_question: text.ends_with('?'),
        text,
    })
}

fn needs_context(word: &str) -> bool {
    let stem = word.split('\'').next().unwrap_or(word);
    matches!(
        stem,
        "it" | "they"
            | "he"
            | "she"
            | "that"
            | "this"
            | "these"
            | "those"
            | "his"
            | "her"
            | "their"
            | "its"
            | "il"
            | "elle"
            | "ils"
            | "elles"
            | "ça"
            | "cela"
            | "ce"
            | "c"
            | "ceux"
            | "celui"
            | "celle"
    )
}
