//! What a meeting is, how it is stored, and how transcripts are read and written.
//!
//! The leaf of the workspace: plain records ([`Meeting`], [`Transcript`], [`Minutes`], [`ContextItem`]), the library
//! that keeps them on disk, their Arrow tables, and the formats they come from and go to. No model, no index.

pub mod anchors;
#[cfg(feature = "tables")]
pub mod arrow_schema;
pub mod context_item;
pub mod corpora;
pub mod formats;
pub mod identifier;
pub mod language;
pub mod library;
pub mod media_time;
pub mod meeting;
pub mod minutes;
pub mod statement_ids;
#[cfg(feature = "tables")]
pub mod tables;
pub mod transcript;

pub use context_item::{ContextItem, ContextKind};
pub use identifier::{ContextItemId, GroupId, MeetingId, PersonId, SeriesId, SpeakerLabel, StatementId, UtteranceId};
pub use language::Language;
pub use media_time::{MediaTime, TimeSpan};
pub use meeting::{Access, Delegate, Delegation, Meeting, Participant, Right, Source, Viewer, Visibility};
pub use minutes::{
    ActionItem, ActionStatus, Coverage, Decision, DroppedStatement, DueDate, Minutes, OpenQuestion, Owner,
    PassageCoverage, PassageState, Statement, Support, Topic, Unsupported, UnsupportedKind,
};
pub use transcript::{Provenance, SuppressedSpan, SuppressionReason, Transcript, Utterance, Word};
