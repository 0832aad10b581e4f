//! What is found and recommended, and why: words shared by searches and recommendations.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum ItemKind {
    /// A whole meeting.
    Meeting = 0,
    /// A few utterances in a row.
    Passage = 1,
    /// A sentence of the abstract.
    Abstract = 2,
    /// A topic of the minutes.
    Topic = 3,
    /// A decision.
    Decision = 4,
    /// An action item of the minutes.
    Action = 5,
    /// An open question.
    Question = 6,
    /// A mail message.
    Mail = 7,
    /// A calendar event.
    Event = 8,
    /// A person's card.
    Contact = 9,
    /// A document.
    Document = 10,
    /// A chat message or thread.
    Chat = 11,
    /// A task that was made outside a meeting.
    Task = 12,
    /// A participant or correspondent; recommended only, never a record of its own.
    Person = 13,
}

impl ItemKind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Self; 14] = [
        Self::Meeting,
        Self::Passage,
        Self::Abstract,
        Self::Topic,
        Self::Decision,
        Self::Action,
        Self::Question,
        Self::Mail,
        Self::Event,
        Self::Contact,
        Self::Document,
        Self::Chat,
        Self::Task,
        Self::Person,
    ];

    /// The kind with this code.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The code that stands in the index.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// The kind of a context item.
    pub(crate) fn of_context(kind: datasets::ContextKind) -> Self {
        match kind {
            datasets::ContextKind::Mail => Self::Mail,
            datasets::ContextKind::Event => Self::Event,
            datasets::ContextKind::Contact => Self::Contact,
            datasets::ContextKind::Document => Self::Document,
            datasets::ContextKind::Chat => Self::Chat,
            datasets::ContextKind::Action => Self::Task,
        }
    }

    /// Whether the thing stands beside the meetings.
    pub fn is_context_item(self) -> bool {
        matches!(
            self,
            Self::Mail | Self::Event | Self::Contact | Self::Document | Self::Chat | Self::Task
        )
    }
}

/// A piece of text with the places to highlight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// The piece, as it was said or written.
    pub text: String,
    /// Byte ranges of `text` that matched, in order and without overlap.
    pub highlights: Vec<Range<usize>>,
}

/// Why something was found or recommended; each can be shown and checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Words in common, the most telling first.
    Words {
        /// As they are written in the found text.
        words: Vec<String>,
        /// Where they stand: a meeting's title, or the title of the item itself.
        found_in: String,
    },
    /// People in common.
    People(Vec<datasets::PersonId>),
    /// Of a person: a related meeting in which they were.
    MetIn {
        /// Its title.
        meeting: String,
    },
    /// The same line of meetings.
    SameSeries(datasets::SeriesId),
    /// How long before the context it took place, in days; negative when it lies ahead.
    AgeDays(i64),
    /// The vectors are near: cosine in 0..=1.
    SimilarMeaning(f32),
    /// A neighbouring passage or several passages of the same meeting match too.
    Neighbours(usize),
}
