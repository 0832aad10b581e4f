//! Reads one passage: asks for topics, decisions, actions and questions, and once more for what was not proven.

use std::ops::Range;

use datasets::library::sha256_hex;
use datasets::{DroppedStatement, Language, Meeting, Transcript, Unsupported, UnsupportedKind, UtteranceId};
use jiff::tz::TimeZone;
use minijinja::context;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::drafts::{self, Draft, StatementsAnswer, TopicsAnswer};
use super::generator::{GenerateError, OnTokens, PassageReader, TextGenerator};
use super::prompts::Prompts;
use super::{ANSWER_TOKENS_MAX, PASSAGE_TOKENS_MAX, PASSAGE_TOKENS_MIN, PassageNotes, TEMPLATE_TOKENS, passages};
use crate::verifier::Verifier;

/// What is asked of each passage.
pub(super) const QUESTIONS: [&str; 4] = ["topics", "decisions", "actions", "questions"];

/// A topic for this many utterances, at most.
const UTTERANCES_PER_TOPIC: usize = 30;
const TOPICS_MAX: usize = 5;
const STATEMENTS_PER_TOPIC_MAX: usize = 4;
const ITEMS_MAX: usize = 8;

/// The meeting as the model is to read it.
pub(super) struct PassageTask<'a> {
    generator: &'a dyn TextGenerator,
    meeting: &'a Meeting,
    transcript: &'a Transcript,
    prompts: Prompts,
    lines: Vec<String>,
    line_tokens: Vec<usize>,
    overhead_tokens: usize,
    /// Of all questions together.
    question_tokens: usize,
}

impl<'a> PassageTask<'a> {
    pub(super) fn new(
        generator: &'a dyn TextGenerator,
        meeting: &'a Meeting,
        transcript: &'a Transcript,
        language: Language,
    ) -> Self {
        let lines: Vec<String> = transcript
            .utterances
            .iter()
            .map(|utterance| {
                let speaker = utterance.speaker.as_ref().map_or("?", |speaker| speaker.as_str());
                format!("[{}] {speaker}: {}\n", utterance.id, utterance.text)
            })
            .collect();
        let mut task = Self {
            line_tokens: lines.iter().map(|line| generator.count_tokens(line)).collect(),
            lines,
            generator,
            meeting,
            transcript,
            prompts: Prompts::for_minutes_in(language),
            overhead_tokens: 0,
            question_tokens: 0,
        };
        let questions = QUESTIONS.map(|name| generator.count_tokens(&task.question(name, TOPICS_MAX)));
        task.overhead_tokens = generator.count_tokens(&task.prompts.system())
            + generator.count_tokens(&task.passage(0..0, 0, 0))
            + questions.iter().max().unwrap_or(&0)
            + TEMPLATE_TOKENS;
        task.question_tokens = questions.iter().sum();
        task
    }

    /// Tokens that are read of the passage of the utterances in `range`, with all that is asked about it.
    pub(super) fn tokens_read(&self, range: Range<usize>) -> usize {
        self.line_tokens[range].iter().sum::<usize>() + self.overhead_tokens + self.question_tokens
    }

    /// The passages: ranges of utterances.
    pub(super) fn cut(&self, topics: &[Range<usize>]) -> Result<Vec<Range<usize>>, GenerateError> {
        let context = self.generator.context_tokens();
        // An answer may be asked for once more, which repeats what was struck.
        let beside = self.overhead_tokens + 2 * ANSWER_TOKENS_MAX;
        let room = context.saturating_sub(beside);
        if room < PASSAGE_TOKENS_MIN {
            let needed = beside + PASSAGE_TOKENS_MIN;
            let error = format!("its context of {context} tokens is too small: minutes need {needed} at least");
            return Err(GenerateError::Failed(error.into()));
        }
        let starts: Vec<usize> = topics.iter().map(|range| range.start).collect();
        Ok(passages::cut(&self.line_tokens, room.min(PASSAGE_TOKENS_MAX), &starts))
    }

    /// The text of a passage.
    pub(super) fn passage(&self, range: Range<usize>, number: usize, count: usize) -> String {
        let started_at = self.meeting.started_at;
        let day = started_at.map(|start| start.to_zoned(TimeZone::UTC).date().to_string());
        self.prompts.render(
            "passage",
            context! {
                title => self.meeting.title.clone(),
                day => day.unwrap_or_default(),
                people => self.people().into_iter().map(str::to_owned).collect::<Vec<String>>(),
                number => number + 1,
                count => count,
                lines => self.lines[range].concat(),
            },
        )
    }

    /// Names what the model will see and what will be asked and accepted, so that notes of other prompts, limits or models
    /// are not taken up. A model on a server is its name: the server may come back under another address.
    pub(super) fn key(&self, passage: &str) -> String {
        let description = self.generator.description();
        let schemas = [
            drafts::topics_schema(&[], TOPICS_MAX, STATEMENTS_PER_TOPIC_MAX),
            drafts::actions_schema(&[], &self.people(), ITEMS_MAX),
        ];
        let seen = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "engine": description.engine,
            "model": description.model,
            "model_sha256": description.model_sha256,
            "system": self.prompts.system(),
            "questions": QUESTIONS.map(|name| self.question(name, TOPICS_MAX)),
            "again": self.prompts.render("again", context! { statements => Vec::<String>::new() }),
            "schemas": schemas,
            "answer_tokens": ANSWER_TOKENS_MAX,
            "passage": passage,
        });
        sha256_hex(seen.to_string().as_bytes())
    }

    /// Asks everything about the passage `text`, which holds the utterances of `range`. What fails of it is named beside
    /// what was answered.
    pub(super) fn read(
        &self,
        text: &str,
        verifier: &Verifier<'_>,
        range: Range<usize>,
        on_tokens: &mut OnTokens<'_>,
    ) -> Result<PassageReading, GenerateError> {
        let ids: Vec<&str> = self.transcript.utterances[range.clone()]
            .iter()
            .map(|utterance| utterance.id.as_str())
            .collect();
        let topics_max = (range.len() / UTTERANCES_PER_TOPIC + 1).min(TOPICS_MAX);
        let people = self.people();
        let unsupported = |draft: &Draft| {
            let foreign = draft.evidence.iter().filter(|id| !ids.contains(&id.as_str()));
            let foreign = foreign.map(|id| Unsupported {
                kind: UnsupportedKind::Evidence,
                text: id.clone(),
            });
            let unproven = verifier.unsupported(&draft.text, &utterance_ids(draft));
            foreign.chain(unproven).collect::<Vec<_>>()
        };
        let mut passage = Passage {
            reader: self.generator.read(&self.prompts.system(), text, on_tokens)?,
            prompts: self.prompts,
            dropped: Vec::new(),
            on_tokens,
        };
        let mut failures = Failures::default();
        let again = drafts::statements_schema(&ids, ITEMS_MAX);
        let schema = drafts::topics_schema(&ids, topics_max, STATEMENTS_PER_TOPIC_MAX);
        let answer = passage.ask::<TopicsAnswer>(&self.question("topics", topics_max), &schema);
        let mut topics = Vec::new();
        for mut topic in failures.take(answer)?.map(|answer| answer.topics).unwrap_or_default() {
            topic.statements = passage.proven_by(topic.statements, &again, &unsupported)?;
            let evidence: Vec<UtteranceId> = topic.statements.iter().flat_map(utterance_ids).collect();
            // A title is no statement: one that claims something unproven is left out, and nothing is struck.
            if !verifier.unsupported(&topic.title, &evidence).is_empty() {
                topic.title.clear();
            }
            if !topic.statements.is_empty() {
                topics.push(topic);
            }
        }
        let mut items = |name: &str, schema: Value| -> Result<Vec<Draft>, GenerateError> {
            let answer = passage.ask::<StatementsAnswer>(&self.question(name, topics_max), &schema);
            let drafts = failures.take(answer)?.map(|answer| answer.statements);
            passage.proven_by(drafts.unwrap_or_default(), &schema, &unsupported)
        };
        let decisions = items("decisions", drafts::statements_schema(&ids, ITEMS_MAX))?;
        let actions = items("actions", drafts::actions_schema(&ids, &people, ITEMS_MAX))?;
        let questions = items("questions", drafts::statements_schema(&ids, ITEMS_MAX))?;
        if failures.count == QUESTIONS.len()
            && let Some(first) = failures.first
        {
            return Err(first);
        }
        Ok(PassageReading {
            notes: PassageNotes {
                topics,
                decisions,
                actions,
                questions,
                dropped: passage.dropped,
            },
            failure: failures.first,
        })
    }

    fn question(&self, name: &str, topics_max: usize) -> String {
        let statements_max = STATEMENTS_PER_TOPIC_MAX;
        self.prompts.render(name, context! { topics_max, statements_max })
    }

    /// Who may own an action: those who attended.
    fn people(&self) -> Vec<&'a str> {
        let attended = self
            .meeting
            .participants
            .iter()
            .filter(|participant| participant.attended);
        attended.map(|participant| participant.name.as_str()).collect()
    }
}

/// What was read of a passage, and why a question about it has no answer, if so.
pub(super) struct PassageReading {
    pub(super) notes: PassageNotes,
    pub(super) failure: Option<GenerateError>,
}

/// Questions that have no answer.
#[derive(Default)]
struct Failures {
    count: usize,
    first: Option<GenerateError>,
}

impl Failures {
    /// The answer, if there is one; an error ends the job.
    fn take<T>(&mut self, answer: Result<T, GenerateError>) -> Result<Option<T>, GenerateError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error @ (GenerateError::Stopped | GenerateError::Unreachable(_))) => Err(error),
            Err(error) => {
                self.count += 1;
                self.first.get_or_insert(error);
                Ok(None)
            }
        }
    }
}

/// A text that is being asked about.
pub(super) struct Passage<'a, 'w, 't> {
    pub(super) reader: Box<dyn PassageReader + 'a>,
    pub(super) prompts: Prompts,
    pub(super) dropped: Vec<DroppedStatement>,
    pub(super) on_tokens: &'w mut OnTokens<'t>,
}

impl Passage<'_, '_, '_> {
    /// The answer to a question; one that has no form is asked for once more. Of one that is cut the whole items stand.
    pub(super) fn ask<T: DeserializeOwned>(&mut self, question: &str, schema: &Value) -> Result<T, GenerateError> {
        let mut found = String::new();
        for _ in 0..2 {
            let answer = self
                .reader
                .ask(question, schema, ANSWER_TOKENS_MAX, &mut *self.on_tokens)?;
            let parsed = if answer.is_whole {
                drafts::parse(&answer.text)
            } else {
                drafts::parse_cut(&answer.text)
            };
            match parsed {
                Ok(parsed) => return Ok(parsed),
                Err(error) => found = error,
            }
        }
        Err(GenerateError::Malformed { found })
    }

    /// Those of `statements` in which `unsupported` finds nothing missing. The others are asked for once more; what is not
    /// proven then, or left out, is dropped.
    pub(super) fn proven_by(
        &mut self,
        statements: Vec<Draft>,
        schema: &Value,
        unsupported: &dyn Fn(&Draft) -> Vec<Unsupported>,
    ) -> Result<Vec<Draft>, GenerateError> {
        let mut proven = Vec::new();
        let mut struck = Vec::new();
        for draft in statements {
            match unsupported(&draft) {
                missing if missing.is_empty() => proven.push(draft),
                missing => struck.push((draft, missing)),
            }
        }
        if struck.is_empty() {
            return Ok(proven);
        }
        let listed: Vec<minijinja::Value> = struck
            .iter()
            .map(|(draft, missing)| {
                let missing: Vec<String> = missing.iter().map(|missing| missing.text.clone()).collect();
                context! { text => draft.text.clone(), missing => missing }
            })
            .collect();
        let question = self.prompts.render("again", context! { statements => listed });
        let second = match self.ask::<StatementsAnswer>(&question, schema) {
            Ok(answer) => answer.statements,
            // What stands stands without it.
            Err(GenerateError::Malformed { .. } | GenerateError::Failed(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        for draft in second.into_iter().take(struck.len()) {
            // It is written anew on the same evidence, or on other evidence in the place of the first.
            let same = |(old, _): &(Draft, Vec<Unsupported>)| old.evidence.iter().any(|id| draft.evidence.contains(id));
            struck.remove(struck.iter().position(same).unwrap_or(0));
            match unsupported(&draft) {
                missing if missing.is_empty() => proven.push(draft),
                missing => self.dropped.push(dropped(draft, missing)),
            }
        }
        let left_out = struck.into_iter().map(|(draft, missing)| dropped(draft, missing));
        self.dropped.extend(left_out);
        Ok(proven)
    }
}

fn dropped(draft: Draft, unsupported: Vec<Unsupported>) -> DroppedStatement {
    DroppedStatement {
        text: draft.text,
        unsupported,
    }
}

/// The evidence of a draft as ids.
pub(super) fn utterance_ids(draft: &Draft) -> Vec<UtteranceId> {
    draft.evidence.iter().map(|id| UtteranceId::new(id.as_str())).collect()
}
