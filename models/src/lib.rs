//! All that runs weights: text in, vector out; knows no meeting.

pub mod embedding;
pub mod float_math;
pub mod matmul;
pub mod weights;
