//! Quality metrics and the evaluation tasks behind `greffier evaluate`.

pub mod metrics;
pub mod summary;
pub mod training;
