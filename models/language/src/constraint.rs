//! Answers held to a JSON schema: at each step only tokens that keep the answer valid may be chosen, and what can only
//! go on in one way is not asked of the model at all. By the llguidance crate.

use std::sync::Arc;

use llguidance::api::{StopReason, TopLevelGrammar};
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{InferenceCapabilities, SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenizerEnv};
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value as Json, json};
use thiserror::Error;
use tokenizers::Tokenizer;

use crate::tokenizer::TextTokenizer;

/// Why a constraint can't be made or kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConstraintError {
    /// The tokenizer's tokens are not bytes that can be told apart.
    #[error("the tokenizer's tokens can't be read as bytes: {problem}")]
    Tokenizer {
        /// What llguidance said.
        problem: String,
    },
    /// The schema is not JSON schema, or asks for something that can't be kept while writing.
    #[error("the schema can't be held to: {problem}")]
    Schema {
        /// What llguidance said.
        problem: String,
    },
    /// The grammar failed at a token.
    #[error("the answer left its schema: {problem}")]
    Left {
        /// What llguidance said.
        problem: String,
    },
}

/// A JSON schema made ready for one model; used as often as one likes.
#[derive(Clone)]
pub struct Constraint(Matcher);

impl std::fmt::Debug for Constraint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Constraint").finish_non_exhaustive()
    }
}

/// What makes constraints for one model; the tokens as a tree of bytes.
pub(crate) struct ConstraintFactory(ParserFactory);

impl ConstraintFactory {
    /// `vocabulary` is that of the network, which may be padded beyond the tokenizer's.
    pub(crate) fn new(tokenizer: &TextTokenizer, vocabulary: usize) -> Result<ConstraintFactory, ConstraintError> {
        let environment: TokEnv = Arc::new(TokenBytes::new(tokenizer, vocabulary)?);
        let capabilities = InferenceCapabilities {
            ff_tokens: true,
            ..InferenceCapabilities::default()
        };
        let mut factory =
            ParserFactory::new(&environment, capabilities, &SlicedBiasComputer::json_slices()).map_err(|error| {
                ConstraintError::Tokenizer {
                    problem: error.to_string(),
                }
            })?;
        factory.quiet();
        Ok(ConstraintFactory(factory))
    }

    /// Compact JSON unless the schema's own `x-guidance` says otherwise: what is always the same costs no time.
    pub(crate) fn constraint(&self, schema: &Json) -> Result<Constraint, ConstraintError> {
        let mut schema = schema.clone();
        if let Some(object) = schema.as_object_mut() {
            object.entry("x-guidance").or_insert_with(
                || json!({"whitespace_flexible": false, "key_separator": ": ", "item_separator": ", "}),
            );
        }
        let parser = self.0.create_parser(TopLevelGrammar::from_json_schema(schema));
        let matcher = Matcher::new(parser);
        match matcher.get_error() {
            Some(problem) => Err(ConstraintError::Schema { problem }),
            None => Ok(Constraint(matcher)),
        }
    }
}

/// Where one answer stands in its schema.
pub(crate) struct ConstraintState(Matcher);

impl Constraint {
    pub(crate) fn start(&self) -> ConstraintState {
        ConstraintState(self.0.deep_clone())
    }
}

impl ConstraintState {
    /// Tokens that must come next, if there is only one way to go on; they count as written.
    pub(crate) fn take_forced(&mut self) -> Result<Vec<u32>, ConstraintError> {
        let forced = self.0.compute_ff_tokens();
        self.0.consume_tokens(&forced).map_err(left)?;
        Ok(forced)
    }

    /// Makes all logits minus infinity but those of tokens that may come next.
    pub(crate) fn mask(&mut self, logits: &mut [f32]) -> Result<(), ConstraintError> {
        let allowed: SimpleVob = self.0.compute_mask().map_err(left)?;
        for (token, logit) in logits.iter_mut().enumerate() {
            if token >= allowed.len() || !allowed.get(token) {
                *logit = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }

    /// Counts a token as written.
    pub(crate) fn take(&mut self, token: u32) -> Result<(), ConstraintError> {
        self.0.consume_token(token).map_err(left)
    }

    /// Whether nothing can follow any more.
    pub(crate) fn is_complete(&self) -> bool {
        self.0.is_stopped() && !matches!(self.0.stop_reason(), StopReason::InternalError)
    }
}

fn left(error: impl std::fmt::Display) -> ConstraintError {
    ConstraintError::Left {
        problem: error.to_string(),
    }
}

/// The bytes that each token stands for, and a tokenizer of bytes: without the model's normalizer, which would change
/// them.
struct TokenBytes {
    trie: TokTrie,
    tokenizer: Tokenizer,
    byte_level: bool,
}

/// SentencePiece's space.
const SPACE: &str = "▁";

impl TokenBytes {
    fn new(text: &TextTokenizer, vocabulary: usize) -> Result<TokenBytes, ConstraintError> {
        let mut tokenizer = text.inner.clone();
        let decoder = serde_json::to_string(&tokenizer.get_decoder()).unwrap_or_default();
        let byte_level = decoder.contains("\"ByteLevel\"");
        if !byte_level && !decoder.contains("\"ByteFallback\"") {
            return Err(ConstraintError::Tokenizer {
                problem: "its decoder is neither ByteLevel nor ByteFallback".to_owned(),
            });
        }
        let added = tokenizer.get_added_tokens_decoder();
        let bytes = |token: u32| match (added.get(&token), tokenizer.id_to_token(token)) {
            (Some(added), _) if added.special => [&[TokTrie::SPECIAL_TOKEN_MARKER], added.content.as_bytes()].concat(),
            (Some(added), _) => added.content.as_bytes().to_vec(),
            (None, Some(name)) if byte_level => bytes_of_level(&name),
            (None, Some(name)) => bytes_of_piece(&name),
            (None, None) => Vec::new(),
        };
        let count = u32::try_from(vocabulary).unwrap_or(u32::MAX);
        let words: Vec<Vec<u8>> = (0..count).map(bytes).collect();
        let end = text.ends().first().copied().unwrap_or(0);
        let trie = TokTrie::from(&TokRxInfo::new(count, end), &words);
        let trie = if text.ends().is_empty() {
            trie
        } else {
            trie.with_eos_tokens(text.ends())
        };
        if !byte_level {
            let unsettled = |error: tokenizers::Error| ConstraintError::Tokenizer {
                problem: error.to_string(),
            };
            tokenizer
                .with_normalizer(None::<tokenizers::NormalizerWrapper>)
                .map_err(unsettled)?;
            tokenizer.with_pre_tokenizer(None::<tokenizers::PreTokenizerWrapper>);
        }
        Ok(TokenBytes {
            trie,
            tokenizer,
            byte_level,
        })
    }

    fn encode(&self, text: &str) -> Vec<u32> {
        let encoding = if self.byte_level {
            self.tokenizer.encode_fast(text, false)
        } else {
            self.tokenizer.encode_fast(text.replace(' ', SPACE), false)
        };
        let tokens = encoding.map(|encoding| encoding.get_ids().to_vec()).unwrap_or_default();
        if self.trie.decode(&tokens) == text.as_bytes() {
            tokens
        } else {
            self.trie.greedy_tokenize(text.as_bytes())
        }
    }
}

impl TokenizerEnv for TokenBytes {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| self.encode(text))
    }
}

/// The bytes of a byte-level token: GPT-2 writes bytes that are no visible character as others from 256 on.
fn bytes_of_level(name: &str) -> Vec<u8> {
    let is_itself = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let others: Vec<u8> = (0..=255).filter(|byte| !is_itself(*byte)).collect();
    let byte = |character: char| match u32::from(character) {
        code @ 0..256 => u8::try_from(code).ok().filter(|byte| is_itself(*byte)),
        code => others.get(code as usize - 256).copied(),
    };
    name.chars().map(byte).collect::<Option<_>>().unwrap_or_default()
}

/// The bytes of a SentencePiece token.
fn bytes_of_piece(name: &str) -> Vec<u8> {
    let hex = name.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
        Some(byte) => vec![byte],
        None => name.replace(SPACE, " ").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tokens_are_bytes() {
        assert_eq!(bytes_of_level("Ġé"), [b' ', 0xE9]);
        assert_eq!(bytes_of_level("Ċ!"), *b"\n!");
        assert_eq!(bytes_of_piece("▁été"), " été".as_bytes());
        assert_eq!(bytes_of_piece("<0xC3>"), [0xC3]);
    }
}
