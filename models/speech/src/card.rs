//! The card of a model: what it was trained for, as data in a file beside it, so that the transcriber stays within it.
//!
//! A model without a card is one for everything, such as Whisper. Cards are written by
//! `scripts/train_demo_model/export.py`.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::DomainOptions;
use crate::recognizer::RecognizerTraits;
use crate::whisper::WhisperOptions;

/// What a model was trained for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ModelCard {
    /// Name, such as `demo`.
    pub name: String,
    /// One sentence that whatever uses the model shows, the way to a better one included.
    pub notice: String,
    /// SHA-256 of the model file, in lower-case hexadecimal.
    pub sha256: String,
    /// ISO 639-1 codes of the languages it knows; with one, none is detected.
    pub languages: Vec<String>,
    /// Sounds it was trained on.
    pub window: WindowLimits,
    /// What may be asked of its decoder.
    pub decoding: DecodingLimits,
    /// Where its domain ends.
    pub domain: DomainOptions,
    /// All words it can write, by language.
    pub lexicon: BTreeMap<String, Lexicon>,
}

/// Windows that a model was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct WindowLimits {
    /// Longest in milliseconds.
    pub longest_ms: i64,
    /// Positions of the encoder beyond the window, 50 a second.
    pub positions_more: usize,
}

/// What may be asked of a model's decoder.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct DecodingLimits {
    /// Whether vocabulary and context may be given to it.
    pub takes_prompt: bool,
    /// Whether it writes nothing where nobody speaks, or nothing that it knows.
    pub may_stay_silent: bool,
    /// Hypotheses that are followed at once where text is not awaited; 1 is greedy.
    #[serde(default = "greedy")]
    pub beam_size: usize,
}

fn greedy() -> usize {
    1
}

/// The words that a model knows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct Lexicon(HashSet<String>);

/// A card cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// It cannot be read.
    #[error("cannot read the card {}", path.display())]
    Read {
        /// The card.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no card.
    #[error("{} is no card of a speech model: {source}; restore it as it came with the model", path.display())]
    Form {
        /// The card.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
}

impl ModelCard {
    /// The card of the model file at `model`: the file beside it with the ending `toml`; `None` where there is none.
    ///
    /// # Errors
    /// When there is one that cannot be used.
    pub fn beside(model: &Path) -> Result<Option<Self>, CardError> {
        let path = model.with_extension("toml");
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path).map(Some),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CardError::Read { path, source }),
        }
    }

    /// The card in `text`; `path` is named in errors.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str, path: &Path) -> Result<Self, CardError> {
        toml::from_str(text).map_err(|source| CardError::Form {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// How the model is used: within what it was trained on, in one try.
    pub fn whisper_options(&self, threads: usize) -> WhisperOptions {
        WhisperOptions {
            languages: self.languages.clone(),
            temperatures: vec![0.0],
            beam_size: self.decoding.beam_size,
            positions_min: 0,
            positions_more: self.window.positions_more,
            traits: RecognizerTraits {
                window_ms_max: self.window.longest_ms,
                padded: false,
                takes_prompt: self.decoding.takes_prompt,
                may_stay_silent: self.decoding.may_stay_silent,
            },
            ..WhisperOptions::new(threads)
        }
    }
}

impl Lexicon {
    /// Whether it has the word, whole or as parts around hyphens and apostrophes; numbers and punctuation do not count.
    pub fn has(&self, word: &str) -> bool {
        let word = word.to_lowercase().replace('’', "'");
        let word = word.trim_matches(|letter: char| !letter.is_alphabetic());
        let part_is_known = |part: &str| part.is_empty() || self.0.contains(part);
        self.0.contains(word) || word.split(['\'', '-']).all(part_is_known)
    }
}

impl From<Vec<String>> for Lexicon {
    fn from(words: Vec<String>) -> Self {
        Self(words.iter().map(|word| word.to_lowercase()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = r#"
        name = "demo"
        notice = "A demonstration."
        sha256 = "00"
        languages = ["fr"]
        lexicon.fr = ["Élodie", "l", "ordre", "est", "ce", "que", "aujourd'hui"]
        [window]
        longest_ms = 8000
        positions_more = 30
        [decoding]
        takes_prompt = false
        may_stay_silent = true
        beam_size = 5
        [domain]
        log_probability_min = -0.9
        share_unknown_max = 0.3
        share_outside_max = 0.5
    "#;

    #[test]
    fn a_card_says_how_the_model_is_used() {
        let card = ModelCard::parse(CARD, Path::new("x.toml")).unwrap();
        let options = card.whisper_options(3);
        assert_eq!((options.threads, options.positions_more), (3, 30));
        assert_eq!(options.traits.window_ms_max, 8000);
        assert_eq!(options.languages, ["fr"]);
        assert_eq!(options.beam_size, 5);
        assert!(options.traits.may_stay_silent && !options.traits.takes_prompt);
    }

    #[test]
    fn a_lexicon_knows_words_and_what_is_made_of_them() {
        let lexicon = &ModelCard::parse(CARD, Path::new("x.toml")).unwrap().lexicon["fr"];
        for word in ["élodie", "L'ordre", "est-ce", "est-ce,", "aujourd'hui.", "l’ordre", "?"] {
            assert!(lexicon.has(word), "{word}");
        }
        for word in ["élodies", "m'ordre", "chose"] {
            assert!(!lexicon.has(word), "{word}");
        }
    }

    #[test]
    fn a_card_is_found_beside_its_model_and_a_broken_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("demo-q5_1.bin");
        assert!(ModelCard::beside(&model).unwrap().is_none());
        fs::write(folder.path().join("demo-q5_1.toml"), CARD).unwrap();
        assert_eq!(ModelCard::beside(&model).unwrap().unwrap().name, "demo");
        fs::write(folder.path().join("demo-q5_1.toml"), CARD.replace("8000", "\"long\"")).unwrap();
        let error = ModelCard::beside(&model).unwrap_err().to_string();
        assert!(
            error.contains("demo-q5_1.toml") && error.contains("longest_ms"),
            "{error}"
        );
    }
}
