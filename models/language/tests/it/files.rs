//! Model files of a case, written as other programs write them: GGUF, or safetensors with `config.json`.

use std::path::Path;

use language_model::{Kernel, LanguageModel, ModelFiles, ModelOptions};
use serde_json::{Value as Json, json};
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer};

use crate::reference::Case;

/// Writes a case's files and opens them.
pub(crate) fn load(case: &Case, kernel: Kernel) -> LanguageModel {
    let directory = tempfile::tempdir().unwrap();
    let weights = write(case, directory.path());
    byte_tokenizer(case.config.vocabulary)
        .save(directory.path().join("tokenizer.json"), false)
        .unwrap();
    open(&weights, kernel)
}

pub(crate) fn open(weights: &Path, kernel: Kernel) -> LanguageModel {
    let files = ModelFiles {
        weights: weights.to_owned(),
        tokenizer: None,
    };
    let options = ModelOptions {
        kernel: Some(kernel),
        ..ModelOptions::default()
    };
    LanguageModel::load(&files, &options).unwrap()
}

/// Writes a case's files into a directory, and returns what is to be opened.
pub(crate) fn write(case: &Case, directory: &Path) -> std::path::PathBuf {
    if case.file == "safetensors" {
        write_safetensors(case, directory);
        return directory.to_owned();
    }
    let path = directory.join("model.gguf");
    std::fs::write(&path, gguf(case, &[])).unwrap();
    path
}

/// A GGUF file (version 3), with more texts in its metadata.
pub(crate) fn gguf(case: &Case, texts: &[(&str, &str)]) -> Vec<u8> {
    let (config, name) = (&case.config, case.config.architecture.as_str());
    let numbers = [
        ("context_length", config.context),
        ("embedding_length", config.hidden),
        ("block_count", config.layers),
        ("feed_forward_length", config.intermediate),
        ("attention.head_count", config.heads),
        ("attention.head_count_kv", config.kv_heads),
        ("attention.key_length", config.head_dim),
        ("rope.dimension_count", config.head_dim),
    ];
    let floats = [
        ("attention.layer_norm_rms_epsilon", config.eps),
        ("rope.freq_base", config.theta),
    ];
    let mut metadata = Metadata::default();
    metadata.text("general.architecture", name);
    for (key, number) in numbers {
        metadata.entry(&format!("{name}.{key}"), 4, &(number as u32).to_le_bytes());
    }
    for (key, number) in floats {
        metadata.entry(&format!("{name}.{key}"), 6, &(number as f32).to_le_bytes());
    }
    for (key, text) in texts {
        metadata.text(key, text);
    }
    let (mut infos, mut data) = (Vec::new(), Vec::new());
    for tensor in &case.tensors {
        infos.extend(string(&tensor.name));
        infos.extend((tensor.shape.len() as u32).to_le_bytes());
        infos.extend(tensor.shape.iter().rev().flat_map(|size| (*size as u64).to_le_bytes()));
        infos.extend(ggml_type(&tensor.format).to_le_bytes());
        infos.extend((data.len() as u64).to_le_bytes());
        data.extend(case.bytes(tensor));
        data.resize(data.len().next_multiple_of(32), 0);
    }
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend((case.tensors.len() as u64).to_le_bytes());
    file.extend(metadata.count.to_le_bytes());
    file.extend(metadata.bytes);
    file.extend(infos);
    file.resize(file.len().next_multiple_of(32), 0);
    file.extend(data);
    file
}

#[derive(Default)]
struct Metadata {
    count: u64,
    bytes: Vec<u8>,
}

impl Metadata {
    fn entry(&mut self, key: &str, kind: u32, value: &[u8]) {
        self.count += 1;
        self.bytes.extend(string(key));
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend(value);
    }

    fn text(&mut self, key: &str, text: &str) {
        self.entry(key, 8, &string(text));
    }
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

fn ggml_type(format: &str) -> u32 {
    match format {
        "F32" => 0,
        "F16" => 1,
        "Q4_0" => 2,
        "Q4_1" => 3,
        "Q5_0" => 6,
        "Q5_1" => 7,
        "Q8_0" => 8,
        "Q4_K" => 12,
        "Q5_K" => 13,
        "Q6_K" => 14,
        "BF16" => 30,
        other => panic!("the fixture has a format {other}"),
    }
}

fn write_safetensors(case: &Case, directory: &Path) {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for tensor in &case.tensors {
        let name = tensor.transformers_name.clone().unwrap();
        let bytes = case.bytes(tensor);
        let range = [data.len(), data.len() + bytes.len()];
        header.insert(
            name,
            json!({"dtype": tensor.format, "shape": tensor.shape, "data_offsets": range}),
        );
        data.extend(bytes);
    }
    let header = serde_json::to_vec(&Json::Object(header)).unwrap();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(data);
    std::fs::write(directory.join("model.safetensors"), file).unwrap();
    let config = &case.config;
    let scaling = config.llama3.as_ref().map(|scaling| {
        json!({
            "rope_type": "llama3",
            "factor": scaling.factor,
            "low_freq_factor": scaling.low,
            "high_freq_factor": scaling.high,
            "original_max_position_embeddings": scaling.context,
        })
    });
    let json = json!({
        "model_type": config.architecture,
        "hidden_act": "silu",
        "hidden_size": config.hidden,
        "intermediate_size": config.intermediate,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "rms_norm_eps": config.eps,
        "max_position_embeddings": config.context,
        "tie_word_embeddings": config.tied,
        "rope_theta": config.theta,
        "rope_scaling": scaling,
    });
    std::fs::write(directory.join("config.json"), json.to_string()).unwrap();
}

/// One token for each byte, then an end of turn: 257 tokens, or the first of them for weights that have fewer.
pub(crate) fn byte_tokenizer(rows: usize) -> Tokenizer {
    let mut characters: Vec<String> = ByteLevel::alphabet().into_iter().map(String::from).collect();
    characters.sort();
    let has_end = rows > characters.len();
    characters.truncate(rows);
    let vocabulary: tokenizers::models::bpe::Vocab = characters.into_iter().zip(0..).collect();
    let model = BPE::builder().vocab_and_merges(vocabulary, Vec::new()).build().unwrap();
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    let end = has_end.then(|| AddedToken::from("<|eot_id|>".to_owned(), true));
    tokenizer.add_special_tokens(end).unwrap();
    tokenizer
}

/// Lucie's shape with a vocabulary for the byte tokenizer, padded as many models are.
pub(crate) fn writing_case() -> Case {
    let mut case = crate::reference::case("lucie F16 gguf");
    case.config.vocabulary = 272;
    for tensor in &mut case.tensors {
        if matches!(tensor.name.as_str(), "token_embd.weight" | "output.weight") {
            tensor.shape[0] = 272;
        }
    }
    case
}
