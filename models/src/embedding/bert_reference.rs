//! The encoder as a plain candle graph, written for reading: what the fast path is compared with, and the path for
//! processors without a kernel of their own.
//!
//! Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", 2019; layer names and order as in
//! transformers' `BertModel` (post-normalization).

use candle_core::{D, Device, Result, Tensor};

use super::bert_config::{Activation, BertConfig, Pooling};
use super::checkpoint::Checkpoint;
use super::sentence_encoder::LoadEncoderError;

/// Added to the score of a padding position before softmax.
const MASKED: f32 = -1e9;

/// A BERT-type encoder on candle, f32.
pub(super) struct BertReference {
    config: BertConfig,
    /// `[vocabulary, hidden]`
    word_embeddings: Tensor,
    /// `[first_position + max_tokens, hidden]`
    position_embeddings: Tensor,
    /// `[hidden]`, the vector of segment 0, the only one used
    token_type_embedding: Tensor,
    embedding_norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Linear {
    /// `[inputs, outputs]`
    transposed: Tensor,
    bias: Tensor,
}

struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
}

impl BertReference {
    pub(super) fn load(
        config: &BertConfig,
        checkpoint: &mut Checkpoint,
    ) -> std::result::Result<Self, LoadEncoderError> {
        let hidden = config.hidden_size;
        let positions = config.first_position + config.max_tokens;
        let token_types = checkpoint.take_rows("embeddings.token_type_embeddings.weight", 1, hidden)?;
        Ok(BertReference {
            word_embeddings: checkpoint.take("embeddings.word_embeddings.weight", &[config.vocabulary, hidden])?,
            position_embeddings: checkpoint.take_rows("embeddings.position_embeddings.weight", positions, hidden)?,
            token_type_embedding: token_types.squeeze(0).map_err(LoadEncoderError::Weights)?,
            embedding_norm: LayerNorm::load(config, checkpoint, "embeddings.LayerNorm")?,
            layers: (0..config.layers)
                .map(|index| Layer::load(config, checkpoint, index))
                .collect::<std::result::Result<_, _>>()?,
            config: config.clone(),
        })
    }

    /// One pooled vector, not yet scaled, for each sequence of token ids.
    pub(super) fn encode(&self, sequences: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let longest = sequences.iter().map(|ids| ids.len()).max().unwrap_or_default();
        let (ids, mask) = padded(sequences, longest)?;
        let states = self.embed_tokens(&ids)?;
        // `[batch, 1, 1, sequence]`: 0 for a token, MASKED for padding
        let bias = mask
            .affine(f64::from(-MASKED), f64::from(MASKED))?
            .unsqueeze(1)?
            .unsqueeze(1)?;
        let states = self
            .layers
            .iter()
            .try_fold(states, |states, layer| layer.forward(&states, &bias, &self.config))?;
        self.pool(&states, &mask)?.to_vec2()
    }

    /// `[batch, sequence]` u32 to `[batch, sequence, hidden]`
    fn embed_tokens(&self, ids: &Tensor) -> Result<Tensor> {
        let (batch, sequence) = ids.dims2()?;
        let words = self.word_embeddings.index_select(&ids.flatten_all()?, 0)?;
        let words = words.reshape((batch, sequence, self.config.hidden_size))?;
        let positions = self
            .position_embeddings
            .narrow(0, self.config.first_position, sequence)?;
        let states = words
            .broadcast_add(&positions)?
            .broadcast_add(&self.token_type_embedding)?;
        self.embedding_norm.forward(&states)
    }

    /// `[batch, sequence, hidden]` and `[batch, sequence]` (1 for a token) to `[batch, hidden]`
    fn pool(&self, states: &Tensor, mask: &Tensor) -> Result<Tensor> {
        match self.config.pooling {
            Pooling::FirstToken => states.narrow(1, 0, 1)?.squeeze(1),
            Pooling::Mean => {
                let sum = states.broadcast_mul(&mask.unsqueeze(2)?)?.sum(1)?;
                sum.broadcast_div(&mask.sum_keepdim(1)?)
            }
        }
    }
}

impl Layer {
    fn load(
        config: &BertConfig,
        checkpoint: &mut Checkpoint,
        index: usize,
    ) -> std::result::Result<Layer, LoadEncoderError> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let mut linear = |name: &str, outputs, inputs| {
            Linear::load(checkpoint, &format!("encoder.layer.{index}.{name}"), outputs, inputs)
        };
        let query = linear("attention.self.query", hidden, hidden)?;
        let key = linear("attention.self.key", hidden, hidden)?;
        let value = linear("attention.self.value", hidden, hidden)?;
        let attention_output = linear("attention.output.dense", hidden, hidden)?;
        let intermediate = linear("intermediate.dense", inner, hidden)?;
        let output = linear("output.dense", hidden, inner)?;
        let mut norm = |name: &str| LayerNorm::load(config, checkpoint, &format!("encoder.layer.{index}.{name}"));
        let attention_norm = norm("attention.output.LayerNorm")?;
        let output_norm = norm("output.LayerNorm")?;
        Ok(Layer {
            query,
            key,
            value,
            attention_output,
            attention_norm,
            intermediate,
            output,
            output_norm,
        })
    }

    /// `[batch, sequence, hidden]` to the same; `bias` is added to the attention scores.
    fn forward(&self, states: &Tensor, bias: &Tensor, config: &BertConfig) -> Result<Tensor> {
        let attended = self.attention_output.forward(&self.attend(states, bias, config)?)?;
        let states = self.attention_norm.forward(&(states + attended)?)?;
        let inner = self.intermediate.forward(&states)?;
        let inner = match config.activation {
            Activation::Gelu => inner.gelu_erf()?,
            Activation::Relu => inner.relu()?,
        };
        let inner = self.output.forward(&inner)?;
        self.output_norm.forward(&(states + inner)?)
    }

    fn attend(&self, states: &Tensor, bias: &Tensor, config: &BertConfig) -> Result<Tensor> {
        let (batch, sequence, hidden) = states.dims3()?;
        let shape = (batch, sequence, config.heads, config.head_dim());
        let heads = |linear: &Linear| linear.forward(states)?.reshape(shape)?.transpose(1, 2)?.contiguous();
        // each `[batch, heads, sequence, head_dim]`
        let (query, key, value) = (heads(&self.query)?, heads(&self.key)?, heads(&self.value)?);
        let scale = 1.0 / (config.head_dim() as f64).sqrt();
        let scores = (query.matmul(&key.transpose(2, 3)?.contiguous()?)? * scale)?.broadcast_add(bias)?;
        softmax_last(&scores)?
            .matmul(&value)?
            .transpose(1, 2)?
            .reshape((batch, sequence, hidden))
    }
}

impl Linear {
    fn load(
        checkpoint: &mut Checkpoint,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> std::result::Result<Linear, LoadEncoderError> {
        let weight = checkpoint.take(&format!("{name}.weight"), &[outputs, inputs])?;
        let transposed = weight
            .t()
            .and_then(|weight| weight.contiguous())
            .map_err(LoadEncoderError::Weights)?;
        Ok(Linear {
            transposed,
            bias: checkpoint.take(&format!("{name}.bias"), &[outputs])?,
        })
    }

    /// `[batch, sequence, inputs]` to `[batch, sequence, outputs]`
    fn forward(&self, states: &Tensor) -> Result<Tensor> {
        let (batch, sequence, inputs) = states.dims3()?;
        let flat = states.reshape((batch * sequence, inputs))?;
        flat.matmul(&self.transposed)?
            .broadcast_add(&self.bias)?
            .reshape((batch, sequence, ()))
    }
}

impl LayerNorm {
    fn load(
        config: &BertConfig,
        checkpoint: &mut Checkpoint,
        name: &str,
    ) -> std::result::Result<LayerNorm, LoadEncoderError> {
        let mut part = |part: &str| checkpoint.take(&format!("{name}.{part}"), &[config.hidden_size]);
        Ok(LayerNorm {
            weight: part("weight")?,
            bias: part("bias")?,
            eps: f64::from(config.layer_norm_eps),
        })
    }

    fn forward(&self, states: &Tensor) -> Result<Tensor> {
        let centred = states.broadcast_sub(&states.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + self.eps)?.sqrt()?;
        centred
            .broadcast_div(&deviation)?
            .broadcast_mul(&self.weight)?
            .broadcast_add(&self.bias)
    }
}

fn softmax_last(scores: &Tensor) -> Result<Tensor> {
    let shifted = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
    shifted.broadcast_div(&shifted.sum_keepdim(D::Minus1)?)
}

/// Ids `[batch, sequence]` u32 filled up with 0, and the mask `[batch, sequence]` f32: 1 for a token, 0 for padding.
fn padded(sequences: &[&[u32]], longest: usize) -> Result<(Tensor, Tensor)> {
    let mut ids = vec![0_u32; sequences.len() * longest];
    let mut mask = vec![0.0_f32; ids.len()];
    for (row, sequence) in sequences.iter().enumerate() {
        let start = row * longest;
        ids[start..start + sequence.len()].copy_from_slice(sequence);
        mask[start..start + sequence.len()].fill(1.0);
    }
    let shape = (sequences.len(), longest);
    Ok((
        Tensor::from_vec(ids, shape, &Device::Cpu)?,
        Tensor::from_vec(mask, shape, &Device::Cpu)?,
    ))
}
