//! What tests of several modules make: the contents of GGUF files.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::{Content, Value, VersionedMagic};

/// A GGUF file without tensors.
pub(crate) fn gguf(metadata: Vec<(&str, Value)>) -> Content {
    Content {
        magic: VersionedMagic::GgufV3,
        metadata: metadata
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
        tensor_infos: HashMap::new(),
        tensor_data_offset: 0,
    }
}

/// One with a byte-level tokenizer of these tokens, the last of them special; merges are written as "a b".
pub(crate) fn byte_level(tokens: &[&str], merges: &[&str], more: Vec<(&str, Value)>) -> Content {
    let last = tokens.len() - 1;
    let kind = |index: usize| Value::I32(if index == last { 3 } else { 1 });
    let metadata = vec![
        ("tokenizer.ggml.model", Value::String("gpt2".to_owned())),
        ("tokenizer.ggml.tokens", texts(tokens)),
        ("tokenizer.ggml.merges", texts(merges)),
        (
            "tokenizer.ggml.token_type",
            Value::Array((0..tokens.len()).map(kind).collect()),
        ),
    ];
    gguf(metadata.into_iter().chain(more).collect())
}

/// A list of texts.
pub(crate) fn texts(texts: &[&str]) -> Value {
    Value::Array(texts.iter().map(|text| Value::String((*text).to_owned())).collect())
}
