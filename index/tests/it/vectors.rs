//! Vectors live and die with their documents, through commits, merges and deletions, and are found exactly.

use datasets::MeetingId;
use index::{Index, SearchMode, SearchRequest};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::{held, places, put, request, spec};

const DIMENSIONS: usize = 96;

fn random_vector(random: &mut TestRng) -> Vec<f32> {
    (0..DIMENSIONS)
        .map(|_| (random.next_u32() as f32 / u32::MAX as f32) * 2.0 - 1.0)
        .collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn by_vector(vector: &[f32]) -> SearchRequest {
    SearchRequest {
        vector: Some(vector.to_vec()),
        mode: SearchMode::Vector,
        filters: index::Filters {
            kinds: vec![index::ItemKind::Passage],
            ..index::Filters::default()
        },
        ..request("")
    }
}

#[test]
fn the_nearest_is_found_through_merges_and_removals() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = Index::open_or_create(folder.path(), Some(&spec(DIMENSIONS))).expect("opens");
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut all: Vec<(String, Vec<f32>)> = Vec::new();
    let mut writer = index.writer().expect("free");
    // One commit each makes a segment each, which tantivy merges in the background.
    for number in 0..24 {
        let id = format!("m{number:02}");
        // Days go down, so that every merge has to reorder.
        let meeting = held(&id, 100 - number, &["ann"], &["one", "two", "three"]);
        let vectors: Vec<Vec<f32>> = (0..3).map(|_| random_vector(&mut random)).collect();
        put(&mut writer, &meeting, Some(&vectors));
        writer.commit().expect("committed");
        all.extend(
            vectors
                .into_iter()
                .enumerate()
                .map(|(at, vector)| (format!("{id}/u{}", at + 1), vector)),
        );
    }
    for number in [3, 4, 17] {
        writer
            .remove_meeting(&MeetingId::new(format!("m{number:02}")))
            .expect("removed");
        all.retain(|(place, _)| !place.starts_with(&format!("m{number:02}/")));
    }
    writer.commit().expect("committed");
    writer.wait_for_merges().expect("merged");
    let reopened = Index::open_or_create(folder.path(), Some(&spec(DIMENSIONS))).expect("opens again");
    for index in [&index, &reopened] {
        for (place, vector) in &all {
            let request = by_vector(vector);
            let hits = index.search(&request).expect("runs").hits;
            let own = hits.iter().find(|hit| {
                let first = hit
                    .utterances
                    .as_ref()
                    .map(|(first, _)| first.to_string())
                    .unwrap_or_default();
                format!(
                    "{}/{first}",
                    hit.meeting.as_ref().map(ToString::to_string).unwrap_or_default()
                ) == *place
            });
            let own = own.unwrap_or_else(|| panic!("{place} is not found by its own vector"));
            let near = own
                .why
                .iter()
                .any(|why| matches!(why, index::Reason::SimilarMeaning(cosine) if *cosine > 0.99));
            assert!(near, "{place}: {:?}", own.why);
        }
    }
}

#[test]
fn cosines_are_those_of_the_vectors() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = Index::open_or_create(folder.path(), Some(&spec(DIMENSIONS))).expect("opens");
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let vector = random_vector(&mut random);
    let query: Vec<f32> = vector
        .iter()
        .zip(random_vector(&mut random))
        .map(|(a, b)| a + 0.5 * b)
        .collect();
    let mut writer = index.writer().expect("free");
    put(
        &mut writer,
        &held("m", 1, &["ann"], &["one"]),
        Some(std::slice::from_ref(&vector)),
    );
    writer.commit().expect("committed");
    let hits = index.search(&by_vector(&query)).expect("runs").hits;
    let found = hits[0].why.iter().find_map(|why| match why {
        index::Reason::SimilarMeaning(cosine) => Some(*cosine),
        _ => None,
    });
    let found = found.expect("found by its vector");
    assert!((found - cosine(&vector, &query)).abs() < 0.01, "{found}");
}

#[test]
fn vectors_of_the_wrong_length_or_number_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = Index::open_or_create(folder.path(), Some(&spec(4))).expect("opens");
    let mut writer = index.writer().expect("free");
    let meeting = held("m", 1, &["ann"], &["one"]);
    let entry = |vectors| index::MeetingEntry {
        meeting: &meeting.meeting,
        transcript: &meeting.transcript,
        minutes: None,
        action_statuses: None,
        passages: None,
        vectors: Some(vectors),
    };
    let wrong = [vec![1.0; 3]];
    assert!(matches!(
        writer.put_meeting(&entry(&wrong)),
        Err(index::WriteIndexError::Dimensions { expected: 4, found: 3 })
    ));
    let many = [vec![1.0; 4], vec![1.0; 4]];
    assert!(matches!(
        writer.put_meeting(&entry(&many)),
        Err(index::WriteIndexError::VectorCount {
            passages: 1,
            vectors: 2
        })
    ));
    assert!(index.search(&by_vector(&[1.0; 3])).is_err());
    // A vector without a direction is as good as none.
    writer.put_meeting(&entry(&[vec![0.0; 4]])).expect("put");
    writer.commit().expect("committed");
    assert!(places(&index, &by_vector(&[1.0; 4])).is_empty());
}
