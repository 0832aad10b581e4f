//! The crate from outside, one file per subject.

mod sentence_encoder;
mod weights_store;
