//! What is stored of each document, so that a hit can be shown without opening the library.

use datasets::{
    ActionStatus, ContextItemId, Language, MeetingId, PersonId, SeriesId, StatementId, TimeSpan, UtteranceId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tantivy::TantivyDocument;
use tantivy::schema::Value;

use crate::schema::Fields;
use crate::{ItemKind, SearchError};

/// One document as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) kind: ItemKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) meeting: Option<MeetingId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) context_item: Option<ContextItemId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) statement: Option<StatementId>,
    pub(crate) title: String,
    /// Of a passage its utterances, of everything else one piece of text.
    pub(crate) pieces: Vec<Piece>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<(UtteranceId, UtteranceId)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) span: Option<TimeSpan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) series: Option<SeriesId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) people: Vec<(PersonId, String)>,
    /// Of an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<ActionStatus>,
}

/// A piece of text in one language.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) speaker: Option<String>,
    pub(crate) text: String,
    pub(crate) language: Language,
}

impl Record {
    /// Reads what is stored of a document.
    pub(crate) fn of(document: &TantivyDocument, fields: &Fields) -> Result<Self, SearchError> {
        let stored = document.get_first(fields.record).and_then(|value| value.as_str());
        serde_json::from_str(stored.unwrap_or_default()).map_err(SearchError::Record)
    }
}

/// What a whole meeting is compared by, and who spoke in which passage.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MeetingProfile {
    /// Every word as it is said, function words included: hash and count, by hash.
    pub(crate) words: Vec<(u32, u16)>,
    /// The terms of its languages' analyzers: hash and count, by hash.
    pub(crate) terms: Vec<(u32, u16)>,
    /// Names of those who speak.
    pub(crate) speakers: Vec<String>,
    /// For each passage the speakers' shares of the words, in percent.
    pub(crate) shares: Vec<Vec<(u16, u8)>>,
}

impl MeetingProfile {
    /// Counts and names as bytes; little-endian, each list after its length.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(6 * (self.words.len() + self.terms.len()) + 64);
        let length = |bytes: &mut Vec<u8>, length: usize| bytes.extend((length as u32).to_le_bytes());
        for counts in [&self.words, &self.terms] {
            length(&mut bytes, counts.len());
            for (hash, count) in counts {
                bytes.extend(hash.to_le_bytes());
                bytes.extend(count.to_le_bytes());
            }
        }
        length(&mut bytes, self.speakers.len());
        for speaker in &self.speakers {
            length(&mut bytes, speaker.len());
            bytes.extend(speaker.as_bytes());
        }
        length(&mut bytes, self.shares.len());
        for shares in &self.shares {
            length(&mut bytes, shares.len());
            for (speaker, percent) in shares {
                bytes.extend(speaker.to_le_bytes());
                bytes.push(*percent);
            }
        }
        bytes
    }

    /// The inverse; what is cut short or no profile gives an empty one.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Reader(bytes).profile().unwrap_or_default()
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn profile(&mut self) -> Option<MeetingProfile> {
        Some(MeetingProfile {
            words: self.list(Self::count)?,
            terms: self.list(Self::count)?,
            speakers: self.list(|reader| {
                let length = reader.length()?;
                let (name, rest) = reader.0.split_at_checked(length)?;
                reader.0 = rest;
                Some(String::from_utf8_lossy(name).into_owned())
            })?,
            shares: self.list(|reader| {
                reader.list(|reader| Some((u16::from_le_bytes(reader.bytes()?), reader.bytes::<1>()?[0])))
            })?,
        })
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.length()?).map(|_| item(self)).collect()
    }

    fn count(&mut self) -> Option<(u32, u16)> {
        Some((u32::from_le_bytes(self.bytes()?), u16::from_le_bytes(self.bytes()?)))
    }

    fn length(&mut self) -> Option<usize> {
        self.bytes().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn profiles_are_read_as_written(
            words in prop::collection::vec(any::<(u32, u16)>(), 0..9),
            speakers in prop::collection::vec(".{0,9}", 0..4),
            shares in prop::collection::vec(prop::collection::vec(any::<(u16, u8)>(), 0..3), 0..4),
        ) {
            let profile = MeetingProfile { terms: words.clone(), words, speakers, shares };
            let bytes = profile.to_bytes();
            prop_assert_eq!(MeetingProfile::from_bytes(&bytes), profile);
            for cut in 0..bytes.len() {
                let _ = MeetingProfile::from_bytes(&bytes[..cut]);
            }
        }
    }
}
