//! A file of the store is whole and right, or it does not load, however its bytes came and whatever broke off.

use std::path::Path;

use models::weights::{ChecksumOrigin, FileState, Manifest, ModelState, WeightsError, WeightsStore};

const LARGE: &[u8] = b"0123456789";
const SMALL: &[u8] = b"{}";

fn manifest() -> Manifest {
    // printf 0123456789 | sha256sum; printf {} | sha256sum
    let text = "[[model]]\nname = 'tiny'\nkind = 'sentence-encoder'\npurpose = 'a test'\nlicence = 'MIT'\n\
        [[model.file]]\npath = 'model.bin'\nbytes = 10\n\
        sha256 = '84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882'\n\
        [[model.file]]\npath = 'part/config.json'\nbytes = 2\n\
        sha256 = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'\n";
    Manifest::parse(text).unwrap()
}

fn store(directory: &Path) -> WeightsStore {
    WeightsStore::new(directory, manifest())
}

fn put(store: &WeightsStore, file: &str, bytes: &[u8]) -> Result<(), WeightsError> {
    let mut arriving = store.begin_file("tiny", file)?;
    arriving.write(bytes)?;
    arriving.finish().map(drop)
}

fn complete(directory: &Path) -> WeightsStore {
    let store = store(directory);
    put(&store, "model.bin", LARGE).unwrap();
    put(&store, "part/config.json", SMALL).unwrap();
    store
}

fn state(store: &WeightsStore) -> ModelState {
    store.list()[0].1
}

#[test]
fn a_complete_model_opens() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(state(&store(directory.path())), ModelState::Absent);
    let store = complete(directory.path());
    assert_eq!(state(&store), ModelState::Complete);
    let folder = store.open("tiny").unwrap();
    assert_eq!(std::fs::read(folder.join("part/config.json")).unwrap(), SMALL);
}

#[test]
fn an_arrival_that_broke_off_does_not_load_and_goes_on_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    put(&store, "part/config.json", SMALL).unwrap();
    let mut arriving = store.begin_file("tiny", "model.bin").unwrap();
    arriving.write(&LARGE[..4]).unwrap();
    assert!(matches!(
        arriving.finish(),
        Err(WeightsError::Length {
            expected: 10,
            found: 4,
            ..
        })
    ));
    assert_eq!(state(&store), ModelState::Partial { bytes: 6 });
    assert!(matches!(
        store.open("tiny"),
        Err(WeightsError::Incomplete {
            arrived: 4,
            expected: 10,
            ..
        })
    ));
    let mut arriving = store.begin_file("tiny", "model.bin").unwrap();
    assert_eq!(arriving.resume_offset(), 4);
    arriving.write(&LARGE[4..]).unwrap();
    arriving.finish().unwrap();
    assert!(store.open("tiny").is_ok());
}

#[test]
fn wrong_bytes_never_become_a_file_and_are_not_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let error = put(&store, "model.bin", b"012345678X").unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("model.bin") && text.contains("expected 84d89877") && text.contains("pull"),
        "{text}"
    );
    assert_eq!(store.begin_file("tiny", "model.bin").unwrap().resume_offset(), 0);
    assert!(matches!(
        put(&store, "model.bin", b"01234567890"),
        Err(WeightsError::Length { found: 11, .. })
    ));
}

#[test]
fn a_file_changed_on_disk_does_not_load() {
    let directory = tempfile::tempdir().unwrap();
    let store = complete(directory.path());
    std::fs::write(directory.path().join("tiny/model.bin"), b"012345678X").unwrap();
    assert!(matches!(store.open("tiny"), Err(WeightsError::Checksum { .. })));
    let states: Vec<FileState> = store
        .verify("tiny")
        .unwrap()
        .into_iter()
        .map(|(_, state)| state)
        .collect();
    assert!(matches!(&states[..], [FileState::Changed { .. }, FileState::Good]));
}

#[test]
fn two_writers_of_one_file_are_kept_apart() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let _first = store.begin_file("tiny", "model.bin").unwrap();
    assert!(matches!(
        store.begin_file("tiny", "model.bin"),
        Err(WeightsError::Busy { .. })
    ));
}

#[test]
fn unknown_names_are_refused_with_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    assert!(store.open("other").unwrap_err().to_string().contains("tiny"));
    assert!(matches!(
        store.begin_file("tiny", "../x"),
        Err(WeightsError::UnknownFile { .. })
    ));
}

#[test]
fn a_bundle_carries_a_model_to_another_store() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut bundle = Vec::new();
    complete(from.path()).export_bundle(&["tiny"], &mut bundle).unwrap();
    let target = store(to.path());
    assert_eq!(target.import_bundle(&*bundle).unwrap(), vec!["tiny"]);
    assert!(target.open("tiny").is_ok());
}

#[test]
fn a_bundle_that_breaks_off_or_was_changed_loads_nothing() {
    let from = tempfile::tempdir().unwrap();
    let mut bundle = Vec::new();
    complete(from.path()).export_bundle(&["tiny"], &mut bundle).unwrap();
    let place = bundle.windows(LARGE.len()).position(|window| window == LARGE).unwrap();
    let mut changed = bundle.clone();
    changed[place] ^= 1;
    for (bytes, expected) in [
        (&changed[..], "SHA-256"),
        (&bundle[..place + 3], "3 came"),
        (&[][..], "no model"),
    ] {
        let to = tempfile::tempdir().unwrap();
        let target = store(to.path());
        let error = target.import_bundle(bytes).unwrap_err();
        assert!(format!("{error:?} {error}").contains(expected), "{error}");
        assert!(target.open("tiny").is_err());
    }
}

#[test]
fn a_directory_is_imported_only_with_the_right_files() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    complete(from.path());
    let folder = from.path().join("tiny");
    assert!(store(to.path()).import_directory("tiny", &folder).is_ok());
    std::fs::write(folder.join("model.bin"), b"012345678X").unwrap();
    assert!(store(to.path()).import_directory("tiny", &folder).is_err());
    assert!(
        store(to.path()).open("tiny").is_ok(),
        "a failed import leaves the good file in place"
    );
}

/// The same model, without the checksum of its small file.
fn without_checksum(directory: &Path) -> WeightsStore {
    let text = "[[model]]\nname = 'tiny'\nkind = 'speech'\npurpose = 'a test'\nlicence = 'MIT'\n\
        [[model.file]]\npath = 'part/config.json'\nbytes = 2\n";
    WeightsStore::new(directory, Manifest::parse(text).unwrap())
}

#[test]
fn a_checksum_is_recorded_at_the_first_arrival_and_holds() {
    let directory = tempfile::tempdir().unwrap();
    let store = without_checksum(directory.path());
    assert_eq!(store.checksum_origin("tiny").unwrap(), ChecksumOrigin::FirstArrival);
    put(&store, "part/config.json", SMALL).unwrap();
    assert_eq!(store.checksum_origin("tiny").unwrap(), ChecksumOrigin::Recorded);
    assert!(store.open("tiny").is_ok());
    let file = directory.path().join("tiny/part/config.json");
    std::fs::write(&file, b"[]").unwrap();
    assert!(matches!(store.open("tiny"), Err(WeightsError::Checksum { .. })));
    assert!(matches!(
        put(&store, "part/config.json", b"[]"),
        Err(WeightsError::Checksum { .. })
    ));
    put(&store, "part/config.json", SMALL).unwrap();
    assert!(store.open("tiny").is_ok());
}

#[test]
fn a_file_that_did_not_arrive_through_the_store_has_no_checksum_to_trust() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("tiny/part")).unwrap();
    let file = directory.path().join("tiny/part/config.json");
    std::fs::write(&file, SMALL).unwrap();
    let store = without_checksum(directory.path());
    assert!(matches!(store.open("tiny"), Err(WeightsError::NoChecksum { .. })));
    std::fs::write(file.with_added_extension("sha256"), "torn").unwrap();
    assert!(matches!(store.open("tiny"), Err(WeightsError::Record { .. })));
}

#[test]
fn a_bundle_carries_recorded_checksums_too() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = without_checksum(from.path());
    put(&source, "part/config.json", SMALL).unwrap();
    let mut bundle = Vec::new();
    source.export_bundle(&["tiny"], &mut bundle).unwrap();
    // The last is the file's content; the list before it says what it must be.
    let place = bundle.windows(2).rposition(|window| window == SMALL).unwrap();
    let mut changed = bundle.clone();
    changed[place] ^= 1;
    let target = without_checksum(to.path());
    assert!(matches!(
        target.import_bundle(&*changed),
        Err(WeightsError::Checksum { .. })
    ));
    target.import_bundle(&*bundle).unwrap();
    assert!(target.open("tiny").is_ok());
}
