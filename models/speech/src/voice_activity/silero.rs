//! Silero's detector, run by whisper.cpp, where its model file (885 KB, MIT) is installed: the better of the two on noise.
//!
//! whisper.cpp forgets its state at each call, so the stream is judged in blocks, each with some sound before it.

use std::path::{Path, PathBuf};

use whisper_rs::{WhisperVadContext, WhisperVadContextParams};

use super::{GateOptions, SpeechProbability};
use crate::model_file::{ModelFileError, inspect_silero};
use crate::sound::finite;

/// 32 ms, as the net takes it.
const FRAME: usize = 512;
/// Sound before a block, from which the net finds its state: 2 s.
const LEAD_FRAMES: usize = 64;

/// Silero's detector cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SileroError {
    /// Its file is not usable.
    #[error(transparent)]
    File(#[from] ModelFileError),
    /// whisper.cpp refused a file that looks right.
    #[error("whisper.cpp cannot load {}; pull the model again", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What whisper.cpp said.
        source: whisper_rs::WhisperError,
    },
}

/// How much is judged at once: more is faster, less is sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SileroPace {
    /// Blocks of 0.5 s: five times the computing of [`SileroPace::Recording`].
    Live,
    /// Blocks of 30 s.
    Recording,
}

/// Speech by Silero's net. Frames of 32 ms.
pub struct SileroDetector {
    net: WhisperVadContext,
    block_frames: usize,
    /// The lead, then what is not judged yet.
    samples: Vec<f32>,
    lead: usize,
}

impl SileroDetector {
    /// Loads the file at `path` after a look whether it is whole.
    ///
    /// # Errors
    /// When it is not usable.
    pub fn load(path: &Path, pace: SileroPace) -> Result<Self, SileroError> {
        inspect_silero(path)?;
        whisper_rs::install_logging_hooks(); // else whisper.cpp writes to standard error
        let mut parameters = WhisperVadContextParams::new();
        parameters.set_n_threads(1); // its matrices are too small to be shared
        let net = WhisperVadContext::new(&path.to_string_lossy(), parameters).map_err(|source| SileroError::Load {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            net,
            block_frames: match pace {
                SileroPace::Live => 16,
                SileroPace::Recording => 938,
            },
            samples: Vec::new(),
            lead: 0,
        })
    }

    /// Judges `frames` frames after the lead.
    fn judge(&mut self, frames: usize, probabilities: &mut Vec<f32>) {
        let end = self.samples.len().min((self.lead + frames) * FRAME);
        // Where the net fails, all is speech: the recognizer's own guards are the next to judge.
        match self.net.detect_speech(&self.samples[..end]) {
            Ok(()) => probabilities.extend(self.net.probabilities().iter().skip(self.lead).take(frames)),
            Err(_) => probabilities.extend(std::iter::repeat_n(1.0, frames)),
        }
        let lead = (self.lead + frames).min(LEAD_FRAMES);
        let from = (self.lead + frames - lead) * FRAME;
        self.samples.drain(..from.min(self.samples.len()));
        self.lead = lead;
    }

    fn pending(&self) -> usize {
        self.samples.len().saturating_sub(self.lead * FRAME)
    }
}

impl SpeechProbability for SileroDetector {
    fn frame_samples(&self) -> usize {
        FRAME
    }

    /// Its best points on AMI lie at thresholds of 0.25 to 0.35.
    fn gate_options(&self) -> GateOptions {
        GateOptions {
            on: 0.35,
            off: 0.25,
            speech_ms_min: 190,
            pause_ms_max: 400,
            pad_ms: 200,
        }
    }

    fn push(&mut self, samples: &[f32], probabilities: &mut Vec<f32>) {
        self.samples.extend(samples.iter().map(|&sample| finite(sample)));
        while self.pending() >= self.block_frames * FRAME {
            self.judge(self.block_frames, probabilities);
        }
    }

    fn finish(&mut self, probabilities: &mut Vec<f32>) {
        let frames = self.pending().div_ceil(FRAME);
        if frames > 0 {
            self.judge(frames, probabilities);
        }
        self.samples.clear();
        self.lead = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_file::write_random_silero;

    #[test]
    fn a_file_of_the_true_shape_runs_and_every_frame_is_judged_once() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write_random_silero(7, &mut file).unwrap();
        let samples: Vec<f32> = (0..80_123).map(|n| (n as f32 * 0.03).sin() * 0.2).collect();
        for pace in [SileroPace::Live, SileroPace::Recording] {
            let mut detector = SileroDetector::load(file.path(), pace).unwrap();
            let mut probabilities = Vec::new();
            for piece in samples.chunks(3_001) {
                detector.push(piece, &mut probabilities);
            }
            detector.finish(&mut probabilities);
            assert_eq!(probabilities.len(), samples.len().div_ceil(FRAME));
            assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
        }
    }

    #[test]
    fn a_cut_file_is_an_error_and_no_abort() {
        let mut bytes = Vec::new();
        write_random_silero(7, &mut bytes).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        for length in [0, 3, 40, 5_000, bytes.len() - 1] {
            std::fs::write(file.path(), &bytes[..length]).unwrap();
            assert!(matches!(
                SileroDetector::load(file.path(), SileroPace::Live),
                Err(SileroError::File(_))
            ));
        }
    }
}
