//! The models of a live meeting, and how many threads recognize with them.

use std::path::Path;

use datasets::Provenance;
use speech::recognizer::Recognizer;
use speech::streaming::LiveEngines;
use speech::whisper::WhisperRecognizer;

use crate::stages::transcribe::{LoadedModel, SpeechOptions, sha256_of};

/// Models up to OpenAI's smallest are so small that threads of one window wait for each other more than they compute.
const SMALL_STATE_MAX: i32 = 384;

/// Loaded models, and how they are used.
pub struct LiveEngine {
    options: SpeechOptions,
    model: LoadedModel,
    model_sha256: String,
    smaller: Option<LoadedModel>,
}

/// How lanes are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Recognizers that work side by side, each on lanes of its own.
    pub(super) workers: usize,
    /// Threads of each.
    pub(super) threads: usize,
}

/// What one worker recognizes with.
pub(super) struct Recognizers {
    chosen: WhisperRecognizer,
    smaller: Option<WhisperRecognizer>,
}

impl Recognizers {
    pub(super) fn engines(&mut self) -> LiveEngines<'_> {
        LiveEngines {
            chosen: &mut self.chosen,
            smaller: self.smaller.as_mut().map(|smaller| smaller as &mut dyn Recognizer),
        }
    }
}

impl LiveEngine {
    /// Loads the model, and the smaller one that takes over when the first is too slow.
    ///
    /// # Errors
    /// When a file is no whole model.
    pub fn load(options: SpeechOptions, fallback: Option<&Path>) -> anyhow::Result<Self> {
        let smaller = fallback.map(LoadedModel::load).transpose()?;
        Ok(Self {
            model: LoadedModel::load(&options.model)?,
            model_sha256: sha256_of(&options.model)?,
            options,
            smaller,
        })
    }

    /// How it is used.
    pub fn options(&self) -> &SpeechOptions {
        &self.options
    }

    /// File name of the model.
    pub fn name(&self) -> String {
        let path = &self.options.model;
        path.file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned()
    }

    /// What a transcript of the recording with this SHA-256 is made by, whether it ended well or was recovered.
    pub(super) fn provenance(&self, input_sha256: &str, vocabulary: &str) -> Provenance {
        let mut provenance = self.options.provenance(input_sha256, &self.model_sha256, vocabulary);
        provenance.parameters.insert("live".to_owned(), "true".to_owned());
        provenance
    }

    pub(super) fn plan(&self) -> Plan {
        plan(processors(), self.model.audio_state())
    }

    /// The recognizers of one worker.
    pub(super) fn recognizers(&self) -> anyhow::Result<Recognizers> {
        let threads = self.plan().threads;
        let language = self.options.language;
        let smaller = self.smaller.as_ref().map(|model| model.recognizer(threads, language));
        Ok(Recognizers {
            chosen: self.model.recognizer(threads, language)?,
            smaller: smaller.transpose()?,
        })
    }

    /// The recognizer of the pass over what is missing: alone on the machine.
    pub(super) fn batch_recognizer(&self) -> anyhow::Result<WhisperRecognizer> {
        self.model.recognizer(processors(), self.options.language)
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn plan(processors: usize, audio_state: i32) -> Plan {
    if audio_state <= SMALL_STATE_MAX {
        Plan {
            workers: processors,
            threads: 1,
        }
    } else {
        Plan {
            workers: 1,
            threads: processors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_model_works_lane_by_lane_and_a_large_one_window_by_window() {
        let check = |processors, state, workers, threads| {
            assert_eq!(plan(processors, state), Plan { workers, threads });
        };
        check(2, 192, 2, 1);
        check(8, 384, 8, 1);
        check(8, 512, 1, 8);
        check(1, 1280, 1, 1);
    }
}
