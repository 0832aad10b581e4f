//! Opens or makes the index directory, and refuses one that another version or another encoder wrote.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    IndexWriter, OpenIndexError, RecommendRequest, Recommendation, SearchError, SearchRequest, SearchResults,
    WriteIndexError,
};

/// Counts up with every change of the schema, the analyzers or the vector file: an index of another format is rebuilt.
pub const FORMAT_VERSION: u32 = 1;

/// Which sentence encoder the vectors come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingSpec {
    /// Length of every vector.
    pub dimensions: usize,
    /// SHA-256 of the encoder's weights, in lower-case hexadecimal.
    pub model_sha256: String,
}

/// An index on disk. Cheap to clone; all clones see a commit at once.
#[derive(Clone)]
pub struct Index {}

impl Index {
    /// Opens the index in `directory`, or makes an empty one. `embedding` names the encoder of the vectors that will be
    /// given; with `None` the index works on words alone.
    ///
    /// # Errors
    /// Another format or another encoder: rebuild the index from the library.
    pub fn open_or_create(directory: &Path, embedding: Option<&EmbeddingSpec>) -> Result<Self, OpenIndexError> {
        let _ = (directory, embedding);
        Ok(Self {})
    }

    /// The encoder of the vectors, if there are vectors.
    pub fn embedding(&self) -> Option<&EmbeddingSpec> {
        None
    }

    /// The one writer; a second one, in this or another process, is refused until the first is dropped.
    pub fn writer(&self) -> Result<IndexWriter, WriteIndexError> {
        Ok(IndexWriter {})
    }

    /// Finds what matches `request.text` and the vector, best first.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResults, SearchError> {
        let _ = request;
        Ok(SearchResults::default())
    }

    /// Recommends what is related to a context, with reasons; nothing when nothing is related.
    pub fn recommend(&self, request: &RecommendRequest) -> Result<Vec<Recommendation>, SearchError> {
        let _ = request;
        Ok(Vec::new())
    }

    /// Words of the index that begin with `prefix`, the most frequent first.
    pub fn suggest(&self, prefix: &str, viewer: &datasets::Viewer, limit: usize) -> Result<Vec<String>, SearchError> {
        let _ = (prefix, viewer, limit);
        Ok(Vec::new())
    }
}
