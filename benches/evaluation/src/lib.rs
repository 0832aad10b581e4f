//! Quality metrics and the evaluation tasks behind `greffier evaluate`.

pub mod actions;
pub mod annotated;
pub mod diarization;
pub mod metrics;
pub mod related;
pub mod retrieval;
pub mod sentences;
pub mod summary;
pub mod topics;
pub mod training;
pub mod transcription;
