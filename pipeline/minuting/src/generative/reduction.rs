//! Writes the abstract from the statements of the topics, in as many rounds as they need to fit the model.

use std::collections::HashMap;

use datasets::{Meeting, Minutes, Statement, Support, Unsupported, UtteranceId};
use jiff::tz::TimeZone;
use minijinja::context;
use serde_json::Value;

use super::drafts::{self, Draft, StatementsAnswer};
use super::generator::{GenerateError, OnTokens, TextGenerator};
use super::prompts::Prompts;
use super::reading_passages::Passage;
use super::{ANSWER_TOKENS_MAX, TEMPLATE_TOKENS};
use crate::engine::MinutesOptions;
use crate::statements::as_sentence;
use crate::verifier::Verifier;

/// Words of a statement of the abstract, usually.
const WORDS_PER_STATEMENT: usize = 18;
/// A round leaves this share of the statements, at most.
const KEPT_PER_ROUND: f64 = 0.4;
/// Utterances that prove a statement of the abstract, at most.
const EVIDENCE_MAX: usize = 12;

/// Writes [`Minutes::abstract_`] from the topics and decisions. A model that fails at it leaves the first statement of each
/// topic, which are proven as well.
///
/// # Errors
/// When the work is to stop.
pub(super) fn write_abstract(
    generator: &dyn TextGenerator,
    verifier: &Verifier<'_>,
    meeting: &Meeting,
    options: &MinutesOptions,
    minutes: &mut Minutes,
    on_tokens: &mut OnTokens<'_>,
) -> Result<(), GenerateError> {
    let statements_max = (options.abstract_words / WORDS_PER_STATEMENT).max(1);
    let from_topics = minutes.topics.iter().flat_map(|topic| topic.statements.iter());
    let mut notes: Vec<Statement> = from_topics
        .chain(minutes.decisions.iter().map(|decision| &decision.statement))
        .cloned()
        .collect();
    let reduction = Reduction {
        generator,
        verifier,
        meeting,
        prompts: Prompts::for_minutes_in(minutes.language),
        words_max: options.abstract_words,
    };
    let room = generator
        .context_tokens()
        .saturating_sub(2 * ANSWER_TOKENS_MAX + TEMPLATE_TOKENS + reduction.overhead_tokens());
    let written = loop {
        let groups = reduction.groups(&notes, room);
        if groups.len() <= 1 {
            break reduction.summarize(&notes, statements_max, minutes, on_tokens);
        }
        let before = notes.len();
        let mut shorter = Vec::new();
        for group in groups {
            let kept = (group.len() as f64 * KEPT_PER_ROUND).ceil() as usize;
            match reduction.summarize(group, kept, minutes, on_tokens) {
                Ok(summary) if !summary.is_empty() => shorter.extend(summary),
                Ok(_) | Err(GenerateError::Malformed { .. } | GenerateError::Failed(_)) => {
                    shorter.extend(group.iter().take(kept).cloned())
                }
                Err(error) => return Err(error),
            }
        }
        notes = shorter;
        if notes.len() >= before {
            // Statements too long to be put together: no round would help.
            break Ok(Vec::new());
        }
    };
    let mut statements = match written {
        Ok(statements) => statements,
        Err(GenerateError::Malformed { .. } | GenerateError::Failed(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    if statements.is_empty() {
        let first = minutes.topics.iter().filter_map(|topic| topic.statements.first());
        statements = first.cloned().collect();
    }
    let mut words = 0;
    statements.retain(|statement| {
        let more = statement.text.split_whitespace().count();
        let fits = words + more <= options.abstract_words;
        words += if fits { more } else { 0 };
        fits
    });
    for (number, statement) in (1..).zip(&mut statements) {
        statement.id = datasets::StatementId::new(format!("a{number}"));
    }
    minutes.abstract_ = statements;
    Ok(())
}

struct Reduction<'a> {
    generator: &'a dyn TextGenerator,
    verifier: &'a Verifier<'a>,
    meeting: &'a Meeting,
    prompts: Prompts,
    words_max: usize,
}

impl Reduction<'_> {
    /// Statements in order, as many together as fit `room` tokens.
    fn groups<'s>(&self, statements: &'s [Statement], room: usize) -> Vec<&'s [Statement]> {
        let mut groups = Vec::new();
        let (mut start, mut tokens) = (0, 0);
        for (position, statement) in statements.iter().enumerate() {
            let line = self.generator.count_tokens(&line(statement));
            if tokens + line > room && position > start {
                groups.push(&statements[start..position]);
                (start, tokens) = (position, 0);
            }
            tokens += line;
        }
        if start < statements.len() {
            groups.push(&statements[start..]);
        }
        groups
    }

    fn overhead_tokens(&self) -> usize {
        let question = self.question(99);
        let parts = [self.prompts.system(), self.notes_prompt(String::new()), question];
        parts.iter().map(|part| self.generator.count_tokens(part)).sum()
    }

    fn notes_prompt(&self, lines: String) -> String {
        let started_at = self.meeting.started_at;
        let day = started_at.map(|start| start.to_zoned(TimeZone::UTC).date().to_string());
        let values = context! { title => self.meeting.title.clone(), day => day.unwrap_or_default(), lines };
        self.prompts.render("notes", values)
    }

    fn question(&self, statements_max: usize) -> String {
        let values = context! { statements_max, words_max => self.words_max };
        self.prompts.render("abstract", values)
    }

    /// At most `count` statements that sum up `statements`, each proven by the utterances that prove those it names.
    fn summarize(
        &self,
        statements: &[Statement],
        count: usize,
        minutes: &mut Minutes,
        on_tokens: &mut OnTokens<'_>,
    ) -> Result<Vec<Statement>, GenerateError> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        let by_id: HashMap<&str, &Statement> = statements
            .iter()
            .map(|statement| (statement.id.as_str(), statement))
            .collect();
        let ids: Vec<&str> = statements.iter().map(|statement| statement.id.as_str()).collect();
        let schema: Value = drafts::statements_schema(&ids, count);
        let lines: String = statements.iter().map(line).collect();
        let notes = self.notes_prompt(lines);
        let mut passage = Passage {
            reader: self.generator.read(&self.prompts.system(), &notes, on_tokens)?,
            prompts: self.prompts,
            dropped: Vec::new(),
            on_tokens,
        };
        let answer: StatementsAnswer = passage.ask(&self.question(count), &schema)?;
        let unsupported =
            |draft: &Draft| -> Vec<Unsupported> { self.verifier.unsupported(&draft.text, &evidence(draft, &by_id)) };
        let proven = passage.proven_by(answer.statements, &schema, &unsupported)?;
        minutes.dropped.extend(passage.dropped);
        let written = proven
            .into_iter()
            .take(count)
            .enumerate()
            .map(|(position, draft)| Statement {
                // Unique among the notes of a round; the abstract is numbered at the end.
                id: datasets::StatementId::new(format!("{}-{position}", statements[0].id)),
                text: as_sentence(&draft.text),
                evidence: evidence(&draft, &by_id),
                support: Support::Proven,
            });
        Ok(written.collect())
    }
}

fn line(statement: &Statement) -> String {
    format!("[{}] {}\n", statement.id, statement.text)
}

/// The utterances behind the statements that a draft names: some of each before more of any.
fn evidence(draft: &Draft, by_id: &HashMap<&str, &Statement>) -> Vec<UtteranceId> {
    let named: Vec<&&Statement> = draft.evidence.iter().filter_map(|id| by_id.get(id.as_str())).collect();
    let longest = named
        .iter()
        .map(|statement| statement.evidence.len())
        .max()
        .unwrap_or(0);
    let mut ids: Vec<UtteranceId> = Vec::new();
    for position in 0..longest {
        for id in named.iter().filter_map(|statement| statement.evidence.get(position)) {
            if !ids.contains(id) && ids.len() < EVIDENCE_MAX {
                ids.push(id.clone());
            }
        }
    }
    ids
}
