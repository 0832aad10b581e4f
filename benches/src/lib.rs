//! Speed and memory benchmarks, and comparisons with peers.

pub mod synthetic_library;
