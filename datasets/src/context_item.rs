//! What stands beside the meetings and can be recommended with them: mails, events, contacts, documents, chats.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Access, ContextItemId, Language, PersonId, SeriesId};

/// A mail, event, contact, document or chat message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContextItem {
    /// Unique within the library: the connector's own id, or the digest of the content.
    pub id: ContextItemId,
    /// What it is.
    pub kind: ContextKind,
    /// Subject, file name, event summary or person's name.
    pub title: String,
    /// Its words, without markup.
    pub text: String,
    /// Sender and recipients, attendees, authors.
    #[serde(default)]
    pub people: Vec<PersonId>,
    /// When it was sent, changed or takes place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The series of meetings it belongs to, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesId>,
    /// The language, where it was recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Where it can be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Who may see it.
    #[serde(default)]
    pub access: Access,
}

/// What a context item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContextKind {
    /// A mail message.
    Mail,
    /// A calendar event.
    Event,
    /// A person's card.
    Contact,
    /// A document.
    Document,
    /// A chat message or thread.
    Chat,
    /// A task that was made outside a meeting.
    Action,
}
