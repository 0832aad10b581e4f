//! A sequence of tokens and what the model remembers of it: read on, forked, and continued.

use std::ops::ControlFlow;

use thiserror::Error;

use crate::constraint::{Constraint, ConstraintError, ConstraintState};
use crate::model::{CHUNK_TOKENS, LanguageModel};
use crate::network::{Cache, Room, Wanted};
use crate::sampling::{Sampler, Sampling};
use crate::tokenizer::TokenizeError;

/// A sequence of tokens that a model has read, and goes on with.
#[derive(Debug)]
pub struct Session {
    model: LanguageModel,
    cache: Cache,
    /// Written but not read yet: the last tokens of an answer.
    unread: Vec<u32>,
    /// Of the last token read; empty before the first.
    logits: Vec<f32>,
    room: Room,
}

/// How far the reading of a prompt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefillProgress {
    /// Tokens read.
    pub done: usize,
    /// Tokens to read in all.
    pub total: usize,
}

/// How an answer is written.
#[derive(Clone, Debug, Default)]
pub struct GenerationOptions {
    /// Tokens after which it is cut.
    pub max_tokens: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// The schema it is held to.
    pub constraint: Option<Constraint>,
    /// Texts at which it ends; they are not part of it.
    pub stop: Vec<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// What was written, special tokens left out.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// How many of them were forced by the schema, and so read rather than chosen.
    pub forced_tokens: usize,
    /// Why it ended.
    pub end: GenerationEnd,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerationEnd {
    /// The model ended its turn, or the schema is fulfilled.
    Complete,
    /// A stop text was written.
    StopText,
    /// `max_tokens` were written.
    MaxTokens,
    /// The context is full.
    ContextFull,
    /// The caller wanted no more.
    CalledOff,
}

/// Why tokens can't be read or written.
#[derive(Debug, Error)]
pub enum GenerateError {
    /// A token that the weights have no vector for: tokenizer and weights don't belong together.
    #[error("token {token} is outside the vocabulary of {vocabulary}")]
    UnknownToken {
        /// The token's id.
        token: u32,
        /// How many tokens the weights know.
        vocabulary: usize,
    },
    /// The sequence would be longer than the context.
    #[error("{tokens} tokens don't fit the context of {context}")]
    ContextFull {
        /// Tokens of the whole sequence.
        tokens: usize,
        /// Longest sequence.
        context: usize,
    },
    /// There is nothing to go on from.
    #[error("a session that has read nothing can't go on")]
    NothingRead,
    /// The caller no longer wants the result.
    #[error("reading was called off after {done} tokens")]
    CalledOff {
        /// Tokens that were read, and stay read.
        done: usize,
    },
    /// The schema was left, or allows no token.
    #[error("the answer can't be held to its schema")]
    Constraint(#[from] ConstraintError),
    /// All logits are minus infinity or no numbers: the weights are damaged.
    #[error("no token can follow: the weights are damaged, or the schema can't be fulfilled by this tokenizer")]
    NoToken,
    /// The tokenizer's decoder failed.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
}

impl Session {
    pub(crate) fn new(model: LanguageModel) -> Session {
        Session {
            cache: model.0.network.new_cache(),
            unread: Vec::new(),
            logits: Vec::new(),
            room: Room::default(),
            model,
        }
    }

    /// Tokens of the sequence so far.
    pub fn length(&self) -> usize {
        self.cache.length() + self.unread.len()
    }

    /// Tokens that still fit.
    pub fn remaining(&self) -> usize {
        self.model.0.context_length.saturating_sub(self.length())
    }

    /// A second session with the same past, which it shares: a copy of at most 64 positions is made when either goes on.
    pub fn fork(&self) -> Session {
        Session {
            model: self.model.clone(),
            cache: self.cache.clone(),
            unread: self.unread.clone(),
            logits: self.logits.clone(),
            room: Room::default(),
        }
    }

    /// Reads tokens. `progress` is told after each 512 of them and may call the reading off; what was read stays read.
    ///
    /// # Errors
    /// When a token is unknown, the context is full, or the reading was called off.
    pub fn prefill(
        &mut self,
        tokens: &[u32],
        progress: &mut dyn FnMut(PrefillProgress) -> ControlFlow<()>,
    ) -> Result<(), GenerateError> {
        self.check(tokens)?;
        let mut pending = std::mem::take(&mut self.unread);
        pending.extend_from_slice(tokens);
        let total = pending.len();
        let mut done = 0;
        for chunk in pending.chunks(CHUNK_TOKENS) {
            done += chunk.len();
            let wanted = if done == total { Wanted::Last } else { Wanted::Nothing };
            self.forward(chunk, wanted);
            if progress(PrefillProgress { done, total }).is_break() && done < total {
                return Err(GenerateError::CalledOff { done });
            }
        }
        Ok(())
    }

    /// Reads tokens and returns the logits after each, `[tokens, vocabulary]`.
    ///
    /// # Errors
    /// When a token is unknown or the context is full.
    pub fn logits_of(&mut self, tokens: &[u32]) -> Result<Vec<f32>, GenerateError> {
        self.check(tokens)?;
        let unread = std::mem::take(&mut self.unread);
        if !unread.is_empty() {
            self.forward(&unread, Wanted::Last);
        }
        let mut all = Vec::with_capacity(tokens.len() * self.model.0.network.vocabulary());
        for chunk in tokens.chunks(CHUNK_TOKENS) {
            self.forward(chunk, Wanted::All);
            all.extend_from_slice(&self.logits);
        }
        let vocabulary = self.model.0.network.vocabulary();
        self.logits
            .drain(..self.logits.len() - vocabulary.min(self.logits.len()));
        Ok(all)
    }

    /// Goes on from what was read, token by token. `on_token` is told each token's text as far as it is whole
    /// characters, and may call the writing off.
    ///
    /// # Errors
    /// When nothing was read, the schema can't be held to, or the weights are damaged.
    pub fn generate(
        &mut self,
        options: &GenerationOptions,
        on_token: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generation, GenerateError> {
        if self.logits.is_empty() {
            return Err(GenerateError::NothingRead);
        }
        let model = self.model.clone();
        let mut stream = model.0.tokenizer.inner.decode_stream(true);
        let mut writing = Writing {
            sampler: Sampler::new(options.sampling),
            constraint: options.constraint.as_ref().map(Constraint::start),
            tokens: Vec::new(),
            forced_tokens: 0,
        };
        let mut text = String::new();
        let end = loop {
            let first = writing.tokens.len();
            if let Some(end) = self.write_on(options, &mut writing)? {
                break end;
            }
            let mut flow = ControlFlow::Continue(());
            for token in &writing.tokens[first..] {
                // A decoder that fails on half a character is asked again with the next token.
                let piece = stream.step(*token).unwrap_or_default().unwrap_or_default();
                text.push_str(&piece);
                flow = if flow.is_break() { flow } else { on_token(&piece) };
            }
            if options.stop.iter().any(|stop| text.contains(stop.as_str())) {
                break GenerationEnd::StopText;
            }
            if flow.is_break() {
                break GenerationEnd::CalledOff;
            }
        };
        let mut text = model.0.tokenizer.decode(&writing.tokens)?;
        if let Some(at) = options.stop.iter().filter_map(|stop| text.find(stop.as_str())).min() {
            text.truncate(at);
        }
        Ok(Generation {
            text,
            tokens: writing.tokens,
            forced_tokens: writing.forced_tokens,
            end,
        })
    }

    /// Writes the tokens that are forced, or one that is chosen; says why there is none.
    fn write_on(
        &mut self,
        options: &GenerationOptions,
        writing: &mut Writing,
    ) -> Result<Option<GenerationEnd>, GenerateError> {
        if writing.tokens.len() >= options.max_tokens {
            return Ok(Some(GenerationEnd::MaxTokens));
        }
        let left = self.remaining().min(options.max_tokens - writing.tokens.len());
        if left == 0 {
            return Ok(Some(GenerationEnd::ContextFull));
        }
        if let Some(constraint) = &mut writing.constraint {
            if constraint.is_complete() {
                return Ok(Some(GenerationEnd::Complete));
            }
            let mut forced = constraint.take_forced()?;
            if !forced.is_empty() {
                forced.truncate(left);
                writing.forced_tokens += forced.len();
                self.write(&forced, writing);
                return Ok(None);
            }
        }
        self.read_unread();
        let token = match &mut writing.constraint {
            None => writing.sampler.choose(&self.logits),
            Some(constraint) => {
                let mut logits = self.logits.clone();
                constraint.mask(&mut logits)?;
                writing.sampler.choose(&logits)
            }
        };
        let token = token.ok_or(GenerateError::NoToken)?;
        if self.model.0.tokenizer.ends().contains(&token) {
            return Ok(Some(GenerationEnd::Complete));
        }
        if let Some(constraint) = &mut writing.constraint {
            constraint.take(token)?;
        }
        self.write(&[token], writing);
        Ok(None)
    }

    fn write(&mut self, tokens: &[u32], writing: &mut Writing) {
        writing.tokens.extend_from_slice(tokens);
        self.unread.extend_from_slice(tokens);
    }

    /// Reads what was written, so that the logits are those after the last token.
    fn read_unread(&mut self) {
        let unread = std::mem::take(&mut self.unread);
        for (index, chunk) in unread.chunks(CHUNK_TOKENS).enumerate() {
            let is_last = (index + 1) * CHUNK_TOKENS >= unread.len();
            self.forward(chunk, if is_last { Wanted::Last } else { Wanted::Nothing });
        }
    }

    fn forward(&mut self, tokens: &[u32], wanted: Wanted) {
        let (loaded, cache, room, logits) = (&self.model.0, &mut self.cache, &mut self.room, &mut self.logits);
        loaded
            .threads
            .install(|| loaded.network.forward(tokens, wanted, cache, room, logits));
    }

    fn check(&self, tokens: &[u32]) -> Result<(), GenerateError> {
        let vocabulary = self.model.0.network.vocabulary();
        if let Some(&token) = tokens.iter().find(|token| **token as usize >= vocabulary) {
            return Err(GenerateError::UnknownToken { token, vocabulary });
        }
        let (tokens, context) = (self.length() + tokens.len(), self.model.0.context_length);
        if tokens > context {
            return Err(GenerateError::ContextFull { tokens, context });
        }
        Ok(())
    }

    /// Forgets all tokens from `length` on. The next tokens must be read before an answer is written.
    pub fn truncate(&mut self, length: usize) {
        self.unread.truncate(length.saturating_sub(self.cache.length()));
        self.cache.truncate(length);
        self.logits.clear();
    }
}

/// An answer that is being written.
struct Writing {
    sampler: Sampler,
    constraint: Option<ConstraintState>,
    tokens: Vec<u32>,
    forced_tokens: usize,
}
