//! From utterances to minutes: topics, statements, evidence, verification, coverage.

mod action_items;
pub mod acts;
pub mod compression;
pub mod coverage;
pub mod due_date;
pub mod engine;
pub mod generative;
pub mod graph_of_words;
pub mod linear;
pub mod owner;
mod questions;
pub mod reading;
pub mod reported_speech;
pub mod salience;
pub mod selection;
mod statements;
pub mod text;
pub mod topics;
pub mod verifier;

pub use engine::{Extractive, MinutesEngine, MinutesOptions};
pub use selection::{SelectedStatement, StatementSelector, abstract_of};
pub use verifier::Verifier;
