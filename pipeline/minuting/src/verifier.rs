//! Proves statements against the utterances they cite, by code alone: whatever engine wrote a statement, every number,
//! name, date and quotation in it must occur in its evidence, and whoever owns an action must have attended.
//!
//! What fails is dropped into [`Minutes::dropped`] with the reason; an owner without proof is taken off the action, which
//! stays. Words between the numbers and names are not judged: that is what the cited utterances are for.

mod dates;
mod numbers;
mod words;

use std::collections::{BTreeSet, HashMap, HashSet};

use datasets::{
    ActionItem, DroppedStatement, DueDate, Language, Meeting, Minutes, Owner, Participant, Statement, Support,
    Transcript, Unsupported, UnsupportedKind, Utterance, UtteranceId,
};

use self::dates::date_code;
use self::numbers::{NumberPhrase, digit_values, number_phrases, supported_values};
use self::words::{ProofWord, is_filler, proof_words};
use crate::text::clean;

/// Checks statements about one meeting. Making one reads the transcript once; each check reads only what is cited.
pub struct Verifier<'a> {
    meeting: &'a Meeting,
    transcript: &'a Transcript,
    positions: HashMap<&'a UtteranceId, usize>,
    known_names: HashSet<String>,
}

impl<'a> Verifier<'a> {
    /// Prepares to check statements about `meeting` against `transcript`.
    pub fn new(meeting: &'a Meeting, transcript: &'a Transcript) -> Self {
        let utterances = transcript.utterances.iter().enumerate();
        Self {
            meeting,
            transcript,
            positions: utterances
                .map(|(position, utterance)| (&utterance.id, position))
                .collect(),
            known_names: known_names(meeting, transcript),
        }
    }

    /// What in `text` is not proven by `evidence`; empty when all of it is.
    pub fn unsupported(&self, text: &str, evidence: &[UtteranceId]) -> Vec<Unsupported> {
        let (cited, mut unsupported) = self.cited(evidence);
        let proof = Proof::new(self.meeting, &cited);
        let words: Vec<ProofWord> = proof_words(text)
            .into_iter()
            .filter(|word| !is_filler(&word.folded))
            .collect();
        unsupported.extend(unproven_numbers(text, &words, &proof));
        unsupported.extend(unproven_dates(&words, &proof));
        unsupported.extend(self.unproven_names(&words, &proof));
        unsupported.extend(unproven_quotes(text, &proof));
        unsupported
    }

    /// Keeps `statement` as proven, or says what it claims without proof.
    ///
    /// # Errors
    /// The statement as it is dropped, with every part that its evidence does not hold.
    pub fn prove(&self, statement: Statement) -> Result<Statement, DroppedStatement> {
        let unsupported = self.unsupported(&statement.text, &statement.evidence);
        if unsupported.is_empty() {
            return Ok(Statement {
                support: Support::Proven,
                ..statement
            });
        }
        Err(DroppedStatement {
            text: statement.text,
            unsupported,
        })
    }

    /// Whether `owner` is a participant of the meeting who attended.
    pub fn owner_attended(&self, owner: &Owner) -> bool {
        let mut participants = self.meeting.participants.iter();
        participants.any(|participant| participant.person == owner.person && participant.attended)
    }

    /// Whether the words of `due` were said in `evidence`.
    pub fn due_was_said(&self, due: &DueDate, evidence: &[UtteranceId]) -> bool {
        let (cited, _) = self.cited(evidence);
        Proof::new(self.meeting, &cited).says(&spoken_words(&due.text))
    }

    /// Proves all statements of `minutes`: what fails moves to [`Minutes::dropped`], an owner who did not attend and a
    /// due date that nobody said are taken off their action.
    pub fn verify(&self, minutes: &mut Minutes) {
        let mut dropped = std::mem::take(&mut minutes.dropped);
        self.retain_proven(&mut minutes.abstract_, &mut dropped, |statement| statement);
        for topic in &mut minutes.topics {
            self.retain_proven(&mut topic.statements, &mut dropped, |statement| statement);
        }
        self.retain_proven(&mut minutes.decisions, &mut dropped, |decision| &mut decision.statement);
        self.retain_proven(&mut minutes.actions, &mut dropped, |action| &mut action.statement);
        self.retain_proven(&mut minutes.questions, &mut dropped, |question| &mut question.statement);
        for action in &mut minutes.actions {
            self.strip_unproven(action, &mut dropped);
        }
        minutes.dropped = dropped;
    }

    fn retain_proven<T>(
        &self,
        items: &mut Vec<T>,
        dropped: &mut Vec<DroppedStatement>,
        statement_of: impl Fn(&mut T) -> &mut Statement,
    ) {
        items.retain_mut(|item| {
            let statement = statement_of(item);
            let unsupported = self.unsupported(&statement.text, &statement.evidence);
            let proven = unsupported.is_empty();
            if proven {
                statement.support = Support::Proven;
            } else {
                dropped.push(DroppedStatement {
                    text: statement.text.clone(),
                    unsupported,
                });
            }
            proven
        });
    }

    fn strip_unproven(&self, action: &mut ActionItem, dropped: &mut Vec<DroppedStatement>) {
        if let Some(owner) = action.owner.take_if(|owner| !self.owner_attended(owner)) {
            dropped.push(part_dropped(UnsupportedKind::Owner, owner.name, &action.statement));
        }
        let evidence = &action.statement.evidence;
        if let Some(due) = action.due.take_if(|due| !self.due_was_said(due, evidence)) {
            dropped.push(part_dropped(UnsupportedKind::Date, due.text, &action.statement));
        }
    }

    /// The utterances that are cited, in the order of the transcript, and the ids that name none.
    fn cited(&self, evidence: &[UtteranceId]) -> (Vec<&'a Utterance>, Vec<Unsupported>) {
        let (mut positions, mut missing) = (BTreeSet::new(), Vec::new());
        for id in evidence {
            let current = self.transcript.replaced.get(id).unwrap_or(id);
            match self.positions.get(current) {
                Some(&position) => {
                    positions.insert(position);
                }
                None => missing.push(unsupported(UnsupportedKind::Evidence, id.as_str())),
            }
        }
        if evidence.is_empty() {
            missing.push(unsupported(UnsupportedKind::Evidence, ""));
        }
        let cited = positions
            .into_iter()
            .map(|position| &self.transcript.utterances[position]);
        (cited.collect(), missing)
    }

    /// Names are words with a capital where none is due, and words known as names of this meeting wherever they stand.
    fn unproven_names(&self, words: &[ProofWord], proof: &Proof) -> Vec<Unsupported> {
        let is_name = |word: &&ProofWord| {
            word.is_capitalised()
                && !word.has_digit()
                && !is_pronoun_i(word)
                && date_code(&word.folded, true).is_none()
                && (!word.begins_sentence || word.has_inner_capital() || self.known_names.contains(&word.folded))
        };
        let names = words.iter().filter(is_name);
        names
            .filter(|name| !proof.words.contains(&name.folded))
            .map(|name| unsupported(UnsupportedKind::Name, name.text))
            .collect()
    }
}

/// How statements call somebody who is known by a label only: "Speaker A".
const ANONYMOUS_SPEAKER: [&str; 2] = ["speaker", "intervenant"];

/// What the cited utterances hold.
struct Proof {
    /// Their words, and those of the names and roles of who said them.
    words: HashSet<String>,
    /// Numbers in them.
    values: BTreeSet<numbers::Thousandths>,
    /// Days and months in them.
    dates: HashSet<&'static str>,
    /// Their words in order, without fillers, all utterances as one sequence; one for each way to read them.
    sequences: Vec<Vec<String>>,
}

impl Proof {
    /// Utterances count as they stand and as they are cleaned: minutes write `TV` for `T_V_` and leave out repetitions.
    fn new(meeting: &Meeting, cited: &[&Utterance]) -> Self {
        let mut proof = Self {
            words: HashSet::new(),
            values: BTreeSet::new(),
            dates: HashSet::new(),
            sequences: Vec::new(),
        };
        let raw: Vec<&str> = cited.iter().map(|utterance| utterance.text.as_str()).collect();
        let raw = raw.join("\n");
        for language in [Language::ENGLISH, Language::FRENCH] {
            proof.add(&clean_lines(&raw, language));
        }
        proof.add(&raw);
        for label in cited.iter().filter_map(|utterance| utterance.speaker.as_ref()) {
            proof.words.extend(folded_words(label.as_str()));
            proof.words.extend(ANONYMOUS_SPEAKER.map(str::to_owned));
            proof.words.extend(
                meeting
                    .participant_speaking_as(label)
                    .into_iter()
                    .flat_map(names_and_role),
            );
        }
        proof
    }

    fn add(&mut self, text: &str) {
        let spoken: Vec<ProofWord> = proof_words(text)
            .into_iter()
            .filter(|word| !is_filler(&word.folded))
            .collect();
        self.values.extend(supported_values(&spoken));
        self.dates
            .extend(spoken.iter().filter_map(|word| date_code(&word.folded, true)));
        let sequence: Vec<String> = spoken.into_iter().map(|word| word.folded).collect();
        self.words.extend(sequence.iter().cloned());
        self.sequences.push(sequence);
    }

    /// Whether `phrase` was said, word after word.
    fn says(&self, phrase: &[String]) -> bool {
        let mut sequences = self.sequences.iter();
        !phrase.is_empty() && sequences.any(|said| said.windows(phrase.len()).any(|window| window == phrase))
    }
}

fn clean_lines(text: &str, language: Language) -> String {
    let lines: Vec<String> = text.lines().map(|line| clean(line, language)).collect();
    lines.join("\n")
}

fn unproven_numbers(text: &str, words: &[ProofWord], proof: &Proof) -> Vec<Unsupported> {
    let is_proven = |phrase: &NumberPhrase| {
        let phrase_words = &words[phrase.words.clone()];
        match phrase_words {
            [word] if word.has_digit() => proof.words.contains(&word.folded) || digits_are_all_known(word, proof),
            _ => phrase.values.iter().any(|value| proof.values.contains(value)),
        }
    };
    let unproven = number_phrases(words).into_iter().filter(|phrase| !is_proven(phrase));
    unproven
        .map(|phrase| {
            let (first, last) = (&words[phrase.words.start], &words[phrase.words.end - 1]);
            let is_time = first.text.contains(':');
            let kind = if is_time {
                UnsupportedKind::Date
            } else {
                UnsupportedKind::Number
            };
            unsupported(kind, &text[first.offset..last.offset + last.text.len()])
        })
        .collect()
}

/// Whether each group of digits in `word` has a value that the evidence holds: `10h30` needs ten and thirty.
fn digits_are_all_known(word: &ProofWord, proof: &Proof) -> bool {
    word.has_digit()
        && word
            .folded
            .split(|c: char| !c.is_numeric() && !matches!(c, '.' | ','))
            .filter(|group| group.chars().any(char::is_numeric))
            .all(|group| digit_values(group).iter().any(|value| proof.values.contains(value)))
}

fn unproven_dates(words: &[ProofWord], proof: &Proof) -> Vec<Unsupported> {
    let dated = words.iter().filter_map(|word| {
        let code = date_code(&word.folded, word.is_capitalised() && !word.begins_sentence)?;
        (!proof.dates.contains(code)).then(|| unsupported(UnsupportedKind::Date, word.text))
    });
    dated.collect()
}

fn unproven_quotes(text: &str, proof: &Proof) -> Vec<Unsupported> {
    quotations(text)
        .into_iter()
        .filter(|quote| {
            let spoken = spoken_words(quote);
            !spoken.is_empty() && !proof.says(&spoken)
        })
        .map(|quote| unsupported(UnsupportedKind::Quote, quote))
        .collect()
}

/// What stands between pairs of quotation marks.
fn quotations(text: &str) -> Vec<&str> {
    let mut quotes = Vec::new();
    for (open, close) in [('"', '"'), ('“', '”'), ('«', '»')] {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(open)
            && let Some((quote, left)) = after.split_once(close)
        {
            quotes.push(quote);
            rest = left;
        }
    }
    quotes
}

fn spoken_words(text: &str) -> Vec<String> {
    folded_words(text).filter(|word| !is_filler(word)).collect()
}

fn folded_words(text: &str) -> impl Iterator<Item = String> {
    proof_words(text).into_iter().map(|word| word.folded)
}

fn names_and_role(participant: &Participant) -> Vec<String> {
    let role = participant.role.as_deref().unwrap_or_default();
    folded_words(&participant.name).chain(folded_words(role)).collect()
}

/// Names of participants, and words that the transcript writes with a capital within a sentence and never without.
fn known_names(meeting: &Meeting, transcript: &Transcript) -> HashSet<String> {
    let (mut capitalised, mut lower) = (HashSet::new(), HashSet::new());
    for word in transcript
        .utterances
        .iter()
        .flat_map(|utterance| proof_words(&utterance.text))
    {
        if !word.is_capitalised() {
            lower.insert(word.folded);
        } else if !word.begins_sentence {
            capitalised.insert(word.folded);
        }
    }
    let mut names: HashSet<String> = capitalised.difference(&lower).cloned().collect();
    // A participant may be called "Will" or "Rose": then the word is no sign of a name where a sentence begins.
    let participants = meeting
        .participants
        .iter()
        .flat_map(|participant| folded_words(&participant.name));
    names.extend(participants.filter(|name| name.chars().count() > 1 && !lower.contains(name)));
    names
}

/// English writes "I" with a capital everywhere; "I'm" is cut at its apostrophe.
fn is_pronoun_i(word: &ProofWord) -> bool {
    word.text == "I"
}

fn unsupported(kind: UnsupportedKind, text: &str) -> Unsupported {
    Unsupported {
        kind,
        text: text.to_owned(),
    }
}

fn part_dropped(kind: UnsupportedKind, text: String, statement: &Statement) -> DroppedStatement {
    DroppedStatement {
        text: statement.text.clone(),
        unsupported: vec![Unsupported { kind, text }],
    }
}

#[cfg(test)]
mod tests;
