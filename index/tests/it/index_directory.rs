//! Directories of another format or encoder are refused by name, never read as something else.

use index::{EmbeddingSpec, Index, OpenIndexError};

use crate::{held, index_of, places, request, spec};

#[test]
fn another_encoder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Index::open_or_create(folder.path(), Some(&spec(4))).expect("made"));
    assert_eq!(Index::embedding_of(folder.path()).expect("read"), Some(spec(4)));
    let other = EmbeddingSpec {
        model_sha256: "1".repeat(64),
        ..spec(4)
    };
    for asked in [None, Some(&other), Some(&spec(5))] {
        let refused = Index::open_or_create(folder.path(), asked);
        assert!(matches!(refused, Err(OpenIndexError::OtherEmbedding { .. })));
    }
    assert!(Index::open_or_create(folder.path(), Some(&spec(4))).is_ok());
}

#[test]
fn another_format_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Index::open_or_create(folder.path(), None).expect("made"));
    let description = folder.path().join("format.json");
    std::fs::write(&description, r#"{"format":999999}"#).expect("written");
    assert!(matches!(
        Index::open_or_create(folder.path(), None),
        Err(OpenIndexError::OtherFormat { found: 999_999, .. })
    ));
    std::fs::write(&description, "{").expect("written");
    assert!(matches!(
        Index::open_or_create(folder.path(), None),
        Err(OpenIndexError::Description { .. })
    ));
}

#[test]
fn one_writer_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = Index::open_or_create(folder.path(), None).expect("made");
    let writer = index.writer().expect("free");
    assert!(index.writer().is_err());
    drop(writer);
    assert!(index.writer().is_ok());
}

#[test]
fn a_commit_is_there_after_opening_again() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(index_of(
        folder.path(),
        &[held("m", 1, &["ann"], &["the glacier melts"])],
    ));
    let index = Index::open_or_create(folder.path(), None).expect("opened again");
    assert_eq!(places(&index, &request("glacier")), ["m/u1"]);
}
