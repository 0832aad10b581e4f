//! Text in, vector out: sentence encoders, and the type of what they return.

mod bert_attention;
mod bert_config;
mod bert_packed;
mod bert_reference;
mod checkpoint;
mod sentence_encoder;
mod text_embedding;
mod tokenization;

pub use bert_config::{Activation, BertConfig, BertConfigError, Pooling};
pub use sentence_encoder::{Compute, EmbedError, EncoderOptions, LoadEncoderError, SentenceEncoder};
pub use text_embedding::TextEmbedding;
