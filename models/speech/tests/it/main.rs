//! Tests of the crate on real clips, on noises made by rule, and on model files of random weights.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests may panic, print what they measure, and say when they are skipped"
)]

mod clips;
mod demo_model;
mod encoder_speed;
mod live;
mod noises;
mod scripted;
mod streaming;
mod transcription;
mod voice_activity;
mod whisper;
