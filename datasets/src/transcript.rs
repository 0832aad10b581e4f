//! What was said: utterances in order of time, and what was left out as invented.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Language, MediaTime, SpeakerLabel, TimeSpan, UtteranceId, anchors};

/// All utterances of a meeting, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// In the order they begin; ids are unique.
    pub utterances: Vec<Utterance>,
    /// Which program made it, from what, with which parameters.
    #[serde(default)]
    pub provenance: Provenance,
    /// What the recognizer gave and the guards took out: can be read back and restored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressed: Vec<SuppressedSpan>,
    /// Ids of earlier versions that this one merged away, each with the utterance that now stands for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replaced: BTreeMap<UtteranceId, UtteranceId>,
    /// What was wrong with the input and how it was read all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What one speaker says in one go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    /// Unique within the meeting, and stable.
    pub id: UtteranceId,
    /// Who speaks; `None` where nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<SpeakerLabel>,
    /// When; `None` for text without times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<TimeSpan>,
    /// The words, as one line.
    pub text: String,
    /// The language, where it was recognised for this utterance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Word times, where known; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
}

/// A word with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// As written in the utterance, punctuation included.
    pub text: String,
    /// When it was said.
    pub span: TimeSpan,
    /// The recognizer's probability in 0..=1, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f32>,
}

/// Which program made an artifact, from what, with which parameters: enough to make it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the engine or of the format that was read: `webvtt`, `whisper`, `extractive`.
    pub engine: String,
    /// Version of greffier.
    #[serde(default)]
    pub version: String,
    /// SHA-256 of what it was made from, in lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_sha256: Option<String>,
    /// SHA-256 of the model's weights, where a model was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sha256: Option<String>,
    /// Pinned parameters by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

/// A stretch whose text was taken out, with the reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuppressedSpan {
    /// When.
    pub span: TimeSpan,
    /// On whose lane, where each speaker has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<SpeakerLabel>,
    /// What the recognizer had given.
    pub text: String,
    /// Why it does not stand in the transcript.
    pub reason: SuppressionReason,
}

/// Why text was suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// No speech was detected there.
    NotSpeech,
    /// The same words over and over.
    Loop,
    /// A phrase that recognizers are known to invent.
    Boilerplate,
    /// The recognizer itself gave it little probability.
    LowProbability,
}

impl Transcript {
    /// The utterance named `id`, or the one that replaced it.
    pub fn utterance(&self, id: &UtteranceId) -> Option<&Utterance> {
        let id = self.replaced.get(id).unwrap_or(id);
        self.utterances.iter().find(|utterance| utterance.id == *id)
    }

    /// Position of every utterance by its id; for loops that would otherwise search again and again.
    pub fn positions(&self) -> BTreeMap<&UtteranceId, usize> {
        self.utterances
            .iter()
            .enumerate()
            .map(|(position, utterance)| (&utterance.id, position))
            .collect()
    }

    /// The transcript with the suppressed stretches at `positions` put back as utterances, all other ids as they were;
    /// positions beyond the last are passed over.
    #[must_use]
    pub fn with_restored(&self, positions: &[usize]) -> Self {
        let mut restored = self.clone();
        restored.suppressed.clear();
        for (position, suppressed) in self.suppressed.iter().enumerate() {
            if positions.contains(&position) {
                restored.utterances.push(Utterance {
                    speaker: suppressed.speaker.clone(),
                    span: Some(suppressed.span),
                    ..Utterance::new(UtteranceId::new(""), suppressed.text.clone())
                });
            } else {
                restored.suppressed.push(suppressed.clone());
            }
        }
        restored
            .utterances
            .sort_by_key(|utterance| utterance.span.map(|span| (span.start, span.end)));
        anchors::carry(self, &mut restored);
        restored
    }

    /// Speaker labels in the order they first speak.
    pub fn speakers(&self) -> Vec<&SpeakerLabel> {
        let mut speakers = Vec::new();
        for speaker in self
            .utterances
            .iter()
            .filter_map(|utterance| utterance.speaker.as_ref())
        {
            if !speakers.contains(&speaker) {
                speakers.push(speaker);
            }
        }
        speakers
    }

    /// When the last utterance ends; `None` for text without times.
    pub fn end(&self) -> Option<MediaTime> {
        self.utterances
            .iter()
            .filter_map(|utterance| utterance.span)
            .map(|span| span.end)
            .max()
    }

    /// Number of words, separated by white space.
    pub fn word_count(&self) -> usize {
        self.utterances
            .iter()
            .map(|utterance| utterance.text.split_whitespace().count())
            .sum()
    }
}

impl Utterance {
    /// An utterance of which only the words are known.
    pub fn new(id: UtteranceId, text: impl Into<String>) -> Self {
        Self {
            id,
            speaker: None,
            span: None,
            text: text.into(),
            language: None,
            words: Vec::new(),
        }
    }

    /// The id of the utterance at `position` of a first transcript: `u1` for position 0.
    pub fn id_at(position: usize) -> UtteranceId {
        UtteranceId::new(format!("u{}", position + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_ms: i64) -> TimeSpan {
        TimeSpan::new(MediaTime(start_ms), MediaTime(start_ms + 500))
    }

    #[test]
    fn what_was_suppressed_is_put_back_where_it_was_said() {
        let said = |position: usize, start_ms| Utterance {
            span: Some(span(start_ms)),
            ..Utterance::new(Utterance::id_at(position), format!("said at {start_ms}"))
        };
        let suppressed = |start_ms| SuppressedSpan {
            span: span(start_ms),
            speaker: Some(SpeakerLabel::new("Ann")),
            text: format!("suppressed at {start_ms}"),
            reason: SuppressionReason::LowProbability,
        };
        let transcript = Transcript {
            utterances: vec![said(0, 0), said(1, 2000)],
            suppressed: vec![suppressed(1000), suppressed(3000)],
            ..Transcript::default()
        };
        let restored = transcript.with_restored(&[0, 7]);
        let found: Vec<(&str, &str)> = restored
            .utterances
            .iter()
            .map(|utterance| (utterance.id.as_str(), utterance.text.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("u1", "said at 0"),
                ("u3", "suppressed at 1000"),
                ("u2", "said at 2000")
            ]
        );
        assert_eq!(restored.utterances[1].speaker, Some(SpeakerLabel::new("Ann")));
        assert_eq!(restored.suppressed, [suppressed(3000)]);
        assert_eq!(transcript.with_restored(&[]), transcript);
    }
}
