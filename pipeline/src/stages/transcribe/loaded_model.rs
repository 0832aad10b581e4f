//! A speech model with the card beside its file, if there is one, and how both are used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use datasets::Language;
use speech::card::ModelCard;
use speech::whisper::{WhisperModel, WhisperOptions, WhisperRecognizer};

use super::sha256_of;

/// A model in memory.
pub(crate) struct LoadedModel {
    path: PathBuf,
    model: Arc<WhisperModel>,
    card: Option<ModelCard>,
}

impl LoadedModel {
    /// Loads the model at `path`, and its card.
    ///
    /// # Errors
    /// When the file is no whole model, or not that of the card.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let card = ModelCard::beside(path)?;
        if let Some(card) = &card
            && card.sha256 != sha256_of(path)?
        {
            bail!(
                "the card beside `{}` is that of another file: put model and card there together",
                path.display()
            );
        }
        Ok(Self {
            path: path.to_owned(),
            model: Arc::new(WhisperModel::load(path)?),
            card,
        })
    }

    /// What it was trained for; `None` for a model for everything.
    pub(crate) fn card(&self) -> Option<&ModelCard> {
        self.card.as_ref()
    }

    /// Width of the encoder's states.
    pub(crate) fn audio_state(&self) -> i32 {
        self.model.file().dimensions.audio_state
    }

    /// A recognizer on `threads` for what is spoken in `language`, if that is known.
    ///
    /// # Errors
    /// When the model does not know the language, or memory is short.
    pub(crate) fn recognizer(&self, threads: usize, language: Option<Language>) -> anyhow::Result<WhisperRecognizer> {
        let mut whisper = match &self.card {
            Some(card) => card.whisper_options(threads),
            None => WhisperOptions::for_model(&self.model.file().dimensions, threads),
        };
        if let Some(language) = language.map(|language| language.to_string()) {
            let known = self.card.as_ref().is_none_or(|card| card.languages.contains(&language));
            if !known {
                bail!("`{}` does not know the language `{language}`", self.path.display());
            }
            whisper.languages = vec![language];
        }
        WhisperRecognizer::new(Arc::clone(&self.model), whisper)
            .with_context(|| format!("preparing `{}`", self.path.display()))
    }
}
