//! The fixed words of the minutes in French and English.

use crate::Language;

/// Headings and short phrases of one language.
#[derive(Debug)]
pub(super) struct Headings {
    /// Between a phrase and what it tells.
    pub(super) colon: &'static str,
    pub(super) date: &'static str,
    pub(super) participants: &'static str,
    /// Behind the name of somebody who was invited and not heard.
    pub(super) absent: &'static str,
    pub(super) summary: &'static str,
    pub(super) decisions: &'static str,
    pub(super) actions: &'static str,
    pub(super) questions: &'static str,
    pub(super) topics: &'static str,
    pub(super) due: &'static str,
    pub(super) unsupported: &'static str,
    pub(super) dropped: &'static str,
    pub(super) failed: &'static str,
    read: &'static str,
    proven: &'static str,
}

const ENGLISH: Headings = Headings {
    colon: ": ",
    date: "Date",
    participants: "Participants",
    absent: " (not heard)",
    summary: "Summary",
    decisions: "Decisions",
    actions: "Action items",
    questions: "Open questions",
    topics: "Topics",
    due: "due",
    unsupported: "not in the evidence",
    dropped: "Statements struck for want of proof",
    failed: "Passages that could not be read",
    read: "of what was said was read",
    proven: "of the statements are proven by what was said",
};

const FRENCH: Headings = Headings {
    colon: " : ",
    date: "Date",
    participants: "Participants",
    absent: " (n'a pas pris la parole)",
    summary: "Résumé",
    decisions: "Décisions",
    actions: "Actions",
    questions: "Questions ouvertes",
    topics: "Sujets",
    due: "échéance",
    unsupported: "absent des preuves",
    dropped: "Énoncés retirés faute de preuve",
    failed: "Passages qui n'ont pas pu être lus",
    read: "des propos ont été lus",
    proven: "des énoncés sont prouvés par les propos",
};

impl Headings {
    /// English for any language but French.
    pub(super) fn of(language: Language) -> &'static Self {
        if language == Language::FRENCH {
            &FRENCH
        } else {
            &ENGLISH
        }
    }

    pub(super) fn coverage(&self, read_percent: f64, proven_percent: f64) -> String {
        format!("{read_percent} % {}, {proven_percent} % {}.", self.read, self.proven)
    }
}
