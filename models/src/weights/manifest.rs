//! The list of models: `manifest.toml` and `speech_models.toml`, compiled in, and what the user adds; read and checked
//! here.

use serde::Deserialize;
use thiserror::Error;

/// The list that comes with this program.
const BUILT_IN: &str = concat!(
    include_str!("../../manifest.toml"),
    include_str!("../../speech_models.toml")
);

/// A list of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    models: Vec<ModelEntry>,
}

/// One model: what it is for, what it consists of, where it can be had.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Its name here: small letters, digits, `-` and `.`.
    pub name: String,
    /// What kind of network it is.
    pub kind: ModelKind,
    /// What it is for, in one line.
    pub purpose: String,
    /// SPDX identifier of the weights' licence.
    pub licence: String,
    /// Its files, the largest first.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
    /// Where it can be had, the preferred source first. A mirror directory is the user's setting and not listed.
    #[serde(rename = "source", default)]
    pub sources: Vec<Source>,
}

/// What kind of network a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Text to vector.
    SentenceEncoder,
    /// Speech to text.
    Speech,
    /// Where is speech?
    VoiceActivity,
    /// Whose voice is it?
    SpeakerEmbedding,
    /// Text to text.
    Language,
}

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Path inside the model's folder, with `/`.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, 64 lower-case hexadecimal digits. `None` where it is not published: then it is recorded when the file
    /// first arrives, and holds from then on.
    pub sha256: Option<String>,
}

/// Where a model can be had.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// A repository of the Hugging Face hub; the files bear the same paths there.
    Hub {
        /// `owner/name`.
        repository: String,
        /// Commit.
        revision: String,
    },
    /// The program itself brings it.
    BuiltIn,
    /// A wheel of a Python package index.
    Pypi {
        /// Name of the package.
        package: String,
        /// Its version.
        version: String,
        /// File name of the wheel.
        wheel: String,
        /// SHA-256 of the wheel.
        wheel_sha256: String,
        /// What stands before a file's path inside the wheel.
        member_prefix: String,
    },
}

/// Why a manifest can't be used.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Not TOML, or not the fields of a manifest.
    #[error("the model manifest is not readable")]
    Parse(#[from] toml::de::Error),
    /// A name or path could lead out of the store.
    #[error("model {model}: {found:?} is not a plain relative path")]
    Path {
        /// The model.
        model: String,
        /// The offending name or path.
        found: String,
    },
    /// A checksum is not one.
    #[error("model {model}, file {file}: {found:?} is not a SHA-256 in lower-case hexadecimal digits")]
    Checksum {
        /// The model.
        model: String,
        /// The file.
        file: String,
        /// What stands there.
        found: String,
    },
    /// Two models bear one name.
    #[error("model {model} is listed twice")]
    Repeated {
        /// The model.
        model: String,
    },
}

impl Manifest {
    /// The list that comes with this program.
    pub fn built_in() -> Manifest {
        Manifest::parse(BUILT_IN).expect("a test reads the manifest that is compiled in")
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is not a manifest, or a name, path or checksum in it is not sound.
    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            #[serde(rename = "model", default)]
            models: Vec<ModelEntry>,
        }
        let Raw { models } = toml::from_str(text)?;
        Manifest { models: Vec::new() }.and(Manifest { models })
    }

    /// This list and another.
    ///
    /// # Errors
    /// When a name, path or checksum is not sound, or two models bear one name.
    pub fn and(mut self, more: Manifest) -> Result<Manifest, ManifestError> {
        for entry in more.models {
            entry.check()?;
            if self.model(&entry.name).is_some() {
                return Err(ManifestError::Repeated { model: entry.name });
            }
            self.models.push(entry);
        }
        Ok(self)
    }

    /// All models, in the order of the list.
    pub fn models(&self) -> &[ModelEntry] {
        &self.models
    }

    /// The model of a name.
    pub fn model(&self, name: &str) -> Option<&ModelEntry> {
        self.models.iter().find(|entry| entry.name == name)
    }
}

impl ModelEntry {
    /// The file of a path.
    pub fn file(&self, path: &str) -> Option<&ModelFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Length of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn check(&self) -> Result<(), ManifestError> {
        let model = || self.name.clone();
        let paths = std::iter::once(&self.name).chain(self.files.iter().map(|file| &file.path));
        for path in paths {
            if !path.split('/').all(is_plain_component) {
                return Err(ManifestError::Path {
                    model: model(),
                    found: path.clone(),
                });
            }
        }
        for file in &self.files {
            if let Some(found) = file.sha256.as_ref().filter(|sha256| !is_sha256(sha256)) {
                return Err(ManifestError::Checksum {
                    model: model(),
                    file: file.path.clone(),
                    found: found.clone(),
                });
            }
        }
        Ok(())
    }
}

/// Whether the text is 64 lower-case hexadecimal digits.
pub(super) fn is_sha256(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(digit)
}

fn is_plain_component(component: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    !component.is_empty() && !component.starts_with('.') && component.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, path: &str, sha256: &str) -> String {
        format!(
            "[[model]]\nname = '{name}'\nkind = 'sentence-encoder'\npurpose = ''\nlicence = 'MIT'\n\
             [[model.file]]\npath = '{path}'\nbytes = 3\nsha256 = '{sha256}'\n"
        )
    }

    #[test]
    fn the_manifest_that_is_compiled_in_can_be_read_and_names_a_source_for_each_model() {
        let manifest = Manifest::built_in();
        assert!(manifest.model("all-minilm-l6-v2").is_some());
        for entry in manifest.models() {
            assert!(!entry.files.is_empty() && !entry.sources.is_empty(), "{}", entry.name);
        }
    }

    #[test]
    fn speech_models_are_one_file_each_and_a_card_at_most() {
        let manifest = Manifest::built_in();
        let of_kind = |kind| manifest.models().iter().filter(move |entry| entry.kind == kind);
        assert!(of_kind(ModelKind::Speech).count() > 30);
        for entry in of_kind(ModelKind::Speech).chain(of_kind(ModelKind::VoiceActivity)) {
            let cards = entry.files[1..].iter().filter(|file| file.path.ends_with(".toml"));
            assert_eq!(entry.files.len(), 1 + cards.count(), "{}", entry.name);
        }
    }

    #[test]
    fn the_users_models_may_not_take_a_name_that_is_taken() {
        let own = Manifest::parse(&entry("my-whisper", "ggml.bin", &"0".repeat(64))).unwrap();
        let both = Manifest::built_in().and(own.clone()).unwrap();
        assert!(both.model("my-whisper").is_some() && both.model("whisper-base").is_some());
        assert!(both.and(own).is_err());
    }

    #[test]
    fn a_path_out_of_the_store_a_bad_checksum_and_a_second_entry_are_refused() {
        let good = "0".repeat(64);
        let check = |text: String, expected: &str| {
            let error = Manifest::parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        assert!(Manifest::parse(&entry("a", "b/c.bin", &good)).is_ok());
        check(entry("../a", "b", &good), "plain relative path");
        check(entry("a", "/b", &good), "plain relative path");
        check(entry("a", "b", "ABC"), "SHA-256");
        check(entry("a", "b", &good) + &entry("a", "c", &good), "twice");
        check("model = 3".to_owned(), "not readable");
    }
}
