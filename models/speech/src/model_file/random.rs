//! Writes model files of true shape with random weights, for tests and benchmarks: the same arithmetic as a trained model
//! of that shape, and no sense in what it says.

use std::io::Write;

use half::f16;

use super::SPECTRUM_LINES;
use super::layout::{ModelDimensions, TensorLayout, TensorType, tensor_layout};
use super::mel_filters::mel_filters;
use super::reader::MAGIC;
use crate::random::SplitMix;

/// A random model cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RandomModelError {
    /// Only f16 and q8_0 are written.
    #[error("random models are written as F16 or Q8_0, not {weights:?}")]
    WeightType {
        /// What was asked for.
        weights: TensorType,
    },
    /// The dimensions are none of a model.
    #[error("no model has these dimensions: {problem}")]
    Dimensions {
        /// What is wrong.
        problem: String,
    },
    /// The writer failed.
    #[error("cannot write the random model")]
    Write(#[from] std::io::Error),
}

/// Writes a model of these `dimensions` with weights drawn by `seed`; the same arguments give the same bytes. The words
/// of its vocabulary are syllables.
///
/// # Errors
/// For dimensions and types that no model has, and when `out` fails.
pub fn write_random_model(
    dimensions: &ModelDimensions,
    weights: TensorType,
    seed: u64,
    out: &mut impl Write,
) -> Result<(), RandomModelError> {
    let file_type = match weights {
        TensorType::F16 => 1_i32,
        TensorType::Q8_0 => 2007,
        _ => return Err(RandomModelError::WeightType { weights }),
    };
    dimensions
        .check(weights)
        .map_err(|problem| RandomModelError::Dimensions { problem })?;
    let d = dimensions;
    let header = [
        [
            MAGIC,
            d.vocabulary,
            d.audio_context,
            d.audio_state,
            d.audio_heads,
            d.audio_layers,
        ],
        [
            d.text_context,
            d.text_state,
            d.text_heads,
            d.text_layers,
            d.mels,
            file_type,
        ],
    ];
    write_i32(out, header.as_flattened())?;
    write_i32(out, &[d.mels, SPECTRUM_LINES])?;
    write_f32(out, &mel_filters(d.mels as usize))?;
    write_vocabulary(out, if d.is_multilingual() { 50_257 } else { 50_256 })?;
    let mut random = SplitMix(seed);
    for tensor in tensor_layout(dimensions, weights) {
        write_tensor(out, &tensor, &mut random)?;
    }
    Ok(())
}

/// Writes a file of Silero's shape with random weights.
#[cfg(test)]
pub(crate) fn write_random_silero(seed: u64, out: &mut impl Write) -> std::io::Result<()> {
    write_i32(out, &[MAGIC, 10])?;
    out.write_all(b"silero-16k")?;
    write_i32(out, &[6, 2, 0])?;
    write_i32(out, &super::silero::SHAPE)?;
    let mut random = SplitMix(seed);
    super::silero::silero_layout()
        .iter()
        .try_for_each(|tensor| write_tensor(out, tensor, &mut random))
}

fn write_vocabulary(out: &mut impl Write, words: u32) -> std::io::Result<()> {
    write_i32(out, &[words as i32])?;
    for word in 0..words {
        let word = word_bytes(word);
        write_i32(out, &[word.len() as i32])?;
        out.write_all(&word)?;
    }
    Ok(())
}

/// The 256 bytes, then a space and one to three syllables: no two are the same.
fn word_bytes(word: u32) -> Vec<u8> {
    let Some(mut number) = word.checked_sub(256) else {
        return vec![word as u8];
    };
    let mut bytes = vec![b' '];
    let mut words_of_length = 100;
    let mut syllables = 1;
    while number >= words_of_length {
        number -= words_of_length;
        words_of_length *= 100;
        syllables += 1;
    }
    for _ in 0..syllables {
        bytes.push(b"bcdfghjklmnprstvwxyz"[(number % 20) as usize]);
        bytes.push(b"aeiou"[(number / 20 % 5) as usize]);
        number /= 100;
    }
    bytes
}

fn write_tensor(out: &mut impl Write, tensor: &TensorLayout, random: &mut SplitMix) -> std::io::Result<()> {
    let dimensions = 4 - tensor
        .shape
        .iter()
        .rev()
        .take_while(|&&dimension| dimension == 1)
        .count();
    // whisper.cpp wants the biases of the convolutions as matrices of one row.
    let dimensions = dimensions.max(1);
    write_i32(out, &[dimensions as i32, tensor.name.len() as i32, tensor.kind.code()])?;
    write_i32(out, &tensor.shape[..dimensions])?;
    out.write_all(tensor.name.as_bytes())?;
    let values: usize = tensor.shape.iter().map(|&dimension| dimension as usize).product();
    let mut row = Vec::new();
    for from in (0..values).step_by(1 << 16) {
        row.clear();
        row.extend((from..values.min(from + (1 << 16))).map(|_| initial_value(&tensor.name, random)));
        write_values(out, &row, tensor.kind)?;
    }
    Ok(())
}

/// Weights small enough for sums not to grow from layer to layer; normalizations that change nothing.
fn initial_value(name: &str, random: &mut SplitMix) -> f32 {
    match name {
        _ if name.ends_with("ln.weight") || name.ends_with("ln_post.weight") => 1.0,
        _ if name.ends_with(".bias") => 0.0,
        _ => 0.08 * random.centred(),
    }
}

fn write_values(out: &mut impl Write, values: &[f32], kind: TensorType) -> std::io::Result<()> {
    match kind {
        TensorType::F16 => {
            let bytes: Vec<u8> = values
                .iter()
                .flat_map(|&value| f16::from_f32(value).to_le_bytes())
                .collect();
            out.write_all(&bytes)
        }
        TensorType::Q8_0 => {
            let mut bytes = Vec::with_capacity(values.len() / 32 * 34);
            for block in values.chunks_exact(32) {
                let peak = block.iter().fold(0.0_f32, |peak, value| peak.max(value.abs()));
                let scale = peak / 127.0;
                bytes.extend(f16::from_f32(scale).to_le_bytes());
                bytes.extend(
                    block
                        .iter()
                        .map(|value| (value / scale.max(f32::MIN_POSITIVE)).round() as i8 as u8),
                );
            }
            out.write_all(&bytes)
        }
        _ => write_f32(out, values),
    }
}

fn write_i32(out: &mut impl Write, values: &[i32]) -> std::io::Result<()> {
    values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
}

fn write_f32(out: &mut impl Write, values: &[f32]) -> std::io::Result<()> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    out.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_are_all_different() {
        let words: BTreeSet<_> = (0..50_257).map(word_bytes).collect();
        assert_eq!(words.len(), 50_257);
        assert!(words.contains(&b" "[..]));
    }
}
