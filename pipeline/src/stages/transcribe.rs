//! From a recording to a transcript: sound is decoded lane by lane, speech is found and recognized, and who spoke is told
//! by the lane; where there is one lane, by voices, if somebody says how many there are.
//!
//! The engine is C++ that a bad model or a full memory can end, so it runs in a process of its own ([`Transcriber`] is
//! this side of it), and every window is kept as soon as it is recognized: what was stopped goes on where it was.

mod engine;
mod loaded_model;
mod merge_lanes;
mod window_journal;
mod worker;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use datasets::library::Library;
use datasets::{Language, Meeting, Provenance};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use engine::SpeechEngine;
pub(crate) use loaded_model::LoadedModel;
pub(crate) use merge_lanes::{LaneHeard, merge_lanes, span};
pub use window_journal::{WindowJournal, journal_path, remove_journals};
pub(crate) use worker::WORKER_COMMAND;
pub use worker::{Transcriber, TranscriptionJob, TranscriptionStopped, UnusableRecording, serve_jobs};

/// How recordings are transcribed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpeechOptions {
    /// A Whisper model in ggml form.
    pub model: PathBuf,
    /// The language that is spoken, where it is known; detected window by window otherwise.
    pub language: Option<Language>,
    /// How many people speak, for a recording without a lane for each: told apart by their voices, experimentally.
    pub speakers: Option<usize>,
    /// The model file of Silero's voice detector, where it is installed; the embedded one is used otherwise.
    pub silero: Option<PathBuf>,
    /// The file of the model that tells voices apart, where it is installed; spectra do otherwise.
    #[serde(default)]
    pub voice_encoder: Option<PathBuf>,
}

impl SpeechOptions {
    /// What a transcript of the recording with this SHA-256, made with the model of that SHA-256, is made by: the same
    /// provenance is the same transcript.
    pub(crate) fn provenance(&self, input_sha256: &str, model_sha256: &str, vocabulary: &str) -> Provenance {
        let vocabulary = Some(vocabulary.to_owned()).filter(|words| !words.is_empty());
        let parameters = [
            ("language", self.language.map(|language| language.to_string())),
            ("speakers", self.speakers.map(|speakers| speakers.to_string())),
            ("vocabulary", vocabulary),
            ("voices", self.voice_encoder.as_ref().map(|_| "encoder".to_owned())),
            ("voice_activity", self.silero.as_ref().map(|_| "silero".to_owned())),
        ];
        Provenance {
            engine: "whisper".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            input_sha256: Some(input_sha256.to_owned()),
            model_sha256: Some(model_sha256.to_owned()),
            parameters: parameters
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect::<BTreeMap<_, _>>(),
        }
    }
}

/// The words of title and participants, which are likely to be said.
pub fn vocabulary_of(meeting: &datasets::Meeting) -> String {
    let names = meeting.participants.iter().map(|participant| participant.name.as_str());
    std::iter::once(meeting.title.as_str())
        .chain(names)
        .collect::<Vec<_>>()
        .join(", ")
}

/// SHA-256 of a file of any length, in lower-case hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of(path: &Path) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("reading `{}`", path.display()))?;
    std::io::copy(&mut file, &mut HashWriter(&mut hasher)).with_context(|| format!("reading `{}`", path.display()))?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether the file at `path` holds sound.
///
/// # Errors
/// When the file cannot be read.
pub fn is_recording(path: &Path) -> anyhow::Result<bool> {
    use std::io::Read as _;
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("reading `{}`", path.display()))?;
    file.take(64)
        .read_to_end(&mut head)
        .with_context(|| format!("reading `{}`", path.display()))?;
    Ok(datasets::formats::is_recording(&head))
}

/// Whether the library holds the recording of a meeting.
pub fn has_recording(library: &Library, meeting: &Meeting) -> bool {
    let file = library.source_file(meeting);
    file.is_some_and(|path| is_recording(&path).unwrap_or(false))
}
