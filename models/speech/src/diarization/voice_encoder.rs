//! A trained voice: recurrent layers over mel frames, whose last state is alike for the same speaker.
//!
//! Source: Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018; the net and the features are
//! those of Resemblyzer (Apache-2.0), whose weights are read from its file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use models::matmul::{Function, Kernel, Lines, PackedMatrix, Product};
use models::weights::{CheckpointError, read_torch_checkpoint};
use realfft::{RealFftPlanner, RealToComplex};

use super::SpeakerEmbedding;
use crate::model_file::mel_filters;
use crate::sound::SAMPLES_PER_MS;

const BANDS: usize = 40;
const WIDTH: usize = 256;
const LAYERS: usize = 3;
/// Gates of a layer: input, forget, cell, output.
const GATES: usize = 4;
/// 25 ms, every 10 ms.
const WINDOW: usize = 25 * SAMPLES_PER_MS;
const HOP: usize = 10 * SAMPLES_PER_MS;
/// Quieter sound is raised to this level: -30 dB of full scale.
const LEVEL: f32 = 0.031_622_78;

/// A voice encoder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VoiceEncoderError {
    /// Its file cannot be read.
    #[error("reading `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("`{}` is no voice encoder; pull the model again", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: CheckpointError,
    },
    /// A tensor is missing or has another size.
    #[error("`{}` is no voice encoder: the tensor `{tensor}` is missing or of another size", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Its name.
        tensor: String,
    },
}

/// A trained speaker embedding: voices as unit vectors of 256.
pub struct VoiceEncoder {
    layers: Vec<Layer>,
    projection: Dense,
    features: MelPowers,
    scratch: Lines,
}

/// A recurrent layer (LSTM).
struct Layer {
    /// From the input and the state before to the gates, `[4 · 256, inputs + 256]`.
    gates: Dense,
    inputs: usize,
}

struct Dense {
    weights: PackedMatrix,
    bias: Vec<f32>,
}

impl VoiceEncoder {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it is no such net.
    pub fn load(path: &Path) -> Result<Self, VoiceEncoderError> {
        let bytes = std::fs::read(path).map_err(|source| VoiceEncoderError::Read {
            path: path.to_owned(),
            source,
        })?;
        let tensors = read_torch_checkpoint(&bytes, "model_state").map_err(|source| VoiceEncoderError::Checkpoint {
            path: path.to_owned(),
            source,
        })?;
        Self::from_tensors(&tensors).map_err(|tensor| VoiceEncoderError::Tensor {
            path: path.to_owned(),
            tensor,
        })
    }

    /// Of tensors by their names in PyTorch; the error is the name of one that does not fit.
    fn from_tensors(tensors: &HashMap<String, Vec<f32>>) -> Result<Self, String> {
        let tensor = |name: String, length: usize| match tensors.get(&name) {
            Some(values) if values.len() == length => Ok(values.as_slice()),
            _ => Err(name),
        };
        let kernel = Kernel::fastest();
        let outputs = GATES * WIDTH;
        let mut layers = Vec::with_capacity(LAYERS);
        for layer in 0..LAYERS {
            let inputs = if layer == 0 { BANDS } else { WIDTH };
            let of_input = tensor(format!("lstm.weight_ih_l{layer}"), outputs * inputs)?;
            let of_state = tensor(format!("lstm.weight_hh_l{layer}"), outputs * WIDTH)?;
            let biases = [
                tensor(format!("lstm.bias_ih_l{layer}"), outputs)?,
                tensor(format!("lstm.bias_hh_l{layer}"), outputs)?,
            ];
            let rows = of_input.chunks_exact(inputs).zip(of_state.chunks_exact(WIDTH));
            let weights: Vec<f32> = rows
                .flat_map(|(input, state)| input.iter().chain(state))
                .copied()
                .collect();
            let gates = Dense {
                weights: PackedMatrix::pack(kernel, &weights, outputs, inputs + WIDTH),
                bias: biases[0].iter().zip(biases[1]).map(|(a, b)| a + b).collect(),
            };
            layers.push(Layer { gates, inputs });
        }
        let projection = Dense {
            weights: PackedMatrix::pack(kernel, tensor("linear.weight".to_owned(), WIDTH * WIDTH)?, WIDTH, WIDTH),
            bias: tensor("linear.bias".to_owned(), WIDTH)?.to_vec(),
        };
        Ok(Self {
            layers,
            projection,
            features: MelPowers::new(),
            scratch: Lines::default(),
        })
    }

    /// The voices in `windows` of one length.
    fn embed_equal(&mut self, windows: &[&[f32]]) -> Vec<Vec<f32>> {
        let rows = windows.len();
        let frames: Vec<Vec<[f32; BANDS]>> = windows.iter().map(|samples| self.features.of(samples)).collect();
        let steps = frames.first().map_or(0, Vec::len);
        // One after another, for all windows at once: `[steps][rows, width]`.
        let mut sequence: Vec<Vec<f32>> = (0..steps)
            .map(|step| frames.iter().flat_map(|frames| frames[step]).collect())
            .collect();
        for layer in &self.layers {
            layer.run(&mut sequence, rows, &mut self.scratch);
        }
        let last = sequence.pop().unwrap_or_else(|| vec![0.0; rows * WIDTH]);
        let mut voices = vec![0.0; rows * WIDTH];
        self.projection
            .apply(&last, Function::Relu, &mut self.scratch, &mut voices);
        voices.chunks_exact(WIDTH).map(unit).collect()
    }
}

impl SpeakerEmbedding for VoiceEncoder {
    fn embed(&mut self, windows: &[&[f32]]) -> Vec<Vec<f32>> {
        let of_one_length = windows.chunk_by(|a, b| a.len() == b.len());
        of_one_length.flat_map(|windows| self.embed_equal(windows)).collect()
    }

    fn is_trained(&self) -> bool {
        true
    }
}

impl Layer {
    /// Replaces each step's `[rows, inputs]` by the layer's state after it, `[rows, 256]`.
    fn run(&self, sequence: &mut [Vec<f32>], rows: usize, scratch: &mut Lines) {
        let width = self.inputs + WIDTH;
        let mut x = vec![0.0; rows * width];
        let mut cells = vec![0.0_f32; rows * WIDTH];
        let mut gates = vec![0.0; rows * GATES * WIDTH];
        for step in sequence {
            for (x, input) in x.chunks_exact_mut(width).zip(step.chunks_exact(self.inputs)) {
                x[..self.inputs].copy_from_slice(input);
            }
            self.gates.apply(&x, Function::Identity, scratch, &mut gates);
            step.clear();
            for ((x, cells), gates) in x
                .chunks_exact_mut(width)
                .zip(cells.chunks_exact_mut(WIDTH))
                .zip(gates.chunks_exact(GATES * WIDTH))
            {
                let state = &mut x[self.inputs..];
                for (n, (cell, state)) in cells.iter_mut().zip(&mut *state).enumerate() {
                    let gate = |number: usize| gates[number * WIDTH + n];
                    *cell = sigmoid(gate(1)) * *cell + sigmoid(gate(0)) * gate(2).tanh();
                    *state = sigmoid(gate(3)) * cell.tanh();
                }
                step.extend_from_slice(state);
            }
        }
    }
}

impl Dense {
    fn apply(&self, x: &[f32], function: Function, scratch: &mut Lines, y: &mut [f32]) {
        let product = Product {
            bias: &self.bias,
            function,
        };
        self.weights.multiply(x, product, scratch, y);
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The vector of the same direction whose length is one; one without a direction stays zero.
fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-9);
    vector.iter().map(|value| value / length).collect()
}

/// Power in mel bands, not its logarithm.
struct MelPowers {
    transform: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    /// `[40, 201]`: Whisper's bands are made as these are.
    bands: Vec<f32>,
}

impl MelPowers {
    fn new() -> Self {
        let angle = |n: usize| std::f32::consts::TAU * n as f32 / WINDOW as f32;
        Self {
            transform: RealFftPlanner::new().plan_fft_forward(WINDOW),
            hann: (0..WINDOW).map(|n| 0.5 - 0.5 * angle(n).cos()).collect(),
            bands: mel_filters(BANDS),
        }
    }

    /// A frame for each 10 ms, its middle there, and one more; silence lies around the sound.
    fn of(&self, samples: &[f32]) -> Vec<[f32; BANDS]> {
        let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
        let scale = (LEVEL / power.sqrt().max(1e-9)).max(1.0);
        let mut window = self.transform.make_input_vec();
        let mut spectrum = self.transform.make_output_vec();
        let mut frame = |middle: usize| {
            for (n, (value, hann)) in window.iter_mut().zip(&self.hann).enumerate() {
                let at = (middle + n).checked_sub(WINDOW / 2);
                let sample = at.and_then(|at| samples.get(at)).copied().unwrap_or_default();
                *value = sample * scale * hann;
            }
            self.transform
                .process(&mut window, &mut spectrum)
                .expect("the buffers are made by the plan");
            let mut powers = [0.0; BANDS];
            for (power, band) in powers.iter_mut().zip(self.bands.chunks_exact(spectrum.len())) {
                let weighed = spectrum.iter().zip(band).map(|(line, weight)| line.norm_sqr() * weight);
                *power = weighed.sum();
            }
            powers
        };
        (0..=samples.len() / HOP).map(|at| at * HOP).map(&mut frame).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(length: usize, phase: f64, scale: f64) -> Vec<f32> {
        let wave = |n| ((f64::from(n) * 0.754_877_666_2 + phase).sin() * scale) as f32;
        (0..length as u32).map(wave).collect()
    }

    fn encoder() -> VoiceEncoder {
        let mut tensors = HashMap::new();
        let mut phase = 0.0;
        for layer in 0..LAYERS {
            let inputs = if layer == 0 { BANDS } else { WIDTH };
            let parts = [
                ("weight_ih", inputs),
                ("weight_hh", WIDTH),
                ("bias_ih", 1),
                ("bias_hh", 1),
            ];
            for (part, width) in parts {
                let values = waves(GATES * WIDTH * width, phase, 0.08);
                tensors.insert(format!("lstm.{part}_l{layer}"), values);
                phase += 1.0;
            }
        }
        tensors.insert("linear.weight".to_owned(), waves(WIDTH * WIDTH, 50.0, 0.1));
        tensors.insert("linear.bias".to_owned(), waves(WIDTH, 51.0, 0.1));
        VoiceEncoder::from_tensors(&tensors).unwrap()
    }

    fn chirp(length: u32, rate: f64) -> Vec<f32> {
        let sample = |n| (0.02 * (f64::from(n) * f64::from(n) * rate).sin()) as f32;
        (0..length).map(sample).collect()
    }

    /// The expected values are those of `torch.nn.LSTM` and `librosa.feature.melspectrogram` on the same weights and sound.
    #[test]
    fn voices_are_those_of_the_reference() {
        let voice = encoder().embed(&[&chirp(8000, 1e-4)]).remove(0);
        let expected = [
            0.026_593, 0.0, 0.0, 0.122_249, 0.028_879, 0.0, 0.0, 0.109_787, 0.062_353, 0.0, 0.0, 0.108_951,
        ];
        for (value, expected) in voice.iter().zip(expected) {
            assert!((value - expected).abs() < 2e-3, "{value} for {expected}");
        }
        assert_eq!(voice.len(), WIDTH);
        assert!((voice[151] - 0.138_480).abs() < 2e-3);
    }

    #[test]
    fn a_voice_is_the_same_alone_among_others_and_beside_shorter_ones() {
        let sounds = [chirp(8000, 1e-4), chirp(8000, 3e-4), chirp(5000, 2e-4)];
        let windows: Vec<&[f32]> = sounds.iter().map(Vec::as_slice).collect();
        let mut encoder = encoder();
        let together = encoder.embed(&windows);
        for (window, voice) in windows.iter().zip(&together) {
            let alone = encoder.embed(&[window]).remove(0);
            assert!(alone.iter().zip(voice).all(|(a, b)| (a - b).abs() < 2e-3));
        }
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let Err(error) = VoiceEncoder::load(file.path()) else {
            panic!("an empty file is no net");
        };
        assert!(error.to_string().contains(&file.path().display().to_string()));
    }
}
