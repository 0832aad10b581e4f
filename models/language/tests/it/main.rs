//! The language model from outside: what it computes compared with transformers, and what it writes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests may panic, and print what they measure"
)]

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic, in helpers too")]

mod constrained;
mod files;
mod parity;
mod reference;
mod sessions;
mod tokenizing;
