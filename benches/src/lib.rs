//! Speed and memory benchmarks, and comparisons with peers.
