//! What one run of a command has open: the library, its index brought up to date, and the sentence encoder where one
//! is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;
use datasets::library::{Library, LibraryError, LibraryWriter, MeetingVersions};
use datasets::{ContextItem, MeetingId};
use index::{EmbeddingSpec, Index, IndexWriter, OpenIndexError};
use models::embedding::{EncoderOptions, SentenceEncoder};
use models::weights::{Manifest, ModelState, WeightsStore};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;
use crate::stages::index_meeting;

/// The sentence encoder that vectors are made with when it is installed.
pub const SENTENCE_ENCODER: &str = "all-minilm-l6-v2";

/// In the folder of the weights: models of one's own, in the form of greffier's manifest.
const OWN_MODELS_FILE: &str = "manifest.toml";

/// Beside the index: which versions of which artifacts it holds. Written after a commit that puts something in, and before
/// one that takes something out, so that a crash between the two only makes the next opening index a meeting once more.
const INDEXED_FILE: &str = "indexed.json";

/// A library opened for reading, with its index.
pub struct Session {
    /// The meetings.
    pub library: Library,
    /// Where they are found.
    pub index: Index,
    /// Makes the vectors of queries; `None` when the index holds none.
    pub encoder: Option<Arc<SentenceEncoder>>,
}

/// A library opened for writing, with its index. Dropping it releases the lock.
pub struct WritingSession {
    /// The meetings.
    pub library: LibraryWriter,
    /// Makes the vectors of passages, where installed.
    pub encoder: Option<Arc<SentenceEncoder>>,
    index: Index,
    writer: IndexWriter,
    indexed: Indexed,
}

/// The part of a [`WritingSession`] that only one thread uses.
pub struct Indexer<'a> {
    folder: std::path::PathBuf,
    writer: &'a mut IndexWriter,
    indexed: &'a mut Indexed,
}

/// What the index holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Indexed {
    meetings: BTreeMap<MeetingId, MeetingVersions>,
    context_items: BTreeMap<datasets::ContextItemId, String>,
}

/// A step of bringing the index up to date, told to whoever shows progress.
#[derive(Clone, Copy, Debug)]
pub struct IndexProgress {
    /// Meetings indexed so far.
    pub done: usize,
    /// Meetings to index in all.
    pub total: usize,
}

impl Session {
    /// Opens the library for reading. When the index is not up to date (a process was killed, an encoder was
    /// installed) it is brought there first, unless another process writes at the moment.
    ///
    /// # Errors
    /// When there is no library, or its index cannot be opened.
    pub fn open(settings: &Settings, report: &mut dyn FnMut(IndexProgress)) -> anyhow::Result<Self> {
        let library = Library::open(settings.library_folder()?)?;
        let encoder = load_encoder(settings)?.map(Arc::new);
        if !is_up_to_date(&library, encoder.as_deref())? {
            match WritingSession::open(settings, report) {
                Ok(session) => return Ok(session.into_reader()),
                Err(error) if is_locked(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let index = Index::open_or_create(&library.index_folder(), embedding_spec(encoder.as_deref()).as_ref())?;
        Ok(Self {
            library,
            index,
            encoder,
        })
    }

    /// The vector of a query; `None` without an encoder.
    pub fn embed(&self, text: &str) -> anyhow::Result<Option<Vec<f32>>> {
        let Some(encoder) = &self.encoder else { return Ok(None) };
        Ok(index_meeting::embed(encoder, &[text])?.pop())
    }
}

impl WritingSession {
    /// Opens the library for writing, makes it where there is none, and brings its index up to date.
    ///
    /// # Errors
    /// When another process writes, or a file cannot be read or written.
    pub fn open(settings: &Settings, report: &mut dyn FnMut(IndexProgress)) -> anyhow::Result<Self> {
        let library = LibraryWriter::open(settings.library_folder()?)?;
        let encoder = load_encoder(settings)?.map(Arc::new);
        let folder = library.library().index_folder();
        let spec = embedding_spec(encoder.as_deref());
        let index = open_or_replace(&folder, spec.as_ref())?;
        let indexed = Indexed::read(&folder)?;
        let writer = index.writer()?;
        let mut session = Self {
            library,
            encoder,
            index,
            writer,
            indexed,
        };
        session.catch_up(report)?;
        Ok(session)
    }

    /// Throws the index away and makes it again from the artifacts.
    pub fn rebuild(settings: &Settings, report: &mut dyn FnMut(IndexProgress)) -> anyhow::Result<Self> {
        let library = LibraryWriter::open(settings.library_folder()?)?;
        remove_index(&library.library().index_folder())?;
        drop(library);
        Self::open(settings, report)
    }

    /// Puts the newest artifacts of a meeting into the index; [`WritingSession::commit`] makes them visible.
    pub fn index_meeting(&mut self, id: &MeetingId) -> anyhow::Result<()> {
        let prepared = index_meeting::prepare(self.library.library(), id, self.encoder.as_deref())?;
        self.parts().2.put_prepared(&prepared)
    }

    /// The session in three: what many threads share, and what one of them writes with.
    pub fn parts(&mut self) -> (&LibraryWriter, Option<&SentenceEncoder>, Indexer<'_>) {
        let indexer = Indexer {
            folder: self.library.library().index_folder(),
            writer: &mut self.writer,
            indexed: &mut self.indexed,
        };
        (&self.library, self.encoder.as_deref(), indexer)
    }

    /// The index for searching: it sees every commit of this session.
    pub fn index(&self) -> Index {
        self.index.clone()
    }

    /// Keeps a context item and puts it into the index.
    pub fn put_context_item(&mut self, item: &ContextItem) -> anyhow::Result<()> {
        self.library.put_context_item(item)?;
        self.index_context_item(item)
    }

    fn index_context_item(&mut self, item: &ContextItem) -> anyhow::Result<()> {
        let vector = match &self.encoder {
            Some(encoder) => index_meeting::embed(encoder, &[&format!("{}\n{}", item.title, item.text)])?.pop(),
            None => None,
        };
        self.writer.put_context_item(item, vector.as_deref())?;
        self.indexed.context_items.insert(item.id.clone(), digest(item)?);
        Ok(())
    }

    /// Makes everything since the last commit visible to searches.
    pub fn commit(&mut self) -> anyhow::Result<()> {
        self.parts().2.commit()
    }

    /// Deletes a meeting everywhere: first from what can be found, then from disk.
    pub fn forget_meeting(&mut self, id: &MeetingId) -> anyhow::Result<datasets::library::Receipt> {
        // The receipt must name a meeting that exists before anything is taken out.
        self.library.library().meeting(id)?;
        let entries = usize::from(self.indexed.meetings.remove(id).is_some());
        // Before the commit: a crash between the two must not leave a meeting that counts as indexed and is not.
        self.indexed.write(&self.library.library().index_folder())?;
        self.writer.remove_meeting(id)?;
        self.commit()?;
        Ok(self.library.forget_meeting(id, entries)?)
    }

    /// The session for reading what was written.
    pub fn into_reader(self) -> Session {
        Session {
            library: self.library.library().clone(),
            index: self.index,
            encoder: self.encoder,
        }
    }

    fn catch_up(&mut self, report: &mut dyn FnMut(IndexProgress)) -> anyhow::Result<()> {
        let library = self.library.library().clone();
        let mut stale = Vec::new();
        let mut gone: BTreeSet<MeetingId> = self.indexed.meetings.keys().cloned().collect();
        for id in library.meeting_ids()? {
            gone.remove(&id);
            if self.indexed.meetings.get(&id) != Some(&library.versions(&id)?) {
                stale.push(id);
            }
        }
        let items = library.context_items()?;
        let mut changed = !gone.is_empty();
        for id in gone {
            self.writer.remove_meeting(&id)?;
            self.indexed.meetings.remove(&id);
        }
        let total = stale.len();
        for (done, id) in stale.iter().enumerate() {
            report(IndexProgress { done, total });
            self.index_meeting(id)?;
            changed = true;
        }
        for item in &items {
            if self.indexed.context_items.get(&item.id) != Some(&digest(item)?) {
                self.index_context_item(item)?;
                changed = true;
            }
        }
        let known: BTreeSet<_> = items.iter().map(|item| &item.id).collect();
        let unknown: Vec<_> = self
            .indexed
            .context_items
            .keys()
            .filter(|id| !known.contains(id))
            .cloned()
            .collect();
        for id in unknown {
            self.writer.remove_context_item(&id)?;
            self.indexed.context_items.remove(&id);
            changed = true;
        }
        if changed { self.commit() } else { Ok(()) }
    }
}

impl Indexer<'_> {
    /// Puts a meeting into the index; [`Indexer::commit`] makes it visible.
    pub fn put_prepared(&mut self, prepared: &index_meeting::PreparedMeeting) -> anyhow::Result<()> {
        index_meeting::put(self.writer, prepared)?;
        self.indexed
            .meetings
            .insert(prepared.meeting.id.clone(), prepared.versions);
        Ok(())
    }

    /// Makes everything since the last commit visible to searches.
    pub fn commit(&mut self) -> anyhow::Result<()> {
        self.writer.commit()?;
        self.indexed.write(&self.folder)
    }
}

impl Indexed {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        match fs::read(folder.join(INDEXED_FILE)) {
            // Whatever is wrong with it, indexing again puts it right.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("reading `{}`", folder.join(INDEXED_FILE).display())),
        }
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(INDEXED_FILE);
        let partial = folder.join(format!(".{INDEXED_FILE}"));
        fs::write(&partial, serde_json::to_vec(self)?)
            .and_then(|()| fs::rename(&partial, &path))
            .with_context(|| format!("writing `{}`", path.display()))
    }
}

/// The store of model weights of the settings: of the models that greffier knows, and of those that a `manifest.toml` in
/// the folder adds.
///
/// # Errors
/// When that file is no manifest, or lists a model that greffier knows.
pub fn weights_store(settings: &Settings) -> anyhow::Result<WeightsStore> {
    let folder = settings.models_folder()?;
    let path = folder.join(OWN_MODELS_FILE);
    let said = || format!("reading `{}`", path.display());
    let manifest = match fs::read_to_string(&path) {
        Ok(text) => Manifest::parse(&text)
            .and_then(|own| Manifest::built_in().and(own))
            .with_context(said)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Manifest::built_in(),
        Err(error) => return Err(error).with_context(said),
    };
    Ok(WeightsStore::new(&folder, manifest))
}

/// Which commit of the index is the last, by whichever process: two that differ name different commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitMark {
    written_at: SystemTime,
    /// Two commits may come within one tick of the file system's clock; each makes a file of its own.
    inode: u64,
}

/// The last commit of the index; `None` where there is none.
pub fn last_commit(library: &Library) -> Option<CommitMark> {
    let written = fs::metadata(library.index_folder().join(INDEXED_FILE)).ok()?;
    Some(CommitMark {
        written_at: written.modified().ok()?,
        inode: written.ino(),
    })
}

/// The sentence encoder, where it is installed and whole.
///
/// # Errors
/// When it is installed and damaged: silently searching by words alone would hide that.
pub fn load_encoder(settings: &Settings) -> anyhow::Result<Option<SentenceEncoder>> {
    let store = weights_store(settings)?;
    let installed = store
        .list()
        .iter()
        .any(|(entry, state)| entry.name == SENTENCE_ENCODER && *state == ModelState::Complete);
    if !installed {
        return Ok(None);
    }
    let folder = store.open(SENTENCE_ENCODER)?;
    let encoder = SentenceEncoder::load(&folder, &EncoderOptions::default())
        .with_context(|| format!("loading the sentence encoder from `{}`", folder.display()))?;
    Ok(Some(encoder))
}

/// Whether the index holds the newest version of everything, made with this encoder.
pub fn is_up_to_date(library: &Library, encoder: Option<&SentenceEncoder>) -> anyhow::Result<bool> {
    let folder = library.index_folder();
    let indexed = Indexed::read(&folder)?;
    if !folder.exists() || Index::open_or_create(&folder, embedding_spec(encoder).as_ref()).is_err() {
        return Ok(false);
    }
    let ids = library.meeting_ids()?;
    if ids.len() != indexed.meetings.len() {
        return Ok(false);
    }
    for id in &ids {
        if indexed.meetings.get(id) != Some(&library.versions(id)?) {
            return Ok(false);
        }
    }
    let items = library.context_items()?;
    if items.len() != indexed.context_items.len() {
        return Ok(false);
    }
    for item in &items {
        if indexed.context_items.get(&item.id) != Some(&digest(item)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn open_or_replace(folder: &Path, spec: Option<&EmbeddingSpec>) -> anyhow::Result<Index> {
    match Index::open_or_create(folder, spec) {
        Err(
            OpenIndexError::OtherFormat { .. }
            | OpenIndexError::OtherEmbedding { .. }
            | OpenIndexError::Description { .. },
        ) => {
            // Derived data: made again from the artifacts by the caller.
            remove_index(folder)?;
            Ok(Index::open_or_create(folder, spec)?)
        }
        other => Ok(other?),
    }
}

fn remove_index(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing the index `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}

fn embedding_spec(encoder: Option<&SentenceEncoder>) -> Option<EmbeddingSpec> {
    encoder.map(|encoder| EmbeddingSpec {
        dimensions: encoder.dimensions(),
        model_sha256: encoder.model_sha256().to_owned(),
    })
}

fn digest(item: &ContextItem) -> anyhow::Result<String> {
    Ok(datasets::library::sha256_hex(&serde_json::to_vec(item)?))
}

/// Whether another process writes to the library.
pub(crate) fn is_locked(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<LibraryError>(), Some(LibraryError::Locked { .. }))
}
