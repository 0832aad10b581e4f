//! A language model in memory: its weights, tokenizer and chat template, and the threads that compute.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rayon::ThreadPool;
use serde_json::Value as Json;
use thiserror::Error;

use crate::chat_template::{ChatTemplate, ChatTemplateError, Message};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::config::LlamaConfig;
use crate::constraint::{Constraint, ConstraintError, ConstraintFactory};
use crate::matrix::Kernel;
use crate::network::Network;
use crate::session::Session;
use crate::tokenizer::{TextTokenizer, TokenizeError, TokenizerError, TokenizerWarning};

/// Tokens computed in one go: between two of them reading can be called off. Many enough that unpacking the weights
/// costs little.
pub(crate) const CHUNK_TOKENS: usize = 512;

/// Where a model's files lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFiles {
    /// A GGUF file, or a directory with `config.json` and safetensors files.
    pub weights: PathBuf,
    /// `tokenizer.json`; by default the one beside the weights, unless a GGUF file lists other tokens: then, or where
    /// there is none, what the GGUF file carries.
    pub tokenizer: Option<PathBuf>,
}

/// How a model runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOptions {
    /// Threads to compute on; by default as many as the process may use.
    pub threads: Option<NonZeroUsize>,
    /// Which code multiplies; by default the fastest that this processor can run.
    pub kernel: Option<Kernel>,
    /// Longest sequence in tokens, if less than the model's own: a bound on memory.
    pub context_length: Option<NonZeroUsize>,
}

/// What is known of a model before its weights are read.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelDescription {
    /// Shape and habits of the network.
    pub config: LlamaConfig,
    /// Number of distinct tokens.
    pub vocabulary: usize,
    /// Bytes of weights in the file, which are mapped, not copied.
    pub weights_bytes: usize,
}

/// Memory that a model needs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Mapped from the file: counted as resident once read, and dropped by the system when memory is short.
    pub weights: usize,
    /// Keys and values.
    pub cache: usize,
    /// Buffers of one session and of the threads.
    pub working: usize,
}

impl MemoryEstimate {
    /// All together.
    pub fn total(&self) -> usize {
        self.weights + self.cache + self.working
    }
}

/// Why a model can't be loaded.
#[derive(Debug, Error)]
pub enum LoadModelError {
    /// Its weights can't be used.
    #[error("the model's weights can't be used")]
    Checkpoint(#[from] CheckpointError),
    /// It has no usable tokenizer.
    #[error("the model's tokenizer can't be used")]
    Tokenizer(#[from] TokenizerError),
    /// Its chat template can't be used.
    #[error("the model's chat template can't be used")]
    ChatTemplate(#[from] ChatTemplateError),
    /// The kernel asked for needs another processor.
    #[error("the kernel {} is not available on this processor", kernel.name())]
    KernelNotAvailable {
        /// What was asked for.
        kernel: Kernel,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What rayon said.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
}

impl ModelDescription {
    /// Reads what a file says of its model: some megabytes of metadata, not the weights.
    ///
    /// # Errors
    /// When the file is absent or damaged, or its network is not of Llama's kind.
    pub fn read(weights: &Path) -> Result<ModelDescription, CheckpointError> {
        let checkpoint = Checkpoint::open(weights)?;
        let network = Network::load(&checkpoint, Kernel::Portable)?;
        Ok(ModelDescription::of(&checkpoint, &network))
    }

    fn of(checkpoint: &Checkpoint, network: &Network) -> ModelDescription {
        ModelDescription {
            config: checkpoint.config.clone(),
            vocabulary: network.vocabulary(),
            weights_bytes: checkpoint.bytes(),
        }
    }

    /// Memory for sequences of so many tokens in all (forks share what they have in common), on so many threads.
    pub fn memory(&self, tokens: usize, threads: usize) -> MemoryEstimate {
        let config = &self.config;
        let float = size_of::<f32>();
        let per_token = config.layers * config.kv_heads * config.head_dim * 2 * size_of::<half::f16>();
        let queries = config.heads * config.head_dim;
        // states, normalized, added; query, attended, the same by head; key, value; gate, up; codes of the widest
        let row = 3 * config.hidden_size
            + 3 * queries
            + 2 * config.kv_heads * config.head_dim
            + 2 * config.intermediate_size
            + config.intermediate_size / 2;
        // a panel of 32 outputs: a byte of code and at most half a byte of scales and offsets for each input
        let panel = 32 * config.intermediate_size.max(config.hidden_size) * 2;
        MemoryEstimate {
            weights: self.weights_bytes,
            cache: tokens * per_token,
            working: tokens.min(CHUNK_TOKENS) * row * float + self.vocabulary * 2 * float + threads * panel,
        }
    }
}

/// A language model. Clones share everything; sessions of one model take turns on its threads.
#[derive(Clone, Debug)]
pub struct LanguageModel(pub(crate) Arc<Loaded>);

pub(crate) struct Loaded {
    pub(crate) network: Network,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) threads: ThreadPool,
    pub(crate) context_length: usize,
    template: Option<ChatTemplate>,
    description: ModelDescription,
    constraints: OnceLock<Result<ConstraintFactory, ConstraintError>>,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = formatter.debug_struct("LanguageModel");
        fields.field("description", &self.description).finish_non_exhaustive()
    }
}

impl LanguageModel {
    /// Opens a model. This maps its file and reads the tokenizer; weights are read when they are first used.
    ///
    /// # Errors
    /// When a file is absent or damaged, the network is not of Llama's kind, or there is no tokenizer that fits it.
    pub fn load(files: &ModelFiles, options: &ModelOptions) -> Result<LanguageModel, LoadModelError> {
        let kernel = options.kernel.unwrap_or_else(Kernel::fastest);
        if !kernel.is_available() {
            return Err(LoadModelError::KernelNotAvailable { kernel });
        }
        let checkpoint = Checkpoint::open(&files.weights)?;
        let network = Network::load(&checkpoint, kernel)?;
        let content = checkpoint.content.as_ref();
        let named = files.tokenizer.as_deref();
        let tokenizer = TextTokenizer::load(&files.weights, named, content, network.vocabulary())?;
        if let Some(warning) = tokenizer.warning() {
            tracing::warn!("{warning}");
        }
        let template = ChatTemplate::load(&files.weights, content)?;
        let longest = options.context_length.map_or(usize::MAX, NonZeroUsize::get);
        Ok(LanguageModel(Arc::new(Loaded {
            description: ModelDescription::of(&checkpoint, &network),
            context_length: network.config.context_length.min(longest),
            network,
            tokenizer,
            threads: start_threads(options.threads)?,
            template,
            constraints: OnceLock::new(),
        })))
    }

    /// A sequence of tokens that begins with nothing.
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// The text of a conversation as token ids, up to where the model's answer begins. What looks like a special token
    /// in a message is broken up.
    ///
    /// # Errors
    /// When the model has no chat template, or it refuses the messages.
    pub fn encode_chat(&self, messages: &[Message]) -> Result<Vec<u32>, PromptError> {
        let template = self.0.template.as_ref().ok_or(ChatTemplateError::Absent)?;
        let safe = |message: &Message| Message {
            role: message.role,
            content: self.0.tokenizer.without_specials(&message.content),
        };
        let messages: Vec<Message> = messages.iter().map(safe).collect();
        Ok(self.0.tokenizer.encode(&template.render(&messages)?)?)
    }

    /// Whether the model was taught to converse.
    pub fn has_chat_template(&self) -> bool {
        self.0.template.is_some()
    }

    /// Makes a JSON schema ready for this model (the first time takes about a tenth of a second).
    ///
    /// # Errors
    /// When the schema asks for something that can't be kept while writing.
    pub fn constraint(&self, schema: &Json) -> Result<Constraint, ConstraintError> {
        let loaded = &self.0;
        let make = || ConstraintFactory::new(&loaded.tokenizer, loaded.network.vocabulary());
        let factory = loaded.constraints.get_or_init(make).as_ref();
        factory.map_err(Clone::clone)?.constraint(schema)
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &TextTokenizer {
        &self.0.tokenizer
    }

    /// What is doubtful about the model's files, if anything: a person should read it.
    pub fn warning(&self) -> Option<&TokenizerWarning> {
        self.0.tokenizer.warning()
    }

    /// What the model's file says of it.
    pub fn description(&self) -> &ModelDescription {
        &self.0.description
    }

    /// Longest sequence, in tokens.
    pub fn context_length(&self) -> usize {
        self.0.context_length
    }

    /// Which code multiplies.
    pub fn kernel(&self) -> Kernel {
        self.0.network.kernel
    }
}

/// Why a conversation can't be made into tokens.
#[derive(Debug, Error)]
pub enum PromptError {
    /// The template is absent or fails.
    #[error(transparent)]
    ChatTemplate(#[from] ChatTemplateError),
    /// The tokenizer fails.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
}

fn start_threads(asked: Option<NonZeroUsize>) -> Result<ThreadPool, LoadModelError> {
    let threads = asked
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("language-model-{index}"))
        .build()
        .map_err(|source| LoadModelError::Threads { threads, source })
}
