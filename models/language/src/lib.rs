//! Llama-type language models on the processor: tokens in, tokens out, held to a JSON schema; knows no meeting.
//!
//! [`LanguageModel::load`] opens a GGUF file or a directory of safetensors; a [`Session`] reads a prompt, is forked,
//! and writes answers.

mod chat_template;
mod checkpoint;
mod config;
mod constraint;
mod matrix;
mod model;
mod network;
mod sampling;
mod session;
#[cfg(test)]
mod testing;
mod tokenizer;
mod vector_math;

pub use chat_template::{ChatTemplateError, Message, Role};
pub use checkpoint::CheckpointError;
pub use config::{Architecture, ConfigError, LlamaConfig, RotatedPairs, Rotation};
pub use constraint::{Constraint, ConstraintError};
pub use matrix::{Format, Kernel};
pub use model::{
    LanguageModel, LoadModelError, MemoryEstimate, ModelDescription, ModelFiles, ModelOptions, PromptError,
};
pub use sampling::Sampling;
pub use session::{GenerateError, Generation, GenerationEnd, GenerationOptions, PrefillProgress, Session};
pub use tokenizer::{TextTokenizer, TokenizeError, TokenizerError, TokenizerWarning};
