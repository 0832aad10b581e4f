//! Everything that could become a statement of the minutes.

use std::collections::HashSet;

use datasets::{Language, Meeting, Participant, Transcript};

use crate::compression::{Clause, SpeechTurn, Token, clauses};
use crate::reported_speech::{Persons, attribute_in_french, report};
use crate::salience::{SpokenWords, WordId};
use crate::text::Stemmer;

/// How the minutes call a few people who speak as "we".
const TEAM: &str = "the team";

/// How they call many, who need not work together.
const GROUP: &str = "the group";

/// Speakers up to which those present are called a team.
const TEAM_SPEAKERS_MAX: usize = 12;

/// Letters up to which the name of a speaker is taken for a label.
const LABEL_LETTERS_MAX: usize = 2;

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
    let subjects: Vec<Option<String>> = subjects(meeting, transcript, stemmer.language());
    let group = if subjects.len() > TEAM_SPEAKERS_MAX {
        GROUP
    } else {
        TEAM
    };
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        let subject = turn.speaker.and_then(|speaker| subjects.get(speaker)?.as_deref());
        for clause in clauses(turn, stemmer.language()) {
            if let Some(candidate) = candidate(&clause, number, (subject, group), spoken, stemmer)
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
    (subject, group): (Option<&str>, &str),
    spoken: &mut SpokenWords,
    stemmer: &Stemmer,
) -> Option<Candidate> {
    let (tokens, persons) = match stemmer.language() {
        Language::ENGLISH => report(&clause.tokens, subject, group)?,
        Language::FRENCH => attribute_in_french(&clause.tokens, subject),
        _ => (clause.tokens.clone(), Persons::default()),
    };
    let text = sentence(&tokens);
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

fn sentence(tokens: &[Token]) -> String {
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    crate::statements::as_sentence(&words.join(" "))
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

/// For each speaker, in the order of first speech, how minutes call them: by name where there is one, by role where the
/// name is only a label.
fn subjects(meeting: &Meeting, transcript: &Transcript, language: Language) -> Vec<Option<String>> {
    let subject = |label: &datasets::SpeakerLabel| {
        let participant = meeting.participant_speaking_as(label);
        let name = participant
            .map_or(label.as_str(), |participant| &participant.name)
            .trim();
        let role = participant.and_then(|participant| participant.role.as_deref());
        let is_label = name.chars().count() <= LABEL_LETTERS_MAX;
        if language != Language::ENGLISH {
            return (!is_label).then(|| name.to_owned());
        }
        match role {
            Some(role) if (is_label || role == name) && holders(meeting, role) == 1 => Some(format!("the {role}")),
            Some(role) if is_label => Some(format!("{role} {name}")),
            _ if name.is_empty() => None,
            _ if is_label => Some(format!("Speaker {name}")),
            _ if is_role_title(name) => Some(format!("the {name}")),
            _ => Some(name.to_owned()),
        }
    };
    transcript.speakers().into_iter().map(subject).collect()
}

fn holders(meeting: &Meeting, role: &str) -> usize {
    let has_role = |participant: &&Participant| participant.role.as_deref() == Some(role);
    meeting.participants.iter().filter(has_role).count()
}

/// Transcripts in which speakers are labelled by their role carry no other name for them.
fn is_role_title(name: &str) -> bool {
    const TITLES: &[&str] = &[
        "manager",
        "expert",
        "designer",
        "marketing",
        "interface",
        "chair",
        "chairman",
        "president",
        "director",
        "secretary",
        "moderator",
        "host",
        "speaker",
        "professor",
        "officer",
        "engineer",
        "analyst",
        "editor",
        "clerk",
        "minister",
    ];
    let last = name.rsplit(' ').next().unwrap_or(name).to_lowercase();
    TITLES.contains(&last.as_str())
}
