//! One window through the model: prompt, language, temperatures, alignment.

use std::sync::Arc;

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperError, WhisperState, get_lang_id};

use super::WhisperModel;
use super::options::{AbortFlag, WhisperOptions, parameters};
use super::tokens::{Token, WindowFacts, segments};
use crate::guards::{compression_ratio, is_loop};
use crate::recognizer::{Effort, RecognizeError, Recognizer, RecognizerTraits, Window};
use crate::sound::{SAMPLE_RATE_HZ, duration_ms, finite};
use crate::transcript::TranscriptSegment;

/// Samples per position of the encoder: 20 ms.
const POSITION_SAMPLES: usize = 320;
/// Number of positions is a multiple of this: the matrix kernels like it.
const POSITIONS_STEP: usize = 64;
/// More would not be faster, and ggml ends the process at 512.
const THREADS_MAX: usize = 64;
/// Decoders that whisper.cpp has.
const BEAM_SIZE_MAX: usize = 8;
/// Tokens of vocabulary and of context that are given, each at most.
const PROMPT_TOKENS_MAX: usize = 100;
/// The window is tried again where its text has less average log probability, or compresses better. OpenAI's values.
const LOG_PROBABILITY_MIN: f32 = -1.0;
const COMPRESSION_RATIO_MAX: f32 = 2.4;
/// No more tries where the model is this sure of silence. OpenAI's value.
const NO_SPEECH_PROBABILITY_MIN: f32 = 0.6;
/// Probability from which another language than the assumed one is believed.
const LANGUAGE_PROBABILITY_MIN: f32 = 0.6;

/// A recognizer over a shared model, with a state of its own: one per thread. The state takes 50 to 300 MB by the model.
pub struct WhisperRecognizer {
    model: Arc<WhisperModel>,
    options: WhisperOptions,
    state: WhisperState,
    greedy: FullParams<'static, 'static>,
    /// For windows that get all effort, where the model is used so.
    beam: Option<FullParams<'static, 'static>>,
    abort: AbortFlag,
    languages: Vec<i32>,
}

/// One decoding of a window.
struct Attempt {
    tokens: Vec<Token>,
    language: i32,
    facts: WindowFacts,
}

impl WhisperRecognizer {
    /// A recognizer over `model`.
    ///
    /// # Errors
    /// For a language that Whisper does not know, and when there is no memory for the state.
    pub fn new(model: Arc<WhisperModel>, options: WhisperOptions) -> Result<Self, RecognizeError> {
        let mut options = options;
        options.threads = options.threads.clamp(1, THREADS_MAX);
        let languages: Result<Vec<i32>, _> = options.languages.iter().map(|code| language_id(code)).collect();
        let state = new_state(&model.context)?;
        let abort = AbortFlag::default();
        let decoded_by = |strategy| {
            let file = &model.file;
            parameters(strategy, &file.dimensions, file.has_blank, &options, &abort)
        };
        let beam = SamplingStrategy::BeamSearch {
            beam_size: options.beam_size.min(BEAM_SIZE_MAX) as i32,
            patience: -1.0, // what whisper.cpp has for none
        };
        Ok(Self {
            greedy: decoded_by(SamplingStrategy::Greedy { best_of: 1 }),
            beam: (options.beam_size > 1).then(|| decoded_by(beam)),
            languages: languages?,
            model,
            options,
            state,
            abort,
        })
    }

    /// With which it is stopped from elsewhere.
    pub fn abort_flag(&self) -> AbortFlag {
        self.abort.clone()
    }

    /// One pass of the encoder over 30 s without any decoding: warms a model up, and times it.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn encode(&mut self, samples: &[f32]) -> Result<(), RecognizeError> {
        let failed = |source| RecognizeError::Engine {
            samples: samples.len(),
            source,
        };
        self.state.pcm_to_mel(samples, self.options.threads).map_err(failed)?;
        self.state.encode(0, self.options.threads).map_err(failed)
    }

    fn attempt(&mut self, window: &Window<'_>, language: i32, temperature: f32) -> Result<Attempt, RecognizeError> {
        let prompt = self.prompt(window);
        let thorough = window.effort == Effort::Full && temperature == 0.0;
        let beam = self.beam.as_ref().filter(|_| thorough);
        let mut parameters = beam.unwrap_or(&self.greedy).clone();
        parameters.set_tokens(&prompt);
        parameters.set_temperature(temperature);
        parameters.set_language(whisper_rs::get_lang_str(language));
        if window.effort != Effort::Full || !self.options.traits.padded {
            parameters.set_audio_ctx(self.fitted_positions(window.samples.len()) as i32);
        }
        if temperature > 0.0 {
            // A sampling state remembers what it drew before; a fresh one makes the window's text its own.
            self.state = new_state(&self.model.context)?;
        }
        // whisper.cpp passes over less than 0.1 s, and the alignment needs 0.16 s.
        let mut samples: Vec<f32> = window.samples.iter().map(|&sample| finite(sample)).collect();
        samples.resize(samples.len().max(SAMPLE_RATE_HZ), 0.0);
        let failed = |source| RecognizeError::Engine {
            samples: window.samples.len(),
            source,
        };
        self.state.full(parameters, &samples).map_err(|source| {
            if self.abort.is_set() {
                RecognizeError::Aborted
            } else {
                failed(source)
            }
        })?;
        let tokens = self.tokens().map_err(failed)?;
        let (detected, no_speech_probability) = self.hear_again(language).map_err(failed)?;
        Ok(Attempt {
            tokens,
            language: detected,
            facts: WindowFacts {
                duration_ms: duration_ms(window.samples.len()),
                language: self.is_multilingual().then(|| language_code(language)),
                no_speech_probability,
            },
        })
    }

    /// The tokens of the window just decoded.
    fn tokens(&self) -> Result<Vec<Token>, WhisperError> {
        let (end, times) = (self.model.context.token_eot(), self.model.context.token_beg());
        let mut tokens = Vec::new();
        for segment in self.state.as_iter() {
            for token in (0..segment.n_tokens()).filter_map(|at| segment.get_token(at)) {
                let data = token.token_data();
                if data.id >= times {
                    tokens.push(Token::Timestamp {
                        steps: i64::from(data.id - times),
                    });
                } else if data.id < end {
                    tokens.push(Token::Text {
                        bytes: token.to_bytes()?.to_vec(),
                        probability: data.p,
                        log_probability: data.plog,
                        end_ms: (data.t_dtw >= 0).then_some(data.t_dtw * 10),
                    });
                }
            }
        }
        Ok(tokens)
    }

    /// Decodes the first token anew over the sound still encoded: its logits hold the languages and "no speech".
    fn hear_again(&mut self, assumed: i32) -> Result<(i32, f32), WhisperError> {
        let context = &self.model.context;
        self.state.decode(&[context.token_sot()], 0, self.options.threads)?;
        let logits = self.state.get_logits()?;
        let peak = logits.iter().copied().fold(f32::MIN, f32::max);
        let weight = |token: i32| (logits[token as usize] - peak).exp();
        let all: f32 = logits.iter().map(|logit| (logit - peak).exp()).sum();
        let no_speech_probability = weight(context.token_nosp()) / all;
        if !self.is_multilingual() || self.languages.len() == 1 {
            return Ok((assumed, no_speech_probability));
        }
        let any: Vec<i32>;
        let candidates = if self.languages.is_empty() {
            // large-v3 has one language more than those before.
            let known = whisper_rs::get_lang_max_id().min(context.n_vocab() - 51_767);
            any = (0..=known).collect();
            &any
        } else {
            &self.languages
        };
        let of_languages: f32 = candidates
            .iter()
            .map(|&language| weight(context.token_lang(language)))
            .sum();
        let likeliest = candidates
            .iter()
            .copied()
            .max_by(|&a, &b| weight(context.token_lang(a)).total_cmp(&weight(context.token_lang(b))))
            .unwrap_or(assumed);
        let believed = weight(context.token_lang(likeliest)) >= LANGUAGE_PROBABILITY_MIN * of_languages;
        Ok((if believed { likeliest } else { assumed }, no_speech_probability))
    }

    fn prompt(&self, window: &Window<'_>) -> Vec<i32> {
        if !self.options.traits.takes_prompt {
            return Vec::new();
        }
        let tokens = |text: &str| {
            let text = format!(" {}", text.replace('\0', " ").trim());
            // Never more tokens than bytes: for more tokens than it is given room for, whisper-rs reads beyond its buffer.
            self.model.context.tokenize(&text, text.len() + 1).unwrap_or_default()
        };
        let mut prompt = Vec::new();
        if !window.vocabulary.trim().is_empty() {
            prompt = tokens(window.vocabulary);
            prompt.truncate(PROMPT_TOKENS_MAX);
        }
        if !window.context.trim().is_empty() {
            let context = tokens(window.context);
            prompt.extend(&context[context.len().saturating_sub(PROMPT_TOKENS_MAX)..]);
        }
        prompt
    }

    fn fitted_positions(&self, samples: usize) -> usize {
        let positions = samples.max(SAMPLE_RATE_HZ).div_ceil(POSITION_SAMPLES) + self.options.positions_more;
        let positions = positions.max(self.options.positions_min);
        (positions.div_ceil(POSITIONS_STEP) * POSITIONS_STEP).min(self.model.file.dimensions.audio_context as usize)
    }

    fn is_multilingual(&self) -> bool {
        self.model.file.dimensions.is_multilingual()
    }

    /// In the window's language, the first that may be spoken, or English.
    fn first_language(&self, window: &Window<'_>) -> Result<i32, RecognizeError> {
        let given = window.language.map(language_id).transpose()?;
        let allowed = |language: &i32| self.languages.is_empty() || self.languages.contains(language);
        let language = given.filter(allowed).or_else(|| self.languages.first().copied());
        language.map_or_else(|| language_id("en"), Ok)
    }
}

impl Recognizer for WhisperRecognizer {
    fn traits(&self) -> RecognizerTraits {
        self.options.traits
    }

    fn recognize(&mut self, window: &Window<'_>) -> Result<Vec<TranscriptSegment>, RecognizeError> {
        let samples_max = self.model.file.dimensions.audio_context as usize * POSITION_SAMPLES;
        if window.samples.len() > samples_max {
            return Err(RecognizeError::WindowTooLong {
                samples: window.samples.len(),
                samples_max,
            });
        }
        let mut language = self.first_language(window)?;
        let tries = if window.effort == Effort::Quick {
            1
        } else {
            self.options.temperatures.len()
        };
        let mut best: Option<Vec<TranscriptSegment>> = None;
        for temperature in self.options.temperatures.clone().into_iter().take(tries.max(1)) {
            let mut attempt = self.attempt(window, language, temperature)?;
            if attempt.language != language {
                language = attempt.language;
                attempt = self.attempt(window, language, temperature)?;
            }
            let segments = segments(&attempt.tokens, &attempt.facts);
            let good = is_good(&segments) || attempt.facts.no_speech_probability > NO_SPEECH_PROBABILITY_MIN;
            if good || best.as_deref().is_none_or(|best| quality(&segments) > quality(best)) {
                best = Some(segments);
            }
            if good {
                break;
            }
        }
        Ok(best.unwrap_or_default())
    }
}

fn is_good(segments: &[TranscriptSegment]) -> bool {
    quality(segments) >= LOG_PROBABILITY_MIN
}

/// Average log probability over all words; where they loop, less than any text that does not.
fn quality(segments: &[TranscriptSegment]) -> f32 {
    let texts: Vec<String> = segments.iter().map(TranscriptSegment::text).collect();
    let text = texts.join(" ");
    let words: usize = segments.iter().map(|segment| segment.words.len()).sum();
    let sum: f32 = segments
        .iter()
        .map(|segment| segment.average_log_probability * segment.words.len() as f32)
        .sum();
    let loops = compression_ratio(&text) > COMPRESSION_RATIO_MAX || is_loop(&text, false);
    sum / words.max(1) as f32 - if loops { 100.0 } else { 0.0 }
}

fn new_state(context: &WhisperContext) -> Result<WhisperState, RecognizeError> {
    context
        .create_state()
        .map_err(|source| RecognizeError::Engine { samples: 0, source })
}

fn language_id(code: &str) -> Result<i32, RecognizeError> {
    let known = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase());
    known
        .then(|| get_lang_id(code))
        .flatten()
        .ok_or_else(|| RecognizeError::Language { code: code.to_owned() })
}

fn language_code(language: i32) -> String {
    whisper_rs::get_lang_str(language).unwrap_or("en").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_file::{ModelDimensions, TensorType, write_random_model};

    /// A random model says anything until it is cut: see `text_limit` for what would happen else.
    #[test]
    fn a_text_that_is_cut_ends_like_any_other() {
        let small = ModelDimensions {
            audio_state: 32,
            audio_heads: 1,
            audio_layers: 1,
            text_state: 32,
            text_heads: 1,
            text_layers: 1,
            text_context: 62,
            ..ModelDimensions::DEMO
        };
        let sound: Vec<f32> = (0..30 * SAMPLE_RATE_HZ)
            .map(|at| (at as f32 * 0.7).sin() * 0.1)
            .collect();
        let (limit, mut cut) = (62 / 2 - 6, 0);
        for seed in 4..=6 {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            write_random_model(&small, TensorType::Q8_0, seed, &mut file).unwrap();
            let model = Arc::new(WhisperModel::load(file.path()).unwrap());
            for beam_size in [1, 3] {
                let options = WhisperOptions {
                    beam_size,
                    ..WhisperOptions::demo(1)
                };
                let mut recognizer = WhisperRecognizer::new(Arc::clone(&model), options).unwrap();
                for (effort, temperature) in [(Effort::Quick, 0.0), (Effort::Full, 0.0), (Effort::Full, 0.8)] {
                    let window = Window {
                        samples: &sound,
                        language: None,
                        vocabulary: "",
                        context: "",
                        effort,
                    };
                    let language = recognizer.first_language(&window).unwrap();
                    recognizer.attempt(&window, language, temperature).unwrap();
                    for segment in recognizer.state.as_iter() {
                        let ids: Vec<i32> = (0..segment.n_tokens())
                            .filter_map(|at| segment.get_token(at))
                            .map(|token| token.token_id())
                            .collect();
                        let last = *ids.last().unwrap();
                        assert!(last >= model.context.token_eot(), "{last} is the last of {}", ids.len());
                        cut += usize::from(ids.len() > limit);
                    }
                }
            }
        }
        assert!(cut > 4, "{cut} texts were cut");
    }
}
