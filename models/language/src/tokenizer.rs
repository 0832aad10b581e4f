//! Text to token ids and back, by the model's own tokenizer.
//!
//! `tokenizer.json` is what models are trained with. A GGUF file carries a rewriting of it, which is faithful for
//! byte-level vocabularies, but not for SentencePiece ones: there the normalizer is lost. Lucie's inserts a space after
//! line breaks, apostrophes and quotes; without it a quarter of all texts are cut otherwise than in training (190 of 721
//! strings of the publisher's own test), and nothing shows but worse answers. So such a tokenizer is used under a
//! warning that says what to install; and so is a byte-level one that cuts texts by rules that are not known here.
//!
//! What merely lies in the folder of a GGUF file may belong to another model of that folder, so it is looked at first.

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
    /// The tokenizer cuts texts before it merges, by rules of a name that is not known here.
    #[error(
        "the tokenizer inside {path} cuts texts by rules that are not known here (tokenizer.ggml.pre: {name}), so words \
         may be cut otherwise than in training; put the model's own tokenizer.json beside the file"
    )]
    RulesUnknown {
        /// The GGUF file.
        path: PathBuf,
        /// The name of the rules.
        name: String,
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
    /// The tokenizer has tokens that the weights know nothing of.
    #[error(
        "the tokenizer {path} has tokens up to {highest}, but {model} has weights for {rows} tokens: they don't belong \
         together; use the tokenizer.json that was published with the model"
    )]
    OfAnotherModel {
        /// The tokenizer.
        path: PathBuf,
        /// The model.
        model: PathBuf,
        /// The highest id of a token.
        highest: u32,
        /// How many tokens the weights know.
        rows: usize,
    },
}

/// A text that the tokenizer refused, or tokens that it can't turn into text.
#[derive(Debug, Error)]
#[error("the tokenizer failed")]
pub struct TokenizeError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl TextTokenizer {
    /// Finds the tokenizer of a model: the file named, or `tokenizer.json` beside the weights, or that of the GGUF file.
    /// The weights have vectors for `rows` tokens.
    pub(crate) fn load(
        model: &Path,
        named: Option<&Path>,
        content: Option<&Content>,
        rows: usize,
    ) -> Result<TextTokenizer, TokenizerError> {
        let file = match named {
            Some(path) => Some((path.to_owned(), read(path)?)),
            None => beside(model, content)?,
        };
        let (path, mut inner, warning) = match (file, content) {
            (Some((path, inner)), _) => (path, inner, None),
            (None, Some(content)) => {
                let (inner, warning) = from_gguf::tokenizer(model, content)?;
                (model.to_owned(), inner, warning)
            }
            (None, None) => {
                return Err(TokenizerError::Absent { path: model.to_owned() });
            }
        };
        let highest = highest_id(&inner);
        if highest as usize >= rows {
            return Err(TokenizerError::OfAnotherModel {
                path,
                model: model.to_owned(),
                highest,
                rows,
            });
        }
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|source| TokenizerError::Read {
            path: model.to_owned(),
            source,
        })?;
        let mut ends = declared_ends(model, content, &inner);
        // No such token can ever be written, and llguidance panics on it.
        ends.retain(|id| (*id as usize) < rows);
        Ok(TextTokenizer::new(inner, ends, warning))
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

fn read(path: &Path) -> Result<Tokenizer, TokenizerError> {
    Tokenizer::from_file(path).map_err(|source| TokenizerError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The `tokenizer.json` beside a model, unless it belongs to another: one folder may hold several GGUF files.
fn beside(model: &Path, content: Option<&Content>) -> Result<Option<(PathBuf, Tokenizer)>, TokenizerError> {
    let path = directory_of(model).join("tokenizer.json");
    if !path.is_file() {
        return Ok(None);
    }
    let tokenizer = read(&path)?;
    if content.is_some_and(|content| !from_gguf::agrees(content, &tokenizer)) {
        tracing::warn!(
            "{} lists other tokens than {}, whose own tokenizer is used instead",
            path.display(),
            model.display()
        );
        return Ok(None);
    }
    Ok(Some((path, tokenizer)))
}

fn highest_id(tokenizer: &Tokenizer) -> u32 {
    tokenizer.get_vocab(true).into_values().max().unwrap_or(0)
}

/// The ends that the model's files name. Files beside a GGUF file may be of another model, so an id that they name must
/// be a special token.
fn declared_ends(model: &Path, content: Option<&Content>, tokenizer: &Tokenizer) -> Vec<u32> {
    let added = tokenizer.get_added_tokens_decoder();
    let is_believed = |id: &u32| content.is_none() || added.get(id).is_some_and(|token| token.special);
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
                .filter_map(|id| u32::try_from(id).ok())
                .filter(is_believed),
        );
    }
    ends
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::gguf_file::Value;
    use tokenizers::AddedToken;
    use tokenizers::models::bpe::{BPE, Vocab};

    use super::*;
    use crate::testing::byte_level;

    /// A folder with a tokenizer.json of these tokens, the last of them special.
    fn folder(tokens: &[&str]) -> tempfile::TempDir {
        let texts = tokens.iter().map(|token| (*token).to_owned());
        let vocabulary: Vocab = texts.zip(0..).collect();
        let model = BPE::builder().vocab_and_merges(vocabulary, Vec::new()).build().unwrap();
        let mut tokenizer = Tokenizer::new(model);
        let last = tokens.last().map(|token| AddedToken::from((*token).to_owned(), true));
        tokenizer.add_special_tokens(last).unwrap();
        let directory = tempfile::tempdir().unwrap();
        tokenizer.save(directory.path().join("tokenizer.json"), false).unwrap();
        directory
    }

    /// What is used for a GGUF file in a folder, with weights for four tokens.
    fn load(directory: &Path, content: &Content) -> TextTokenizer {
        TextTokenizer::load(&directory.join("model.gguf"), None, Some(content), 4).unwrap()
    }

    #[test]
    fn a_tokenizer_beside_a_gguf_file_is_used_if_its_tokens_are_those_of_the_file() {
        let rules = || vec![("tokenizer.ggml.pre", Value::String("gpt-2".to_owned()))];
        let content = byte_level(&["a", "b", "c", "</s>"], &[], rules());
        // That of the file itself cuts texts before it merges, those written here don't.
        let is_own = |tokens: &[&str]| {
            let loaded = load(folder(tokens).path(), &content);
            assert_eq!(loaded.encode("ab").unwrap(), [0, 1]);
            loaded.inner.get_pre_tokenizer().is_some()
        };
        assert!(!is_own(&["a", "b", "c", "</s>"]));
        assert!(is_own(&["b", "a", "c", "</s>"]), "other ids");
        assert!(is_own(&["a", "b", "</s>"]), "fewer tokens");
        assert!(is_own(&["a", "b", "c", "</s>", "<pad>"]), "more tokens");
        let padding = Value::Array([1, 1, 3, 5].map(Value::I32).to_vec());
        let more = rules().into_iter().chain([("tokenizer.ggml.token_type", padding)]);
        let padded = byte_level(&["a", "b", "</s>", "[PAD3]"], &[], more.collect());
        let loaded = load(folder(&["a", "b", "</s>"]).path(), &padded);
        assert!(
            loaded.inner.get_pre_tokenizer().is_none(),
            "padding is in the GGUF file alone"
        );
    }

    #[test]
    fn a_tokenizer_with_more_tokens_than_the_weights_is_refused() {
        let directory = folder(&["a", "b", "c", "d", "</s>"]);
        let named = directory.path().join("tokenizer.json");
        let content = byte_level(&["a", "b", "c", "</s>"], &[], Vec::new());
        let of_gguf = TextTokenizer::load(Path::new("model.gguf"), Some(&named), Some(&content), 4);
        let of_safetensors = TextTokenizer::load(directory.path(), None, None, 4);
        for loaded in [of_gguf, of_safetensors] {
            let error = loaded.unwrap_err();
            assert!(
                matches!(
                    error,
                    TokenizerError::OfAnotherModel {
                        highest: 4,
                        rows: 4,
                        ..
                    }
                ),
                "{error}"
            );
            assert!(error.to_string().contains(&*named.to_string_lossy()), "{error}");
        }
    }

    #[test]
    fn ends_that_are_no_tokens_or_not_of_this_model_are_left_out() {
        let directory = folder(&["a", "b", "c", "<end>"]);
        let ends = [r#"{"eos_token_id":[1,3,900]}"#, r#"{"eos_token_id":2}"#];
        for (name, json) in ["generation_config.json", "config.json"].into_iter().zip(ends) {
            std::fs::write(directory.path().join(name), json).unwrap();
        }
        let end = ("tokenizer.ggml.eot_token_id", Value::U32(77));
        let content = byte_level(&["a", "b", "c", "<end>"], &[], vec![end]);
        assert_eq!(load(directory.path(), &content).ends(), [3]);
        // Beside safetensors they are the model's own.
        let loaded = TextTokenizer::load(directory.path(), None, None, 4).unwrap();
        assert_eq!(loaded.ends(), [1, 2, 3]);
    }
}
