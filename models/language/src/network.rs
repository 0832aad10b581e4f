//! The Llama graph: token ids in, logits out, keys and values kept in a cache.
//!
//! Source: Touvron et al., "LLaMA", 2023, and transformers' `modeling_llama.py`; weights by the names of GGUF or of
//! transformers.

mod attention;
mod cache;
mod rotation;

use rayon::prelude::*;

use crate::checkpoint::{Checkpoint, CheckpointError, Naming};
use crate::config::LlamaConfig;
use crate::matrix::{Kernel, Matrix, Product, QuantizedRows, multiply};
use crate::vector_math::{Level, add, rms_norm, silu_times};

pub(crate) use cache::Cache;
use cache::Precision;
use rotation::Angles;

/// Entries below which a second thread is not worth its start.
const PARALLEL_ENTRIES: usize = 1 << 16;

/// The weights of a model, as they lie in its file.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) config: LlamaConfig,
    pub(crate) kernel: Kernel,
    /// `[vocabulary, hidden]`
    embedding: Matrix,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// `[vocabulary, hidden]`; the embedding itself where the two are tied.
    output: Matrix,
}

#[derive(Debug)]
struct Layer {
    attention_norm: Vec<f32>,
    q_proj: Matrix,
    k_proj: Matrix,
    v_proj: Matrix,
    /// Normalization of each head's queries and keys (Qwen3).
    head_norms: Option<(Vec<f32>, Vec<f32>)>,
    o_proj: Matrix,
    feed_forward_norm: Vec<f32>,
    gate_proj: Matrix,
    up_proj: Matrix,
    down_proj: Matrix,
}

/// Of which positions logits are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Of none: only the cache is filled.
    Nothing,
    /// Of the last.
    Last,
    /// Of all, `[tokens, vocabulary]`.
    All,
}

/// Buffers, used again from layer to layer and from call to call.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// `[tokens, hidden]`, as `normalized` and `added`
    states: Vec<f32>,
    normalized: Vec<f32>,
    added: Vec<f32>,
    /// `[tokens, heads * head_dim]`, as `attended`
    query: Vec<f32>,
    /// `[tokens, kv_heads * head_dim]`, as `value`
    key: Vec<f32>,
    value: Vec<f32>,
    attended: Vec<f32>,
    /// `[tokens, intermediate]`, as `up`
    gate: Vec<f32>,
    up: Vec<f32>,
    by_head: Vec<f32>,
    angles: Angles,
    rounded: QuantizedRows,
}

/// Tensor names of GGUF and of transformers, without `.weight`; `{}` is the layer.
const NAMES: [(&str, &str, &str); 14] = [
    ("embedding", "token_embd", "model.embed_tokens"),
    ("norm", "output_norm", "model.norm"),
    ("output", "output", "lm_head"),
    ("attention_norm", "blk.{}.attn_norm", "model.layers.{}.input_layernorm"),
    ("q_proj", "blk.{}.attn_q", "model.layers.{}.self_attn.q_proj"),
    ("k_proj", "blk.{}.attn_k", "model.layers.{}.self_attn.k_proj"),
    ("v_proj", "blk.{}.attn_v", "model.layers.{}.self_attn.v_proj"),
    ("q_norm", "blk.{}.attn_q_norm", "model.layers.{}.self_attn.q_norm"),
    ("k_norm", "blk.{}.attn_k_norm", "model.layers.{}.self_attn.k_norm"),
    ("o_proj", "blk.{}.attn_output", "model.layers.{}.self_attn.o_proj"),
    (
        "feed_forward_norm",
        "blk.{}.ffn_norm",
        "model.layers.{}.post_attention_layernorm",
    ),
    ("gate_proj", "blk.{}.ffn_gate", "model.layers.{}.mlp.gate_proj"),
    ("up_proj", "blk.{}.ffn_up", "model.layers.{}.mlp.up_proj"),
    ("down_proj", "blk.{}.ffn_down", "model.layers.{}.mlp.down_proj"),
];

/// A part's name in this file's naming.
fn name(naming: Naming, part: &str, layer: usize) -> String {
    let names = NAMES.iter().find(|names| names.0 == part).expect("all parts are named");
    let name = if naming == Naming::Gguf { names.1 } else { names.2 };
    name.replace("{}", &layer.to_string())
}

impl Network {
    /// Finds the network's weights in a checkpoint; nothing is copied but the small vectors.
    pub(crate) fn load(checkpoint: &Checkpoint, kernel: Kernel) -> Result<Network, CheckpointError> {
        let config = checkpoint.config.clone();
        let name = |part| name(checkpoint.naming, part, 0);
        let embedding = name("embedding");
        // An embedding without rows is refused: it has not even one.
        let rows = checkpoint.rows_of(&format!("{embedding}.weight"));
        let vocabulary = rows.filter(|rows| *rows > 0).unwrap_or(1);
        let embedding = checkpoint.matrix(&embedding, vocabulary, config.hidden_size)?;
        let output = name("output");
        let output = if checkpoint.has(&format!("{output}.weight")) {
            checkpoint.matrix(&output, vocabulary, config.hidden_size)?
        } else {
            embedding.clone()
        };
        let layers = (0..config.layers).map(|index| Layer::load(checkpoint, &config, index));
        Ok(Network {
            layers: layers.collect::<Result<_, _>>()?,
            norm: checkpoint.vector(&format!("{}.weight", name("norm")), config.hidden_size)?,
            embedding,
            output,
            config,
            kernel,
        })
    }

    /// Number of distinct tokens.
    pub(crate) fn vocabulary(&self) -> usize {
        self.embedding.outputs()
    }

    /// An empty cache for this network.
    pub(crate) fn new_cache(&self) -> Cache {
        let precision = if self.kernel == Kernel::Exact {
            Precision::Single
        } else {
            Precision::Half
        };
        Cache::new(
            self.config.layers,
            self.config.kv_heads,
            self.config.head_dim,
            precision,
        )
    }

    /// Computes `tokens`, all of the vocabulary, as those that follow on what is cached; `logits` becomes what is
    /// wanted of them. Call this on the threads that shall work.
    pub(crate) fn forward(
        &self,
        tokens: &[u32],
        wanted: Wanted,
        cache: &mut Cache,
        room: &mut Room,
        logits: &mut Vec<f32>,
    ) {
        let hidden = self.config.hidden_size;
        room.states.resize(tokens.len() * hidden, 0.0);
        for (token, state) in tokens.iter().zip(room.states.chunks_exact_mut(hidden)) {
            self.embedding.row_to_floats(*token as usize, state);
        }
        room.angles.fill(&self.config.rotation, cache.length(), tokens.len());
        cache.make_room(tokens.len());
        for (index, layer) in self.layers.iter().enumerate() {
            self.attend(index, layer, tokens.len(), cache, room);
            self.feed_forward(layer, room);
        }
        cache.advance(tokens.len());
        let states = match wanted {
            Wanted::Nothing => return logits.clear(),
            Wanted::Last => &room.states[(tokens.len() - 1) * hidden..],
            Wanted::All => &room.states,
        };
        normalize(
            self.kernel,
            states,
            &self.norm,
            self.config.rms_norm_eps,
            &mut room.normalized,
        );
        logits.resize(states.len() / hidden * self.vocabulary(), 0.0);
        let product = Product {
            matrix: &self.output,
            y: logits,
        };
        multiply(self.kernel, &room.normalized, &mut [product], &mut room.rounded);
    }

    fn attend(&self, index: usize, layer: &Layer, tokens: usize, cache: &mut Cache, room: &mut Room) {
        let config = &self.config;
        let eps = config.rms_norm_eps;
        normalize(
            self.kernel,
            &room.states,
            &layer.attention_norm,
            eps,
            &mut room.normalized,
        );
        room.query.resize(tokens * layer.q_proj.outputs(), 0.0);
        room.key.resize(tokens * layer.k_proj.outputs(), 0.0);
        room.value.resize(tokens * layer.v_proj.outputs(), 0.0);
        let mut products = [
            (&layer.q_proj, &mut room.query),
            (&layer.k_proj, &mut room.key),
            (&layer.v_proj, &mut room.value),
        ]
        .map(|(matrix, y)| Product { matrix, y });
        multiply(self.kernel, &room.normalized, &mut products, &mut room.rounded);
        if let Some((query_norm, key_norm)) = &layer.head_norms {
            let level = Level::of(self.kernel);
            for (values, norm) in [(&mut room.query, query_norm), (&mut room.key, key_norm)] {
                let before = values.clone();
                rms_norm(level, &before, norm, eps, values);
            }
        }
        let width = config.head_dim;
        room.angles.turn(&mut room.query, width, (width as f32).sqrt().recip());
        room.angles.turn(&mut room.key, width, 1.0);
        cache.write(index, &room.key, &room.value);
        let heads = attention::Heads {
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: width,
        };
        room.attended.resize(room.query.len(), 0.0);
        attention::attend(
            self.kernel,
            heads,
            (cache, index),
            &room.query,
            &mut room.by_head,
            &mut room.attended,
        );
        room.added.resize(room.states.len(), 0.0);
        let product = Product {
            matrix: &layer.o_proj,
            y: &mut room.added,
        };
        multiply(self.kernel, &room.attended, &mut [product], &mut room.rounded);
        add_rows(self.kernel, &mut room.states, &room.added);
    }

    fn feed_forward(&self, layer: &Layer, room: &mut Room) {
        let eps = self.config.rms_norm_eps;
        normalize(
            self.kernel,
            &room.states,
            &layer.feed_forward_norm,
            eps,
            &mut room.normalized,
        );
        let tokens = room.states.len() / self.config.hidden_size;
        room.gate.resize(tokens * layer.gate_proj.outputs(), 0.0);
        room.up.resize(room.gate.len(), 0.0);
        let mut products = [(&layer.gate_proj, &mut room.gate), (&layer.up_proj, &mut room.up)]
            .map(|(matrix, y)| Product { matrix, y });
        multiply(self.kernel, &room.normalized, &mut products, &mut room.rounded);
        let level = Level::of(self.kernel);
        let part = part_length(room.gate.len());
        let parts = room.gate.par_chunks_mut(part).zip(room.up.par_chunks(part));
        parts.for_each(|(gate, up)| silu_times(level, gate, up));
        let product = Product {
            matrix: &layer.down_proj,
            y: &mut room.added,
        };
        multiply(self.kernel, &room.gate, &mut [product], &mut room.rounded);
        add_rows(self.kernel, &mut room.states, &room.added);
    }
}

impl Layer {
    fn load(checkpoint: &Checkpoint, config: &LlamaConfig, index: usize) -> Result<Layer, CheckpointError> {
        let name = |part| name(checkpoint.naming, part, index);
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        let matrix = |part, outputs, inputs| checkpoint.matrix(&name(part), outputs, inputs);
        let vector = |part, length| checkpoint.vector(&format!("{}.weight", name(part)), length);
        let normalizes_heads = checkpoint.has(&format!("{}.weight", name("q_norm")));
        Ok(Layer {
            attention_norm: vector("attention_norm", hidden)?,
            q_proj: matrix("q_proj", queries, hidden)?,
            k_proj: matrix("k_proj", keys, hidden)?,
            v_proj: matrix("v_proj", keys, hidden)?,
            head_norms: normalizes_heads
                .then(|| {
                    Ok::<_, CheckpointError>((vector("q_norm", config.head_dim)?, vector("k_norm", config.head_dim)?))
                })
                .transpose()?,
            o_proj: matrix("o_proj", hidden, queries)?,
            feed_forward_norm: vector("feed_forward_norm", hidden)?,
            gate_proj: matrix("gate_proj", inner, hidden)?,
            up_proj: matrix("up_proj", inner, hidden)?,
            down_proj: matrix("down_proj", hidden, inner)?,
        })
    }
}

fn normalize(kernel: Kernel, states: &[f32], weight: &[f32], eps: f32, normalized: &mut Vec<f32>) {
    normalized.resize(states.len(), 0.0);
    let part = part_length(states.len()).next_multiple_of(weight.len());
    let parts = states.par_chunks(part).zip(normalized.par_chunks_mut(part));
    parts.for_each(|(states, normalized)| rms_norm(Level::of(kernel), states, weight, eps, normalized));
}

fn add_rows(kernel: Kernel, states: &mut [f32], added: &[f32]) {
    let part = part_length(states.len());
    let parts = states.par_chunks_mut(part).zip(added.par_chunks(part));
    parts.for_each(|(states, added)| add(Level::of(kernel), states, added));
}

/// Entries that one thread takes of so many.
fn part_length(entries: usize) -> usize {
    if entries < PARALLEL_ENTRIES {
        entries.max(1)
    } else {
        entries.div_ceil(4 * rayon::current_num_threads())
    }
}
