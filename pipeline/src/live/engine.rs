//! The models of live meetings: loaded once, used by all meetings that are held at the same time, in turns.

mod turns;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datasets::{Language, Provenance};
use speech::recognizer::{RecognizeError, Recognizer, RecognizerTraits, Window};
use speech::streaming::LiveEngines;
use speech::transcript::TranscriptSegment;
use speech::whisper::WhisperRecognizer;

use self::turns::{Turn, Turns};
use crate::stages::transcribe::{LoadedModel, SpeechOptions, sha256_of};

/// Models up to OpenAI's smallest are so small that threads of one window wait for each other more than they compute.
const SMALL_STATE_MAX: i32 = 384;

/// Loaded models, and the recognizers that were made of them.
pub struct LiveModel {
    chosen: LoadedModel,
    sha256: String,
    smaller: Option<LoadedModel>,
    plan: Plan,
    turns: Turns,
    /// Made, and not at work. As many as there are turns: their memory does not grow with the meetings.
    idle: Mutex<Vec<Recognizers>>,
}

/// Models as one meeting uses them.
pub struct LiveEngine {
    options: SpeechOptions,
    model: Arc<LiveModel>,
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
struct Recognizers {
    language: Option<Language>,
    chosen: WhisperRecognizer,
    smaller: Option<WhisperRecognizer>,
}

/// Recognizers for one turn.
pub(super) struct Lent<'a> {
    model: &'a LiveModel,
    recognizers: Option<Recognizers>,
    // Held until the recognizers are given back.
    _turn: Turn<'a>,
}

/// The recognizer of a pass over a recording; each window is a turn among those of the live meetings.
pub(super) struct BatchRecognizer<'a> {
    turns: &'a Turns,
    recognizer: WhisperRecognizer,
}

impl LiveModel {
    /// Loads the model at `path`, and the smaller one that takes over when the first is too slow.
    ///
    /// # Errors
    /// When a file is no whole model.
    pub fn load(path: &Path, fallback: Option<&Path>) -> anyhow::Result<Self> {
        let chosen = LoadedModel::load(path)?;
        let plan = plan(processors(), chosen.audio_state());
        Ok(Self {
            sha256: sha256_of(path)?,
            smaller: fallback.map(LoadedModel::load).transpose()?,
            turns: Turns::new(plan.workers),
            idle: Mutex::default(),
            chosen,
            plan,
        })
    }

    fn make(&self, language: Option<Language>) -> anyhow::Result<Recognizers> {
        let threads = self.plan.threads;
        let smaller = self.smaller.as_ref().map(|model| model.recognizer(threads, language));
        Ok(Recognizers {
            language,
            chosen: self.chosen.recognizer(threads, language)?,
            smaller: smaller.transpose()?,
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Recognizers>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveEngine {
    /// Loads the models for one meeting.
    ///
    /// # Errors
    /// As [`LiveModel::load`].
    pub fn load(options: SpeechOptions, fallback: Option<&Path>) -> anyhow::Result<Self> {
        let model = Arc::new(LiveModel::load(&options.model, fallback)?);
        Ok(Self::over(model, options))
    }

    /// Uses models that are loaded; `options` name the same.
    pub fn over(model: Arc<LiveModel>, options: SpeechOptions) -> Self {
        Self { options, model }
    }

    /// How they are used.
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
        let mut provenance = self.options.provenance(input_sha256, &self.model.sha256, vocabulary);
        provenance.parameters.insert("live".to_owned(), "true".to_owned());
        provenance
    }

    pub(super) fn plan(&self) -> Plan {
        self.model.plan
    }

    /// Waits for a turn, and gives what to recognize with until it is dropped.
    ///
    /// # Errors
    /// When no recognizer can be made.
    pub(super) fn lend(&self) -> anyhow::Result<Lent<'_>> {
        let (model, language) = (&*self.model, self.options.language);
        let turn = model.turns.take();
        let mut idle = model.idle();
        let known = idle.iter().position(|one| one.language == language);
        let recognizers = match known {
            Some(at) => idle.swap_remove(at),
            None => {
                // It makes room for the one that is needed.
                if idle.len() >= model.plan.workers {
                    idle.remove(0);
                }
                drop(idle);
                model.make(language)?
            }
        };
        Ok(Lent {
            model,
            recognizers: Some(recognizers),
            _turn: turn,
        })
    }

    /// The recognizer of the pass over what is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn batch_recognizer(&self) -> anyhow::Result<BatchRecognizer<'_>> {
        Ok(BatchRecognizer {
            turns: &self.model.turns,
            recognizer: self.model.chosen.recognizer(processors(), self.options.language)?,
        })
    }
}

impl Lent<'_> {
    pub(super) fn engines(&mut self) -> LiveEngines<'_> {
        let recognizers = self
            .recognizers
            .as_mut()
            .expect("they are taken out when this is dropped");
        LiveEngines {
            chosen: &mut recognizers.chosen,
            smaller: recognizers
                .smaller
                .as_mut()
                .map(|smaller| smaller as &mut dyn Recognizer),
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.model.idle().extend(self.recognizers.take());
    }
}

impl Recognizer for BatchRecognizer<'_> {
    fn traits(&self) -> RecognizerTraits {
        self.recognizer.traits()
    }

    fn recognize(&mut self, window: &Window<'_>) -> Result<Vec<TranscriptSegment>, RecognizeError> {
        let _turn = self.turns.take();
        self.recognizer.recognize(window)
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
