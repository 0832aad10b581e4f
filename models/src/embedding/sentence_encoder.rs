//! The sentence encoder: loads a sentence-transformers directory and turns texts into unit vectors.
//!
//! Source: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019. Weights: `config.json`, `tokenizer.json`,
//! `model.safetensors`, and, where they are there, `sentence_bert_config.json` and `1_Pooling/config.json`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPool;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::bert_config::{BertConfig, BertConfigError};
use super::bert_packed::{BertPacked, Room, Threads};
use super::bert_reference::BertReference;
use super::checkpoint::Checkpoint;
use super::text_embedding::TextEmbedding;
use super::tokenization::{TextTokenizer, group_by_length};
use crate::matmul::Kernel;

/// Tokens computed in one go by one thread: between two of them an embedding can be called off. Many enough that
/// reading the weights costs little, few enough that a batch stays in the second-level cache.
const BATCH_TOKENS: usize = 512;

/// How an encoder runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncoderOptions {
    /// Threads to compute on; by default as many as the process may use.
    pub threads: Option<NonZeroUsize>,
    /// Which code computes; by default the fastest that this processor can run.
    pub compute: Compute,
}

/// Which code computes the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compute {
    /// The fastest that this processor can run.
    #[default]
    Fastest,
    /// The plain candle graph, f32: slow, and the reference for the others.
    Candle,
    /// Packed weights with this kernel, which must be available.
    Kernel(Kernel),
}

/// Why an encoder can't be loaded.
#[derive(Debug, Error)]
pub enum LoadEncoderError {
    /// The directory's configuration can't be used.
    #[error("the encoder's configuration can't be used")]
    Config(#[from] BertConfigError),
    /// The weights file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The tokenizer file could not be read.
    #[error("cannot read the tokenizer {path}")]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What the tokenizers crate said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The weights file is not a readable safetensors file.
    #[error("the weights are not readable")]
    Weights(#[source] candle_core::Error),
    /// The weights lack a tensor.
    #[error("the weights lack the tensor {name}")]
    MissingTensor {
        /// Its full name.
        name: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error("the tensor {name} has shape {found:?}, the configuration asks for {expected:?}")]
    TensorShape {
        /// Its full name.
        name: String,
        /// The shape by the configuration.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
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

/// Why texts could not be embedded.
#[derive(Debug, Error)]
pub enum EmbedError {
    /// The tokenizer refused a text.
    #[error("cannot tokenize a text")]
    Tokenize {
        /// What the tokenizers crate said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The tokenizer gave a token that the weights have no vector for: the two files don't belong together.
    #[error("token {token} is outside the vocabulary of {vocabulary}")]
    UnknownToken {
        /// The token's id.
        token: u32,
        /// How many tokens the weights know.
        vocabulary: usize,
    },
    /// The candle graph failed.
    #[error("the encoder's graph failed")]
    Graph(#[from] candle_core::Error),
    /// The caller no longer wants the result.
    #[error("embedding was called off")]
    CalledOff,
}

/// A sentence encoder in memory. It has no global state and can be used from several threads at once; they share its
/// own small thread pool.
pub struct SentenceEncoder {
    config: BertConfig,
    tokenizer: TextTokenizer,
    network: Network,
    model_sha256: String,
    threads: ThreadPool,
    /// Buffers that no thread is using now.
    rooms: Mutex<Vec<Room>>,
}

/// What the threads of one call share.
struct Work<'a> {
    sequences: &'a [Vec<u32>],
    groups: &'a [Vec<usize>],
    threads: Threads,
    next: AtomicUsize,
    go_on: &'a (dyn Fn() -> bool + Sync),
}

/// The two ways of computing the same network.
enum Network {
    Candle(BertReference),
    Packed(BertPacked),
}

impl std::fmt::Debug for SentenceEncoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = formatter.debug_struct("SentenceEncoder");
        fields
            .field("config", &self.config)
            .field("model_sha256", &self.model_sha256)
            .finish_non_exhaustive()
    }
}

impl SentenceEncoder {
    /// Loads the encoder of a sentence-transformers directory. MiniLM-L6 takes about a third of a second and 100 MB.
    ///
    /// # Errors
    /// When a file is absent or unreadable, the network is not of BERT's kind, or tensors don't fit the configuration.
    pub fn load(directory: &Path, options: &EncoderOptions) -> Result<SentenceEncoder, LoadEncoderError> {
        let config = BertConfig::read(directory)?;
        let tokenizer = TextTokenizer::read(&directory.join("tokenizer.json"), config.max_tokens)?;
        let path = directory.join("model.safetensors");
        let bytes = std::fs::read(&path).map_err(|source| LoadEncoderError::Read { path, source })?;
        let model_sha256 = crate::weights::hex(&Sha256::digest(&bytes));
        let mut checkpoint = Checkpoint::parse(&bytes)?;
        drop(bytes);
        let network = Network::load(&config, &mut checkpoint, options.compute)?;
        let threads = start_threads(options.threads)?;
        Ok(SentenceEncoder {
            config,
            tokenizer,
            network,
            model_sha256,
            threads,
            rooms: Mutex::default(),
        })
    }

    /// Embeds texts: one unit vector each, in the order given. A text longer than [`max_tokens`](Self::max_tokens) is
    /// cut there. A blank text has a vector too, that of no words.
    ///
    /// # Errors
    /// When tokenizer and weights don't belong together.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<TextEmbedding>, EmbedError> {
        self.embed_while(texts, &|| true)
    }

    /// As [`embed`](Self::embed), asking before each batch (some tens of milliseconds of work) whether to go on;
    /// `go_on` may be called from any of the encoder's threads.
    ///
    /// # Errors
    /// As `embed`, and [`EmbedError::CalledOff`] when `go_on` said no.
    pub fn embed_while(
        &self,
        texts: &[&str],
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<TextEmbedding>, EmbedError> {
        self.threads.install(|| {
            let sequences = self.tokenizer.encode(texts)?;
            self.check_vocabulary(&sequences)?;
            let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
            let total_tokens: usize = lengths.iter().sum();
            let fair_share = total_tokens.div_ceil(rayon::current_num_threads());
            let groups = group_by_length(&lengths, BATCH_TOKENS.min(fair_share));
            let threads = if groups.len() < rayon::current_num_threads() {
                Threads::All
            } else {
                Threads::One
            };
            let work = Work {
                sequences: &sequences,
                groups: &groups,
                threads,
                next: AtomicUsize::new(0),
                go_on,
            };
            let parts = (0..rayon::current_num_threads().min(groups.len()))
                .into_par_iter()
                .with_max_len(1);
            let vectors: Vec<_> = parts.map(|_| self.embed_groups(&work)).collect::<Result<_, _>>()?;
            let mut embeddings = vec![None; texts.len()];
            for (index, vector) in vectors.into_iter().flatten() {
                embeddings[index] = Some(TextEmbedding::from_unscaled(vector));
            }
            Ok(embeddings
                .into_iter()
                .map(|vector| vector.expect("every text is in one group"))
                .collect())
        })
    }

    /// Takes group after group until none is left.
    fn embed_groups(&self, work: &Work<'_>) -> Result<Vec<(usize, Vec<f32>)>, EmbedError> {
        let mut room = self
            .rooms
            .lock()
            .ok()
            .and_then(|mut rooms| rooms.pop())
            .unwrap_or_default();
        let mut vectors = Vec::new();
        while let Some(group) = work.groups.get(work.next.fetch_add(1, Ordering::Relaxed)) {
            if !(work.go_on)() {
                return Err(EmbedError::CalledOff);
            }
            let batch: Vec<&[u32]> = group.iter().map(|&index| work.sequences[index].as_slice()).collect();
            let pooled = self.network.encode(&batch, work.threads, &mut room)?;
            vectors.extend(group.iter().copied().zip(pooled));
        }
        if let Ok(mut rooms) = self.rooms.lock() {
            rooms.push(room);
        }
        Ok(vectors)
    }

    /// Tokens that are looked at in each text, special tokens included and the cut at the longest input made.
    ///
    /// # Errors
    /// When the tokenizer refuses a text.
    pub fn token_counts(&self, texts: &[&str]) -> Result<Vec<usize>, EmbedError> {
        let sequences = self.threads.install(|| self.tokenizer.encode(texts))?;
        Ok(sequences.iter().map(Vec::len).collect())
    }

    /// Entries of each embedding.
    pub fn dimensions(&self) -> usize {
        self.config.hidden_size
    }

    /// Longest input in tokens, special tokens included; the rest of a text is not looked at.
    pub fn max_tokens(&self) -> usize {
        self.config.max_tokens
    }

    /// SHA-256 of the weights file, in hex: vectors of different weights must never be compared.
    pub fn model_sha256(&self) -> &str {
        &self.model_sha256
    }

    fn check_vocabulary(&self, sequences: &[Vec<u32>]) -> Result<(), EmbedError> {
        let vocabulary = self.config.vocabulary;
        match sequences.iter().flatten().find(|&&token| token as usize >= vocabulary) {
            Some(&token) => Err(EmbedError::UnknownToken { token, vocabulary }),
            None => Ok(()),
        }
    }
}

impl Network {
    fn load(config: &BertConfig, checkpoint: &mut Checkpoint, compute: Compute) -> Result<Network, LoadEncoderError> {
        let kernel = match compute {
            Compute::Candle => return Ok(Network::Candle(BertReference::load(config, checkpoint)?)),
            Compute::Fastest => Kernel::fastest(),
            Compute::Kernel(kernel) if kernel.is_available() => kernel,
            Compute::Kernel(kernel) => return Err(LoadEncoderError::KernelNotAvailable { kernel }),
        };
        Ok(Network::Packed(BertPacked::load(config, checkpoint, kernel)?))
    }

    fn encode(&self, batch: &[&[u32]], threads: Threads, room: &mut Room) -> Result<Vec<Vec<f32>>, EmbedError> {
        match self {
            Network::Candle(network) => Ok(network.encode(batch)?),
            Network::Packed(network) => Ok(network.encode(batch, threads, room)),
        }
    }
}

fn start_threads(asked: Option<NonZeroUsize>) -> Result<ThreadPool, LoadEncoderError> {
    let threads = asked
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("sentence-encoder-{index}"))
        .build()
        .map_err(|source| LoadEncoderError::Threads { threads, source })
}
