//! Tests of the crate on real clips, on noises made by rule, and on model files of random weights.

mod clips;
mod noises;
mod voice_activity;
