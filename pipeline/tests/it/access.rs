//! Who may see what, through every endpoint and every tool: people, groups, meetings and delegations are made up, and each
//! answer must be the one of a server whose library lacks what the asker may not see. No count, snippet, facet, feed,
//! recommendation, tag, order or error may tell that there is more.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::made_world::{House, Made, MadeDelegate, MadeDelegation, MadeVisibility, USERS, World, id, secret, world};

/// A call: method, path, body.
type Call = (&'static str, String, Option<Value>);

fn get(path: impl Into<String>) -> Call {
    ("GET", path.into(), None)
}

fn recommend(context: Value) -> Call {
    (
        "POST",
        "/v1/recommendations".to_owned(),
        Some(json!({ "context": context, "limit": 50 })),
    )
}

fn tool(name: &str, arguments: Value) -> Call {
    let params = json!({ "name": name, "arguments": arguments });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    ("POST", "/mcp".to_owned(), Some(message))
}

/// Questions that could bring up any meeting.
fn questions(number: usize) -> Vec<Call> {
    let word = secret(number);
    let event = json!({ "title": format!("Budget {word}"), "people": USERS, "series": format!("series {word}") });
    vec![
        get("/v1/meetings?limit=500"),
        get("/v1/meetings?limit=1"),
        get(format!("/v1/meetings?q={word}")),
        get(format!("/v1/meetings?series=series%20{word}")),
        get("/v1/search?q=budget&limit=100"),
        get(format!("/v1/search?q={word}&limit=100")),
        get(format!("/v1/search?q=budget&meeting=meeting-{word}")),
        get(format!("/v1/search?q=budget&series=series%20{word}")),
        get("/v1/search?q=budget&person=ann@one.org&limit=100"),
        get(format!("/v1/suggest?q={}", &word[..3])),
        get(format!("/v1/search?q={}&typing=true", &word[..3])),
        get("/v1/suggest?q=b"),
        get("/v1/actions?status=all"),
        get(format!("/v1/actions?status=all&meeting=meeting-{word}")),
        get("/v1/actions.ics?status=all"),
        get("/v1/people"),
        get(format!("/v1/people?q={word}")),
        get("/v1/jobs"),
        get("/v1/session"),
        get("/v1/audio/models"),
        get("/v1/models"),
        get("/v1/webhooks"),
        get("/metrics"),
        get("/ready"),
        recommend(json!({ "text": "the budget figures before Friday" })),
        recommend(json!({ "text": format!("the budget of {word}") })),
        recommend(json!({ "event": event })),
        recommend(json!({ "live": { "text": format!("and then the budget of {word}") } })),
        tool("search", json!({ "query": "budget", "limit": 100 })),
        tool("search", json!({ "query": word, "limit": 100 })),
        tool(
            "recommend",
            json!({ "text": format!("the budget of {word}"), "limit": 50 }),
        ),
        tool("recommend", json!({ "event": event, "limit": 50 })),
        tool("actions", json!({ "status": "all" })),
    ]
}

/// Calls that name a meeting.
fn calls(id: &str) -> Vec<Call> {
    let at = |rest: &str| format!("/v1/meetings/{id}{rest}");
    let mut calls = vec![
        get(at("")),
        get(at("/transcript")),
        get(at("/minutes")),
        get(at("/recording")),
        get(at("/recording/mix")),
        ("PATCH", at(""), Some(json!({ "title": "x" }))),
        ("DELETE", at(""), None),
        ("PUT", at("/speakers/Guest"), Some(json!({ "name": "x" }))),
        ("PATCH", at("/utterances/u1"), Some(json!({ "text": "x" }))),
        ("POST", at("/suppressed/0/restore"), None),
        ("PATCH", at("/actions/a1"), Some(json!({ "status": "done" }))),
        recommend(json!({ "meeting": id })),
        tool("minutes", json!({ "meeting": id })),
        tool("recommend", json!({ "meeting": id })),
    ];
    for format in ["vtt", "srt", "md", "transcript-md", "json", "ics", "rttm"] {
        calls.push(get(at(&format!("/exports/{format}"))));
    }
    calls
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn every_answer_is_that_of_a_library_without_what_is_hidden(world in world()) {
        let whole = House::of(&world, world.numbers());
        upload_for_owners(&whole, &world, world.numbers());
        // One library for all who see the same.
        let mut without: BTreeMap<Vec<usize>, House> = BTreeMap::new();
        for (user, name) in USERS.iter().enumerate() {
            let (seen, hidden): (Vec<usize>, Vec<usize>) = world.numbers().partition(|&number| world.sees(user, number));
            let house = without.entry(seen.clone()).or_insert_with(|| {
                let house = House::of(&world, seen.iter().copied());
                upload_for_owners(&house, &world, seen.iter().copied());
                house
            });
            for number in world.numbers() {
                for (method, path, body) in questions(number) {
                    let (status, text) = whole.ask(user, method, &path, body.as_ref());
                    for &hidden in &hidden {
                        // Who asks for a word may see it in the address of the next page, but in nothing that was found.
                        prop_assert!(!text.contains(&secret(hidden)), "{} sees {} through {} {}", name, secret(hidden), method, path);
                    }
                    let expected = house.ask(user, method, &path, body.as_ref());
                    prop_assert_eq!(status, expected.0);
                    let (found, expected) = (Told::of(&text), Told::of(&expected.1));
                    prop_assert!(found.is_like(&expected), "{} {} {} tells {:?}, not {:?}", name, method, path, found, expected);
                }
            }
            // What is seen is there: otherwise an interface that tells nobody anything would do.
            prop_assert_eq!(&whole.json(user, "/v1/meetings")["total"], &json!(seen.len()));
            let found = whole.json(user, "/v1/search?q=budget&kind=meeting&limit=100");
            prop_assert_eq!(&found["total"], &json!(seen.len()));
            for &number in &hidden {
                for (method, path, body) in calls(id(number).as_str()) {
                    // To the byte.
                    let found = whole.ask(user, method, &path, body.as_ref());
                    prop_assert_eq!(found, house.ask(user, method, &path, body.as_ref()), "{} {}", method, path);
                }
            }
        }
        // Rights to change, after all reading: one call each, on what is still there.
        for number in world.numbers() {
            for user in (0..USERS.len()).filter(|&user| world.sees(user, number)) {
                let path = format!("/v1/meetings/{}", id(number));
                let title = json!({ "title": format!("Budget {}", secret(number)) });
                let (status, text) = whole.ask(user, "PATCH", &path, Some(&title));
                let expected = if world.manages(user, number) { StatusCode::OK } else { StatusCode::FORBIDDEN };
                prop_assert_eq!(status, expected, "{} {}", USERS[user], text);
            }
        }
    }
}

/// A job of each owner, named as the meeting.
fn upload_for_owners(house: &House, world: &World, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        if let Some(owner) = world.meetings[number].owner {
            house.upload(owner, &secret(number));
        }
    }
}

/// What an answer tells: scores apart, because sums over meetings depend on where these lie, and equal scores come in any
/// order; without the names and times of jobs, which differ from one server to the next.
#[derive(Debug, PartialEq)]
struct Told {
    text: String,
    scores: Vec<f64>,
}

impl Told {
    fn of(answer: &str) -> Self {
        let (tag, body) = answer.split_once('\n').unwrap();
        let Ok(mut value) = serde_json::from_str::<Value>(body) else {
            let lines = body.lines().filter(|line| !line.starts_with("DTSTAMP"));
            return Self {
                text: lines.collect::<Vec<_>>().join("\n"),
                scores: Vec::new(),
            };
        };
        let (has_scores, has_jobs) = (body.contains("\"score\""), body.contains("\"queued\""));
        let mut scores = Vec::new();
        settle(&mut value, &mut scores);
        scores.sort_by(f64::total_cmp);
        // A tag is of the text to the last digit.
        let tag = if has_scores || has_jobs { "" } else { tag };
        Self {
            text: format!("{tag}{value}"),
            scores,
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        let near = |(left, right): (&f64, &f64)| (left - right).abs() < 1e-4;
        self.text == other.text
            && self.scores.len() == other.scores.len()
            && self.scores.iter().zip(&other.scores).all(near)
    }
}

/// Takes out what may differ, and puts what was found into one order.
fn settle(value: &mut Value, scores: &mut Vec<f64>) {
    match value {
        Value::Object(fields) => {
            scores.extend(fields.remove("score").and_then(|score| score.as_f64()));
            let is_job = fields.get("state") == Some(&json!("queued"));
            for name in ["id", "created_at", "cursor", "upload"].iter().filter(|_| is_job) {
                fields.remove(*name);
            }
            // The text of a tool's answer holds the same as its structure.
            if fields.contains_key("structuredContent") {
                fields.remove("content");
            }
            fields.values_mut().for_each(|value| settle(value, scores));
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| settle(value, scores));
            if values.iter().all(Value::is_object) {
                values.sort_by_key(Value::to_string);
            }
        }
        _ => {}
    }
}

fn private(delegations: Vec<MadeDelegation>) -> World {
    World {
        members: vec![[false; 2], [false; 2], [true, false], [false; 2]],
        meetings: vec![Made {
            owner: Some(0),
            visibility: MadeVisibility::Private,
            participants: Vec::new(),
            delegations,
        }],
    }
}

#[test]
fn a_revocation_holds_at_the_next_question() {
    let delegation = |to| MadeDelegation {
        to,
        manages: false,
        until: None,
    };
    let world = private(vec![
        delegation(MadeDelegate::User(1)),
        delegation(MadeDelegate::Group(0)),
    ]);
    let house = House::of(&world, world.numbers());
    // The document beside the meeting has rights of its own, which stay as they are.
    let found = |user| {
        let answer = house.json(user, "/v1/search?q=budget");
        let hits = answer["hits"].as_array().unwrap();
        hits.iter().filter(|hit| hit["meeting"].is_string()).count()
    };
    let sees = |user| {
        let listed = house.json(user, "/v1/meetings")["total"] == 1;
        assert_eq!(found(user) > 0, listed, "search and list disagree for {}", USERS[user]);
        listed
    };
    assert!(sees(0) && sees(1) && sees(2) && !sees(3));
    let path = format!("/v1/meetings/{}", id(0));
    let share = |user, delegations: Value| {
        let access = json!({ "owner": USERS[0], "visibility": { "to": "private" }, "delegations": delegations });
        house.ask(user, "PATCH", &path, Some(&json!({ "access": access }))).0
    };
    assert_eq!(share(1, json!([])), StatusCode::FORBIDDEN);
    assert_eq!(share(0, json!([{ "group": "board", "right": "view" }])), StatusCode::OK);
    assert!(sees(0) && !sees(1) && sees(2));
    let ends = |at: &str| json!([{ "to": USERS[1], "right": "view", "until": at }, { "group": "board", "right": "view", "until": at }]);
    assert_eq!(share(0, ends("2901-01-01T00:00:00Z")), StatusCode::OK);
    assert!(sees(1) && sees(2) && !sees(3));
    assert_eq!(share(0, ends("2001-01-01T00:00:00Z")), StatusCode::OK);
    assert!(sees(0) && !sees(1) && !sees(2));
}

#[test]
fn a_right_ends_by_itself() {
    let world = private(Vec::new());
    let house = House::of(&world, world.numbers());
    // Rights end to the millisecond.
    let end = jiff::Timestamp::from_millisecond(jiff::Timestamp::now().as_millisecond() + 5000).unwrap();
    let access = json!({ "owner": USERS[0], "visibility": { "to": "private" }, "delegations": [{ "to": USERS[1], "right": "view", "until": end }] });
    let path = format!("/v1/meetings/{}", id(0));
    assert_eq!(
        house.ask(0, "PATCH", &path, Some(&json!({ "access": access }))).0,
        StatusCode::OK
    );
    let mut was_seen = false;
    loop {
        let asked = jiff::Timestamp::now();
        let found = house.json(1, "/v1/search?q=budget")["total"] != 0;
        let read = house.ask(1, "GET", &path, None).0 == StatusCode::OK;
        if jiff::Timestamp::now() < end {
            assert!(found && read, "before its end");
            was_seen = true;
        } else if asked >= end {
            assert!(!found && !read, "after its end");
            break;
        }
    }
    assert!(was_seen, "five seconds are enough for one question");
}

fn delegation(to: MadeDelegate, manages: bool) -> MadeDelegation {
    MadeDelegation {
        to,
        manages,
        until: None,
    }
}

#[test]
fn what_a_reader_downloads_does_not_say_who_else_may_see_it() {
    let world = private(vec![
        delegation(MadeDelegate::User(1), false),
        delegation(MadeDelegate::Group(0), true),
    ]);
    let house = House::of(&world, world.numbers());
    let path = format!("/v1/meetings/{}/exports/json", id(0));
    let exported = |user| {
        let (status, text) = house.ask(user, "GET", &path, None);
        assert_eq!(status, StatusCode::OK);
        let (tag, body) = text.split_once('\n').unwrap();
        (tag.to_owned(), body.to_owned())
    };
    let (to_owner, to_reader, to_manager) = (exported(0), exported(1), exported(2));
    for told in [USERS[0], USERS[1], "board"] {
        assert!(
            to_owner.1.contains(told) && !to_reader.1.contains(told),
            "{}",
            to_reader.1
        );
    }
    assert!(to_reader.1.contains(&secret(0)));
    assert_eq!(to_owner, to_manager);
    assert_ne!(to_owner.0, to_reader.0, "one may not be taken for the other");
}

#[test]
fn what_is_not_named_of_the_rights_to_a_meeting_stays() {
    let world = private(vec![delegation(MadeDelegate::User(1), true)]);
    let house = House::of(&world, world.numbers());
    let path = format!("/v1/meetings/{}", id(0));
    let change = |user, access: Value| house.ask(user, "PATCH", &path, Some(&json!({ "access": access }))).0;
    let before = house.json(0, &path)["access"].clone();
    assert_eq!(
        change(1, json!({ "visibility": { "to": "participants" } })),
        StatusCode::OK
    );
    let after = house.json(0, &path)["access"].clone();
    assert_eq!(after["visibility"]["to"], "participants");
    assert_eq!(
        (&after["owner"], &after["delegations"]),
        (&before["owner"], &before["delegations"])
    );
    // Whoever manages a meeting cannot take it, nor may anybody leave it without an owner.
    assert_eq!(change(1, json!({ "owner": USERS[1] })), StatusCode::FORBIDDEN);
    assert_eq!(change(0, json!({ "owner": null })), StatusCode::OK);
    assert_eq!(house.json(1, &path)["access"], after);
    assert_eq!(change(0, json!({ "owner": USERS[3] })), StatusCode::OK);
    assert_eq!(house.json(3, &path)["access"]["owner"], USERS[3]);
    assert_eq!(change(3, json!({ "delegations": [] })), StatusCode::OK);
    assert_eq!(house.ask(1, "GET", &path, None).0, StatusCode::NOT_FOUND);
}

#[test]
fn whoever_follows_a_job_hears_no_more_once_the_token_is_revoked() {
    let world = private(Vec::new());
    let house = House::of(&world, world.numbers());
    house.upload(0, "note");
    let job = house.json(0, "/v1/jobs")["items"][0]["id"].clone();
    let path = format!("/v1/jobs/{}/events", job.as_str().unwrap());
    std::thread::scope(|scope| {
        let listening = scope.spawn(|| house.ask(0, "GET", &path, None));
        // Long enough for it to be let in.
        std::thread::park_timeout(std::time::Duration::from_secs(3));
        assert!(!listening.is_finished());
        house.revoke(0);
        let (status, told) = listening.join().unwrap();
        assert_eq!(status, StatusCode::OK);
        assert_eq!(told.matches("event: job").count(), 1, "{told}");
    });
}

#[test]
fn pages_of_actions_and_people_follow_each_other_without_gaps() {
    let mut world = private(Vec::new());
    for user in [1, 2] {
        let mut made = world.meetings[0].clone();
        made.participants = vec![0, user];
        world.meetings.push(made);
    }
    let house = House::of(&world, world.numbers());
    for (list, name) in [("/v1/actions?status=all", "id"), ("/v1/people?q=", "person")] {
        let names = |page: &Value| -> Vec<String> {
            let items = page["items"].as_array().unwrap().iter();
            items
                .map(|item| format!("{} {}", item["meeting"], item[name]))
                .collect()
        };
        let all = house.json(0, list);
        assert!(all["next"].is_null() && names(&all).len() >= 3, "{all:#}");
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = house.json(0, &format!("{list}&limit=1{cursor}"));
            walked.extend(names(&page));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(walked, names(&all));
    }
}
