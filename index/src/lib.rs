//! Finds and recommends meetings, passages, decisions, actions, documents and people.
//!
//! One tantivy index holds meetings, their passages, the statements of their minutes and the context items. Vectors are
//! handed in (this crate runs no model) and live in the same index segments as the postings. Every answer is given to
//! one [`datasets::Viewer`], and nothing the viewer may not see takes part in it, not even as a document count.

mod access;
mod analyzer;
mod document;
mod error;
mod hybrid_search;
mod item;
mod keyword_search;
mod open;
mod passage;
mod present;
mod profile;
mod recommend;
mod recommendation;
mod record;
mod related_meetings;
mod schema;
mod scope;
mod search;
mod speakers;
mod suggest;
mod timeline;
mod vector_kernels;
mod vector_segment;
mod view;
mod vocabulary;
mod writer;

pub use error::{OpenIndexError, SearchError, WriteIndexError};
pub use item::{ItemKind, Reason, Snippet};
pub use open::{EmbeddingSpec, FORMAT_VERSION, Index};
pub use passage::{Passage, PassageOptions, passages, passages_with};
pub use recommend::{RecommendContext, RecommendRequest, Recommendation};
pub use search::{FacetCount, Facets, Filters, Hit, SearchMode, SearchRequest, SearchResults};
pub use writer::{IndexWriter, MeetingEntry};
