//! Minutes that a language model writes, passage by passage, and that code checks.
//!
//! *Map*: the transcript is cut into passages that fit the model, each utterance in exactly one; of each passage the model
//! is asked for topics, decisions, actions and open questions, in JSON that can only cite utterances of the passage. The
//! passage comes first and the question last, so that the four share what was computed. What [`Verifier`] strikes is asked
//! for once more, then dropped and counted. *Reduce*: the abstract is written from the topics' statements, in as many rounds
//! as they need to fit.
//!
//! A passage that fails shows as failed in the coverage; the others stand. What was read of a passage is kept in a
//! [`PassageStore`], so that a job that was stopped goes on where it was.

mod assembly;
mod drafts;
mod generator;
mod passages;
mod prompts;
mod reading_passages;
mod reduction;

use std::ops::Range;

use datasets::{Language, Meeting, Minutes, PassageState, Provenance, Transcript};
use serde::{Deserialize, Serialize};

pub use generator::{GenerateError, GeneratorDescription, PassageReader, TextGenerator};

use self::assembly::Assembly;
use self::drafts::{Draft, DraftTopic};
use self::reading_passages::PassageTask;
use crate::engine::{MinutesEngine, MinutesOptions, utterance_ranges};
use crate::reading::Reading;
use crate::verifier::Verifier;
use crate::{coverage, topics};

/// Tokens of an answer, at most.
const ANSWER_TOKENS_MAX: usize = 1000;
/// Tokens beside passage, question and answer: the marks of a chat template.
const TEMPLATE_TOKENS: usize = 64;
/// A model that reads fewer tokens of a meeting at a time than this is of no use for it.
const PASSAGE_TOKENS_MIN: usize = 256;
/// A model attends badly to the middle of longer passages, and a failure costs less of a short one.
const PASSAGE_TOKENS_MAX: usize = 6000;

/// The engine that lets a language model write.
pub struct Generative<'a> {
    generator: &'a dyn TextGenerator,
    store: &'a mut dyn PassageStore,
    on_progress: &'a mut dyn FnMut(GenerativeProgress),
}

/// Keeps what was read of passages, by a key that names passage, prompts and model.
pub trait PassageStore {
    /// What was kept under `key`.
    fn get(&self, key: &str) -> Option<PassageNotes>;

    /// Keeps `notes` under `key`.
    ///
    /// # Errors
    /// When they cannot be kept: then the work stops, as it would be lost.
    fn put(&mut self, key: &str, notes: &PassageNotes) -> std::io::Result<()>;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

impl PassageStore for NoStore {
    fn get(&self, _: &str) -> Option<PassageNotes> {
        None
    }

    fn put(&mut self, _: &str, _: &PassageNotes) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the model wrote of a passage, verified.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PassageNotes {
    topics: Vec<DraftTopic>,
    decisions: Vec<Draft>,
    actions: Vec<Draft>,
    questions: Vec<Draft>,
    dropped: Vec<datasets::DroppedStatement>,
}

/// What a job will take, told before it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GenerativePlan {
    /// Passages that the transcript is cut into.
    pub passages: usize,
    /// Tokens that the model will read.
    pub tokens_read: usize,
    /// Tokens that it will write, at most.
    pub tokens_written_max: usize,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerativeProgress {
    /// Passages read.
    pub passages_done: usize,
    /// Of how many; the abstract comes after them.
    pub passages: usize,
}

impl<'a> Generative<'a> {
    /// Minutes by `generator`. `on_progress` hears of each passage that is done.
    pub fn new(
        generator: &'a dyn TextGenerator,
        store: &'a mut dyn PassageStore,
        on_progress: &'a mut dyn FnMut(GenerativeProgress),
    ) -> Self {
        Self {
            generator,
            store,
            on_progress,
        }
    }

    /// What the minutes of `transcript` will take.
    ///
    /// # Errors
    /// When the model's context is too small for any passage.
    pub fn plan(
        generator: &dyn TextGenerator,
        meeting: &Meeting,
        transcript: &Transcript,
        options: &MinutesOptions,
    ) -> Result<GenerativePlan, GenerateError> {
        let reading = Reading::new(meeting, transcript);
        let task = PassageTask::new(generator, meeting, transcript, minutes_language(options, &reading));
        let ranges = task.cut(&topic_ranges(&reading))?;
        let tokens: usize = task.line_tokens().iter().sum();
        let questions = reading_passages::QUESTIONS.len();
        Ok(GenerativePlan {
            passages: ranges.len(),
            tokens_read: tokens + ranges.len() * task.overhead_tokens(),
            tokens_written_max: (ranges.len() * questions + 1) * ANSWER_TOKENS_MAX,
        })
    }
}

impl MinutesEngine for Generative<'_> {
    fn summarize(
        &mut self,
        meeting: &Meeting,
        transcript: &Transcript,
        options: &MinutesOptions,
    ) -> Result<Minutes, GenerateError> {
        let reading = Reading::new(meeting, transcript);
        let language = minutes_language(options, &reading);
        let verifier = Verifier::new(meeting, transcript);
        let topic_ranges = topic_ranges(&reading);
        let task = PassageTask::new(self.generator, meeting, transcript, language);
        let passages = task.cut(&topic_ranges)?;
        let mut read: Vec<(Range<usize>, Result<PassageNotes, String>)> = Vec::with_capacity(passages.len());
        for (number, range) in passages.iter().enumerate() {
            let notes = self.notes(&task, &verifier, range, number, passages.len())?;
            read.push((range.clone(), notes));
            (self.on_progress)(GenerativeProgress {
                passages_done: number + 1,
                passages: passages.len(),
            });
        }
        let states = read.iter().map(|(range, notes)| {
            let state = match notes {
                Ok(_) => PassageState::Covered,
                Err(reason) => PassageState::Failed(reason.clone()),
            };
            (range.clone(), state)
        });
        let coverage = coverage::account(transcript, states.collect::<Vec<_>>());
        let mut assembly = Assembly::new(meeting, transcript, language);
        for (range, notes) in read {
            assembly.add_passage(range, notes.ok());
        }
        let mut minutes = assembly.finish(coverage, self.provenance(options, language, passages.len()));
        reduction::write_abstract(self.generator, &verifier, meeting, options, &mut minutes)?;
        verifier.verify(&mut minutes);
        minutes.coverage.cited = coverage::count_cited(&minutes, transcript);
        Ok(minutes)
    }
}

impl Generative<'_> {
    /// What the model writes of a passage, or why it failed; an outer error ends the job.
    fn notes(
        &mut self,
        task: &PassageTask<'_>,
        verifier: &Verifier<'_>,
        range: &Range<usize>,
        number: usize,
        count: usize,
    ) -> Result<Result<PassageNotes, String>, GenerateError> {
        let passage = task.passage(range.clone(), number, count);
        let key = task.key(&passage);
        if let Some(notes) = self.store.get(&key) {
            return Ok(Ok(notes));
        }
        match task.read(&passage, verifier, range.clone()) {
            Ok(notes) => {
                let kept = self.store.put(&key, &notes);
                kept.map_err(|error| GenerateError::Failed(error.into()))?;
                Ok(Ok(notes))
            }
            Err(error @ (GenerateError::Stopped | GenerateError::Unreachable(_))) => Err(error),
            Err(error) => Ok(Err(with_causes(&error))),
        }
    }

    fn provenance(&self, options: &MinutesOptions, language: Language, passages: usize) -> Provenance {
        let description = self.generator.description();
        let parameters = [
            ("model", description.model),
            ("abstract_words", options.abstract_words.to_string()),
            ("language", language.to_string()),
            ("context_tokens", self.generator.context_tokens().to_string()),
            ("passages", passages.to_string()),
        ];
        Provenance {
            engine: description.engine,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model_sha256: description.model_sha256,
            parameters: parameters
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            ..Provenance::default()
        }
    }
}

fn minutes_language(options: &MinutesOptions, reading: &Reading) -> Language {
    options.language.unwrap_or(reading.language)
}

/// The utterances of each topic, as the extractive engine sees them: passages end where one of them does.
fn topic_ranges(reading: &Reading) -> Vec<Range<usize>> {
    utterance_ranges(&topics::segment(reading), reading)
}

fn with_causes(error: &GenerateError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
