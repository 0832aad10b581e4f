//! whisper.cpp through whisper-rs: a loaded model, and recognizers that turn windows of sound into segments.
//!
//! What is done differently from whisper.cpp's own loop, and why:
//! - One window is one encoder pass (`single_segment`), whose text is cut by the timestamps here. The own loop ends the
//!   process on remainders under 160 ms with word alignment on, and loses what it jumps over.
//! - The number of tokens is limited below whisper.cpp's own limit: a text that loops up to that one leaves a time from
//!   which word alignment ends the process. And a text that is cut there ends like any other (`text_limit`).
//! - The no-speech probability is read anew after the decoding: whisper.cpp's own is that of the window before. The same
//!   single token gives the language, so that detection costs no second encoder pass.
//! - Temperatures are tried here, each sampling with a fresh state, so that a window's text does not depend on the windows
//!   before it.

mod options;
mod recognizer;
mod text_limit;
mod tokens;

use std::path::{Path, PathBuf};

use whisper_rs::{DtwMode, DtwModelPreset, DtwParameters, WhisperContext, WhisperContextParameters};

pub use options::{AbortFlag, WhisperOptions};
pub use recognizer::WhisperRecognizer;

use crate::model_file::{ModelDimensions, ModelFile, ModelFileError};

/// A Whisper model in memory; recognizers share it.
pub struct WhisperModel {
    context: WhisperContext,
    file: ModelFile,
}

/// A model cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadModelError {
    /// The file is not usable.
    #[error(transparent)]
    File(#[from] ModelFileError),
    /// whisper.cpp refused a file that looks right.
    #[error("whisper.cpp cannot load {}; pull the model again, or free memory", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What whisper.cpp said.
        source: whisper_rs::WhisperError,
    },
}

impl WhisperModel {
    /// Loads the model file at `path`, after a look whether it is whole. Takes as much memory as the file is long.
    ///
    /// # Errors
    /// When the file is no whole model or whisper.cpp cannot load it.
    pub fn load(path: &Path) -> Result<Self, LoadModelError> {
        let file = ModelFile::inspect(path)?;
        whisper_rs::install_logging_hooks(); // else whisper.cpp writes to standard error
        let mut parameters = WhisperContextParameters::new();
        parameters.use_gpu(false);
        parameters.flash_attn(false); // slower on processors, and it turns the alignment of words off
        parameters.dtw_parameters(DtwParameters {
            mode: alignment_heads(&file.dimensions),
            dtw_mem_size: 256 << 20,
        });
        let context = WhisperContext::new_with_params(path, parameters).map_err(|source| LoadModelError::Load {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { context, file })
    }

    /// What was found in its file.
    pub fn file(&self) -> &ModelFile {
        &self.file
    }
}

/// The attention heads that follow the words: known for OpenAI's models, by shape, and so for what was trained on from
/// them; else those of the last decoder layers.
fn alignment_heads(dimensions: &ModelDimensions) -> DtwMode<'static> {
    let multilingual = dimensions.is_multilingual();
    let usual_heads = dimensions.text_heads == dimensions.text_state / 64;
    let layers = if usual_heads { dimensions.text_layers } else { 0 };
    let shape = (dimensions.audio_state, dimensions.audio_layers, layers);
    let model_preset = match (shape, multilingual) {
        ((384, 4, 4), true) => DtwModelPreset::Tiny,
        ((384, 4, 4), false) => DtwModelPreset::TinyEn,
        ((512, 6, 6), true) => DtwModelPreset::Base,
        ((512, 6, 6), false) => DtwModelPreset::BaseEn,
        ((768, 12, 12), true) => DtwModelPreset::Small,
        ((768, 12, 12), false) => DtwModelPreset::SmallEn,
        ((1024, 24, 24), true) => DtwModelPreset::Medium,
        ((1024, 24, 24), false) => DtwModelPreset::MediumEn,
        ((1280, 32, 32), _) if dimensions.mels == 128 => DtwModelPreset::LargeV3,
        ((1280, 32, 32), _) => DtwModelPreset::LargeV2,
        ((1280, 32, 4), _) => DtwModelPreset::LargeV3Turbo,
        _ => {
            // More heads than those of two layers may not fit the memory for alignment, and that ends the process.
            let n_top = if dimensions.text_layers <= 4 { 1 } else { 2 };
            return DtwMode::TopMost { n_top };
        }
    };
    DtwMode::ModelPreset { model_preset }
}
