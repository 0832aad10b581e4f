//! A model's tensors by name, as they lie in mapped files: one GGUF file, or a directory of safetensors.

use std::collections::HashMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::Content;
use safetensors::{Dtype, SafeTensors};
use thiserror::Error;

use crate::config::{ConfigError, LlamaConfig, whole_number};
use crate::matrix::{Bytes, Format, Matrix};

/// Why weights can't be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// A file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not GGUF, or damaged.
    #[error("{path} is not a readable GGUF file")]
    Gguf {
        /// The file.
        path: PathBuf,
        /// What candle said.
        #[source]
        source: candle_core::Error,
    },
    /// The file is not safetensors, or damaged.
    #[error("{path} is not a readable safetensors file")]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What the safetensors crate said.
        #[source]
        source: safetensors::SafeTensorError,
    },
    /// The directory holds no weights.
    #[error("{path} holds no .safetensors file")]
    NoWeights {
        /// The directory.
        path: PathBuf,
    },
    /// The file is one of several.
    #[error("{path} is one of {parts} parts: join them with llama-gguf-split --merge")]
    Split {
        /// The file.
        path: PathBuf,
        /// How many there are.
        parts: usize,
    },
    /// The configuration can't be used.
    #[error("the model's configuration can't be used")]
    Config(#[from] ConfigError),
    /// A tensor is absent.
    #[error("{path} lacks the tensor {name}")]
    MissingTensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error("{path}: the tensor {name} has shape {found:?}, the configuration asks for {expected:?}")]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// By the configuration, outputs first.
        expected: Vec<usize>,
        /// In the file.
        found: Vec<usize>,
    },
    /// A tensor is written in a format that is not read here.
    #[error("{path}: the tensor {name} is written as {found}; F32, F16, BF16, Q4_0 to Q8_0 and Q4_K to Q6_K are read")]
    TensorFormat {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its format.
        found: String,
    },
    /// The file ends before its tensors do.
    #[error("{path} ends before the tensor {name} does: it was not downloaded or copied whole")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
}

/// The tensors and settings of one model.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) path: PathBuf,
    pub(crate) config: LlamaConfig,
    pub(crate) naming: Naming,
    /// Of a GGUF file.
    pub(crate) content: Option<Content>,
    tensors: HashMap<String, Stored>,
}

/// Whose names tensors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    Gguf,
    Transformers,
}

#[derive(Clone, Debug)]
struct Stored {
    bytes: Bytes,
    format: Result<Format, String>,
    /// Outputs first.
    shape: Vec<usize>,
}

impl Checkpoint {
    /// Opens a GGUF file or a directory of safetensors files. Weights are not read yet.
    pub(crate) fn open(path: &Path) -> Result<Checkpoint, CheckpointError> {
        if path.is_dir() {
            Checkpoint::open_directory(path)
        } else {
            Checkpoint::open_gguf(path)
        }
    }

    fn open_gguf(path: &Path) -> Result<Checkpoint, CheckpointError> {
        let bytes = map(path)?;
        let content = read_header(&bytes).map_err(|source| CheckpointError::Gguf {
            path: path.to_owned(),
            source,
        })?;
        if let Some(parts) = content.metadata.get("split.count").and_then(whole_number)
            && parts > 1
        {
            return Err(CheckpointError::Split {
                path: path.to_owned(),
                parts,
            });
        }
        let mut tensors = HashMap::new();
        for (name, info) in &content.tensor_infos {
            let shape = info.shape.dims().to_vec();
            let format = Format::of_ggml(info.ggml_dtype).ok_or_else(|| format!("{:?}", info.ggml_dtype));
            let start = content.tensor_data_offset.checked_add(info.offset);
            let start = start.and_then(|start| usize::try_from(start).ok());
            let range = start
                .zip(size_of_tensor(&shape, info.ggml_dtype))
                .and_then(|(start, size)| Some(start..start.checked_add(size)?));
            let Some(bytes) = range.and_then(|range| bytes.part(range)) else {
                return Err(truncated(path, name));
            };
            tensors.insert(name.clone(), Stored { bytes, format, shape });
        }
        let factors = tensors.get("rope_freqs.weight").map(Stored::floats);
        let config = LlamaConfig::of_gguf(path, &content, factors.as_deref())?;
        Ok(Checkpoint {
            path: path.to_owned(),
            config,
            naming: Naming::Gguf,
            content: Some(content),
            tensors,
        })
    }

    fn open_directory(directory: &Path) -> Result<Checkpoint, CheckpointError> {
        let read_error = |source| CheckpointError::Read {
            path: directory.to_owned(),
            source,
        };
        let config = LlamaConfig::of_directory(directory)?;
        let mut tensors = HashMap::new();
        for entry in std::fs::read_dir(directory).map_err(read_error)? {
            let path = entry.map_err(read_error)?.path();
            if path.extension().is_some_and(|extension| extension == "safetensors") {
                add_safetensors(&path, &mut tensors)?;
            }
        }
        if tensors.is_empty() {
            return Err(CheckpointError::NoWeights {
                path: directory.to_owned(),
            });
        }
        Ok(Checkpoint {
            path: directory.to_owned(),
            config,
            naming: Naming::Transformers,
            content: None,
            tensors,
        })
    }

    /// Whether there is such a tensor.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// First entry of a tensor's shape: the vocabulary, of an embedding.
    pub(crate) fn rows_of(&self, name: &str) -> Option<usize> {
        self.tensors.get(name).and_then(|stored| stored.shape.first().copied())
    }

    /// Bytes of all tensors.
    pub(crate) fn bytes(&self) -> usize {
        self.tensors.values().map(|stored| stored.bytes.len()).sum()
    }

    /// A matrix, with the bias of that name if there is one.
    pub(crate) fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, CheckpointError> {
        let (stored, format) = self.find(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = format!("{name}.bias");
        let bias = self.has(&bias).then(|| self.vector(&bias, outputs)).transpose()?;
        Ok(Matrix::new(stored.bytes.clone(), format, outputs, inputs).with_bias(bias))
    }

    /// A vector, as floats.
    pub(crate) fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, CheckpointError> {
        self.find(name, &[length]).map(|(stored, _)| stored.floats())
    }

    fn find(&self, name: &str, expected: &[usize]) -> Result<(&Stored, Format), CheckpointError> {
        let (path, owned) = (self.path.clone(), name.to_owned());
        let Some(stored) = self.tensors.get(name) else {
            return Err(CheckpointError::MissingTensor { path, name: owned });
        };
        let format = match &stored.format {
            Ok(format) => *format,
            Err(found) => {
                let found = found.clone();
                return Err(CheckpointError::TensorFormat {
                    path,
                    name: owned,
                    found,
                });
            }
        };
        let whole = expected
            .last()
            .is_some_and(|width| width.is_multiple_of(format.block_weights()));
        if stored.shape != expected || !whole {
            return Err(CheckpointError::TensorShape {
                path,
                name: owned,
                expected: expected.to_vec(),
                found: stored.shape.clone(),
            });
        }
        Ok((stored, format))
    }
}

impl Stored {
    fn floats(&self) -> Vec<f32> {
        let mut floats = vec![0.0; self.shape.iter().product()];
        if let Ok(format) = self.format {
            format.to_floats(&self.bytes, &mut floats);
        }
        floats
    }
}

fn map(path: &Path) -> Result<Bytes, CheckpointError> {
    Bytes::map(path).map_err(|source| CheckpointError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The metadata and the list of tensors.
fn read_header(bytes: &[u8]) -> candle_core::Result<Content> {
    if has_zero_alignment(bytes) {
        // candle would divide by it.
        return Err(candle_core::Error::msg("general.alignment is 0"));
    }
    caught(|| Content::read(&mut Cursor::new(bytes)))
}

/// Whether a header says that tensors begin at multiples of 0. The key comes early: what is general is written first.
fn has_zero_alignment(bytes: &[u8]) -> bool {
    const KEY: &[u8] = b"general.alignment";
    let header = &bytes[..bytes.len().min(1 << 16)];
    let at = header.windows(KEY.len()).position(|window| window == KEY);
    let value = at.and_then(|at| header.get(at + KEY.len()..));
    // The kind (4 is a whole number of 32 bits), then the number.
    value.is_some_and(|value| value.starts_with(&[4, 0, 0, 0, 0, 0, 0, 0]))
}

/// Calls what reads a file by another crate, and makes an error of a panic: some files are damaged in ways that nobody
/// has thought of.
pub(crate) fn caught<T>(read: impl FnOnce() -> candle_core::Result<T>) -> candle_core::Result<T> {
    // Whoever reads makes something new, so nothing is left half changed.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(candle_core::Error::msg("it is damaged")))
}

/// Bytes of a tensor, unless they are more than can be counted.
fn size_of_tensor(shape: &[usize], kind: GgmlDType) -> Option<usize> {
    let weights = shape
        .iter()
        .try_fold(1_usize, |product, size| product.checked_mul(*size))?;
    (weights / kind.block_size()).checked_mul(kind.type_size())
}

fn truncated(path: &Path, name: &str) -> CheckpointError {
    CheckpointError::Truncated {
        path: path.to_owned(),
        name: name.to_owned(),
    }
}

fn add_safetensors(path: &Path, tensors: &mut HashMap<String, Stored>) -> Result<(), CheckpointError> {
    let bytes = map(path)?;
    let fail = |source| CheckpointError::Safetensors {
        path: path.to_owned(),
        source,
    };
    let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(fail)?;
    let first = header + size_of::<u64>();
    for (name, info) in metadata.tensors() {
        let format = match info.dtype {
            Dtype::F32 => Ok(Format::F32),
            Dtype::F16 => Ok(Format::F16),
            Dtype::BF16 => Ok(Format::Bf16),
            other => Err(format!("{other:?}")),
        };
        let range = first + info.data_offsets.0..first + info.data_offsets.1;
        let bytes = bytes.part(range).ok_or_else(|| truncated(path, &name))?;
        let shape = info.shape.clone();
        tensors.insert(name, Stored { bytes, format, shape });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::QTensor;
    use candle_core::quantized::gguf_file::{self, Value};
    use candle_core::{DType, Device, Tensor};

    use super::*;
    use crate::model::ModelDescription;

    /// A model of one layer, as candle writes it.
    fn model(more: &[(&str, &Value)]) -> Vec<u8> {
        let name = Value::String("llama".to_owned());
        let (size, layers, eps) = (Value::U32(16), Value::U32(1), Value::F32(1e-5));
        let metadata = [
            ("general.architecture", &name),
            ("llama.embedding_length", &size),
            ("llama.feed_forward_length", &size),
            ("llama.context_length", &size),
            ("llama.rope.dimension_count", &size),
            ("llama.block_count", &layers),
            ("llama.attention.head_count", &layers),
            ("llama.attention.layer_norm_rms_epsilon", &eps),
        ];
        let vectors = ["output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"].map(|name| (name, vec![16_usize]));
        let matrices = [
            "token_embd",
            "blk.0.attn_q",
            "blk.0.attn_k",
            "blk.0.attn_v",
            "blk.0.attn_output",
            "blk.0.ffn_gate",
            "blk.0.ffn_up",
            "blk.0.ffn_down",
        ];
        let shapes = vectors.into_iter().chain(matrices.map(|name| (name, vec![16, 16])));
        let tensors: Vec<(String, QTensor)> = shapes
            .map(|(name, shape)| {
                let zeros = Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
                let tensor = QTensor::quantize(&zeros, GgmlDType::F32).unwrap();
                (format!("{name}.weight"), tensor)
            })
            .collect();
        let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let mut file = Cursor::new(Vec::new());
        gguf_file::write(&mut file, &[&metadata[..], more].concat(), &tensors).unwrap();
        file.into_inner()
    }

    fn read(file: &[u8]) -> Result<ModelDescription, CheckpointError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.gguf");
        std::fs::write(&path, file).unwrap();
        ModelDescription::read(&path)
    }

    #[test]
    fn a_damaged_header_is_an_error_and_no_panic() {
        let whole = model(&[]);
        assert_eq!(read(&whole).unwrap().vocabulary, 16);
        let header = usize::try_from(read_header(&whole).unwrap().tensor_data_offset).unwrap();
        for at in 0..header {
            assert!(read(&whole[..at]).is_err(), "cut at {at}");
            for byte in [0, 1, 0xFF] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                // Some changes do no harm.
                let _ = read(&damaged);
            }
        }
    }

    #[test]
    fn an_alignment_of_nothing_is_refused_whatever_its_kind() {
        for zero in [Value::U32(0), Value::U8(0), Value::I32(0)] {
            let error = read(&model(&[("general.alignment", &zero)])).unwrap_err();
            assert!(matches!(error, CheckpointError::Gguf { .. }), "{error}");
        }
        assert!(read(&model(&[("general.alignment", &Value::U32(32))])).is_ok());
    }

    #[test]
    fn sizes_that_cannot_be_counted_are_refused() {
        assert_eq!(size_of_tensor(&[2, 256], GgmlDType::Q4K), Some(288));
        assert_eq!(size_of_tensor(&[usize::MAX, 2], GgmlDType::F32), None);
        assert_eq!(size_of_tensor(&[usize::MAX], GgmlDType::F32), None);
        // The offset of the second tensor, the first being 16 numbers.
        let mut file = model(&[]);
        let header = usize::try_from(read_header(&file).unwrap().tensor_data_offset).unwrap();
        let at = file[..header]
            .windows(8)
            .rposition(|bytes| bytes == 64_u64.to_le_bytes());
        let at = at.expect("the list of tensors has offsets");
        file[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        let error = read(&file).unwrap_err();
        assert!(matches!(error, CheckpointError::Truncated { .. }), "{error}");
    }
}
