//! Which detector tells speech from what is none.

use std::path::Path;

use anyhow::Context as _;
use speech::voice_activity::{EmbeddedDetector, SileroDetector, SileroPace, SpeechProbability};

/// Silero's detector, where its model file is given; else the embedded one.
///
/// # Errors
/// When the file is no whole model.
pub fn speech_frames(silero: Option<&Path>) -> anyhow::Result<Box<dyn SpeechProbability>> {
    Ok(match silero {
        Some(path) => {
            Box::new(SileroDetector::load(path, SileroPace::Recording).context("loading the voice detector")?)
        }
        None => Box::new(EmbeddedDetector::new()),
    })
}
