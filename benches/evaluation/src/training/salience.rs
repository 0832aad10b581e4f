//! Learns from minutes that people wrote how much of them each word and pair of words makes up
//! ([`minuting::salience`]).

mod examples;
mod fit;
mod optimizer;
mod regression;

pub use examples::{Example, fold_of, fold_of_id, read_examples};
pub use fit::{FitOptions, fit};
