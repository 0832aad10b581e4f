//! Bytes of weights: a part of a mapped file, or of memory, shared by all that read it.
#![allow(unsafe_code, reason = "a mapped file is memory that another process could change")]

use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

/// A shared, read-only stretch of bytes.
#[derive(Clone)]
pub(crate) struct Bytes {
    owner: Arc<dyn AsRef<[u8]> + Send + Sync>,
    range: Range<usize>,
}

impl Bytes {
    /// Maps a file: its pages are read when they are first used, and the system may drop them again.
    pub(crate) fn map(path: &Path) -> std::io::Result<Bytes> {
        let file = File::open(path)?;
        // SAFETY: weights are read as numbers of which every bit pattern is allowed, so a file that another process
        // changes gives wrong numbers and nothing worse; one that is cut short ends this process with a bus error, as
        // in every program that maps its weights.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        let range = 0..map.len();
        Ok(Bytes {
            owner: Arc::new(map),
            range,
        })
    }

    /// A part of these bytes, if they are long enough.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<Bytes> {
        let fits = range.start <= range.end && range.end <= self.len();
        fits.then(|| Bytes {
            owner: self.owner.clone(),
            range: self.range.start + range.start..self.range.start + range.end,
        })
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        let range = 0..bytes.len();
        Bytes {
            owner: Arc::new(bytes),
            range,
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &(*self.owner).as_ref()[self.range.clone()]
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Bytes({:?})", self.range)
    }
}
