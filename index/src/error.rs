//! What can go wrong, one small enum per operation.

use std::path::PathBuf;

/// Opening or making an index failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenIndexError {
    /// The directory was written by another version of greffier; rebuild it.
    #[error("index `{directory}` has format {found}, this program reads {expected}: rebuild it")]
    OtherFormat {
        /// The index.
        directory: PathBuf,
        /// As it stands there.
        found: u32,
        /// What this program writes.
        expected: u32,
    },
    /// The vectors in it came from another sentence encoder, or there are none; rebuild it.
    #[error("index `{directory}` holds vectors of {found}, asked for {expected}: rebuild it")]
    OtherEmbedding {
        /// The index.
        directory: PathBuf,
        /// Model and dimensions as they stand there, `no encoder` for none.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The file that describes the index cannot be understood; rebuild it.
    #[error("`{path}` does not describe an index: rebuild it")]
    Description {
        /// The file.
        path: PathBuf,
        /// Where it stopped.
        #[source]
        source: serde_json::Error,
    },
    /// The file system refused.
    #[error("reading or writing `{path}`")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The search library refused.
    #[error("opening the index `{directory}`")]
    Tantivy {
        /// The index.
        directory: PathBuf,
        /// Why.
        #[source]
        source: tantivy::TantivyError,
    },
}

/// Adding, removing or committing failed. What was committed before stays as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteIndexError {
    /// As many vectors as passages are needed.
    #[error("{vectors} vectors were given for {passages} passages")]
    VectorCount {
        /// Passages of the transcript.
        passages: usize,
        /// Vectors that were given.
        vectors: usize,
    },
    /// A vector has another length than the index was made for.
    #[error("a vector has {found} dimensions, the index holds {expected}")]
    Dimensions {
        /// Dimensions of the index, 0 when it holds no vectors.
        expected: usize,
        /// Dimensions that were given.
        found: usize,
    },
    /// A record could not be turned into bytes.
    #[error("storing a record in the index")]
    Record(#[source] serde_json::Error),
    /// The commit is on disk, but this process could not look at it.
    #[error("reading the index after a commit")]
    Refresh(#[source] SearchError),
    /// Another process or thread holds the writer, or the search library refused.
    #[error("writing the index")]
    Tantivy(#[from] tantivy::TantivyError),
}

/// A search or recommendation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The vector of the query has another length than those of the index.
    #[error("the query's vector has {found} dimensions, the index holds {expected}")]
    Dimensions {
        /// Dimensions of the index, 0 when it holds no vectors.
        expected: usize,
        /// Dimensions that were given.
        found: usize,
    },
    /// A stored record cannot be read back; rebuild the index.
    #[error("a record of the index is damaged: rebuild it")]
    Record(#[source] serde_json::Error),
    /// The index could not be read.
    #[error("reading the index")]
    Tantivy(#[from] tantivy::TantivyError),
    /// A file of the index could not be read.
    #[error("reading a file of the index")]
    Io(#[from] std::io::Error),
}
