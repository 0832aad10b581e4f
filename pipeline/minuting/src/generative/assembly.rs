//! Puts what was written of all passages together: topics in order of time, and what two passages both say only once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use datasets::{
    ActionItem, Coverage, Decision, DroppedStatement, DueDate, Language, Meeting, Minutes, OpenQuestion, Owner,
    Provenance, Statement, Topic, Transcript, UtteranceId,
};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::PassageNotes;
use super::drafts::{Draft, DraftTopic};
use crate::due_date::find_due_date;
use crate::engine::span;
use crate::reading::Reading;
use crate::statements::StatementWriter;
use crate::text::Stemmer;
use crate::topics::topic_titles;

/// Share of the words of two statements that must be common for them to say the same.
const SAME_WORDS_MIN: f64 = 0.7;
/// Words that turn a statement into its opposite, and that stemming takes for empty.
const NEGATIONS: [&str; 16] = [
    "not", "no", "never", "nobody", "nothing", "none", "without", "cannot", "ne", "n", "pas", "jamais", "aucun",
    "aucune", "rien", "sans",
];

/// Minutes in the making.
pub(super) struct Assembly<'a> {
    meeting: &'a Meeting,
    transcript: &'a Transcript,
    language: Language,
    positions: BTreeMap<&'a UtteranceId, usize>,
    stemmer: Stemmer,
    topics: Vec<(Range<usize>, Option<DraftTopic>)>,
    decisions: Vec<Draft>,
    actions: Vec<Draft>,
    questions: Vec<Draft>,
    dropped: Vec<DroppedStatement>,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(meeting: &'a Meeting, transcript: &'a Transcript, language: Language) -> Self {
        Self {
            meeting,
            transcript,
            language,
            positions: transcript.positions(),
            stemmer: Stemmer::new(language),
            topics: Vec::new(),
            decisions: Vec::new(),
            actions: Vec::new(),
            questions: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Adds the passage of the utterances in `range`; without notes, its stretch has no topic of its own.
    pub(super) fn add_passage(&mut self, range: Range<usize>, notes: Option<PassageNotes>) {
        let Some(notes) = notes else {
            self.topics.push((range, None));
            return;
        };
        let placed = self.place(range, notes.topics);
        self.topics.extend(placed);
        for (kept, new) in [
            (&mut self.decisions, notes.decisions),
            (&mut self.actions, notes.actions),
            (&mut self.questions, notes.questions),
        ] {
            for draft in new {
                merge(kept, draft, &self.stemmer);
            }
        }
        self.dropped.extend(notes.dropped);
    }

    /// The topics of a passage with their stretches: each lasts from the first utterance it cites to that of the next.
    fn place(&self, range: Range<usize>, topics: Vec<DraftTopic>) -> Vec<(Range<usize>, Option<DraftTopic>)> {
        let mut starts: Vec<(usize, DraftTopic)> = topics
            .into_iter()
            .map(|topic| {
                let cited = topic.statements.iter().flat_map(|draft| self.cited(draft));
                let first = cited.min().unwrap_or(range.start);
                (first.clamp(range.start, range.end - 1), topic)
            })
            .collect();
        starts.sort_by_key(|(start, _)| *start);
        let mut placed: Vec<(Range<usize>, Option<DraftTopic>)> = Vec::new();
        for (position, (start, topic)) in starts.into_iter().enumerate() {
            let start = if position == 0 { range.start } else { start };
            match placed.last_mut() {
                Some((last, Some(before))) if last.start == start => before.statements.extend(topic.statements),
                Some((last, _)) => {
                    last.end = start;
                    placed.push((start..range.end, Some(topic)));
                }
                None => placed.push((start..range.end, Some(topic))),
            }
        }
        if placed.is_empty() {
            placed.push((range, None));
        }
        placed
    }

    fn cited(&self, draft: &Draft) -> Vec<usize> {
        let positions = draft.evidence.iter().filter_map(|id| {
            let id = UtteranceId::new(id.as_str());
            self.positions.get(&id).copied()
        });
        positions.collect()
    }

    /// The minutes, but for their abstract. A topic whose title is empty gets one from `reading`.
    pub(super) fn finish(self, reading: &Reading, coverage: Coverage, provenance: Provenance) -> Minutes {
        let titles = self.titles(reading);
        let mut writer = StatementWriter::new(self.transcript);
        let mut statement = |draft: &Draft| writer.statement(&draft.text, self.cited(draft));
        let mut topics: Vec<Topic> = Vec::new();
        for ((range, topic), found) in self.topics.iter().zip(titles) {
            let (first, last) = (
                &self.transcript.utterances[range.start],
                &self.transcript.utterances[range.end - 1],
            );
            let span = span(self.transcript, range.clone());
            match (topic, topics.last_mut()) {
                // A stretch of which nothing was written belongs to the topic before it.
                (None, Some(before)) => {
                    before.last = last.id.clone();
                    before.span = before
                        .span
                        .zip(span)
                        .map(|(a, b)| datasets::TimeSpan::new(a.start.min(b.start), a.end.max(b.end)));
                }
                (topic, _) => topics.push(Topic {
                    title: topic.as_ref().map_or_else(
                        || self.meeting.title.clone(),
                        |topic| match topic.title.trim() {
                            "" => found,
                            title => title.to_owned(),
                        },
                    ),
                    first: first.id.clone(),
                    last: last.id.clone(),
                    span,
                    statements: topic
                        .iter()
                        .flat_map(|topic| &topic.statements)
                        .map(&mut statement)
                        .collect(),
                }),
            }
        }
        let statements = |drafts: &[Draft], statement: &mut dyn FnMut(&Draft) -> Statement| {
            drafts.iter().map(statement).collect::<Vec<Statement>>()
        };
        let decisions = statements(&self.decisions, &mut statement);
        let actions = statements(&self.actions, &mut statement);
        let questions = statements(&self.questions, &mut statement);
        let day = self
            .meeting
            .started_at
            .map(|start| start.to_zoned(TimeZone::UTC).date());
        let actions = actions
            .into_iter()
            .zip(&self.actions)
            .map(|(statement, draft)| ActionItem {
                statement,
                owner: draft.owner.as_deref().and_then(|name| self.owner(name)),
                due: draft.until.as_deref().and_then(|words| due_date(words, day)),
            });
        Minutes {
            language: self.language,
            abstract_: Vec::new(),
            actions: actions.collect(),
            decisions: decisions.into_iter().map(|statement| Decision { statement }).collect(),
            questions: questions
                .into_iter()
                .map(|statement| OpenQuestion { statement })
                .collect(),
            coverage,
            topics,
            dropped: self.dropped,
            provenance,
        }
    }

    /// What the extractive engine would call each topic.
    fn titles(&self, reading: &Reading) -> Vec<String> {
        let position = |utterance: usize| {
            let sentences = &reading.sentences;
            sentences.partition_point(|sentence| sentence.utterance < utterance)
        };
        let stretches = self.topics.iter();
        let stretches: Vec<Range<usize>> = stretches
            .map(|(range, _)| position(range.start)..position(range.end))
            .collect();
        topic_titles(self.meeting, reading, &stretches)
    }

    fn owner(&self, name: &str) -> Option<Owner> {
        let mut participants = self.meeting.participants.iter();
        let owner = participants.find(|participant| participant.name == name)?;
        Some(Owner {
            person: owner.person.clone(),
            name: owner.name.clone(),
        })
    }
}

/// Until when, in words that were said; with the day, where the words name one.
fn due_date(words: &str, day: Option<Date>) -> Option<DueDate> {
    let words = words.trim();
    let found = find_due_date(words, day);
    found.or_else(|| {
        (!words.is_empty()).then(|| DueDate {
            text: words.to_owned(),
            date: None,
        })
    })
}

/// Adds `draft` unless it is there already in other words: then its evidence is added.
fn merge(kept: &mut Vec<Draft>, draft: Draft, stemmer: &Stemmer) {
    let words = |draft: &Draft| {
        stemmer
            .content_stems(&draft.text)
            .into_iter()
            .collect::<BTreeSet<String>>()
    };
    let of_new = words(&draft);
    let tells_apart = differences(&draft.text);
    let same = kept.iter_mut().find(|other| {
        let of_other = words(other);
        let common = of_new.intersection(&of_other).count();
        let all = of_new.union(&of_other).count();
        other.owner == draft.owner
            && all > 0
            && common as f64 >= SAME_WORDS_MIN * all as f64
            && differences(&other.text) == tells_apart
    });
    match same {
        Some(other) => {
            for id in draft.evidence {
                if !other.evidence.contains(&id) {
                    other.evidence.push(id);
                }
            }
            other.until = other.until.take().or(draft.until);
        }
        None => kept.push(draft),
    }
}

/// What tells statements of the same words apart: their numbers, and whether they deny.
fn differences(text: &str) -> (BTreeSet<String>, bool) {
    let text = text.to_lowercase().replace("n't", " not");
    let words = text.split(|c: char| !c.is_alphanumeric());
    let mut numbers = BTreeSet::new();
    let mut denies = false;
    for word in words {
        denies |= NEGATIONS.contains(&word);
        if word.contains(|c: char| c.is_ascii_digit()) {
            numbers.insert(word.to_owned());
        }
    }
    (numbers, denies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_a_number_or_says_the_opposite_is_not_the_same() {
        let count = |texts: [&str; 2]| {
            let mut kept = Vec::new();
            for text in texts {
                let draft = Draft {
                    evidence: vec!["u1".to_owned()],
                    owner: None,
                    text: text.to_owned(),
                    until: None,
                };
                merge(&mut kept, draft, &Stemmer::new(Language::ENGLISH));
            }
            kept.len()
        };
        assert_eq!(count(["The team will ship on Friday", "The team ships on Friday"]), 1);
        assert_eq!(
            count(["The team will ship on Friday", "The team will not ship on Friday"]),
            2
        );
        assert_eq!(
            count(["The team will ship on Friday", "The team won't ship on Friday"]),
            2
        );
        assert_eq!(count(["They order 3 screens", "They order 5 screens"]), 2);
    }
}
