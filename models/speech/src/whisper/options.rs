//! How a model is used: threads, languages, temperatures, and what whisper.cpp is told the same for every window.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use whisper_rs::{FullParams, SamplingStrategy};

use super::text_limit::limit_tokens;
use crate::model_file::ModelDimensions;
use crate::recognizer::RecognizerTraits;

/// Tokens of a window at most: 30 s of fast speech have some 150. Under whisper.cpp's own limit of 220.
const WINDOW_TOKENS_MAX: i32 = 200;

/// How a model is used.
#[derive(Clone, Debug, PartialEq)]
pub struct WhisperOptions {
    /// Threads per window; the number of free cores.
    pub threads: usize,
    /// ISO 639-1 codes of the languages that may be spoken; empty for any. With one, none is detected.
    pub languages: Vec<String>,
    /// Tried in turn until the text is good; 0 is greedy.
    pub temperatures: Vec<f32>,
    /// Hypotheses that are followed at once, with all effort and no temperature; 1 is greedy.
    pub beam_size: usize,
    /// Least positions of the encoder, 50 a second, whose number fits short windows otherwise: a model that was trained on
    /// 30 s alone loops when it hears much less.
    pub positions_min: usize,
    /// Positions beyond a short window, so that its last sounds are not at the edge.
    pub positions_more: usize,
    /// What the model can be given.
    pub traits: RecognizerTraits,
}

/// OpenAI's smallest model has states this wide; what is narrower is a demo model.
const OPENAI_STATE_MIN: i32 = 384;

impl WhisperOptions {
    /// As a model of these dimensions is used that has no card.
    pub fn for_model(dimensions: &ModelDimensions, threads: usize) -> Self {
        if dimensions.audio_state < OPENAI_STATE_MIN {
            Self::demo(threads)
        } else {
            Self::new(threads)
        }
    }

    /// As OpenAI's models and those trained on from them are used.
    pub fn new(threads: usize) -> Self {
        Self {
            threads,
            languages: Vec::new(),
            temperatures: vec![0.0, 0.4, 0.8],
            beam_size: 1,
            positions_min: 512,
            positions_more: 64,
            traits: RecognizerTraits {
                window_ms_max: 28_000,
                padded: true,
                takes_prompt: true,
                may_stay_silent: false,
            },
        }
    }

    /// As greffier's own demo model is used: short windows, no prompt, one try, and silence where nobody speaks.
    pub fn demo(threads: usize) -> Self {
        Self {
            languages: vec!["en".to_owned(), "fr".to_owned()],
            temperatures: vec![0.0],
            positions_min: 0,
            traits: RecognizerTraits {
                window_ms_max: 6_500,
                padded: false,
                takes_prompt: false,
                may_stay_silent: true,
            },
            ..Self::new(threads)
        }
    }
}

/// Stops a recognizer from another thread; the window at hand ends with
/// [`RecognizeError::Aborted`](crate::recognizer::RecognizeError::Aborted).
#[derive(Clone, Debug, Default)]
pub struct AbortFlag(Arc<AtomicBool>);

impl AbortFlag {
    /// Stops the recognizer, or lets it go on.
    pub fn set(&self, stop: bool) {
        self.0.store(stop, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is the same for every window that is decoded by `strategy`.
pub(super) fn parameters(
    strategy: SamplingStrategy,
    dimensions: &ModelDimensions,
    has_blank: bool,
    options: &WhisperOptions,
    abort: &AbortFlag,
) -> FullParams<'static, 'static> {
    let mut parameters = FullParams::new(strategy);
    parameters.set_n_threads(options.threads as i32);
    parameters.set_single_segment(true);
    parameters.set_no_context(true);
    limit_tokens(&mut parameters, WINDOW_TOKENS_MAX.min(dimensions.text_context / 2 - 6));
    parameters.set_temperature_inc(0.0);
    parameters.set_no_speech_thold(1.0); // else whisper.cpp drops text by a value of the window before
    parameters.set_suppress_blank(has_blank && !options.traits.may_stay_silent);
    parameters.set_suppress_nst(!options.traits.may_stay_silent);
    parameters.set_print_progress(false);
    parameters.set_print_realtime(false);
    parameters.set_print_special(false);
    parameters.set_print_timestamps(false);
    let abort = abort.clone();
    // Boxed beforehand: the setter calls a plain closure through the wrong type. It leaks the box, once a recognizer.
    type Boxed = Box<dyn FnMut() -> bool>;
    let stop: Boxed = Box::new(move || abort.is_set());
    parameters.set_abort_callback_safe::<Boxed, Boxed>(stop);
    parameters
}
