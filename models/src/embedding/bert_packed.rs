//! The encoder's fast path: weights packed for the processor, and sentences of a batch laid end to end without padding.
//!
//! The linear layers see one matrix of all tokens; attention is computed sentence by sentence, in f32. Every buffer is
//! used again from layer to layer and from batch to batch. Same network as `bert_reference`.

use candle_core::Tensor;

use super::bert_attention::{AttentionRoom, HeadShape, attend};
use super::bert_config::{Activation, BertConfig, Pooling};
use super::checkpoint::Checkpoint;
use super::sentence_encoder::LoadEncoderError;
use crate::matmul::elementwise::{add_and_normalize, sum_rows};
use crate::matmul::{Function, Kernel, Lines, PackedMatrix, Product};

/// A BERT-type encoder with packed weights.
pub(super) struct BertPacked {
    config: BertConfig,
    kernel: Kernel,
    /// `[vocabulary, hidden]`
    word_embeddings: Vec<f32>,
    /// `[first_position + max_tokens, hidden]`, with the vector of segment 0 added
    position_embeddings: Vec<f32>,
    embedding_norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Linear {
    weight: PackedMatrix,
    bias: Vec<f32>,
}

struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

struct Layer {
    /// Query (already divided by the root of the head's width), key and value side by side
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
}

/// Buffers of one thread, f32: `states`, `attended` and `added` are `[tokens, hidden]`.
#[derive(Default)]
pub(super) struct Room {
    states: Vec<f32>,
    /// `[tokens, 3 * hidden]`
    query_key_value: Vec<f32>,
    attended: Vec<f32>,
    /// `[tokens, intermediate]`
    inner: Vec<f32>,
    added: Vec<f32>,
    attention: AttentionRoom,
    rounded: Lines,
}

/// Whether one batch may use all threads of the pool.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    One,
    All,
}

impl BertPacked {
    pub(super) fn load(
        config: &BertConfig,
        checkpoint: &mut Checkpoint,
        kernel: Kernel,
    ) -> Result<BertPacked, LoadEncoderError> {
        let hidden = config.hidden_size;
        let positions = config.first_position + config.max_tokens;
        let token_type = values(&checkpoint.take_rows("embeddings.token_type_embeddings.weight", 1, hidden)?)?;
        let positions = checkpoint.take_rows("embeddings.position_embeddings.weight", positions, hidden)?;
        let mut position_embeddings = values(&positions)?;
        for row in position_embeddings.chunks_exact_mut(hidden) {
            row.iter_mut()
                .zip(&token_type)
                .for_each(|(position, token_type)| *position += token_type);
        }
        let words = checkpoint.take("embeddings.word_embeddings.weight", &[config.vocabulary, hidden])?;
        let layers = (0..config.layers).map(|index| Layer::load(config, checkpoint, kernel, index));
        Ok(BertPacked {
            word_embeddings: values(&words)?,
            position_embeddings,
            layers: layers.collect::<Result<_, _>>()?,
            embedding_norm: LayerNorm::load(config, checkpoint, "embeddings.LayerNorm")?,
            config: config.clone(),
            kernel,
        })
    }

    /// One pooled vector, not yet scaled, for each sequence of token ids (all of the vocabulary, none too long).
    pub(super) fn encode(&self, sequences: &[&[u32]], threads: Threads, room: &mut Room) -> Vec<Vec<f32>> {
        self.embed_tokens(sequences, &mut room.states);
        for layer in &self.layers {
            self.forward(layer, sequences, threads, room);
        }
        let mut rest = room.states.as_slice();
        let pooled = sequences.iter().map(|sequence| {
            let (states, later) = rest.split_at(sequence.len() * self.config.hidden_size);
            rest = later;
            self.pool(states)
        });
        pooled.collect()
    }

    /// Sum of word, position and segment vectors, normalized: `[tokens, hidden]`.
    fn embed_tokens(&self, sequences: &[&[u32]], states: &mut Vec<f32>) {
        let hidden = self.config.hidden_size;
        states.clear();
        for sequence in sequences {
            let positions = self
                .position_embeddings
                .chunks_exact(hidden)
                .skip(self.config.first_position);
            for (&token, position) in sequence.iter().zip(positions) {
                let word = &self.word_embeddings[token as usize * hidden..][..hidden];
                states.extend(word.iter().zip(position).map(|(word, position)| word + position));
            }
        }
        let norm = &self.embedding_norm;
        let nothing = vec![0.0; states.len()];
        add_and_normalize(
            self.kernel.level(),
            states,
            &nothing,
            &norm.weight,
            &norm.bias,
            norm.eps,
        );
    }

    fn forward(&self, layer: &Layer, sequences: &[&[u32]], threads: Threads, room: &mut Room) {
        let level = self.kernel.level();
        let function = match self.config.activation {
            Activation::Gelu => Function::Gelu,
            Activation::Relu => Function::Relu,
        };
        let (identity, rounded) = (Function::Identity, &mut room.rounded);
        layer
            .query_key_value
            .forward(&room.states, identity, threads, rounded, &mut room.query_key_value);
        let shape = HeadShape {
            heads: self.config.heads,
            head_dim: self.config.head_dim(),
        };
        let lengths = sequences.iter().map(|sequence| sequence.len());
        attend(
            self.kernel,
            shape,
            lengths,
            &room.query_key_value,
            &mut room.attention,
            &mut room.attended,
        );
        layer
            .attention_output
            .forward(&room.attended, identity, threads, rounded, &mut room.added);
        let norm = &layer.attention_norm;
        add_and_normalize(level, &mut room.states, &room.added, &norm.weight, &norm.bias, norm.eps);
        layer
            .intermediate
            .forward(&room.states, function, threads, rounded, &mut room.inner);
        layer
            .output
            .forward(&room.inner, identity, threads, rounded, &mut room.added);
        let norm = &layer.output_norm;
        add_and_normalize(level, &mut room.states, &room.added, &norm.weight, &norm.bias, norm.eps);
    }

    /// `[tokens, hidden]` of one sequence to `[hidden]`
    fn pool(&self, states: &[f32]) -> Vec<f32> {
        match self.config.pooling {
            Pooling::FirstToken => states[..self.config.hidden_size.min(states.len())].to_vec(),
            Pooling::Mean => {
                // The sum has the mean's direction, and the length is scaled away afterwards.
                let mut sum = vec![0.0; self.config.hidden_size];
                sum_rows(self.kernel.level(), states, &mut sum);
                sum
            }
        }
    }
}

impl Layer {
    fn load(
        config: &BertConfig,
        checkpoint: &mut Checkpoint,
        kernel: Kernel,
        index: usize,
    ) -> Result<Layer, LoadEncoderError> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let mut linear = |part: &str, outputs, inputs| Linear::load(checkpoint, kernel, &name(part), outputs, inputs);
        let attention_output = linear("attention.output.dense", hidden, hidden)?;
        let intermediate = linear("intermediate.dense", inner, hidden)?;
        let output = linear("output.dense", hidden, inner)?;
        Ok(Layer {
            query_key_value: load_query_key_value(config, checkpoint, kernel, &name("attention.self"))?,
            attention_output,
            attention_norm: LayerNorm::load(config, checkpoint, &name("attention.output.LayerNorm"))?,
            intermediate,
            output,
            output_norm: LayerNorm::load(config, checkpoint, &name("output.LayerNorm"))?,
        })
    }
}

fn load_query_key_value(
    config: &BertConfig,
    checkpoint: &mut Checkpoint,
    kernel: Kernel,
    name: &str,
) -> Result<Linear, LoadEncoderError> {
    let hidden = config.hidden_size;
    let scale = 1.0 / (config.head_dim() as f32).sqrt();
    let (mut weight, mut bias) = (Vec::with_capacity(3 * hidden * hidden), Vec::with_capacity(3 * hidden));
    for (part, scale) in [("query", scale), ("key", 1.0), ("value", 1.0)] {
        let part_weight = values(&checkpoint.take(&format!("{name}.{part}.weight"), &[hidden, hidden])?)?;
        let part_bias = values(&checkpoint.take(&format!("{name}.{part}.bias"), &[hidden])?)?;
        weight.extend(part_weight.iter().map(|value| value * scale));
        bias.extend(part_bias.iter().map(|value| value * scale));
    }
    Ok(Linear {
        weight: PackedMatrix::pack(kernel, &weight, 3 * hidden, hidden),
        bias,
    })
}

impl Linear {
    fn load(
        checkpoint: &mut Checkpoint,
        kernel: Kernel,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Linear, LoadEncoderError> {
        let weight = values(&checkpoint.take(&format!("{name}.weight"), &[outputs, inputs])?)?;
        let bias = values(&checkpoint.take(&format!("{name}.bias"), &[outputs])?)?;
        Ok(Linear {
            weight: PackedMatrix::pack(kernel, &weight, outputs, inputs),
            bias,
        })
    }

    /// `[tokens, inputs]` to `[tokens, outputs]`
    fn forward(&self, x: &[f32], function: Function, threads: Threads, rounded: &mut Lines, y: &mut Vec<f32>) {
        y.resize(x.len() / self.weight.inputs() * self.weight.outputs(), 0.0);
        let product = Product {
            bias: &self.bias,
            function,
        };
        match threads {
            Threads::One => self.weight.multiply(x, product, rounded, y),
            Threads::All => self.weight.multiply_parallel(x, product, rounded, y),
        }
    }
}

impl LayerNorm {
    fn load(config: &BertConfig, checkpoint: &mut Checkpoint, name: &str) -> Result<LayerNorm, LoadEncoderError> {
        let mut part = |part: &str| values(&checkpoint.take(&format!("{name}.{part}"), &[config.hidden_size])?);
        Ok(LayerNorm {
            weight: part("weight")?,
            bias: part("bias")?,
            eps: config.layer_norm_eps,
        })
    }
}

/// A tensor's numbers, row by row.
fn values(tensor: &Tensor) -> Result<Vec<f32>, LoadEncoderError> {
    tensor
        .flatten_all()
        .and_then(|flat| flat.to_vec1())
        .map_err(LoadEncoderError::Weights)
}
