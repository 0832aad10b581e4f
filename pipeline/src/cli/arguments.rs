//! Arguments that several commands share: what is known of a meeting, how sound is heard, how minutes are made.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use datasets::Language;
use datasets::formats::invitation;
use jiff::Timestamp;
use minuting::engine::MinutesOptions;

use crate::settings::Settings;
use crate::speech_models::{silero_model, speech_model, voice_encoder};
use crate::stages::transcribe::{SpeechOptions, Transcriber};

/// What is known of a meeting beside its sound or text, shared by `run` and `live`.
#[derive(Args, Clone, Debug)]
pub(super) struct MeetingArgs {
    /// A document, mail (.eml), contact (.vcf) or event (.ics) to keep beside the meetings; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(super) context: Vec<PathBuf>,
    /// The invitation to the meeting (.ics): title, time, people, series
    #[arg(long, value_name = "FILE")]
    pub(super) invitation: Option<PathBuf>,
    /// Title of the meeting
    #[arg(long)]
    pub(super) title: Option<String>,
    /// The line of meetings it belongs to
    #[arg(long)]
    pub(super) series: Option<String>,
    /// When it began [default: from the invitation, or a day in the file's name; of a live meeting, now]
    #[arg(long, value_parser = super::search::day_or_time, value_name = "TIME")]
    pub(super) started_at: Option<Timestamp>,
}

/// How sound is transcribed, shared by `run`, `live` and `recover`.
#[derive(Args, Clone, Debug)]
pub(super) struct SpeechArgs {
    /// For recordings: the name of an installed speech model, or a file with a Whisper model in ggml form [default: the
    /// one that is installed]
    #[arg(long, value_name = "NAME_OR_FILE", env = "GREFFIER_SPEECH_MODEL")]
    pub(super) speech_model: Option<PathBuf>,
    /// The language that is spoken in recordings [default: detected]
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) spoken_language: Option<Language>,
    /// How many people speak, where they are not on tracks or channels of their own: they are told apart by their voices
    /// (experimental)
    #[arg(long, value_name = "COUNT")]
    pub(super) speakers: Option<usize>,
}

impl SpeechArgs {
    /// The model that was asked for, and how it is to be used.
    pub(super) fn options(&self, settings: &Settings) -> anyhow::Result<SpeechOptions> {
        Ok(SpeechOptions {
            model: speech_model(self.speech_model.as_deref(), settings)?,
            language: self.spoken_language,
            speakers: self.speakers,
            silero: silero_model(settings)?,
            voice_encoder: voice_encoder(settings)?,
        })
    }

    /// The same, in a process of its own.
    pub(super) fn transcriber(&self, settings: &Settings) -> anyhow::Result<Transcriber> {
        Transcriber::load(self.options(settings)?)
    }
}

/// Options of the minutes, shared by `run` and `corpus`.
#[derive(Args, Clone, Debug)]
pub(super) struct MinutesArgs {
    /// Language of the minutes [default: that of the meeting]
    #[arg(long, value_name = "LANGUAGE")]
    minutes_language: Option<Language>,
    /// Words in the abstract, at most
    #[arg(long, value_name = "WORDS")]
    abstract_words: Option<usize>,
}

impl MinutesArgs {
    pub(super) fn options(&self) -> MinutesOptions {
        let default = MinutesOptions::default();
        MinutesOptions {
            language: self.minutes_language,
            abstract_words: self.abstract_words.unwrap_or(default.abstract_words),
            ..default
        }
    }
}

/// Reads the invitation of one meeting.
pub(super) fn read_invitation(path: &Path) -> anyhow::Result<invitation::Invitation> {
    let bytes = std::fs::read(path).with_context(|| format!("reading `{}`", path.display()))?;
    let mut invitations = invitation::read(&path.to_string_lossy(), &bytes)?;
    if invitations.len() > 1 {
        bail!(
            "`{}` holds {} events: export the one of this meeting",
            path.display(),
            invitations.len()
        );
    }
    Ok(invitations.remove(0))
}
