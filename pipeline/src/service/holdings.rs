//! What questions are answered from, whoever asks: a server over HTTP, or a program beside it that only reads.

use std::sync::{Arc, Mutex, PoisonError};

use datasets::library::Library;
use index::Index;

use super::catalog::Catalog;
use super::query_encoder::QueryEncoder;
use crate::session::{CommitMark, IndexProgress, Session, last_commit};
use crate::settings::Settings;

/// A library that can be asked.
#[derive(Clone, Copy)]
pub struct Holdings<'a> {
    /// The meetings.
    pub library: &'a Library,
    /// Where they are found.
    pub index: &'a Index,
    /// Makes the vectors of queries, where installed.
    pub encoder: Option<&'a QueryEncoder>,
    /// The records of all meetings in memory.
    pub catalog: &'a Catalog,
}

impl Holdings<'_> {
    /// One vector per text; none where there is no encoder.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn embed(&self, texts: &[String]) -> anyhow::Result<Vec<Vec<f32>>> {
        self.encoder.map_or(Ok(Vec::new()), |encoder| encoder.embed(texts))
    }
}

/// A library opened for reading, which takes no lock: it can be asked while a server or a command writes to it.
pub struct FollowedLibrary {
    session: Session,
    encoder: Option<QueryEncoder>,
    catalog: Mutex<(Option<CommitMark>, Arc<Catalog>)>,
}

impl FollowedLibrary {
    /// Opens the library of the settings, brings its index up to date where nobody else does, and reads all records.
    ///
    /// # Errors
    /// When there is no library, or its index cannot be opened.
    pub fn open(settings: &Settings, report: &mut dyn FnMut(IndexProgress)) -> anyhow::Result<Self> {
        let session = Session::open(settings, report)?;
        let seen = last_commit(&session.library);
        let catalog = Catalog::load(&session.library)?;
        Ok(Self {
            catalog: Mutex::new((seen, catalog.into())),
            encoder: session.encoder.clone().map(QueryEncoder::new),
            session,
        })
    }

    /// Asks the library as it is now: what others have written since the last question is read first.
    ///
    /// # Errors
    /// When it cannot be read; else what `work` says.
    pub fn ask<T, E: From<anyhow::Error>>(&self, work: impl FnOnce(Holdings<'_>) -> Result<T, E>) -> Result<T, E> {
        let catalog = self.newest_catalog()?;
        work(Holdings {
            library: &self.session.library,
            index: &self.session.index,
            encoder: self.encoder.as_ref(),
            catalog: &catalog,
        })
    }

    fn newest_catalog(&self) -> anyhow::Result<Arc<Catalog>> {
        // A panic leaves the pair as it was: it is replaced at once or not at all.
        let mut known = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        // Read before what it tells of: a write that comes meanwhile is seen by the next question.
        let seen = last_commit(&self.session.library);
        if known.0 != seen {
            self.session.index.refresh()?;
            *known = (seen, Catalog::load(&self.session.library)?.into());
        }
        Ok(Arc::clone(&known.1))
    }
}
