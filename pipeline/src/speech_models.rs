//! Which speech models are installed, and which of them a command means.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use models::weights::{ModelEntry, ModelKind, ModelState, WeightsStore};

use crate::download::unpack_built_in;
use crate::session::weights_store;
use crate::settings::Settings;

/// The model that comes with the program; it gives way to any other.
const DEMO: &str = "demo";

/// The file of the Whisper model that was asked for: a file, or the name of an installed model. Where nothing was asked
/// for, the only one that is installed, and the demo model where none is.
///
/// # Errors
/// When it is neither, is damaged, or cannot be told: what to do is said.
pub fn speech_model(asked: Option<&Path>, settings: &Settings) -> anyhow::Result<PathBuf> {
    let store = weights_store(settings)?;
    let Some(asked) = asked else {
        let mut real = installed(&store, ModelKind::Speech);
        real.retain(|entry| entry.name != DEMO);
        return match real.as_slice() {
            [only] => file_of(&store, only),
            [] => demo_model(&store),
            several => bail!(
                "several speech models are installed: name one with --speech-model ({})",
                names(several)
            ),
        };
    };
    if asked.is_file() {
        return Ok(asked.to_owned());
    }
    if asked == Path::new(DEMO) {
        return demo_model(&store);
    }
    let known = asked.to_str().and_then(|name| store.manifest().model(name));
    match known {
        Some(entry) if entry.kind != ModelKind::Speech => {
            bail!("`{}` is no speech model: {}", entry.name, entry.purpose)
        }
        Some(entry) if state(&store, entry) == ModelState::Complete => file_of(&store, entry),
        Some(entry) => bail!(
            "the speech model `{0}` is not installed: `greffier models pull {0}`",
            entry.name
        ),
        None => bail!(
            "there is no speech model `{}`, as a file or by name; installed are: {}; `greffier models list` names what can be had",
            asked.display(),
            names(&installed(&store, ModelKind::Speech))
        ),
    }
}

/// Whether any speech model is installed.
///
/// # Errors
/// When there is no folder for models.
pub fn has_speech_model(settings: &Settings) -> anyhow::Result<bool> {
    Ok(!installed(&weights_store(settings)?, ModelKind::Speech).is_empty())
}

/// The demo model's file, unpacked when it is first needed, and when it is not the one that the program brings.
fn demo_model(store: &WeightsStore) -> anyhow::Result<PathBuf> {
    let entry = store
        .manifest()
        .model(DEMO)
        .context("the manifest lists the demo model")?;
    if state(store, entry) == ModelState::Complete
        && let Ok(file) = file_of(store, entry)
    {
        return Ok(file);
    }
    // It is not there, or it is that of an earlier version of the program, which nobody need pull to replace.
    unpack_built_in(store, entry).context("unpacking the demo speech model")?;
    file_of(store, entry)
}

/// The model file of Silero's voice detector, where it is installed.
///
/// # Errors
/// When it is installed and damaged: silently falling back would hide that.
pub fn silero_model(settings: &Settings) -> anyhow::Result<Option<PathBuf>> {
    first_installed(settings, ModelKind::VoiceActivity)
}

/// The file of the model that tells voices apart, where it is installed.
///
/// # Errors
/// As [`silero_model`].
pub fn voice_encoder(settings: &Settings) -> anyhow::Result<Option<PathBuf>> {
    first_installed(settings, ModelKind::SpeakerEmbedding)
}

fn first_installed(settings: &Settings, kind: ModelKind) -> anyhow::Result<Option<PathBuf>> {
    let store = weights_store(settings)?;
    let entry = installed(&store, kind).into_iter().next();
    entry.map(|entry| file_of(&store, entry)).transpose()
}

/// Names of the models for speech that are installed.
///
/// # Errors
/// When there is no folder for models.
pub fn installed_names(settings: &Settings, kinds: &[ModelKind]) -> anyhow::Result<Vec<String>> {
    let store = weights_store(settings)?;
    let entries = kinds.iter().flat_map(|kind| installed(&store, *kind));
    Ok(entries.map(|entry| entry.name.clone()).collect())
}

fn installed(store: &WeightsStore, kind: ModelKind) -> Vec<&ModelEntry> {
    let complete = |(entry, state): &(&ModelEntry, ModelState)| entry.kind == kind && *state == ModelState::Complete;
    store
        .list()
        .into_iter()
        .filter(complete)
        .map(|(entry, _)| entry)
        .collect()
}

fn state(store: &WeightsStore, entry: &ModelEntry) -> ModelState {
    let mut states = store.list().into_iter();
    let state = states.find_map(|(listed, state)| (listed.name == entry.name).then_some(state));
    state.unwrap_or(ModelState::Absent)
}

/// The model's only file, its checksum found right.
fn file_of(store: &WeightsStore, entry: &ModelEntry) -> anyhow::Result<PathBuf> {
    let folder = store.open(&entry.name)?;
    let file = entry.files.first().context("a model of the manifest has a file")?;
    Ok(folder.join(&file.path))
}

fn names(entries: &[&ModelEntry]) -> String {
    if entries.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_demo_model_of_an_earlier_version_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            models: Some(folder.path().to_owned()),
            ..Settings::default()
        };
        let weights = speech_model(None, &settings).unwrap();
        let card = weights.with_extension("toml");
        let good = fs::read_to_string(&card).unwrap();
        // As long as the new one, and longer.
        for other in [good.replace('1', "2"), format!("{good}# earlier\n")] {
            fs::write(&card, other).unwrap();
            assert_eq!(speech_model(Some(Path::new(DEMO)), &settings).unwrap(), weights);
            assert_eq!(fs::read_to_string(&card).unwrap(), good);
        }
    }
}
