//! Who may see what, through every endpoint: people, meetings and delegations are made up, each meeting holds a secret
//! word in everything that was said and written of it, and whoever may not see the meeting must never meet the word,
//! nor learn from a count, an error or a name that there is something.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use datasets::library::LibraryWriter;
use datasets::{
    Access, Delegation, Meeting, MeetingId, Participant, PersonId, Right, SeriesId, SpeakerLabel, Transcript,
    Utterance, Visibility,
};
use minuting::engine::MinutesOptions;
use pipeline::api::{ApiOptions, router};
use pipeline::service::tokens::Scope;
use pipeline::service::{Service, ServiceOptions};
use pipeline::settings::Settings;
use pipeline::stages::make_minutes::make_minutes;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const USERS: [&str; 4] = ["ann@one.org", "bob@one.org", "cem@two.org", "dee@two.org"];

/// A made-up meeting, by numbers of users.
#[derive(Clone, Debug)]
struct Made {
    owner: Option<usize>,
    visibility: MadeVisibility,
    participants: Vec<usize>,
    delegates: Vec<(usize, bool)>,
}

#[derive(Clone, Debug)]
enum MadeVisibility {
    Private,
    Participants,
    Domain(&'static str),
}

fn made() -> impl Strategy<Value = Made> {
    let user = 0..USERS.len();
    let visibility = prop_oneof![
        Just(MadeVisibility::Private),
        Just(MadeVisibility::Participants),
        prop_oneof![Just("one.org"), Just("two.org"), Just("three.org")].prop_map(MadeVisibility::Domain),
    ];
    (
        prop::option::of(user.clone()),
        visibility,
        prop::collection::vec(user.clone(), 0..3),
        prop::collection::vec((user, any::<bool>()), 0..2),
    )
        .prop_map(|(owner, visibility, participants, delegates)| Made {
            owner,
            visibility,
            participants,
            delegates,
        })
}

impl Made {
    /// The rule, written down once more and independently.
    fn is_seen_by(&self, user: usize) -> bool {
        self.owner == Some(user)
            || self.delegates.iter().any(|(delegate, _)| *delegate == user)
            || match self.visibility {
                MadeVisibility::Private => false,
                MadeVisibility::Participants => self.participants.contains(&user),
                MadeVisibility::Domain(domain) => USERS[user].ends_with(&format!("@{domain}")),
            }
    }

    fn is_managed_by(&self, user: usize) -> bool {
        self.owner == Some(user) || self.delegates.contains(&(user, true))
    }

    fn keep(&self, number: usize, library: &LibraryWriter) {
        let secret = secret(number);
        let person = |user: usize| PersonId::new(USERS[user]);
        let mut meeting = Meeting::new(id(number), format!("Budget {secret}"));
        meeting.series = Some(SeriesId::new(format!("series {secret}")));
        meeting.agenda = Some(format!("Agenda of {secret}"));
        meeting.started_at = Some("2026-03-05T09:00:00Z".parse().unwrap());
        meeting.participants = self
            .participants
            .iter()
            .map(|&user| Participant {
                person: person(user),
                name: format!("{} {secret}", USERS[user]),
                email: None,
                role: Some(secret.clone()),
                speaker: None,
                attended: true,
            })
            .chain([Participant::from_speaker(SpeakerLabel::new(format!("Guest {secret}")))])
            .collect();
        meeting.access = Access {
            owner: self.owner.map(person),
            visibility: match self.visibility {
                MadeVisibility::Private => Visibility::Private,
                MadeVisibility::Participants => Visibility::Participants,
                MadeVisibility::Domain(domain) => Visibility::Domain(domain.to_owned()),
            },
            delegations: self
                .delegates
                .iter()
                .map(|&(user, manages)| Delegation {
                    to: person(user),
                    right: if manages { Right::Manage } else { Right::View },
                })
                .collect(),
        };
        let said = [
            format!("We decided to raise the budget of {secret} to nine thousand euros."),
            format!("I will send the budget figures of {secret} to everybody before Friday."),
            format!("What is still open about the budget of {secret}?"),
        ];
        let utterances = said.iter().enumerate().map(|(position, text)| Utterance {
            speaker: Some(SpeakerLabel::new(format!("Guest {secret}"))),
            ..Utterance::new(Utterance::id_at(position), text.clone())
        });
        let transcript = Transcript {
            utterances: utterances.collect(),
            ..Transcript::default()
        };
        let minutes = make_minutes(&meeting, &transcript, &MinutesOptions::default()).unwrap();
        library.put_transcript(&meeting.id, &transcript).unwrap();
        library.put_minutes(&meeting.id, &minutes).unwrap();
        library.put_meeting(&meeting).unwrap();
    }
}

fn secret(number: usize) -> String {
    ["zanzibar", "quetzal", "yggdrasil", "xochimilco", "wapiti"][number].to_owned()
}

fn id(number: usize) -> MeetingId {
    MeetingId::new(format!("meeting-{}", secret(number)))
}

/// The interface over a library of made-up meetings, and one token per user.
struct House {
    // Held so that the library stays.
    _folder: tempfile::TempDir,
    routes: Router,
    tokens: Vec<String>,
    runtime: tokio::runtime::Runtime,
}

impl House {
    fn of(meetings: &[Made]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            library: Some(folder.path().join("library")),
            models: Some(folder.path().join("models")),
            json: false,
            quiet: true,
            as_person: None,
            language: None,
        };
        let library = LibraryWriter::open(folder.path().join("library")).unwrap();
        for (number, meeting) in meetings.iter().enumerate() {
            meeting.keep(number, &library);
        }
        drop(library);
        let service = Arc::new(Service::open(&settings, ServiceOptions::default()).unwrap());
        let token = |user: &str| {
            let person = PersonId::new(user);
            let made = service
                .tokens
                .add(user, Some(&person), &[Scope::Read, Scope::Write, Scope::Feed], None);
            made.unwrap().1
        };
        let tokens = USERS.iter().map(|user| token(user)).collect();
        let (_stop, stopping) = tokio::sync::watch::channel(false);
        Self {
            routes: router(service, ApiOptions::default(), stopping),
            _folder: folder,
            tokens,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    fn ask(&self, user: usize, method: &str, path: &str, body: Option<&Value>) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.tokens[user]))
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        self.runtime.block_on(async {
            let response = self.routes.clone().oneshot(request).await.unwrap();
            let (head, body) = response.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            // Headers can tell too.
            let text = format!("{:?}\n{}", head.headers.get("etag"), String::from_utf8_lossy(&bytes));
            (head.status, text)
        })
    }

    fn json(&self, user: usize, path: &str) -> Value {
        let (status, text) = self.ask(user, "GET", path, None);
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
    }
}

/// Questions that could bring up any meeting.
fn questions(number: usize) -> Vec<(&'static str, String, Option<Value>)> {
    let word = secret(number);
    let ask = |context: Value| Some(json!({ "context": context, "limit": 50 }));
    let get = |path: String| ("GET", path, None);
    let recommend = |context| ("POST", "/v1/recommendations".to_owned(), ask(context));
    vec![
        get("/v1/meetings?limit=500".to_owned()),
        get(format!("/v1/meetings?q={word}")),
        get(format!("/v1/meetings?series=series%20{word}")),
        get("/v1/search?q=budget&limit=100".to_owned()),
        get(format!("/v1/search?q={word}&limit=100")),
        get(format!("/v1/search?q=budget&meeting=meeting-{word}")),
        get(format!("/v1/search?q=budget&series=series%20{word}")),
        get(format!("/v1/suggest?q={}", &word[..3])),
        get("/v1/suggest?q=b".to_owned()),
        get("/v1/actions?status=all".to_owned()),
        get(format!("/v1/actions?status=all&meeting=meeting-{word}")),
        get("/v1/actions.ics?status=all".to_owned()),
        get("/v1/people".to_owned()),
        get(format!("/v1/people?q={word}")),
        get("/v1/jobs".to_owned()),
        get("/v1/session".to_owned()),
        get("/ready".to_owned()),
        recommend(json!({ "text": "the budget figures before Friday" })),
        recommend(json!({ "text": format!("the budget of {word}") })),
        recommend(
            json!({ "event": { "title": format!("Budget {word}"), "people": USERS, "series": format!("series {word}") } }),
        ),
        recommend(json!({ "live": { "text": format!("and then the budget of {word}") } })),
    ]
}

/// Calls that name a meeting.
fn calls(id: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let at = |rest: &str| format!("/v1/meetings/{id}{rest}");
    let mut calls = vec![
        ("GET", at(""), None),
        ("GET", at("/transcript"), None),
        ("GET", at("/minutes"), None),
        ("GET", at("/recording"), None),
        ("PATCH", at(""), Some(json!({ "title": "x" }))),
        ("DELETE", at(""), None),
        ("PUT", at("/speakers/Guest"), Some(json!({ "name": "x" }))),
        ("PATCH", at("/utterances/u1"), Some(json!({ "text": "x" }))),
        ("POST", at("/suppressed/0/restore"), None),
        ("PATCH", at("/actions/a1"), Some(json!({ "status": "done" }))),
        (
            "POST",
            "/v1/recommendations".to_owned(),
            Some(json!({ "context": { "meeting": id } })),
        ),
    ];
    for format in ["vtt", "srt", "md", "transcript-md", "json", "ics", "rttm"] {
        calls.push(("GET", at(&format!("/exports/{format}")), None));
    }
    calls
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn no_endpoint_tells_anybody_what_they_may_not_see(meetings in prop::collection::vec(made(), 1..5)) {
        let house = House::of(&meetings);
        for (user, name) in USERS.iter().enumerate() {
            let seen: Vec<usize> = (0..meetings.len()).filter(|&number| meetings[number].is_seen_by(user)).collect();
            let hidden: Vec<usize> = (0..meetings.len()).filter(|number| !seen.contains(number)).collect();
            for number in 0..meetings.len() {
                for (method, path, body) in questions(number) {
                    let (status, text) = house.ask(user, method, &path, body.as_ref());
                    prop_assert!(status.is_success(), "{} {}: {}", method, path, text);
                    for &hidden in &hidden {
                        prop_assert!(!text.contains(&secret(hidden)), "{} sees {} through {} {}", name, secret(hidden), method, path);
                    }
                }
            }
            // Counts count what is seen, and what is seen is there.
            prop_assert_eq!(&house.json(user, "/v1/meetings")["total"], &json!(seen.len()));
            let found = house.json(user, "/v1/search?q=budget&kind=meeting&limit=100");
            prop_assert_eq!(&found["total"], &json!(seen.len()));
            for &number in &hidden {
                let answers = |id: &str| -> Vec<(StatusCode, String)> {
                    let asked = calls(id).into_iter();
                    asked.map(|(method, path, body)| house.ask(user, method, &path, body.as_ref())).collect()
                };
                // What is hidden and what does not exist are answered alike, to the byte.
                prop_assert_eq!(answers(id(number).as_str()), answers("meeting-nonesuch"));
            }
        }
        // Rights to change, after all reading: one call each, on what is still there.
        for (number, meeting) in meetings.iter().enumerate() {
            for user in (0..USERS.len()).filter(|&user| meeting.is_seen_by(user)) {
                let path = format!("/v1/meetings/{}", id(number));
                let (status, text) = house.ask(user, "PATCH", &path, Some(&json!({ "title": format!("Budget {}", secret(number)) })));
                let expected = if meeting.is_managed_by(user) { StatusCode::OK } else { StatusCode::FORBIDDEN };
                prop_assert_eq!(status, expected, "{} {}", USERS[user], text);
            }
        }
    }
}

#[test]
fn a_revocation_holds_at_the_next_question() {
    let meeting = Made {
        owner: Some(0),
        visibility: MadeVisibility::Private,
        participants: Vec::new(),
        delegates: vec![(1, false)],
    };
    let house = House::of(&[meeting]);
    let sees =
        |user| house.json(user, "/v1/search?q=budget")["total"] != 0 && house.json(user, "/v1/meetings")["total"] == 1;
    assert!(sees(0) && sees(1) && !sees(2));
    let private = json!({ "access": { "owner": USERS[0], "visibility": { "to": "private" }, "delegations": [] } });
    let path = format!("/v1/meetings/{}", id(0));
    assert_eq!(house.ask(1, "PATCH", &path, Some(&private)).0, StatusCode::FORBIDDEN);
    assert_eq!(house.ask(0, "PATCH", &path, Some(&private)).0, StatusCode::OK);
    assert!(sees(0) && !sees(1));
    assert_eq!(house.json(1, "/v1/search?q=budget")["total"], 0);
}
