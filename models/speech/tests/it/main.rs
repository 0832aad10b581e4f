//! Tests of the crate on real clips, on noises made by rule, and on model files of random weights.

mod clips;
mod demo_model;
mod live;
mod noises;
mod scripted;
mod streaming;
mod transcription;
mod voice_activity;
mod whisper;
