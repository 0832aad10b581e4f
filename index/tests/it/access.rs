//! Nothing leaks: a viewer's answers are those of an index that holds only what the viewer may see.

use datasets::{Access, Delegate, Delegation, GroupId, PersonId, Right, Viewer, Visibility};
use index::{RecommendContext, RecommendRequest, SearchRequest};
use proptest::prelude::*;

use crate::{Held, held, index_of, request};

const WORDS: [&str; 12] = [
    "battery", "budget", "rubber", "colour", "remote", "market", "speech", "button", "price", "energy", "design",
    "user",
];

fn person() -> impl Strategy<Value = String> {
    (0_u8..4).prop_map(|number| format!("person {number}"))
}

fn access() -> impl Strategy<Value = Access> {
    let visibility = prop_oneof![
        Just(Visibility::Private),
        Just(Visibility::Participants),
        prop_oneof![Just("here"), Just("there")].prop_map(|domain| Visibility::Domain(domain.to_owned())),
    ];
    (
        prop::option::of(person()),
        visibility,
        prop::collection::vec(delegation(), 0..2),
    )
        .prop_map(|(owner, visibility, delegations)| Access {
            owner: owner.map(PersonId::new),
            visibility,
            delegations,
        })
}

/// To a person or a group, for good, ended long ago or ending in a far future.
fn delegation() -> impl Strategy<Value = Delegation> {
    let to = prop_oneof![
        person().prop_map(|person| Delegate::Person(PersonId::new(person))),
        Just(Delegate::Group(GroupId::new("board"))),
    ];
    let until = prop_oneof![
        Just(None),
        Just(Some("2001-01-01T00:00:00Z")),
        Just(Some("2901-01-01T00:00:00Z"))
    ];
    (to, until).prop_map(|(to, until)| Delegation {
        to,
        right: Right::View,
        until: until.map(|until| until.parse().expect("a time")),
    })
}

fn meeting(number: usize) -> impl Strategy<Value = Held> {
    let text = prop::collection::vec(prop::sample::select(&WORDS[..]), 3..12).prop_map(|words| words.join(" "));
    (
        prop::collection::vec(person(), 1..3),
        prop::collection::vec(text, 1..5),
        access(),
    )
        .prop_map(move |(people, texts, access)| {
            let people: Vec<&str> = people.iter().map(String::as_str).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mut held = held(&format!("m{number}"), number as i64 + 1, &people, &texts);
            held.meeting.access = access;
            held
        })
}

fn library() -> impl Strategy<Value = Vec<Held>> {
    (meeting(0), meeting(1), meeting(2), meeting(3), meeting(4)).prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
}

fn person_viewer() -> impl Strategy<Value = Viewer> {
    let domain = prop::option::of(prop_oneof![Just("here"), Just("there")]);
    let groups = prop::collection::vec(Just(GroupId::new("board")), 0..2);
    (person(), domain, groups).prop_map(|(person, domain, groups)| Viewer::Person {
        person: PersonId::new(person),
        domain: domain.map(str::to_owned),
        groups,
    })
}

/// Hits in an order that does not depend on where documents lie, scores to five digits.
fn answer(index: &index::Index, request: &SearchRequest) -> (Vec<(String, i64)>, usize, index::Facets) {
    let results = index.search(request).expect("runs");
    let mut hits: Vec<(String, i64)> = results
        .hits
        .iter()
        .map(|hit| {
            let place = format!(
                "{:?} {:?} {:?} {:?}",
                hit.kind, hit.meeting, hit.utterances, hit.snippet
            );
            (place, (hit.score * 1e5).round() as i64)
        })
        .collect();
    hits.sort();
    (hits, results.total, results.facets)
}

/// Recommendations by what they are; scores apart, because sums over meetings depend on where these lie.
fn recommended(index: &index::Index, viewer: &Viewer) -> (Vec<String>, Vec<f32>) {
    let request = RecommendRequest {
        context: RecommendContext {
            texts: vec!["the battery and the budget of the remote design, the price of rubber".to_owned()],
            people: vec![PersonId::new("person 1")],
            ..RecommendContext::default()
        },
        viewer: viewer.clone(),
        limit: 50,
    };
    let list = index.recommend(&request).expect("runs");
    let line = |item: &index::Recommendation| {
        format!(
            "{:?} {:?} {:?} {:?}",
            item.kind, item.meeting, item.utterances, item.person
        )
    };
    let mut lines: Vec<(String, f32)> = list.iter().map(|item| (line(item), item.score)).collect();
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines.into_iter().unzip()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_what_may_be_seen(meetings in library(), viewer in person_viewer(), words in prop::collection::vec(prop::sample::select(&WORDS[..]), 1..4)) {
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let whole = index_of(folders[0].path(), &meetings);
        let seen: Vec<Held> = meetings
            .into_iter()
            .filter(|held| {
                let people = held.meeting.participants.iter().map(|participant| &participant.person);
                held.meeting.access.allows_view(&viewer, people)
            })
            .collect();
        let part = index_of(folders[1].path(), &seen);
        let of = |viewer: &Viewer| SearchRequest { viewer: viewer.clone(), limit: 100, ..request(&words.join(" ")) };
        prop_assert_eq!(answer(&whole, &of(&viewer)), answer(&part, &of(&Viewer::Operator)));
        let named = |viewer: &Viewer| SearchRequest { text: "what did person 2 say about the price".to_owned(), ..of(viewer) };
        prop_assert_eq!(answer(&whole, &named(&viewer)), answer(&part, &named(&Viewer::Operator)));
        let (found, expected) = (recommended(&whole, &viewer), recommended(&part, &Viewer::Operator));
        prop_assert_eq!(&found.0, &expected.0);
        prop_assert!(found.1.iter().zip(&expected.1).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?} {expected:?}");
        let suggested = |index: &index::Index, viewer: &Viewer| index.suggest("m", viewer, 20).expect("runs");
        prop_assert_eq!(suggested(&whole, &viewer), suggested(&part, &Viewer::Operator));
        let completed = |index: &index::Index, viewer: &Viewer| index.complete("the me", viewer).expect("runs");
        prop_assert_eq!(completed(&whole, &viewer), completed(&part, &Viewer::Operator));
    }
}
