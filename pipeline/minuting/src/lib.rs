//! From utterances to minutes: topics, statements, evidence, verification, coverage.

mod action_items;
pub mod acts;
pub mod coverage;
pub mod due_date;
pub mod engine;
pub mod owner;
mod questions;
pub mod reading;
mod statements;
pub mod text;
pub mod topics;
pub mod verifier;

pub use engine::{Extractive, MinutesEngine, MinutesOptions};
pub use verifier::Verifier;
