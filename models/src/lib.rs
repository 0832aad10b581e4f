//! All that runs weights: text in, vector out; knows no meeting.

pub mod embedding;
pub mod matmul;
pub mod weights;
