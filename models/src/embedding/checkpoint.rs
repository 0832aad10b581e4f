//! A checkpoint's tensors by name, as f32, each checked for its shape when it is taken.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};

use super::sentence_encoder::LoadEncoderError;

/// The encoders' names may stand under the name of the class that was saved.
const PREFIXES: [&str; 4] = ["", "bert.", "roberta.", "0.auto_model."];

/// The tensors of one safetensors file.
pub(super) struct Checkpoint {
    tensors: HashMap<String, Tensor>,
    prefix: &'static str,
}

impl Checkpoint {
    /// Parses the bytes of a safetensors file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Checkpoint, LoadEncoderError> {
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(LoadEncoderError::Weights)?;
        let known = |prefix: &&str| tensors.contains_key(&format!("{prefix}embeddings.word_embeddings.weight"));
        let prefix = PREFIXES.into_iter().find(known).unwrap_or_default();
        Ok(Checkpoint { tensors, prefix })
    }

    /// Takes a tensor out, as f32.
    ///
    /// # Errors
    /// When the checkpoint lacks it or holds another shape.
    pub(super) fn take(&mut self, name: &str, expected: &[usize]) -> Result<Tensor, LoadEncoderError> {
        let name = format!("{}{name}", self.prefix);
        let Some(tensor) = self.tensors.remove(&name) else {
            return Err(LoadEncoderError::MissingTensor { name });
        };
        if tensor.dims() != expected {
            let found = tensor.dims().to_vec();
            return Err(LoadEncoderError::TensorShape {
                name,
                expected: expected.to_vec(),
                found,
            });
        }
        tensor.to_dtype(DType::F32).map_err(LoadEncoderError::Weights)
    }

    /// Takes the first `rows` rows of a matrix of at least that many rows.
    pub(super) fn take_rows(&mut self, name: &str, rows: usize, columns: usize) -> Result<Tensor, LoadEncoderError> {
        let full_name = format!("{}{name}", self.prefix);
        let found = self.tensors.get(&full_name).and_then(|tensor| tensor.dims2().ok());
        let Some((found_rows, _)) = found.filter(|(found, width)| *found >= rows && *width == columns) else {
            return self.take(name, &[rows, columns]);
        };
        self.take(name, &[found_rows, columns])?
            .narrow(0, 0, rows)
            .map_err(LoadEncoderError::Weights)
    }
}
