//! What a job does, pinned when it is made.

use std::path::PathBuf;

use anyhow::Context as _;
use datasets::formats::invitation;
use datasets::{Access, Language, PersonId, SeriesId, Visibility};
use jiff::Timestamp;
use minuting::engine::MinutesOptions;
use serde::{Deserialize, Serialize};

use super::Service;
use super::live::LiveJob;
use super::queue::Lane;
use crate::minutes_engine::EngineOptions;
use crate::stages::read_transcript::KnownFacts;
use crate::stages::transcribe::{SpeechOptions, is_recording};

/// What a job does, pinned when it is made: a restart with other defaults changes nothing about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunParameters {
    /// The file.
    pub path: PathBuf,
    /// As the sender calls it.
    pub file_name: String,
    /// The upload that brought it, which goes when the job is done; `None` for a file of a watched folder.
    pub upload: Option<String>,
    /// Title of the meeting.
    pub title: Option<String>,
    /// The line of meetings it belongs to.
    pub series: Option<SeriesId>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// The invitation to it, in iCalendar form.
    pub invitation: Option<String>,
    /// Language of the minutes.
    pub minutes_language: Option<Language>,
    /// Words in the abstract, at most.
    pub abstract_words: Option<usize>,
    /// The language that is spoken.
    pub spoken_language: Option<Language>,
    /// How many people speak.
    pub speakers: Option<usize>,
    /// How a recording is transcribed: the models, and what the two fields above do not say.
    pub speech: Option<SpeechOptions>,
    /// Who makes the minutes.
    pub minutes_engine: EngineOptions,
    /// Whose the meeting will be.
    pub owner: Option<PersonId>,
    /// Who sees it beside its owner.
    pub visibility: Visibility,
    /// A live meeting that is to be finished; there is no file then.
    pub live: Option<LiveJob>,
    /// The trace of the call that it came by, as W3C Trace Context writes it.
    pub trace: Option<String>,
}

impl RunParameters {
    /// The parameters of a job on a file that nothing is known of, as this server does it.
    pub fn of_server(service: &Service) -> Self {
        Self {
            speech: service.speech.clone(),
            minutes_engine: service.minutes_engine.clone(),
            ..Self::default()
        }
    }

    /// Whether the file is a recording, and there is no model to hear it with.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn lacks_speech_model(&self) -> anyhow::Result<bool> {
        Ok(self.speech.is_none() && is_recording(&self.path)?)
    }

    /// Which worker takes a job on the file: recordings, found by their first bytes, and language models take hours.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn lane(&self) -> anyhow::Result<Lane> {
        let is_long = self.minutes_engine != EngineOptions::Extractive || is_recording(&self.path)?;
        Ok(if is_long { Lane::Speech } else { Lane::Text })
    }

    /// What is known of the meeting beside the file.
    ///
    /// # Errors
    /// When the invitation cannot be read.
    pub(super) fn facts(&self) -> anyhow::Result<KnownFacts> {
        let read = |text: &String| invitation::read("invitation.ics", text.as_bytes()).map(|mut all| all.remove(0));
        Ok(KnownFacts {
            title: self.title.clone(),
            series: self.series.clone(),
            started_at: self.started_at,
            invitation: self.invitation.as_ref().map(read).transpose()?,
            ..KnownFacts::default()
        })
    }

    /// Who may see the meeting.
    pub(super) fn access(&self) -> Access {
        Access {
            owner: self.owner.clone(),
            visibility: self.visibility.clone(),
            delegations: Vec::new(),
        }
    }

    /// How minutes are made.
    pub(super) fn minutes_options(&self) -> MinutesOptions {
        let default = MinutesOptions::default();
        MinutesOptions {
            language: self.minutes_language,
            abstract_words: self.abstract_words.unwrap_or(default.abstract_words),
            ..default
        }
    }

    /// How a recording is transcribed.
    ///
    /// # Errors
    /// When the server had no speech model.
    pub(super) fn speech_options(&self) -> anyhow::Result<SpeechOptions> {
        let speech = self.speech.clone();
        let speech = speech.context("the server had no speech model when this job was made")?;
        Ok(SpeechOptions {
            language: self.spoken_language.or(speech.language),
            speakers: self.speakers.or(speech.speakers),
            ..speech
        })
    }
}
