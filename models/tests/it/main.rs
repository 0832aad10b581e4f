//! The crate from outside, one file per subject.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests may panic, and say when they are skipped"
)]

mod sentence_encoder;
mod weights_store;
