//! Where the evaluation corpora lie: users do not have them, so a test that needs one says that it is skipped.

use std::path::{Path, PathBuf};

/// The file `name` below the folder of corpora; prints why and gives `None` where it is absent.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("GREFFIER_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = shared.join("datasets").join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: no {name} below {} (set GREFFIER_SHARED)", shared.display());
    None
}
