//! Text to token ids and back, by the model's own tokenizer.
//!
//! `tokenizer.json` is what models are trained with. A GGUF file carries a rewriting of it, which is faithful for
//! byte-level vocabularies, but not for SentencePiece ones: there the normalizer is lost. Lucie's inserts a space after
//! line breaks, apostrophes and quotes; without it a quarter of all texts are cut otherwise than in training (190 of 721
//! strings of the publisher's own test), and nothing shows but worse answers. So such a tokenizer is used under a
//! warning that says what to install.

mod from_gguf;

use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::Content;
use serde_json::Value as Json;
use thiserror::Error;
use tokenizers::Tokenizer;

/// Ends of a turn, by the names that models give them.
const END_TOKENS: [&str; 8] = [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|eom_id|>",
    "<end_of_turn>",
    "<|end|>",
    "</s>",
];

/// A model's tokenizer and its special tokens.
#[derive(Debug)]
pub struct TextTokenizer {
    pub(crate) inner: Tokenizer,
    /// Tokens that end a text or a turn.
    ends: Vec<u32>,
    /// Texts that stand for special tokens.
    specials: Vec<String>,
    warning: Option<TokenizerWarning>,
}

/// What is doubtful about a tokenizer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenizerWarning {
    /// The tokenizer was rebuilt from a SentencePiece list in the GGUF file.
    #[error(
        "the tokenizer inside {path} has lost the model's normalizer, so texts are cut otherwise than in training; put \
         the model's tokenizer.json beside the file (for Lucie: from OpenLLM-France/Lucie-7B-Instruct-v1.1)"
    )]
    NormalizerLost {
        /// The GGUF file.
        path: PathBuf,
    },
}

/// Why there is no usable tokenizer.
#[derive(Debug, Error)]
pub enum TokenizerError {
    /// `tokenizer.json` could not be read.
    #[error("cannot read the tokenizer {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the tokenizers crate said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no `tokenizer.json`, and the model file has none either.
    #[error("{path} has no tokenizer: put the model's tokenizer.json beside it")]
    Absent {
        /// The model.
        path: PathBuf,
    },
    /// There is no `tokenizer.json`, and what the GGUF file has can't be used.
    #[error("the tokenizer inside {path} can't be used ({problem}): put the model's tokenizer.json beside the file")]
    Unusable {
        /// The GGUF file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// A text that the tokenizer refused, or tokens that it can't turn into text.
#[derive(Debug, Error)]
#[error("the tokenizer failed")]
pub struct TokenizeError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl TextTokenizer {
    /// Finds the tokenizer of a model: the file named, or `tokenizer.json` beside the weights, or that of the GGUF file.
    pub(crate) fn load(
        model: &Path,
        named: Option<&Path>,
        content: Option<&Content>,
    ) -> Result<TextTokenizer, TokenizerError> {
        let beside = directory_of(model).join("tokenizer.json");
        let file = named.map(Path::to_owned).or_else(|| beside.is_file().then_some(beside));
        let (mut inner, warning) = match (file, content) {
            (Some(path), _) => {
                let inner = Tokenizer::from_file(&path).map_err(|source| TokenizerError::Read { path, source })?;
                (inner, None)
            }
            (None, Some(content)) => from_gguf::tokenizer(model, content)?,
            (None, None) => {
                return Err(TokenizerError::Absent { path: model.to_owned() });
            }
        };
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|source| TokenizerError::Read {
            path: model.to_owned(),
            source,
        })?;
        Ok(TextTokenizer::new(inner, declared_ends(model, content), warning))
    }

    fn new(inner: Tokenizer, mut ends: Vec<u32>, warning: Option<TokenizerWarning>) -> TextTokenizer {
        ends.extend(END_TOKENS.iter().filter_map(|name| inner.token_to_id(name)));
        ends.sort_unstable();
        ends.dedup();
        let added = inner.get_added_tokens_decoder();
        let specials = added
            .into_values()
            .filter(|token| token.special)
            .map(|token| token.content);
        TextTokenizer {
            specials: specials.collect(),
            inner,
            ends,
            warning,
        }
    }

    /// Token ids of a text. Texts of special tokens in it become those tokens, as a rendered chat needs; see
    /// [`without_specials`](Self::without_specials) for texts that come from elsewhere.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizeError> {
        let encoding = self.inner.encode_fast(text, false).map_err(TokenizeError)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// As [`encode`](Self::encode), with what the model expects around a text (such as a first token).
    ///
    /// # Errors
    /// As `encode`.
    pub fn encode_whole(&self, text: &str) -> Result<Vec<u32>, TokenizeError> {
        let encoding = self.inner.encode_fast(text, true).map_err(TokenizeError)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of tokens, special ones left out.
    ///
    /// # Errors
    /// When the tokenizer's decoder fails.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, TokenizeError> {
        self.inner.decode(tokens, true).map_err(TokenizeError)
    }

    /// How many tokens a text is.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn count(&self, text: &str) -> Result<usize, TokenizeError> {
        self.encode(text).map(|tokens| tokens.len())
    }

    /// The text with a space inside whatever would be read as a special token: what was said in a meeting must not be
    /// able to end a turn.
    pub fn without_specials(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for special in &self.specials {
            let mut characters = special.chars();
            let Some(first) = characters.next().filter(|_| special.chars().count() > 1) else {
                continue;
            };
            if text.contains(special.as_str()) {
                text = text.replace(special.as_str(), &format!("{first} {}", characters.as_str()));
            }
        }
        text
    }

    /// Tokens that end a text or a turn.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// What is doubtful about this tokenizer, if anything.
    pub fn warning(&self) -> Option<&TokenizerWarning> {
        self.warning.as_ref()
    }
}

/// Where files beside a model lie.
pub(crate) fn directory_of(model: &Path) -> &Path {
    if model.is_dir() {
        model
    } else {
        model.parent().unwrap_or(Path::new("."))
    }
}

/// The ends that the model's files name.
fn declared_ends(model: &Path, content: Option<&Content>) -> Vec<u32> {
    let of_metadata = |key: &str| {
        let value = content.and_then(|content| content.metadata.get(key));
        value.and_then(|value| value.to_u32().ok())
    };
    let keys = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"];
    let mut ends: Vec<u32> = keys.into_iter().filter_map(of_metadata).collect();
    for name in ["generation_config.json", "config.json"] {
        let text = std::fs::read(directory_of(model).join(name)).unwrap_or_default();
        let json: Json = serde_json::from_slice(&text).unwrap_or_default();
        let ids = match &json["eos_token_id"] {
            Json::Array(ids) => ids.clone(),
            id => vec![id.clone()],
        };
        ends.extend(
            ids.iter()
                .filter_map(Json::as_u64)
                .filter_map(|id| u32::try_from(id).ok()),
        );
    }
    ends
}
