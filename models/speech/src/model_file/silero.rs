//! Is this the file of Silero's detector that whisper.cpp can load? Its shape is fixed, so it is compared value by value.

use std::path::Path;

use super::ModelFileError;
use super::layout::{TensorLayout, TensorType};
use super::reader::GgmlReader;

/// Window and context in samples, four layers of (inputs, outputs, kernel), the recurrent layer's two sizes and the last
/// convolution's two.
pub(super) const SHAPE: [i32; 19] = [
    512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3, 128, 128, 128, 1,
];

/// Walks the file of Silero v5 or v6 in ggml form.
///
/// # Errors
/// When the file cannot be read or is not exactly such a model.
pub fn inspect_silero(path: &Path) -> Result<(), ModelFileError> {
    let mut reader = GgmlReader::open(path)?;
    reader.magic()?;
    let name_length = reader.i32()?;
    if !(1..=64).contains(&name_length) {
        return Err(reader.unusable(format!("a model name of {name_length} bytes")));
    }
    let name = reader.bytes(name_length as usize)?;
    if !name.starts_with(b"silero") {
        return Err(reader.unusable("it is no model of Silero's detector"));
    }
    reader.skip(3 * 4)?; // the version
    for (place, expected) in SHAPE.iter().enumerate() {
        let found = reader.i32()?;
        if found != *expected {
            return Err(reader.unusable(format!("dimension {place} is {found}, not {expected}")));
        }
    }
    reader.tensors(&silero_layout())
}

pub(super) fn silero_layout() -> Vec<TensorLayout> {
    let mut tensors = vec![(
        "stft.forward_basis_buffer".to_owned(),
        [256, 1, 258, 1],
        TensorType::F16,
    )];
    for (layer, [inputs, outputs]) in [[129, 128], [128, 64], [64, 64], [64, 128]].into_iter().enumerate() {
        let name = format!("encoder.{layer}.reparam_conv");
        tensors.push((format!("{name}.weight"), [3, inputs, outputs, 1], TensorType::F16));
        tensors.push((format!("{name}.bias"), [outputs, 1, 1, 1], TensorType::F32));
    }
    for side in ["ih", "hh"] {
        tensors.push((format!("decoder.rnn.weight_{side}"), [128, 512, 1, 1], TensorType::F32));
        tensors.push((format!("decoder.rnn.bias_{side}"), [512, 1, 1, 1], TensorType::F32));
    }
    tensors.push(("decoder.decoder.2.weight".to_owned(), [128, 1, 1, 1], TensorType::F16));
    tensors.push(("decoder.decoder.2.bias".to_owned(), [1, 1, 1, 1], TensorType::F32));
    tensors
        .into_iter()
        .map(|(name, shape, kind)| TensorLayout {
            name: format!("_model.{name}"),
            shape,
            kind,
        })
        .collect()
}
