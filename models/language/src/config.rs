//! What a model file says of its network: shape, rotation of positions, longest context.
//!
//! Read from the metadata of a GGUF file, or from the `config.json` beside safetensors files (transformers).

use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{Content, Value};
use serde_json::Value as Json;
use thiserror::Error;

/// Shape and habits of a Llama-type network.
#[derive(Clone, Debug, PartialEq)]
pub struct LlamaConfig {
    /// Which variant of the graph.
    pub architecture: Architecture,
    /// Width of a token's vector.
    pub hidden_size: usize,
    /// Number of transformer layers.
    pub layers: usize,
    /// Attention heads of the queries.
    pub heads: usize,
    /// Attention heads of keys and values; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; a multiple of 16.
    pub head_dim: usize,
    /// Width inside the feed-forward part.
    pub intermediate_size: usize,
    /// Added to the mean square in normalization.
    pub rms_norm_eps: f32,
    /// How positions turn queries and keys.
    pub rotation: Rotation,
    /// Longest sequence that the model was trained on, in tokens.
    pub context_length: usize,
}

/// Variants of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Llama, Lucie, SmolLM2, Mistral 7B and the like.
    Llama,
    /// With biases on query, key and value.
    Qwen2,
    /// With normalized queries and keys.
    Qwen3,
}

/// Rotary position embedding. Source: Su et al., "RoFormer", 2021.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    /// Which entries of a head turn together.
    pub pairs: RotatedPairs,
    /// Angle per position, in radians, of each pair, one at least; pairs beyond the last are not turned.
    pub frequencies: Vec<f32>,
}

/// Which entries of a head turn together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotatedPairs {
    /// Neighbours: how GGUF files of Llama models are written.
    Neighbours,
    /// Entry i of the first half with entry i of the second: all others.
    Halves,
}

/// More than any size of a network, so that products of two sizes can be counted whatever a damaged file says.
const LARGEST: usize = 1 << 24;

/// Longer than any context.
const LONGEST: usize = 1 << 31;

/// Why a model's configuration can't be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The configuration file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The configuration file is not JSON.
    #[error("{path} is not a readable configuration")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// A setting is absent or not a number of its kind.
    #[error("{path}: {field} is missing or not {expected}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The setting.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The network is of a kind that is not computed here.
    #[error("{path}: {field} = {found} is not supported (expected {expected})")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The setting.
        field: String,
        /// Its value.
        found: String,
        /// What would have been accepted.
        expected: &'static str,
    },
}

impl LlamaConfig {
    /// Reads the metadata of a GGUF file; `path` is named in errors, and `factors` are those of the tensor
    /// `rope_freqs.weight`, by which frequencies are divided.
    pub(crate) fn of_gguf(path: &Path, content: &Content, factors: Option<&[f32]>) -> Result<LlamaConfig, ConfigError> {
        let metadata = Metadata { path, content };
        let name = metadata.text("general.architecture")?;
        let architecture = match name.as_str() {
            "llama" => Architecture::Llama,
            "qwen2" => Architecture::Qwen2,
            "qwen3" => Architecture::Qwen3,
            _ => {
                return Err(unsupported(
                    path,
                    "general.architecture",
                    &name,
                    "llama, qwen2 or qwen3",
                ));
            }
        };
        let number = |field: &str| metadata.number(&format!("{name}.{field}"));
        if let Ok(experts) = number("expert_count")
            && experts > 0
        {
            return Err(unsupported(path, "expert_count", &experts.to_string(), "no experts"));
        }
        let (hidden_size, heads) = (number("embedding_length")?, number("attention.head_count")?);
        let head_dim = number("attention.key_length").unwrap_or(hidden_size / heads.max(1));
        let rotated = number("rope.dimension_count").unwrap_or(head_dim);
        check_head(path, head_dim, rotated)?;
        let theta = metadata.float(&format!("{name}.rope.freq_base")).unwrap_or(10_000.0);
        let scaling = match metadata.text(&format!("{name}.rope.scaling.type")) {
            Err(_) => Scaling::None,
            Ok(kind) if kind == "none" => Scaling::None,
            Ok(kind) if kind == "linear" => Scaling::Linear(metadata.float(&format!("{name}.rope.scaling.factor"))?),
            Ok(kind) => return Err(unsupported(path, "rope.scaling.type", &kind, "none or linear")),
        };
        let mut frequencies = scaling.frequencies(theta, rotated);
        if let Some(factors) = factors {
            frequencies
                .iter_mut()
                .zip(factors)
                .for_each(|(frequency, factor)| *frequency /= factor);
        }
        let config = LlamaConfig {
            architecture,
            hidden_size,
            layers: number("block_count")?,
            heads,
            kv_heads: number("attention.head_count_kv").unwrap_or(heads),
            head_dim,
            intermediate_size: number("feed_forward_length")?,
            rms_norm_eps: metadata.float(&format!("{name}.attention.layer_norm_rms_epsilon"))?,
            rotation: Rotation {
                pairs: if architecture == Architecture::Llama {
                    RotatedPairs::Neighbours
                } else {
                    RotatedPairs::Halves
                },
                frequencies,
            },
            context_length: number("context_length")?,
        };
        config.checked(path)
    }

    /// Reads `config.json` of a directory of safetensors files.
    pub(crate) fn of_directory(directory: &Path) -> Result<LlamaConfig, ConfigError> {
        let path = &directory.join("config.json");
        let text = std::fs::read(path).map_err(|source| ConfigError::Read {
            path: path.clone(),
            source,
        })?;
        let json: Json = serde_json::from_slice(&text).map_err(|source| ConfigError::Parse {
            path: path.clone(),
            source,
        })?;
        LlamaConfig::of_json(path, &json)
    }

    fn of_json(path: &Path, json: &Json) -> Result<LlamaConfig, ConfigError> {
        let name = json["model_type"].as_str().unwrap_or_default();
        let architecture = match name {
            "llama" | "mistral" => Architecture::Llama,
            "qwen2" => Architecture::Qwen2,
            "qwen3" => Architecture::Qwen3,
            _ => return Err(unsupported(path, "model_type", name, "llama, mistral, qwen2 or qwen3")),
        };
        match json["hidden_act"].as_str() {
            None | Some("silu") => {}
            Some(found) => return Err(unsupported(path, "hidden_act", found, "silu")),
        }
        let number = |field: &str| {
            let number = json[field].as_u64().and_then(|number| usize::try_from(number).ok());
            number.ok_or_else(|| missing(path, field, "a whole number"))
        };
        let (hidden_size, heads) = (number("hidden_size")?, number("num_attention_heads")?);
        let head_dim = number("head_dim").unwrap_or(hidden_size / heads.max(1));
        check_head(path, head_dim, head_dim)?;
        let eps = json["rms_norm_eps"].as_f64();
        let (theta, scaling) = Scaling::of_json(path, json)?;
        // Within the window, a sliding one sees all.
        let slides = name == "mistral" || json["use_sliding_window"] == true;
        let window = number("sliding_window").ok().filter(|_| slides).unwrap_or(usize::MAX);
        let config = LlamaConfig {
            architecture,
            hidden_size,
            layers: number("num_hidden_layers")?,
            heads,
            kv_heads: number("num_key_value_heads").unwrap_or(heads),
            head_dim,
            intermediate_size: number("intermediate_size")?,
            rms_norm_eps: eps.ok_or_else(|| missing(path, "rms_norm_eps", "a number"))? as f32,
            rotation: Rotation {
                pairs: RotatedPairs::Halves,
                frequencies: scaling.frequencies(theta, head_dim),
            },
            context_length: number("max_position_embeddings")?.min(window),
        };
        config.checked(path)
    }

    fn checked(self, path: &Path) -> Result<LlamaConfig, ConfigError> {
        let refuse = |field: &str, found: usize, expected| Err(unsupported(path, field, &found.to_string(), expected));
        if self.heads == 0 || self.kv_heads == 0 || !self.heads.is_multiple_of(self.kv_heads) {
            return refuse(
                "number of key-value heads",
                self.kv_heads,
                "a divisor of the number of heads",
            );
        }
        for (field, found) in [
            ("number of heads", self.heads),
            ("hidden size", self.hidden_size),
            ("number of layers", self.layers),
            ("feed-forward size", self.intermediate_size),
        ] {
            if found == 0 || found > LARGEST {
                return refuse(field, found, "1 to 16777216");
            }
        }
        if self.context_length == 0 {
            return refuse("context length", self.context_length, "more");
        }
        let mut frequencies = self.rotation.frequencies.iter();
        if let Some(found) = frequencies.find(|frequency| !frequency.is_finite()) {
            return Err(unsupported(
                path,
                "frequency of rotation",
                &found.to_string(),
                "a finite number",
            ));
        }
        Ok(LlamaConfig {
            context_length: self.context_length.min(LONGEST),
            ..self
        })
    }
}

/// Refuses what is not computed here of a head, before anything is made as large as a file says.
fn check_head(path: &Path, head_dim: usize, rotated: usize) -> Result<(), ConfigError> {
    let refuse = |field: &str, found: usize, expected| Err(unsupported(path, field, &found.to_string(), expected));
    if head_dim == 0 || head_dim > 1 << 16 || !head_dim.is_multiple_of(16) {
        return refuse("width of a head", head_dim, "a multiple of 16, up to 65536");
    }
    if rotated == 0 || rotated > head_dim || !rotated.is_multiple_of(2) {
        return refuse("rotated entries", rotated, "an even number, at most a head");
    }
    Ok(())
}

/// How frequencies are stretched for longer contexts.
#[derive(Clone, Copy, Debug)]
enum Scaling {
    None,
    Linear(f32),
    /// Source: Llama 3.1's `apply_scaling`: low frequencies are divided by `factor`, high ones kept, those between
    /// blended.
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        context: f64,
    },
}

impl Scaling {
    /// Base and scaling of a `config.json`: in `rope_parameters` (transformers 5) or `rope_scaling` and `rope_theta`.
    fn of_json(path: &Path, json: &Json) -> Result<(f32, Scaling), ConfigError> {
        let newer = &json["rope_parameters"];
        let scaling = if newer.is_object() {
            newer
        } else {
            &json["rope_scaling"]
        };
        let theta = newer["rope_theta"].as_f64().or(json["rope_theta"].as_f64());
        let kind = scaling["rope_type"].as_str().or(scaling["type"].as_str());
        let number = |field: &str| scaling[field].as_f64().ok_or_else(|| missing(path, field, "a number"));
        let scaling = match kind {
            None | Some("default") => Scaling::None,
            Some("linear") => Scaling::Linear(number("factor")? as f32),
            Some("llama3") => Scaling::Llama3 {
                factor: number("factor")?,
                low: number("low_freq_factor")?,
                high: number("high_freq_factor")?,
                context: number("original_max_position_embeddings")?,
            },
            Some(other) => return Err(unsupported(path, "rope_type", other, "default, linear or llama3")),
        };
        Ok((theta.unwrap_or(10_000.0) as f32, scaling))
    }

    fn frequencies(self, theta: f32, rotated: usize) -> Vec<f32> {
        let plain = (0..rotated / 2).map(|pair| f64::from(theta).powf(-2.0 * pair as f64 / rotated as f64));
        plain.map(|frequency| self.scaled(frequency) as f32).collect()
    }

    fn scaled(self, frequency: f64) -> f64 {
        match self {
            Scaling::None => frequency,
            Scaling::Linear(factor) => frequency / f64::from(factor),
            Scaling::Llama3 {
                factor,
                low,
                high,
                context,
            } => {
                let turns = context * frequency / std::f64::consts::TAU;
                let kept = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                frequency * (kept + (1.0 - kept) / factor)
            }
        }
    }
}

/// The metadata of a GGUF file.
struct Metadata<'a> {
    path: &'a Path,
    content: &'a Content,
}

impl Metadata<'_> {
    fn text(&self, key: &str) -> Result<String, ConfigError> {
        match self.content.metadata.get(key) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(missing(self.path, key, "a text")),
        }
    }

    fn number(&self, key: &str) -> Result<usize, ConfigError> {
        let number = self.content.metadata.get(key).and_then(whole_number);
        number.ok_or_else(|| missing(self.path, key, "a whole number"))
    }

    fn float(&self, key: &str) -> Result<f32, ConfigError> {
        let value = self.content.metadata.get(key);
        let number = value.and_then(|value| value.to_f32().ok().or(value.to_f64().ok().map(|number| number as f32)));
        number.ok_or_else(|| missing(self.path, key, "a number"))
    }
}

/// A value of any integer type.
pub(crate) fn whole_number(value: &Value) -> Option<usize> {
    match *value {
        Value::U8(number) => Some(number.into()),
        Value::U16(number) => Some(number.into()),
        Value::U32(number) => usize::try_from(number).ok(),
        Value::U64(number) => usize::try_from(number).ok(),
        Value::I8(number) => usize::try_from(number).ok(),
        Value::I16(number) => usize::try_from(number).ok(),
        Value::I32(number) => usize::try_from(number).ok(),
        Value::I64(number) => usize::try_from(number).ok(),
        _ => None,
    }
}

fn missing(path: &Path, field: &str, expected: &'static str) -> ConfigError {
    ConfigError::Missing {
        path: path.to_owned(),
        field: field.to_owned(),
        expected,
    }
}

fn unsupported(path: &Path, field: &str, found: &str, expected: &'static str) -> ConfigError {
    ConfigError::Unsupported {
        path: path.to_owned(),
        field: field.to_owned(),
        found: found.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::gguf;

    fn config(more: &str) -> Result<LlamaConfig, String> {
        let text = format!(
            r#"{{"model_type":"llama","hidden_size":64,"num_hidden_layers":2,"num_attention_heads":4,
            "num_key_value_heads":2,"intermediate_size":128,"max_position_embeddings":32000,"rms_norm_eps":1e-5{more}}}"#
        );
        let json = serde_json::from_str(&text).unwrap();
        LlamaConfig::of_json(Path::new("config.json"), &json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_plain_configuration_turns_halves_by_theta() {
        let config = config(r#","rope_theta":20000000"#).unwrap();
        assert_eq!((config.head_dim, config.context_length), (16, 32000));
        assert_eq!(config.rotation.frequencies[0], 1.0);
        assert!((f64::from(config.rotation.frequencies[4]) - 2e7_f64.powf(-0.5)).abs() < 1e-9);
    }

    #[test]
    fn llama_3_divides_low_frequencies_alone() {
        let config = config(
            r#","rope_theta":500000,"rope_scaling":{"rope_type":"llama3","factor":32.0,"low_freq_factor":1.0,
            "high_freq_factor":4.0,"original_max_position_embeddings":8192}"#,
        );
        let frequencies = config.unwrap().rotation.frequencies;
        let plain = |pair: i32| 5e5_f64.powf(-2.0 * f64::from(pair) / 16.0);
        assert_eq!(frequencies[0], 1.0);
        assert!((f64::from(frequencies[7]) / (plain(7) / 32.0) - 1.0).abs() < 1e-6);
        assert!((f64::from(frequencies[3]) / plain(3) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_computed_is_refused_by_name() {
        let refused = |more: &str| config(more).unwrap_err();
        assert!(refused(r#","hidden_act":"gelu""#).contains("hidden_act"));
        assert!(refused(r#","rope_scaling":{"rope_type":"yarn","factor":2}"#).contains("yarn"));
        assert!(refused(r#","head_dim":20"#).contains("width of a head"));
    }

    fn of_gguf(more: Vec<(&str, Value)>, factors: Option<&[f32]>) -> Result<LlamaConfig, String> {
        let metadata = vec![
            ("general.architecture", Value::String("llama".to_owned())),
            ("llama.embedding_length", Value::U32(64)),
            ("llama.block_count", Value::U32(2)),
            ("llama.attention.head_count", Value::U32(4)),
            ("llama.feed_forward_length", Value::U32(128)),
            ("llama.context_length", Value::U32(512)),
            ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ];
        // What comes later stands.
        let content = gguf(metadata.into_iter().chain(more).collect());
        LlamaConfig::of_gguf(Path::new("model.gguf"), &content, factors).map_err(|error| error.to_string())
    }

    #[test]
    fn rotations_of_no_pair_of_half_a_pair_or_of_more_than_a_head_are_refused() {
        let rotated = |count: u64| of_gguf(vec![("llama.rope.dimension_count", Value::U64(count))], None);
        assert_eq!(rotated(8).unwrap().rotation.frequencies.len(), 4);
        for count in [0, 7, 18, u64::MAX - 1] {
            let error = rotated(count).unwrap_err();
            assert!(error.contains("rotated entries"), "{error}");
        }
        let error = of_gguf(Vec::new(), Some(&[0.0; 8])).unwrap_err();
        assert!(error.contains("frequency of rotation"), "{error}");
    }

    #[test]
    fn sizes_beyond_counting_are_refused() {
        for key in ["block_count", "feed_forward_length", "attention.head_count"] {
            let key = format!("llama.{key}");
            let huge = vec![
                (key.as_str(), Value::U64(1 << 60)),
                ("llama.attention.key_length", Value::U32(16)),
            ];
            let error = of_gguf(huge, None).unwrap_err();
            assert!(error.contains("1152921504606846976"), "{error}");
        }
        let longest = of_gguf(vec![("llama.context_length", Value::U64(u64::MAX))], None);
        assert_eq!(longest.unwrap().context_length, LONGEST);
    }
}
