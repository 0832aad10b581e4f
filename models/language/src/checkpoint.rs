//! A model's tensors by name, as they lie in mapped files: one GGUF file, or a directory of safetensors.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

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
        let content = Content::read(&mut Cursor::new(&bytes[..])).map_err(|source| CheckpointError::Gguf {
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
            let size = shape.iter().product::<usize>() / info.ggml_dtype.block_size() * info.ggml_dtype.type_size();
            let start = usize::try_from(content.tensor_data_offset + info.offset).ok();
            let range = start.and_then(|start| Some(start..start.checked_add(size)?));
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
