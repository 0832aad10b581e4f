//! The language model from outside: what it computes compared with transformers, and what it writes.

mod constrained;
mod files;
mod parity;
mod reference;
mod sessions;
mod tokenizing;
