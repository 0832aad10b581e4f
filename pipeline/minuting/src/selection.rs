//! Chooses the statements of minutes: those that together share most words and pairs of words with the minutes a person
//! is expected to write, within a budget of words.
//!
//! The value of a set is the expected number of words, and of pairs of words, that it shares with such minutes, each
//! counted as often at most as minutes have it. That is monotone and submodular, so the greedy choice by value and cost
//! is near the best one: Lin and Bilmes, "Multi-document Summarization via Budgeted Maximization of Submodular
//! Functions", NAACL 2010.

mod candidates;
mod greedy;

use std::ops::Range;

use datasets::{Language, Meeting, Transcript};

use crate::compression::{SpeechTurn, Unit, join_utterances};
use crate::salience::{Expectation, SalienceWeights, SpokenWords};
use crate::text::Stemmer;
use candidates::candidates;
use greedy::choose;

pub use candidates::Candidate;

/// A sentence for the minutes and the utterances it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedStatement {
    /// One sentence, with its capital and its stop.
    pub text: String,
    /// Positions of the utterances in the transcript, in order, at least one.
    pub evidence: Vec<usize>,
}

/// How value, cost and readability are weighed. The defaults were tuned on the train parts of AMI, ICSI and QMSum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectionOptions {
    /// Value of a shared pair of words beside that of a shared word.
    pub pair_value: f32,
    /// Exponent of the cost: 1 prefers many short statements, 0 few long ones.
    pub cost_exponent: f32,
    /// What a pair is worth when it is taken again, as a share of the time before.
    pub pair_again: f32,
    /// What remains of the value of a statement that begins with a pronoun and needs its context.
    pub context_factor: f32,
    /// What remains of the value of a statement that addresses somebody.
    pub addressed_factor: f32,
    /// What remains of the value of a question.
    pub question_factor: f32,
    /// What remains of the value of a statement for each end that was cut inside a sentence.
    pub cut_factor: f32,
    /// Words below which a statement counts as short.
    pub short_below_words: usize,
    /// What remains of the value of a short statement, so that it is taken only where there is little else.
    pub short_factor: f32,
}

impl Default for SelectionOptions {
    fn default() -> Self {
        Self {
            pair_value: 1.5,
            cost_exponent: 0.7,
            pair_again: 0.35,
            context_factor: 0.8,
            addressed_factor: 0.6,
            question_factor: 0.5,
            cut_factor: 0.8,
            short_below_words: 8,
            short_factor: 0.4,
        }
    }
}

/// A meeting made ready for selection: read once, then asked for its abstract and for each of its topics.
pub struct StatementSelector {
    spoken: SpokenWords,
    candidates: Vec<Candidate>,
    weights: &'static SalienceWeights,
    options: SelectionOptions,
}

impl StatementSelector {
    /// Reads `transcript`, the speech of `meeting`, as `language`. Takes time in proportion to its words.
    pub fn new(meeting: &Meeting, transcript: &Transcript, language: Language) -> Self {
        let weights = SalienceWeights::of_language(language);
        Self::with_weights(meeting, transcript, language, weights, SelectionOptions::default())
    }

    /// As [`StatementSelector::new`], with other rates and options.
    pub fn with_weights(
        meeting: &Meeting,
        transcript: &Transcript,
        language: Language,
        weights: &'static SalienceWeights,
        options: SelectionOptions,
    ) -> Self {
        let stemmer = Stemmer::new(language);
        let turns = speech_turns(transcript, language);
        let mut spoken = SpokenWords::count(&turns, &stemmer);
        let candidates = candidates(meeting, transcript, &turns, &mut spoken, &stemmer);
        Self {
            spoken,
            candidates,
            weights,
            options,
        }
    }

    /// Statements about the utterances at the positions `utterances`, in the order they were said, with at most
    /// `words_max` words together.
    pub fn select(&self, utterances: Range<usize>, words_max: usize) -> Vec<SelectedStatement> {
        let within = |candidate: &&Candidate| candidate.evidence.iter().all(|position| utterances.contains(position));
        let candidates: Vec<&Candidate> = self.candidates.iter().filter(within).collect();
        let mut expectation = Expectation::new(&self.spoken, self.weights, words_max);
        let chosen = choose(&candidates, &mut expectation, words_max, &self.options);
        chosen
            .into_iter()
            .map(|position| SelectedStatement {
                text: candidates[position].text.clone(),
                evidence: candidates[position].evidence.clone(),
            })
            .collect()
    }

    /// Everything that may be selected, in the order it was said.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The counts of the meeting.
    pub fn spoken(&self) -> &SpokenWords {
        &self.spoken
    }
}

/// The statements of the whole meeting, with at most `words_max` words together.
pub fn abstract_of(
    meeting: &Meeting,
    transcript: &Transcript,
    language: Language,
    words_max: usize,
) -> Vec<SelectedStatement> {
    StatementSelector::new(meeting, transcript, language).select(0..transcript.utterances.len(), words_max)
}

fn speech_turns(transcript: &Transcript, language: Language) -> Vec<SpeechTurn> {
    let speakers = transcript.speakers();
    let units = transcript.utterances.iter().enumerate().map(|(utterance, said)| Unit {
        utterance,
        speaker: said
            .speaker
            .as_ref()
            .and_then(|label| speakers.iter().position(|speaker| *speaker == label)),
        text: &said.text,
    });
    join_utterances(units, language)
}

#[cfg(test)]
mod tests {
    use datasets::{MeetingId, Participant, SpeakerLabel, Utterance};
    use proptest::prelude::*;

    use super::*;

    fn meeting(lines: &[(&str, &str)]) -> (Meeting, Transcript) {
        let mut meeting = Meeting::new(MeetingId::new("m"), "m");
        let mut transcript = Transcript::default();
        for (position, (speaker, text)) in lines.iter().enumerate() {
            let mut utterance = Utterance::new(Utterance::id_at(position), *text);
            utterance.speaker = Some(SpeakerLabel::new(*speaker));
            transcript.utterances.push(utterance);
        }
        let speakers = transcript.speakers().into_iter().cloned();
        meeting.participants = speakers.map(Participant::from_speaker).collect();
        (meeting, transcript)
    }

    #[test]
    fn statements_speak_of_their_speaker_and_cite_what_was_said() {
        let (mut meeting, transcript) = meeting(&[
            (
                "Anna",
                "Okay, so um I think that we should use the kinetic battery for the remote control.",
            ),
            ("B", "Yeah."),
            ("Anna", "Mm."),
        ]);
        let text = |meeting: &Meeting| {
            let chosen = abstract_of(meeting, &transcript, Language::ENGLISH, 40);
            assert_eq!(chosen[0].evidence, [0]);
            chosen[0].text.clone()
        };
        assert_eq!(
            text(&meeting),
            "The team should use the kinetic battery for the remote control."
        );
        meeting.participants.clear();
        assert_eq!(
            text(&meeting),
            "The team should use the kinetic battery for the remote control."
        );
    }

    proptest! {
        #[test]
        fn a_budget_is_never_exceeded(
            lines in prop::collection::vec(("[AB]", "((we|I|the|team|need|is|battery|budget|,|and|\\.|will|7) ){0,25}"), 0..30),
            words_max in 0_usize..60,
        ) {
            let lines: Vec<(&str, &str)> = lines.iter().map(|(speaker, text)| (speaker.as_str(), text.as_str())).collect();
            let (meeting, transcript) = meeting(&lines);
            let chosen = abstract_of(&meeting, &transcript, Language::ENGLISH, words_max);
            let words: usize = chosen.iter().map(|statement| statement.text.split_whitespace().count()).sum();
            prop_assert!(words <= words_max);
            for statement in &chosen {
                prop_assert!(!statement.evidence.is_empty());
                prop_assert!(statement.evidence.iter().all(|&position| position < lines.len()));
            }
        }
    }
}
