//! From a transcript to minutes, pinned to what they were made from.

use anyhow::Context as _;
use datasets::{Meeting, Minutes, Transcript};
use minuting::engine::{Extractive, MinutesEngine, MinutesOptions};

/// The parameter under which the provenance of minutes names the options they were made with.
const OPTIONS: &str = "options";

/// Makes the minutes of `meeting` with the extractive engine.
pub fn make_minutes(meeting: &Meeting, transcript: &Transcript, options: &MinutesOptions) -> anyhow::Result<Minutes> {
    let mut minutes = Extractive.summarize(meeting, transcript, options)?;
    pin(&mut minutes, transcript, options)?;
    Ok(minutes)
}

/// Notes in the provenance what `minutes` were made from and how.
pub fn pin(minutes: &mut Minutes, transcript: &Transcript, options: &MinutesOptions) -> anyhow::Result<()> {
    minutes.provenance.version = env!("CARGO_PKG_VERSION").to_owned();
    minutes.provenance.input_sha256 = Some(digest(transcript)?);
    minutes
        .provenance
        .parameters
        .insert(OPTIONS.to_owned(), format!("{options:?}"));
    Ok(())
}

/// Whether `minutes`, by whatever engine, are of this transcript and these options: then a job that was cut short need not make them again.
pub fn are_current(minutes: &Minutes, transcript: &Transcript, options: &MinutesOptions) -> anyhow::Result<bool> {
    Ok(minutes.provenance.version == env!("CARGO_PKG_VERSION")
        && minutes.provenance.parameters.get(OPTIONS) == Some(&format!("{options:?}"))
        && minutes.provenance.input_sha256.as_deref() == Some(digest(transcript)?.as_str()))
}

fn digest(transcript: &Transcript) -> anyhow::Result<String> {
    let bytes = serde_json::to_vec(&transcript.utterances).context("writing the transcript as JSON")?;
    Ok(datasets::library::sha256_hex(&bytes))
}
