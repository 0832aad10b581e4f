//! Minutes that a language model writes, passage by passage, and that code checks.
//!
//! *Map*: the transcript is cut into passages that fit the model, each utterance in exactly one; of each passage the model
//! is asked for topics, decisions, actions and open questions, in JSON that can only cite utterances of the passage. The
//! passage comes first and the question last, so that the four share what was computed. What [`Verifier`] strikes is asked
//! for once more, then dropped and counted. *Reduce*: the abstract is written from the topics' statements, in as many rounds
//! as they need to fit.
//!
//! A passage that fails, in whole or in part, shows as failed in the coverage; the others stand, and where all fail there are
//! no minutes. What was read of a passage is kept in a
//! [`PassageStore`], so that a job that was stopped goes on where it was.

mod assembly;
mod drafts;
mod generator;
mod passages;
mod prompts;
mod reading_passages;
mod reduction;

use std::ops::{ControlFlow, Range};

use datasets::{Language, Meeting, Minutes, PassageState, Provenance, Transcript};
use serde::{Deserialize, Serialize};

pub use generator::{Answer, GenerateError, GeneratorDescription, OnTokens, PassageReader, TextGenerator};

use self::assembly::Assembly;
use self::drafts::{Draft, DraftTopic};
use self::reading_passages::{PassageReading, PassageTask};
use crate::engine::{MinutesEngine, MinutesOptions, utterance_ranges};
use crate::reading::Reading;
use crate::verifier::Verifier;
use crate::{coverage, topics};

/// Tokens of an answer, at most.
const ANSWER_TOKENS_MAX: usize = 1000;
/// Tokens of an answer, usually: what a job has still to do is told by them.
const ANSWER_TOKENS_USUAL: usize = 300;
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
    on_progress: &'a mut dyn FnMut(GenerativeProgress) -> ControlFlow<()>,
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
    /// Tokens read and written.
    pub tokens_done: usize,
    /// Of about how many: answers are as long as the model makes them.
    pub tokens: usize,
    /// Tokens that were computed to come so far; what was kept of passages took none.
    pub tokens_computed: usize,
}

/// Counts tokens as they pass, and tells of them.
struct Meter<'p> {
    progress: GenerativeProgress,
    /// Tokens that are done when the passage at hand is.
    tokens_next: usize,
    on_progress: &'p mut dyn FnMut(GenerativeProgress) -> ControlFlow<()>,
}

impl Meter<'_> {
    /// What comes now takes about `tokens`.
    fn begin(&mut self, tokens: usize) {
        self.tokens_next = self.progress.tokens_done + tokens;
    }

    fn pass(&mut self, tokens: usize) -> ControlFlow<()> {
        self.progress.tokens_computed += tokens;
        self.progress.tokens_done = (self.progress.tokens_done + tokens).min(self.tokens_next);
        (self.on_progress)(self.progress)
    }

    /// A passage is done, however many tokens it took.
    fn end_passage(&mut self) -> Result<(), GenerateError> {
        self.progress.passages_done += 1;
        self.progress.tokens_done = self.tokens_next;
        match (self.on_progress)(self.progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(GenerateError::Stopped),
        }
    }
}

impl<'a> Generative<'a> {
    /// Minutes by `generator`. `on_progress` hears of tokens and passages as they are done, and may stop the work.
    pub fn new(
        generator: &'a dyn TextGenerator,
        store: &'a mut dyn PassageStore,
        on_progress: &'a mut dyn FnMut(GenerativeProgress) -> ControlFlow<()>,
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
        let questions = reading_passages::QUESTIONS.len();
        Ok(GenerativePlan {
            passages: ranges.len(),
            tokens_read: ranges.iter().map(|range| task.tokens_read(range.clone())).sum(),
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
        let provenance = self.provenance(options, language, passages.len());
        let answers = reading_passages::QUESTIONS.len() * ANSWER_TOKENS_USUAL;
        let planned = |range: &Range<usize>| task.tokens_read(range.clone()) + answers;
        let mut meter = Meter {
            progress: GenerativeProgress {
                passages_done: 0,
                passages: passages.len(),
                tokens_done: 0,
                tokens: passages.iter().map(planned).sum::<usize>() + ANSWER_TOKENS_MAX,
                tokens_computed: 0,
            },
            tokens_next: 0,
            on_progress: &mut *self.on_progress,
        };
        let mut read: Vec<(Range<usize>, Option<PassageNotes>)> = Vec::with_capacity(passages.len());
        let mut states = Vec::with_capacity(passages.len());
        for (number, range) in passages.iter().enumerate() {
            meter.begin(planned(range));
            let passage = task.passage(range.clone(), number, passages.len());
            let (notes, failure) = notes(self.store, &task, &verifier, range, &passage, &mut meter)?;
            states.push((
                range.clone(),
                failure.map_or(PassageState::Covered, PassageState::Failed),
            ));
            read.push((range.clone(), notes));
            meter.end_passage()?;
        }
        let nothing = !read.is_empty() && read.iter().all(|(_, notes)| notes.is_none());
        if let Some((_, PassageState::Failed(reason))) = states.first().filter(|_| nothing) {
            return Err(GenerateError::NothingRead { reason: reason.clone() });
        }
        let coverage = coverage::account(transcript, states);
        let mut assembly = Assembly::new(meeting, transcript, language);
        for (range, notes) in read {
            assembly.add_passage(range, notes);
        }
        let mut minutes = assembly.finish(&reading, coverage, provenance);
        meter.begin(ANSWER_TOKENS_MAX);
        reduction::write_abstract(
            self.generator,
            &verifier,
            meeting,
            options,
            &mut minutes,
            &mut |tokens| meter.pass(tokens),
        )?;
        verifier.verify(&mut minutes);
        minutes.coverage.cited = coverage::count_cited(&minutes, transcript);
        Ok(minutes)
    }
}

/// What the model writes of a passage, and why something of it failed; an error ends the job. What is whole is kept in
/// `store`.
fn notes(
    store: &mut dyn PassageStore,
    task: &PassageTask<'_>,
    verifier: &Verifier<'_>,
    range: &Range<usize>,
    passage: &str,
    meter: &mut Meter<'_>,
) -> Result<(Option<PassageNotes>, Option<String>), GenerateError> {
    let key = task.key(passage);
    if let Some(notes) = store.get(&key) {
        return Ok((Some(notes), None));
    }
    match task.read(passage, verifier, range.clone(), &mut |tokens| meter.pass(tokens)) {
        Ok(PassageReading { notes, failure: None }) => {
            let kept = store.put(&key, &notes);
            kept.map_err(|error| GenerateError::Failed(error.into()))?;
            Ok((Some(notes), None))
        }
        Ok(PassageReading {
            notes,
            failure: Some(error),
        }) => Ok((Some(notes), Some(with_causes(&error)))),
        Err(error @ (GenerateError::Stopped | GenerateError::Unreachable(_))) => Err(error),
        Err(error) => Ok((None, Some(with_causes(&error)))),
    }
}

impl Generative<'_> {
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
