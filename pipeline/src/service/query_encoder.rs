//! The sentence encoder as questions use it. A vector costs more of a processor than everything else of a recommendation,
//! and people ask the same again: each participant of a meeting for its invitation, a page each time it is opened. So the
//! vectors of the latest texts are kept.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use models::embedding::SentenceEncoder;
use sha2::{Digest, Sha256};

use crate::stages::index_meeting;

/// Texts whose vectors are kept: 6 MiB with 384 dimensions.
const KEPT_MAX: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");

/// Of a text, so that no text is kept.
type Key = [u8; 32];

/// A sentence encoder that remembers the vectors of the latest texts.
pub struct QueryEncoder {
    encoder: Arc<SentenceEncoder>,
    latest: Mutex<LruCache<Key, Vec<f32>>>,
}

impl QueryEncoder {
    /// With nothing remembered.
    pub fn new(encoder: Arc<SentenceEncoder>) -> Self {
        Self {
            encoder,
            latest: Mutex::new(LruCache::new(KEPT_MAX)),
        }
    }

    /// The encoder itself, for texts that are asked for once.
    pub fn encoder(&self) -> &SentenceEncoder {
        &self.encoder
    }

    /// One unit vector per text.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn embed(&self, texts: &[String]) -> anyhow::Result<Vec<Vec<f32>>> {
        let keys: Vec<Key> = texts.iter().map(|text| Sha256::digest(text).into()).collect();
        let mut vectors: Vec<Option<Vec<f32>>> = {
            let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            keys.iter().map(|key| latest.get(key).cloned()).collect()
        };
        let missing: Vec<usize> = (0..texts.len()).filter(|&at| vectors[at].is_none()).collect();
        if !missing.is_empty() {
            let new: Vec<&str> = missing.iter().map(|&at| texts[at].as_str()).collect();
            // Not under the lock: others may ask meanwhile.
            let made = index_meeting::embed(&self.encoder, &new)?;
            let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            for (at, vector) in missing.into_iter().zip(made) {
                latest.put(keys[at], vector.clone());
                vectors[at] = Some(vector);
            }
        }
        Ok(vectors.into_iter().flatten().collect())
    }
}
