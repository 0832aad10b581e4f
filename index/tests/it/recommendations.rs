//! Recommendations: the same matter and people come first, each with reasons, and nothing comes from nowhere.

use std::collections::BTreeMap;

use datasets::{
    ActionItem, ActionStatus, Coverage, Language, MeetingId, Minutes, PersonId, Provenance, SeriesId, Statement,
    StatementId, Support, UtteranceId, Viewer,
};
use index::{Index, ItemKind, MeetingEntry, Reason, RecommendContext, RecommendRequest, Recommendation};

use crate::{Held, held, index_of};

const TOPICS: [[&str; 3]; 4] = [
    [
        "the rubber case of the remote control needs a new mould",
        "the battery compartment opens too easily",
        "injection moulding of rubber costs more",
    ],
    [
        "the choir sings the requiem in the cathedral",
        "tenors and basses rehearse on tuesday evening",
        "the conductor wants more rehearsals for the requiem",
    ],
    [
        "glacier melt changes the rivers of the valley",
        "hydrologists measured the runoff of the glacier",
        "the dam must hold more water in spring",
    ],
    [
        "the court heard the witness about the contract",
        "the lawyer filed an appeal against the verdict",
        "the judge postponed the hearing",
    ],
];

fn library() -> Vec<Held> {
    library_of(16)
}

fn library_of(meetings: usize) -> Vec<Held> {
    (0..meetings)
        .map(|number| {
            let topic = number % TOPICS.len();
            let people = [format!("person {topic}a"), format!("person {topic}b")];
            let people: Vec<&str> = people.iter().map(String::as_str).collect();
            let mut held = held(&format!("m{number:02}"), number as i64 + 1, &people, &TOPICS[topic]);
            held.meeting.series = Some(SeriesId::new(format!("series {topic}")));
            held
        })
        .collect()
}

fn recommend(index: &Index, context: RecommendContext) -> Vec<Recommendation> {
    let request = RecommendRequest {
        context,
        viewer: Viewer::Operator,
        limit: 5,
    };
    index.recommend(&request).expect("runs")
}

fn context(text: &str) -> RecommendContext {
    RecommendContext {
        texts: vec![text.to_owned()],
        ..RecommendContext::default()
    }
}

#[test]
fn the_same_matter_comes_first_and_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    let ranked = index
        .rank_meetings(
            &context("we must rehearse the requiem with the choir and the tenors"),
            &Viewer::Operator,
        )
        .expect("runs");
    let first: Vec<&str> = ranked.iter().take(4).map(|(id, _)| id.as_str()).collect();
    assert!(
        first.iter().all(|id| ["m01", "m05", "m09", "m13"].contains(id)),
        "{first:?}"
    );
    let list = recommend(
        &index,
        context("we must rehearse the requiem with the choir and the tenors"),
    );
    let passage = list
        .iter()
        .find(|item| item.kind == ItemKind::Passage)
        .expect("a passage");
    assert!(passage.reasons.iter().any(|reason| matches!(reason, Reason::Words { words, .. } if words.contains(&"requiem".to_owned()) || words.contains(&"tenors".to_owned()))), "{passage:?}");
    assert!(list.iter().all(|item| !item.reasons.is_empty()));
}

#[test]
fn nothing_related_gives_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    assert_eq!(
        recommend(&index, context("pickled herring sandwich recipes with onions")),
        []
    );
    assert_eq!(recommend(&index, context("")), []);
}

#[test]
fn series_people_and_time_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    let context = RecommendContext {
        people: vec![PersonId::new("person 2a")],
        series: Some(SeriesId::new("series 2")),
        exclude_meeting: Some(MeetingId::new("m14")),
        at: jiff::Timestamp::from_second(12 * 86_400).ok(),
        ..context("")
    };
    let list = recommend(&index, context);
    let meetings: Vec<&str> = list
        .iter()
        .filter(|item| item.kind == ItemKind::Meeting)
        .filter_map(|item| item.meeting.as_ref())
        .map(MeetingId::as_str)
        .collect();
    assert_eq!(meetings.len(), 3, "{meetings:?}");
    assert!(
        meetings.iter().all(|id| ["m02", "m06", "m10"].contains(id)),
        "{meetings:?}"
    );
    let first = list
        .iter()
        .find(|item| item.meeting.as_ref().map(MeetingId::as_str) == Some("m10"))
        .expect("m10");
    assert!(first.reasons.contains(&Reason::SameSeries(SeriesId::new("series 2"))));
    assert!(
        first
            .reasons
            .contains(&Reason::People(vec![PersonId::new("person 2a")]))
    );
    assert!(first.reasons.contains(&Reason::AgeDays(1)));
    let person = list
        .iter()
        .find(|item| item.kind == ItemKind::Person)
        .expect("a person");
    assert_eq!(person.person, Some(PersonId::new("person 2b")));
}

#[test]
fn what_is_usual_may_come_from_meetings_that_are_not_wanted_but_they_are_not_recommended() {
    let folder = tempfile::tempdir().expect("a folder");
    // So many that they are compared once, for all contexts.
    let index = index_of(folder.path(), &library_of(300));
    let now = jiff::Timestamp::from_second(200 * 86_400).expect("valid");
    let context = RecommendContext {
        series: Some(SeriesId::new("series 2")),
        exclude_meeting: Some(MeetingId::new("m198")),
        at: Some(now),
        ..context("how much runoff of the glacier reaches the dam")
    };
    let list = recommend(&index, context);
    for kind in [ItemKind::Meeting, ItemKind::Passage] {
        let of_kind: Vec<&Recommendation> = list.iter().filter(|item| item.kind == kind).collect();
        assert_eq!(of_kind.len(), 5, "{kind:?}");
        for item in of_kind {
            assert_ne!(item.meeting, Some(MeetingId::new("m198")));
            assert!(item.started_at.is_some_and(|at| at <= now), "{item:?}");
        }
    }
}

#[test]
fn only_open_actions_are_recommended() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = index_of(folder.path(), &library());
    let meeting = &library()[0];
    let action = |id: &str| ActionItem {
        statement: Statement {
            id: StatementId::new(id),
            text: "Ask the factory about the rubber mould".to_owned(),
            evidence: vec![UtteranceId::new("u1")],
            support: Support::Proven,
        },
        owner: None,
        due: None,
    };
    let minutes = Minutes {
        language: Language::ENGLISH,
        abstract_: Vec::new(),
        topics: Vec::new(),
        decisions: Vec::new(),
        actions: vec![action("a1"), action("a2")],
        questions: Vec::new(),
        coverage: Coverage::default(),
        dropped: Vec::new(),
        provenance: Provenance::default(),
    };
    let done = BTreeMap::from([(StatementId::new("a1"), ActionStatus::Done)]);
    let mut writer = index.writer().expect("free");
    let entry = MeetingEntry {
        meeting: &meeting.meeting,
        transcript: &meeting.transcript,
        minutes: Some(&minutes),
        action_statuses: Some(&done),
        passages: None,
        vectors: None,
    };
    writer.put_meeting(&entry).expect("put");
    writer.commit().expect("committed");
    let list = recommend(&index, context("has the factory answered about the rubber mould?"));
    let actions: Vec<&StatementId> = list
        .iter()
        .filter(|item| item.kind == ItemKind::Action)
        .filter_map(|item| item.statement.as_ref())
        .collect();
    assert_eq!(actions, [&StatementId::new("a2")]);
}
