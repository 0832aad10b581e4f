//! From utterances to minutes: topics, statements, evidence, verification, coverage.

pub mod text;
