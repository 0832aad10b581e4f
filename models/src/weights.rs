//! Which models there are, and which of them lie complete and unchanged on this machine.
//!
//! The manifest says what a model's files must be; the store keeps them. There is no network here: whoever downloads
//! hands the bytes to a [`PartialFile`], which alone decides whether they become a file of the store.

mod bundle;
mod manifest;
mod partial_file;
mod record;
mod store;
mod torch_checkpoint;

pub use manifest::{Manifest, ManifestError, ModelEntry, ModelFile, ModelKind, Source};
pub use partial_file::PartialFile;
pub use store::{ChecksumOrigin, FileState, ModelState, WeightsError, WeightsStore};
pub use torch_checkpoint::{CheckpointError, read_torch_checkpoint};

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes any text");
            text
        })
}
