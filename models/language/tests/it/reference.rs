//! The cases of `fixtures/reference.json`, which `scripts/llama_reference.py` writes, and their weights: drawn here from
//! the same counter-based generator, since storing them would take megabytes.

use half::{bf16, f16};
use serde::Deserialize;

#[derive(Clone, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) file: String,
    salt: String,
    prompt_length: usize,
    pub(crate) tensors: Vec<Tensor>,
    /// Positions of `logits`.
    pub(crate) rows: Vec<usize>,
    pub(crate) logits: Vec<Vec<f32>>,
    pub(crate) greedy: Vec<u32>,
    /// After the last greedy token.
    pub(crate) last_logits: Vec<f32>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Config {
    pub(crate) architecture: String,
    pub(crate) hidden: usize,
    pub(crate) intermediate: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) vocabulary: usize,
    pub(crate) tied: bool,
    pub(crate) theta: f64,
    pub(crate) eps: f64,
    pub(crate) context: usize,
    pub(crate) llama3: Option<Llama3>,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Llama3 {
    pub(crate) factor: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) context: usize,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) format: String,
    pub(crate) shape: Vec<usize>,
    mean: f64,
    scale: f64,
    values: Option<Vec<f32>>,
    /// Its name in transformers.
    #[serde(rename = "as")]
    pub(crate) transformers_name: Option<String>,
}

pub(crate) fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../fixtures/reference.json")).unwrap()
}

pub(crate) fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

impl Case {
    pub(crate) fn prompt(&self) -> Vec<u32> {
        let vocabulary = self.config.vocabulary as u64;
        let words = words(seed_of("prompt"), self.prompt_length);
        words.map(|word| (word % vocabulary) as u32).collect()
    }

    pub(crate) fn bytes(&self, tensor: &Tensor) -> Vec<u8> {
        let count: usize = tensor.shape.iter().product();
        let seed = seed_of(&format!("{}/{}", self.salt, tensor.name));
        if let Some(values) = &tensor.values {
            return values.iter().flat_map(|value| value.to_le_bytes()).collect();
        }
        let floats = || uniform(seed, count).map(|number| (tensor.mean + tensor.scale * (2.0 * number - 1.0)) as f32);
        match tensor.format.as_str() {
            "F32" => floats().flat_map(f32::to_le_bytes).collect(),
            "F16" => floats().flat_map(|x| f16::from_f32(x).to_le_bytes()).collect(),
            // Cut, not rounded, as the script does.
            "BF16" => floats()
                .flat_map(|x| bf16::from_bits((x.to_bits() >> 16) as u16).to_le_bytes())
                .collect(),
            format => blocks(format, seed, count, tensor.scale),
        }
    }
}

fn blocks(format: &str, seed: u64, count: usize, scale: f64) -> Vec<u8> {
    let (weights, size) = match format {
        "Q4_0" => (32, 18),
        "Q4_1" => (32, 20),
        "Q5_0" => (32, 22),
        "Q5_1" => (32, 24),
        "Q8_0" => (32, 34),
        "Q4_K" => (256, 144),
        "Q5_K" => (256, 176),
        "Q6_K" => (256, 210),
        other => panic!("the fixture has a format {other}"),
    };
    let mut bytes: Vec<u8> = words(seed, count / weights * size)
        .map(|word| (word >> 56) as u8)
        .collect();
    for (block, number) in bytes.chunks_mut(size).zip(uniform(seed ^ 0x5555, count / weights)) {
        let vary = scale * (0.5 + number);
        let mut put = |at: usize, value: f64| block[at..at + 2].copy_from_slice(&f16::from_f64(value).to_le_bytes());
        match format {
            "Q4_0" => put(0, vary / 8.0),
            "Q4_1" => (put(0, vary / 8.0), put(2, -vary)).0,
            "Q5_0" => put(0, vary / 16.0),
            "Q5_1" => (put(0, vary / 16.0), put(2, -vary)).0,
            "Q8_0" => put(0, vary / 128.0),
            "Q4_K" => (put(0, vary / 480.0), put(2, vary / 64.0)).0,
            "Q5_K" => (put(0, vary / 960.0), put(2, vary / 64.0)).0,
            _ => put(208, vary / 4096.0),
        }
    }
    bytes
}

/// FNV-1a, 64 bits.
fn seed_of(text: &str) -> u64 {
    let step = |value: u64, byte: u8| (value ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
    text.bytes().fold(0xCBF2_9CE4_8422_2325, step)
}

/// SplitMix64 of a counter.
fn words(seed: u64, count: usize) -> impl Iterator<Item = u64> {
    (1..=count as u64).map(move |index| {
        let z = seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    })
}

/// In [0, 1).
fn uniform(seed: u64, count: usize) -> impl Iterator<Item = f64> {
    words(seed, count).map(|word| (word >> 40) as f64 / (1_u32 << 24) as f64)
}
