//! Opens or makes the index directory, and refuses one that another version or another encoder wrote.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use datasets::{MeetingId, Viewer};
use serde::{Deserialize, Serialize};
use tantivy::directory::error::OpenReadError;
use tantivy::tokenizer::TokenizerManager;
use tantivy::{IndexReader, IndexSettings, IndexSortByField, Order, ReloadPolicy, TantivyError};

use crate::analyzer::Analyzer;
use crate::schema::{Fields, ORDER};
use crate::vector_segment::VectorPlugin;
use crate::view::View;
use crate::{
    IndexWriter, OpenIndexError, RecommendContext, RecommendRequest, Recommendation, SearchError, SearchRequest,
    SearchResults, WriteIndexError,
};

/// Counts up with every change of the schema, the analyzers or the files: an index of another format is rebuilt.
pub const FORMAT_VERSION: u32 = 2;

/// Names format and encoder; the first thing that is read.
const DESCRIPTION: &str = "format.json";

/// Which sentence encoder the vectors come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingSpec {
    /// Length of every vector.
    pub dimensions: usize,
    /// SHA-256 of the encoder's weights, in lower-case hexadecimal.
    pub model_sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    #[serde(default)]
    embedding: Option<EmbeddingSpec>,
}

/// An index on disk. Cheap to clone; all clones see a commit at once.
#[derive(Clone)]
pub struct Index {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) index: tantivy::Index,
    pub(crate) fields: Fields,
    pub(crate) embedding: Option<EmbeddingSpec>,
    reader: IndexReader,
    view: RwLock<Arc<View>>,
}

impl Index {
    /// Opens the index in `directory`, or makes an empty one. `embedding` names the encoder of the vectors that will be
    /// given; with `None` the index works on words alone.
    ///
    /// # Errors
    /// Another format or another encoder: rebuild the index from the library.
    pub fn open_or_create(directory: &Path, embedding: Option<&EmbeddingSpec>) -> Result<Self, OpenIndexError> {
        std::fs::create_dir_all(directory).map_err(|source| OpenIndexError::Io {
            path: directory.to_owned(),
            source,
        })?;
        check_description(directory, embedding)?;
        Self::open(directory, embedding).map_err(|source| OpenIndexError::Tantivy {
            directory: directory.to_owned(),
            source,
        })
    }

    /// The encoder that wrote the vectors of the index in `directory`: what to open it with. `None` for an index without
    /// vectors and for a directory without an index.
    pub fn embedding_of(directory: &Path) -> Result<Option<EmbeddingSpec>, OpenIndexError> {
        Ok(read_description(directory)?.and_then(|description| description.embedding))
    }

    fn open(directory: &Path, embedding: Option<&EmbeddingSpec>) -> tantivy::Result<Self> {
        let fields = Fields::new(embedding);
        // With tantivy's own: `raw` for ids and access terms, and `default`, which it asks for on every field.
        let tokenizers = TokenizerManager::default();
        for analyzer in Analyzer::ALL {
            tokenizers.register(analyzer.name(), analyzer.build());
        }
        let settings = IndexSettings {
            sort_by_field: Some(IndexSortByField {
                field: ORDER.to_owned(),
                order: Order::Asc,
            }),
            ..IndexSettings::default()
        };
        let mut builder = tantivy::Index::builder()
            .schema(fields.schema.clone())
            .settings(settings)
            .tokenizers(tokenizers);
        if let Some(spec) = embedding {
            builder = builder.register_plugin(Arc::new(VectorPlugin {
                dimensions: spec.dimensions,
            }));
        }
        let index = builder.open_or_create(tantivy::directory::MmapDirectory::open(directory)?)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let view = read_view(&reader, &fields, None)?;
        Ok(Self {
            shared: Arc::new(Shared {
                index,
                fields,
                embedding: embedding.cloned(),
                reader,
                view: RwLock::new(Arc::new(view)),
            }),
        })
    }

    /// The encoder of the vectors, if there are vectors.
    pub fn embedding(&self) -> Option<&EmbeddingSpec> {
        self.shared.embedding.as_ref()
    }

    /// The one writer; a second one, in this or another process, is refused until the first is dropped.
    pub fn writer(&self) -> Result<IndexWriter, WriteIndexError> {
        IndexWriter::new(self.clone())
    }

    /// Finds what matches `request.text` and the vector, best first.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResults, SearchError> {
        self.check_dimensions(request.vector.as_deref())?;
        crate::hybrid_search::search(&self.shared.fields, &self.view(), request)
    }

    /// Recommends what is related to a context, with reasons; nothing when nothing is related.
    pub fn recommend(&self, request: &RecommendRequest) -> Result<Vec<Recommendation>, SearchError> {
        for vector in &request.context.vectors {
            self.check_dimensions(Some(vector))?;
        }
        crate::recommendation::recommend(&self.shared.fields, &self.view(), request)
    }

    /// All meetings that `viewer` may see, the most related to `context` first, with their scores. Nothing is cut off:
    /// for evaluations; [`Index::recommend`] is the one that knows when nothing is related.
    pub fn rank_meetings(
        &self,
        context: &RecommendContext,
        viewer: &Viewer,
    ) -> Result<Vec<(MeetingId, f32)>, SearchError> {
        crate::recommendation::rank_meetings(&self.shared.fields, &self.view(), context, viewer)
    }

    /// Words of the index that begin with `prefix`, the most frequent first.
    pub fn suggest(&self, prefix: &str, viewer: &Viewer, limit: usize) -> Result<Vec<String>, SearchError> {
        crate::suggest::suggest(&self.shared.fields, &self.view(), prefix, viewer, limit)
    }

    /// `text` as a search while it is typed: if it ends within a word, what that word is most likely to become follows.
    pub fn complete(&self, text: &str, viewer: &Viewer) -> Result<String, SearchError> {
        crate::suggest::completed(&self.shared.fields, &self.view(), text, viewer)
    }

    /// Looks for commits of other processes; those of this one are seen without it.
    pub fn refresh(&self) -> Result<(), SearchError> {
        let before = self.view();
        let view = read_view(&self.shared.reader, &self.shared.fields, Some(&before))?;
        *self.shared.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        Ok(())
    }

    fn view(&self) -> Arc<View> {
        // A poisoned lock holds a whole view all the same: it is replaced at once or not at all.
        Arc::clone(&self.shared.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn check_dimensions(&self, vector: Option<&[f32]>) -> Result<(), SearchError> {
        let expected = self.embedding().map_or(0, |spec| spec.dimensions);
        match vector {
            Some(vector) if vector.len() != expected => Err(SearchError::Dimensions {
                expected,
                found: vector.len(),
            }),
            _ => Ok(()),
        }
    }
}

/// How often a view is read anew because its files went away meanwhile.
const VIEW_ATTEMPTS: usize = 20;

/// The view of the last commit. tantivy opens its own files under a lock, a plug-in's file is opened after it: a merge
/// that ends in between takes the file away, and leaves a newer state to read.
fn read_view(reader: &IndexReader, fields: &Fields, before: Option<&View>) -> tantivy::Result<View> {
    let mut attempt = 1;
    loop {
        reader.reload()?;
        match View::build(&reader.searcher(), fields, before) {
            Err(TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_))) if attempt < VIEW_ATTEMPTS => {
                attempt += 1;
            }
            result => return result,
        }
    }
}

fn read_description(directory: &Path) -> Result<Option<Description>, OpenIndexError> {
    let path = directory.join(DESCRIPTION);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| OpenIndexError::Description { path, source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OpenIndexError::Io { path, source }),
    }
}

/// Compares what stands in the directory with what is asked for; writes it where there is nothing yet.
fn check_description(directory: &Path, embedding: Option<&EmbeddingSpec>) -> Result<(), OpenIndexError> {
    let Some(found) = read_description(directory)? else {
        let description = Description {
            format: FORMAT_VERSION,
            embedding: embedding.cloned(),
        };
        let path = directory.join(DESCRIPTION);
        let temporary = directory.join("format.json.part");
        let write = || {
            std::fs::write(&temporary, serde_json::to_vec(&description)?)?;
            std::fs::rename(&temporary, &path)
        };
        return write().map_err(|source| OpenIndexError::Io {
            path: path.clone(),
            source,
        });
    };
    if found.format != FORMAT_VERSION {
        return Err(OpenIndexError::OtherFormat {
            directory: directory.to_owned(),
            found: found.format,
            expected: FORMAT_VERSION,
        });
    }
    if found.embedding.as_ref() != embedding {
        return Err(OpenIndexError::OtherEmbedding {
            directory: directory.to_owned(),
            found: describe(found.embedding.as_ref()),
            expected: describe(embedding),
        });
    }
    Ok(())
}

fn describe(embedding: Option<&EmbeddingSpec>) -> String {
    embedding.map_or_else(
        || "no encoder".to_owned(),
        |spec| format!("model {} with {} dimensions", spec.model_sha256, spec.dimensions),
    )
}
