//! Searches by words: visible at once, gone when removed, filtered, and empty when nothing is relevant.

use datasets::{ContextItem, ContextItemId, ContextKind, Language, MeetingId, PersonId};
use index::{Filters, Index, ItemKind, SearchRequest};

use crate::{Held, held, index_of, places, put, request};

fn library() -> Vec<Held> {
    vec![
        held(
            "design",
            10,
            &["ann", "bob"],
            &[
                "the battery of the remote control lasts a year",
                "rubber is a good material for the case",
            ],
        ),
        held(
            "finance",
            20,
            &["cid", "bob"],
            &[
                "the budget for next year is too small",
                "we sell the remote control for twenty five euros",
            ],
        ),
        held("undated", 0, &["dee"], &["the battery factory is far away"]),
    ]
}

#[test]
fn what_is_committed_is_found_and_what_is_removed_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    assert_eq!(places(&index, &request("rubber case"))[0], "design/u2");
    let mut writer = index.writer().expect("free again");
    writer.remove_meeting(&MeetingId::new("design")).expect("removed");
    assert!(
        !places(&index, &request("rubber case")).is_empty(),
        "nothing is seen before the commit"
    );
    writer.commit().expect("committed");
    assert!(places(&index, &request("rubber case")).is_empty());
    let changed = held("finance", 20, &["cid"], &["we talk about wood"]);
    put(&mut writer, &changed, None);
    writer.commit().expect("committed");
    assert_eq!(places(&index, &request("wood")), ["finance/u1"]);
    assert!(
        places(&index, &request("budget")).is_empty(),
        "the earlier version is gone"
    );
}

#[test]
fn nothing_relevant_gives_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    for text in [
        "sandwich",
        "",
        "sandwich with pickled herring on the moon",
        "?!",
        "the of and",
    ] {
        let results = index.search(&request(text)).expect("runs");
        assert_eq!((results.hits.len(), results.total), (0, 0), "{text}");
        assert_eq!(results.facets, index::Facets::default());
    }
}

#[test]
fn filters_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    let day = |day: i64| jiff::Timestamp::from_second(day * 86_400).expect("a valid day");
    let check = |filters: Filters, expected: &[&str]| {
        let mut found = places(
            &index,
            &SearchRequest {
                filters,
                ..request("battery remote control")
            },
        );
        found.sort();
        found.dedup_by_key(|place| place.split('/').next().map(str::to_owned));
        let meetings: Vec<&str> = found.iter().filter_map(|place| place.split('/').next()).collect();
        assert_eq!(meetings, expected);
    };
    let none = Filters::default;
    check(none(), &["design", "finance", "undated"]);
    check(
        Filters {
            from: Some(day(15)),
            ..none()
        },
        &["finance"],
    );
    check(
        Filters {
            until: Some(day(10)),
            ..none()
        },
        &["design"],
    );
    check(
        Filters {
            people: vec![PersonId::new("bob")],
            ..none()
        },
        &["design", "finance"],
    );
    check(
        Filters {
            meetings: vec![MeetingId::new("undated")],
            ..none()
        },
        &["undated"],
    );
    check(
        Filters {
            kinds: vec![ItemKind::Decision],
            ..none()
        },
        &[],
    );
}

#[test]
fn snippets_highlight_what_matched() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    let results = index.search(&request("batteries")).expect("runs");
    let hit = results
        .hits
        .iter()
        .find(|hit| hit.kind == ItemKind::Passage)
        .expect("a passage");
    let highlighted: Vec<&str> = hit
        .snippet
        .highlights
        .iter()
        .map(|range| &hit.snippet.text[range.clone()])
        .collect();
    assert_eq!(highlighted, ["battery"]);
    assert!(!hit.why.is_empty());
    assert!((0.0..=1.0).contains(&hit.score));
}

#[test]
fn a_named_speaker_is_preferred() {
    let folder = tempfile::tempdir().expect("a folder");
    let texts = [
        "the price is fair",
        "the colour is red",
        "the weather",
        "the price is too high",
    ];
    let index = index_of(folder.path(), &[held("talk", 1, &["Ann Lee", "Bob Ray"], &texts)]);
    assert_eq!(
        places(&index, &request("What did Bob Ray say about the price?"))[0],
        "talk/u4"
    );
    assert_eq!(
        places(&index, &request("What did Ann Lee say about the price?"))[0],
        "talk/u1"
    );
}

#[test]
fn french_is_found_by_its_stems_and_beside_english() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut french = held(
        "comité",
        5,
        &["zoé"],
        &["nous avons validé les décisions de l'équipe sur l'index"],
    );
    french.meeting.language = Some(Language::FRENCH);
    let mut meetings = library();
    meetings.push(french);
    let index = index_of(folder.path(), &meetings);
    for text in [
        "décision d’équipe",
        "decisions equipe",
        "l'index",
        "quelles décisions ont été validées ?",
    ] {
        assert_eq!(
            places(&index, &request(text)).first().map(String::as_str),
            Some("comité/u1"),
            "{text}"
        );
    }
}

#[test]
fn context_items_are_found_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    let mut writer = index.writer().expect("free");
    let item = ContextItem {
        id: ContextItemId::new("mail-1"),
        kind: ContextKind::Mail,
        title: "Battery supplier".to_owned(),
        text: "The supplier raises the price of each battery.".to_owned(),
        people: vec![PersonId::new("bob")],
        at: None,
        series: None,
        language: Some(Language::ENGLISH),
        link: None,
        access: Default::default(),
    };
    writer.put_context_item(&item, None).expect("put");
    writer.commit().expect("committed");
    let results = index.search(&request("battery supplier")).expect("runs");
    assert_eq!(results.hits[0].context_item, Some(ContextItemId::new("mail-1")));
    assert!(
        results
            .facets
            .kinds
            .iter()
            .any(|facet| facet.value == ItemKind::Mail && facet.count == 1)
    );
    assert_eq!(
        index.suggest("supp", &datasets::Viewer::Operator, 3).expect("runs"),
        ["supplier"]
    );
    let completed = |text| index.complete(text, &datasets::Viewer::Operator).expect("runs");
    assert_eq!(completed("battery supp"), "battery supp supplier");
    assert_eq!(completed("the supp "), "the supp ", "the word is ended");
    assert_eq!(completed("Supplier"), "Supplier", "the word is whole");
    assert_eq!(completed("s"), "s", "one letter could be anything");
    writer.remove_context_item(&item.id).expect("removed");
    writer.commit().expect("committed");
    assert!(index.search(&request("supplier")).expect("runs").hits.is_empty());
}

#[test]
fn a_filter_by_kind_shows_as_many_as_its_count_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    for text in [
        "battery",
        "battery remote control",
        "the budget for the remote control",
        "design",
    ] {
        let facets = index.search(&request(text)).expect("runs").facets;
        for kind in facets.kinds {
            let filters = Filters {
                kinds: vec![kind.value],
                ..Filters::default()
            };
            let filtered = SearchRequest {
                filters,
                ..request(text)
            };
            assert_eq!(
                index.search(&filtered).expect("runs").total,
                kind.count,
                "{text}: {:?}",
                kind.value
            );
        }
    }
}

#[test]
fn pages_follow_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    let all = places(&index, &request("battery remote control"));
    let paged: Vec<String> = (0..all.len() + 2)
        .flat_map(|offset| {
            places(
                &index,
                &SearchRequest {
                    offset,
                    limit: 1,
                    ..request("battery remote control")
                },
            )
        })
        .collect();
    assert_eq!(paged, all);
}

#[test]
fn which_of_many_alike_are_found_does_not_depend_on_how_the_index_came_to_be() {
    let texts = [
        "The budget of the library is approved.",
        "Then the library buys shelves.",
    ];
    let meetings: Vec<Held> = (1..=40)
        .map(|day| held(&format!("meeting-{day}"), day, &["Ann", "Ben"], &texts))
        .collect();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let at_once = index_of(folders[0].path(), &meetings);
    // The later half first, in index segments of its own.
    let grown = Index::open_or_create(folders[1].path(), None).expect("the index opens");
    let mut writer = grown.writer().expect("the writer is free");
    for half in [&meetings[20..], &meetings[..20]] {
        half.iter().for_each(|held| put(&mut writer, held, None));
        writer.commit().expect("the commit is written");
    }
    let request = SearchRequest {
        limit: 100,
        ..request("library budget")
    };
    let found = places(&at_once, &request);
    assert!(!found.is_empty());
    assert_eq!(places(&grown, &request), found);
}
