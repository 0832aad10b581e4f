//! A language model on this machine's own processor, as the minutes see it: a passage is read once, and each question about
//! it goes on from a fork of what was computed.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use datasets::library::sha256_hex;
use language_model::{
    Generation, GenerationEnd, GenerationOptions, LanguageModel, MemoryEstimate, Message, ModelFiles, ModelOptions,
    Session,
};
use minuting::generative::{
    Answer, GenerateError, GenerativePlan, GeneratorDescription, OnTokens, PassageReader, TextGenerator,
};
use serde_json::Value;
use sysinfo::System;

use crate::stages::transcribe::sha256_of;

/// Tokens that are read and written to see how fast the model is.
const PROBE_READ: usize = 96;
const PROBE_WRITTEN: usize = 8;

/// Which model, and how much of the machine it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalOptions {
    /// A GGUF file, or a folder with `config.json` and safetensors files.
    pub weights: PathBuf,
    /// Tokens of context, if fewer than the model's own.
    pub context_tokens: Option<NonZeroUsize>,
}

/// A model in memory.
pub struct LocalModel {
    model: LanguageModel,
    name: String,
    sha256: Option<String>,
}

/// How long a plan would take, and in how much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// At the speed of a short probe.
    pub duration: Duration,
    /// For one passage with its answers.
    pub memory: MemoryEstimate,
}

impl Forecast {
    /// The duration in minutes, rounded up.
    pub fn minutes(&self) -> u64 {
        self.duration.as_secs().div_ceil(60)
    }
}

impl LocalModel {
    /// Opens the model. Its weights are mapped, not copied.
    ///
    /// # Errors
    /// When a file is absent or damaged, or the model is not of Llama's kind.
    pub fn load(options: &LocalOptions) -> anyhow::Result<Self> {
        let files = ModelFiles {
            weights: options.weights.clone(),
            tokenizer: None,
        };
        let model_options = ModelOptions {
            context_length: options.context_tokens,
            ..ModelOptions::default()
        };
        let model = LanguageModel::load(&files, &model_options)
            .with_context(|| format!("loading the language model `{}`", options.weights.display()))?;
        Ok(Self {
            model,
            name: file_name(&options.weights),
            sha256: Some(sha256_of_weights(&options.weights)?),
        })
    }

    /// What is doubtful about its files, if anything.
    pub fn warning(&self) -> Option<String> {
        self.model.warning().map(ToString::to_string)
    }

    /// Memory for one passage with its answers.
    pub fn memory(&self) -> MemoryEstimate {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        self.model.description().memory(self.model.context_length(), threads)
    }

    /// How long `plan` would take: a short text is read and a few tokens written to see.
    ///
    /// # Errors
    /// When the model cannot compute.
    pub fn forecast(&self, plan: &GenerativePlan) -> anyhow::Result<Forecast> {
        let text = "The clerk keeps the record of what was said. ".repeat(PROBE_READ / 8);
        let mut tokens = self.model.tokenizer().encode_whole(&text)?;
        tokens.truncate(PROBE_READ.min(self.model.context_length() / 2));
        let mut session = self.model.session();
        let begin = Instant::now();
        session.prefill(&tokens, &mut |_| ControlFlow::Continue(()))?;
        let read = begin.elapsed();
        let begin = Instant::now();
        let options = GenerationOptions {
            max_tokens: PROBE_WRITTEN,
            ..GenerationOptions::default()
        };
        let generation = session.generate(&options, &mut |_| ControlFlow::Continue(()))?;
        let per_written = begin.elapsed().as_secs_f64() / generation.tokens.len().max(1) as f64;
        let per_read = read.as_secs_f64() / tokens.len().max(1) as f64;
        // Answers are rarely as long as they may be.
        let written = plan.tokens_written_max as f64 / 3.0;
        let seconds = per_read * plan.tokens_read as f64 + per_written * written;
        Ok(Forecast {
            duration: Duration::from_secs_f64(seconds),
            memory: self.memory(),
        })
    }

    /// The tokens of a conversation up to the model's answer; plain text for a model that was not taught to converse.
    fn prompt(&self, system: &str, passage: &str, question: &str) -> Result<Vec<u32>, GenerateError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| GenerateError::Failed(error);
        let user = format!("{passage}\n{question}");
        if self.model.has_chat_template() {
            let messages = [Message::system(system), Message::user(user.as_str())];
            // Some templates know no word of the system's: then it is part of what the user says.
            let encoded = self.model.encode_chat(&messages).or_else(|error| {
                let together = [Message::user(format!("{system}\n\n{user}"))];
                self.model.encode_chat(&together).map_err(|_| error)
            });
            return encoded.map_err(|error| failed(error.into()));
        }
        let tokenizer = self.model.tokenizer();
        let text = tokenizer.without_specials(&format!("{system}\n\n{user}\n\n"));
        tokenizer.encode_whole(&text).map_err(|error| failed(error.into()))
    }
}

/// Memory in bytes that this process may still take, by the machine and by its control group. Pages of files, those of a
/// mapped model among them, give way and count as free. `None` where the system does not say.
pub fn available_memory() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    let of_group = system
        .cgroup_limits()
        .map(|limits| limits.total_memory.saturating_sub(limits.rss));
    Some(system.available_memory().min(of_group.unwrap_or(u64::MAX)))
}

/// Of a file; of a folder, of its settings and weights in the order of their names.
fn sha256_of_weights(path: &Path) -> anyhow::Result<String> {
    if path.is_file() {
        return sha256_of(path);
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("reading `{}`", path.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|ending| ending == "json" || ending == "safetensors")
    });
    files.sort();
    let digests: Vec<String> = files
        .iter()
        .map(|file| sha256_of(file))
        .collect::<anyhow::Result<_>>()?;
    Ok(sha256_hex(digests.concat().as_bytes()))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

struct LocalReader<'a> {
    model: &'a LocalModel,
    system: String,
    passage: String,
    /// What all questions have in common, read.
    common: Session,
    common_tokens: Vec<u32>,
}

impl TextGenerator for LocalModel {
    fn description(&self) -> GeneratorDescription {
        GeneratorDescription {
            engine: "lucie".to_owned(),
            model: self.name.clone(),
            model_sha256: self.sha256.clone(),
        }
    }

    fn context_tokens(&self) -> usize {
        self.model.context_length()
    }

    fn count_tokens(&self, text: &str) -> usize {
        // A tokenizer that fails on a text fails on its prompt too, and says so there.
        self.model.tokenizer().count(text).unwrap_or(text.len())
    }

    fn read<'a>(
        &'a self,
        system: &str,
        passage: &str,
        on_tokens: &mut OnTokens<'_>,
    ) -> Result<Box<dyn PassageReader + 'a>, GenerateError> {
        // Two questions that begin differently show what is common to all.
        let (one, other) = (self.prompt(system, passage, "A")?, self.prompt(system, passage, "Z")?);
        let shared = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
        let mut common = self.model.session();
        if shared > 0 {
            prefill(&mut common, &one[..shared], on_tokens).map_err(of_model)?;
        }
        Ok(Box::new(LocalReader {
            model: self,
            system: system.to_owned(),
            passage: passage.to_owned(),
            common,
            common_tokens: one[..shared].to_vec(),
        }))
    }
}

impl PassageReader for LocalReader<'_> {
    fn ask(
        &mut self,
        question: &str,
        schema: &Value,
        tokens_max: usize,
        on_tokens: &mut OnTokens<'_>,
    ) -> Result<Answer, GenerateError> {
        let tokens = self.model.prompt(&self.system, &self.passage, question)?;
        // The first letters of a question may join with what stands before them into another token.
        let shared = tokens
            .iter()
            .zip(&self.common_tokens)
            .take_while(|(a, b)| a == b)
            .count();
        let mut session = self.common.fork();
        session.truncate(shared.min(tokens.len().saturating_sub(1)));
        let generation = self.answer(&mut session, &tokens, schema, tokens_max, on_tokens);
        let generation = generation.map_err(of_model)?;
        match generation.end {
            GenerationEnd::CalledOff => Err(GenerateError::Stopped),
            end => Ok(Answer {
                text: generation.text,
                is_whole: matches!(end, GenerationEnd::Complete | GenerationEnd::StopText),
            }),
        }
    }
}

fn of_model(error: language_model::GenerateError) -> GenerateError {
    match error {
        language_model::GenerateError::CalledOff { .. } => GenerateError::Stopped,
        error => GenerateError::Failed(error.into()),
    }
}

fn prefill(
    session: &mut Session,
    tokens: &[u32],
    on_tokens: &mut OnTokens<'_>,
) -> Result<(), language_model::GenerateError> {
    let mut told = 0;
    session.prefill(tokens, &mut |progress| {
        on_tokens(progress.done - std::mem::replace(&mut told, progress.done))
    })
}

impl LocalReader<'_> {
    fn answer(
        &self,
        session: &mut Session,
        tokens: &[u32],
        schema: &Value,
        tokens_max: usize,
        on_tokens: &mut OnTokens<'_>,
    ) -> Result<Generation, language_model::GenerateError> {
        let rest = &tokens[session.length()..];
        prefill(session, rest, on_tokens)?;
        let options = GenerationOptions {
            max_tokens: tokens_max,
            constraint: Some(self.model.model.constraint(schema)?),
            ..GenerationOptions::default()
        };
        session.generate(&options, &mut |_| on_tokens(1))
    }
}
