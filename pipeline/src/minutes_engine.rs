//! Which engine makes minutes, and the making of them: for commands and the server.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;

use datasets::library::Library;
use datasets::{Meeting, Minutes, Transcript};
use minuting::engine::MinutesOptions;
use minuting::generative::{GenerateError, Generative, GenerativePlan, GenerativeProgress, TextGenerator};
use serde::{Deserialize, Serialize};

use crate::local_model::{Forecast, LocalModel, LocalOptions, available_memory};
use crate::remote_model::{RemoteModel, RemoteOptions};
use crate::stages::make_minutes::make_minutes;
use crate::stages::write_minutes::write_minutes;

/// An engine and where its model is. The key of a server is no part of it: this may be written down, a key may not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "lowercase")]
pub enum EngineOptions {
    /// Selects and shortens what was said; no model needed.
    #[default]
    Extractive,
    /// A language model of Llama's kind on this machine.
    Lucie {
        /// A GGUF file, or a folder of safetensors.
        weights: PathBuf,
        /// Tokens of context.
        context_tokens: NonZeroUsize,
        /// The extractive engine takes over when the model would need longer than this.
        minutes_max: Option<u64>,
    },
    /// A language model on a server that speaks OpenAI's protocol; the transcript is sent there.
    Remote {
        /// Address of the protocol's root.
        address: String,
        /// The model's name on the server.
        model: String,
        /// Tokens of context.
        context_tokens: NonZeroUsize,
    },
}

/// An engine that is ready to work.
pub enum Engine {
    /// Selects and shortens.
    Extractive,
    /// Writes, on this machine.
    Lucie {
        /// The model.
        model: Box<LocalModel>,
        /// The extractive engine takes over when the model would need longer than this.
        minutes_max: Option<u64>,
    },
    /// Writes, elsewhere.
    Remote(RemoteModel),
}

/// Why a model is not for a meeting on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TooMuch {
    /// Its context cannot hold a passage; in the words of the engine.
    Context(String),
    /// Memory in MiB that it needs, and that there is.
    Memory(u64, u64),
    /// Minutes that it would take, and may take.
    Minutes(u64, u64),
}

/// What an engine tells before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// How long it takes, and in how much memory.
    Forecast(Forecast),
    /// Why the extractive engine takes over.
    FallsBack(TooMuch),
    /// What there is to do.
    Plan(GenerativePlan),
}

impl EngineOptions {
    /// The engine with its model loaded; `key` is for a server that asks for one.
    ///
    /// # Errors
    /// When the model's files are absent or damaged.
    pub fn load(&self, key: Option<&str>) -> anyhow::Result<Engine> {
        Ok(match self {
            Self::Extractive => Engine::Extractive,
            Self::Lucie {
                weights,
                context_tokens,
                minutes_max,
            } => Engine::Lucie {
                model: Box::new(LocalModel::load(&LocalOptions {
                    weights: weights.clone(),
                    context_tokens: Some(*context_tokens),
                })?),
                minutes_max: *minutes_max,
            },
            Self::Remote {
                address,
                model,
                context_tokens,
            } => Engine::Remote(RemoteModel::new(RemoteOptions {
                address: address.clone(),
                model: model.clone(),
                key: key.map(str::to_owned),
                context_tokens: context_tokens.get(),
            })),
        })
    }
}

impl Engine {
    /// What is doubtful about the model's files, if anything.
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::Lucie { model, .. } => model.warning(),
            Self::Extractive | Self::Remote(_) => None,
        }
    }

    /// Makes the minutes of `meeting`. Neither the library's lock nor its index is needed. A language model goes on at
    /// the passage where it was interrupted.
    ///
    /// # Errors
    /// When the model cannot be reached or cannot compute: what was read of passages is kept for the next time.
    pub fn make(
        &self,
        library: &Library,
        meeting: &Meeting,
        transcript: &Transcript,
        options: &MinutesOptions,
        tell: &mut dyn FnMut(Notice),
        on_progress: &mut dyn FnMut(GenerativeProgress) -> ControlFlow<()>,
    ) -> anyhow::Result<Minutes> {
        let generator: &dyn TextGenerator = match self {
            Self::Extractive => return make_minutes(meeting, transcript, options),
            Self::Remote(model) => model,
            Self::Lucie { model, .. } => model.as_ref(),
        };
        let too_much = match Generative::plan(generator, meeting, transcript, options) {
            Ok(plan) => {
                tell(Notice::Plan(plan));
                match self {
                    Self::Lucie { model, minutes_max } => too_much(model, *minutes_max, &plan, tell)?,
                    Self::Extractive | Self::Remote(_) => None,
                }
            }
            Err(GenerateError::Failed(cause)) => Some(TooMuch::Context(cause.to_string())),
            Err(error) => return Err(error.into()),
        };
        if let Some(reason) = too_much {
            tell(Notice::FallsBack(reason));
            return make_minutes(meeting, transcript, options);
        }
        write_minutes(library, meeting, transcript, options, generator, on_progress)
    }
}

/// Why the model is not for this plan on this machine, if so: told before it starts.
fn too_much(
    model: &LocalModel,
    minutes_max: Option<u64>,
    plan: &GenerativePlan,
    tell: &mut dyn FnMut(Notice),
) -> anyhow::Result<Option<TooMuch>> {
    // Before anything is computed: what does not fit is read from disk again for every word.
    let needed = model.memory().total() as u64;
    if let Some(available) = available_memory().filter(|available| needed > *available) {
        return Ok(Some(TooMuch::Memory(needed >> 20, available >> 20)));
    }
    let forecast = model.forecast(plan)?;
    tell(Notice::Forecast(forecast));
    let minutes = forecast.minutes();
    Ok(minutes_max
        .filter(|most| minutes > *most)
        .map(|most| TooMuch::Minutes(minutes, most)))
}
