//! What a sentence-transformers directory says of its network: shape, activation, pooling, longest input.
//!
//! Read from `config.json` (transformers), `sentence_bert_config.json` and `1_Pooling/config.json`
//! (sentence-transformers); the last two may be absent, as they are in plain transformers checkpoints.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

/// Shape and habits of a BERT-type encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct BertConfig {
    /// Width of a token's vector, and of the embedding.
    pub hidden_size: usize,
    /// Number of transformer layers.
    pub layers: usize,
    /// Attention heads per layer; divides `hidden_size`.
    pub heads: usize,
    /// Width inside the feed-forward part.
    pub intermediate_size: usize,
    /// Number of distinct tokens.
    pub vocabulary: usize,
    /// Added to the variance in layer normalization.
    pub layer_norm_eps: f32,
    /// Function between the two feed-forward matrices.
    pub activation: Activation,
    /// Position of the first token: 0 for BERT, padding id + 1 for the RoBERTa family.
    pub first_position: usize,
    /// How token vectors become one vector.
    pub pooling: Pooling,
    /// Longest input in tokens, special tokens included.
    pub max_tokens: usize,
}

/// Function between the two feed-forward matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x·Φ(x) with the exact normal distribution function.
    Gelu,
    /// max(0, x).
    Relu,
}

/// How token vectors become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Mean over all tokens.
    Mean,
    /// The first token's vector.
    FirstToken,
}

/// Why a model directory's configuration can't be used.
#[derive(Debug, Error)]
pub enum BertConfigError {
    /// A configuration file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A configuration file is not the JSON it should be.
    #[error("{path} is not a readable configuration")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// The network is of a kind that this encoder does not compute.
    #[error("{path}: {field} = {found:?} is not supported (expected {expected})")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The setting.
        field: &'static str,
        /// Its value.
        found: String,
        /// What would have been accepted.
        expected: &'static str,
    },
}

impl BertConfig {
    /// Reads the configuration of a model directory.
    ///
    /// # Errors
    /// When `config.json` is absent or unreadable, or asks for something that is not a BERT-type encoder.
    pub fn read(directory: &Path) -> Result<BertConfig, BertConfigError> {
        let path = directory.join("config.json");
        let raw: RawConfig = read_json(&path)?;
        let sentence: RawSentenceConfig =
            read_optional(&directory.join("sentence_bert_config.json"))?.unwrap_or_default();
        let pooling_path = directory.join("1_Pooling").join("config.json");
        let pooling = read_optional::<RawPooling>(&pooling_path)?
            .map_or(Ok(Pooling::Mean), |pooling| pooling.resolve(&pooling_path))?;
        let first_position = raw.first_position(&path)?;
        raw.check(&path)?;
        let positions = raw.max_position_embeddings.saturating_sub(first_position);
        Ok(BertConfig {
            hidden_size: raw.hidden_size,
            layers: raw.num_hidden_layers,
            heads: raw.num_attention_heads,
            intermediate_size: raw.intermediate_size,
            vocabulary: raw.vocab_size,
            layer_norm_eps: raw.layer_norm_eps,
            activation: raw.activation(&path)?,
            first_position,
            pooling,
            max_tokens: sentence.max_seq_length.unwrap_or(positions).min(positions),
        })
    }

    /// Width of one attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.heads
    }
}

#[derive(Deserialize)]
struct RawConfig {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    layer_norm_eps: f32,
    hidden_act: String,
    position_embedding_type: Option<String>,
    pad_token_id: Option<usize>,
}

impl RawConfig {
    fn first_position(&self, path: &Path) -> Result<usize, BertConfigError> {
        match self.model_type.as_str() {
            "bert" => Ok(0),
            "roberta" | "xlm-roberta" | "camembert" => Ok(self.pad_token_id.unwrap_or(1) + 1),
            other => Err(unsupported(
                path,
                "model_type",
                other,
                "bert, roberta, xlm-roberta or camembert",
            )),
        }
    }

    fn activation(&self, path: &Path) -> Result<Activation, BertConfigError> {
        match self.hidden_act.as_str() {
            "gelu" => Ok(Activation::Gelu),
            "relu" => Ok(Activation::Relu),
            other => Err(unsupported(path, "hidden_act", other, "gelu or relu")),
        }
    }

    fn check(&self, path: &Path) -> Result<(), BertConfigError> {
        if self.num_attention_heads == 0
            || !self.hidden_size.is_multiple_of(self.num_attention_heads)
            || self.hidden_size == 0
        {
            let found = self.num_attention_heads.to_string();
            return Err(unsupported(
                path,
                "num_attention_heads",
                &found,
                "a divisor of hidden_size",
            ));
        }
        match self.position_embedding_type.as_deref() {
            None | Some("absolute") => Ok(()),
            Some(other) => Err(unsupported(path, "position_embedding_type", other, "absolute")),
        }
    }
}

#[derive(Default, Deserialize)]
struct RawSentenceConfig {
    max_seq_length: Option<usize>,
}

#[derive(Deserialize)]
struct RawPooling {
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_cls_token: bool,
    /// What sentence-transformers 5 and later write instead of the flags.
    pooling_mode: Option<String>,
}

impl RawPooling {
    fn resolve(&self, path: &Path) -> Result<Pooling, BertConfigError> {
        match (
            self.pooling_mode.as_deref(),
            self.pooling_mode_mean_tokens,
            self.pooling_mode_cls_token,
        ) {
            (Some("mean"), ..) | (None, true, false) => Ok(Pooling::Mean),
            (Some("cls"), ..) | (None, false, true) => Ok(Pooling::FirstToken),
            (other, ..) => Err(unsupported(
                path,
                "pooling_mode",
                other.unwrap_or("another flag"),
                "mean or cls, one of them",
            )),
        }
    }
}

fn unsupported(path: &Path, field: &'static str, found: &str, expected: &'static str) -> BertConfigError {
    BertConfigError::Unsupported {
        path: path.to_owned(),
        field,
        found: found.to_owned(),
        expected,
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, BertConfigError> {
    let text = std::fs::read(path).map_err(|source| BertConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|source| BertConfigError::Parse {
        path: path.to_owned(),
        source,
    })
}

fn read_optional<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, BertConfigError> {
    if path.is_file() {
        read_json(path).map(Some)
    } else {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: Result<(Pooling, usize, usize), &str>) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = BertConfig::read(directory.path())
            .map(|config| (config.pooling, config.first_position, config.max_tokens))
            .map_err(|error| error.to_string());
        match (found, expected) {
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, expected) => assert_eq!(found, expected.map_err(str::to_owned)),
        }
    }

    fn config(model_type: &str, heads: usize, more: &str) -> String {
        format!(
            r#"{{"model_type":"{model_type}","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":{heads},
            "intermediate_size":16,"vocab_size":10,"max_position_embeddings":64,"layer_norm_eps":1e-12,
            "hidden_act":"gelu"{more}}}"#
        )
    }

    #[test]
    fn a_plain_checkpoint_has_mean_pooling_and_all_positions() {
        check(&[("config.json", &config("bert", 2, ""))], Ok((Pooling::Mean, 0, 64)));
    }

    #[test]
    fn the_roberta_family_starts_positions_after_the_padding_id() {
        let text = config("xlm-roberta", 2, r#","pad_token_id":1"#);
        check(&[("config.json", &text)], Ok((Pooling::Mean, 2, 62)));
    }

    #[test]
    fn sentence_transformers_files_set_pooling_and_length() {
        let files = [
            ("config.json", &*config("bert", 2, "")),
            ("sentence_bert_config.json", r#"{"max_seq_length": 32}"#),
            (
                "1_Pooling/config.json",
                r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#,
            ),
        ];
        check(&files, Ok((Pooling::FirstToken, 0, 32)));
    }

    #[test]
    fn what_cannot_be_computed_is_refused_by_name() {
        check(&[("config.json", &config("mpnet", 2, ""))], Err("model_type"));
        check(&[("config.json", &config("bert", 3, ""))], Err("num_attention_heads"));
        check(
            &[(
                "config.json",
                &config("bert", 2, r#","position_embedding_type":"relative_key""#),
            )],
            Err("position"),
        );
        check(&[("config.json", "{")], Err("not a readable configuration"));
        check(&[], Err("cannot read"));
    }
}
