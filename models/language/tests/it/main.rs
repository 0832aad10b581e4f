//! The language model from outside: what it computes compared with transformers, and what it writes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests may panic, and print what they measure"
)]

mod constrained;
mod files;
mod parity;
mod reference;
mod sessions;
mod tokenizing;
mod trained;
