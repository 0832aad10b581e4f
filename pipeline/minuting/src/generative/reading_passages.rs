//! Reads one passage: asks for topics, decisions, actions and questions, and once more for what was not proven.

use std::ops::Range;

use datasets::library::sha256_hex;
use datasets::{DroppedStatement, Language, Meeting, Transcript, Unsupported, UtteranceId};
use jiff::tz::TimeZone;
use minijinja::context;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::drafts::{self, Draft, StatementsAnswer, TopicsAnswer};
use super::generator::{GenerateError, PassageReader, TextGenerator};
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
        };
        let questions = QUESTIONS
            .iter()
            .map(|name| generator.count_tokens(&task.question(name, TOPICS_MAX)));
        task.overhead_tokens = generator.count_tokens(&task.prompts.system())
            + generator.count_tokens(&task.passage(0..0, 0, 0))
            + questions.max().unwrap_or(0)
            + TEMPLATE_TOKENS;
        task
    }

    /// Tokens that each passage costs beside its lines and its answers.
    pub(super) fn overhead_tokens(&self) -> usize {
        self.overhead_tokens
    }

    /// Tokens of each utterance's line.
    pub(super) fn line_tokens(&self) -> &[usize] {
        &self.line_tokens
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

    /// Names what the model will see and what will be asked, so that notes of other prompts or models are not taken up.
    pub(super) fn key(&self, passage: &str) -> String {
        let description = self.generator.description();
        let questions = QUESTIONS.map(|name| self.question(name, TOPICS_MAX)).join("\n");
        let model = description.model_sha256.unwrap_or(description.model);
        let system = self.prompts.system();
        sha256_hex(format!("{}\n{model}\n{system}\n{questions}\n{passage}", description.engine).as_bytes())
    }

    /// Asks everything about the passage `text`, which holds the utterances of `range`.
    pub(super) fn read(
        &self,
        text: &str,
        verifier: &Verifier<'_>,
        range: Range<usize>,
    ) -> Result<PassageNotes, GenerateError> {
        let ids: Vec<&str> = self.transcript.utterances[range.clone()]
            .iter()
            .map(|utterance| utterance.id.as_str())
            .collect();
        let topics_max = (range.len() / UTTERANCES_PER_TOPIC + 1).min(TOPICS_MAX);
        let people = self.people();
        let mut passage = Passage {
            reader: self.generator.read(&self.prompts.system(), text)?,
            verifier,
            prompts: self.prompts,
            dropped: Vec::new(),
        };
        let schema = drafts::topics_schema(&ids, topics_max, STATEMENTS_PER_TOPIC_MAX);
        let answer: TopicsAnswer = passage.ask(&self.question("topics", topics_max), &schema)?;
        let again = drafts::statements_schema(&ids, ITEMS_MAX);
        let mut topics = Vec::new();
        for mut topic in answer.topics {
            topic.statements = passage.proven(topic.statements, &again)?;
            if !topic.statements.is_empty() {
                topics.push(topic);
            }
        }
        let mut items = |name: &str, schema: Value| -> Result<Vec<Draft>, GenerateError> {
            let answer: StatementsAnswer = passage.ask(&self.question(name, topics_max), &schema)?;
            passage.proven(answer.statements, &schema)
        };
        Ok(PassageNotes {
            topics,
            decisions: items("decisions", drafts::statements_schema(&ids, ITEMS_MAX))?,
            actions: items("actions", drafts::actions_schema(&ids, &people, ITEMS_MAX))?,
            questions: items("questions", drafts::statements_schema(&ids, ITEMS_MAX))?,
            dropped: passage.dropped,
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

/// A text that is being asked about.
pub(super) struct Passage<'a> {
    pub(super) reader: Box<dyn PassageReader + 'a>,
    pub(super) verifier: &'a Verifier<'a>,
    pub(super) prompts: Prompts,
    pub(super) dropped: Vec<DroppedStatement>,
}

impl Passage<'_> {
    /// The answer to a question; one that has no form is asked for once more.
    pub(super) fn ask<T: DeserializeOwned>(&mut self, question: &str, schema: &Value) -> Result<T, GenerateError> {
        let first = self.reader.ask(question, schema, ANSWER_TOKENS_MAX)?;
        if let Ok(parsed) = drafts::parse(&first) {
            return Ok(parsed);
        }
        let second = self.reader.ask(question, schema, ANSWER_TOKENS_MAX)?;
        drafts::parse(&second).map_err(|found| GenerateError::Malformed { found })
    }

    /// Those of `statements` that their evidence proves. The others are asked for once more; what is not proven then is
    /// dropped.
    fn proven(&mut self, statements: Vec<Draft>, schema: &Value) -> Result<Vec<Draft>, GenerateError> {
        let verifier = self.verifier;
        let unsupported = |draft: &Draft| verifier.unsupported(&draft.text, &utterance_ids(draft));
        self.proven_by(statements, schema, &unsupported)
    }

    /// As [`Self::proven`], by what `unsupported` finds missing.
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
        match self.ask::<StatementsAnswer>(&question, schema) {
            Ok(answer) => {
                for draft in answer.statements.into_iter().take(struck.len()) {
                    match unsupported(&draft) {
                        missing if missing.is_empty() => proven.push(draft),
                        unsupported => self.dropped.push(DroppedStatement {
                            text: draft.text,
                            unsupported,
                        }),
                    }
                }
            }
            // What stands stands without it.
            Err(GenerateError::Malformed { .. }) => {
                self.dropped
                    .extend(struck.into_iter().map(|(draft, unsupported)| DroppedStatement {
                        text: draft.text,
                        unsupported,
                    }));
            }
            Err(error) => return Err(error),
        }
        Ok(proven)
    }
}

/// The evidence of a draft as ids.
pub(super) fn utterance_ids(draft: &Draft) -> Vec<UtteranceId> {
    draft.evidence.iter().map(|id| UtteranceId::new(id.as_str())).collect()
}
