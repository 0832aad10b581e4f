//! Made-up people, groups, meetings and delegations, and the interface over a library of them: each meeting holds a word
//! that nothing else holds, in everything that was said and written of it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use datasets::library::LibraryWriter;
use datasets::{
    Access, ContextItem, ContextItemId, ContextKind, Delegate, Delegation, GroupId, Meeting, MeetingId, Participant,
    PersonId, Right, SeriesId, SpeakerLabel, Transcript, Utterance, Visibility,
};
use minuting::engine::MinutesOptions;
use pipeline::api::{ApiOptions, router};
use pipeline::service::tokens::{NewToken, Scope};
use pipeline::service::{Service, ServiceOptions};
use pipeline::settings::Settings;
use pipeline::stages::make_minutes::make_minutes;
use proptest::prelude::*;
use serde_json::Value;
use tower::ServiceExt as _;

pub(crate) const USERS: [&str; 4] = ["ann@one.org", "bob@one.org", "cem@two.org", "dee@two.org"];
const GROUPS: [&str; 2] = ["board", "ann@one.org"];

/// People with their groups, and meetings.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Of each user, in which groups.
    pub(crate) members: Vec<[bool; GROUPS.len()]>,
    pub(crate) meetings: Vec<Made>,
}

/// A made-up meeting, by numbers of users and groups.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) owner: Option<usize>,
    pub(crate) visibility: MadeVisibility,
    pub(crate) participants: Vec<usize>,
    pub(crate) delegations: Vec<MadeDelegation>,
}

#[derive(Clone, Debug)]
pub(crate) enum MadeVisibility {
    Private,
    Participants,
    Domain(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct MadeDelegation {
    pub(crate) to: MadeDelegate,
    pub(crate) manages: bool,
    pub(crate) until: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) enum MadeDelegate {
    User(usize),
    Group(usize),
}

const PAST: &str = "2001-01-01T00:00:00Z";
const FUTURE: &str = "2901-01-01T00:00:00Z";

pub(crate) fn world() -> impl Strategy<Value = World> {
    let members = prop::collection::vec(prop::array::uniform2(any::<bool>()), USERS.len());
    let meetings = prop::collection::vec(made(), 1..5);
    (members, meetings).prop_map(|(members, meetings)| World { members, meetings })
}

fn made() -> impl Strategy<Value = Made> {
    let user = 0..USERS.len();
    let visibility = prop_oneof![
        Just(MadeVisibility::Private),
        Just(MadeVisibility::Participants),
        prop_oneof![Just("one.org"), Just("two.org"), Just("three.org")].prop_map(MadeVisibility::Domain),
    ];
    let delegate = prop_oneof![
        (0..USERS.len()).prop_map(MadeDelegate::User),
        (0..GROUPS.len()).prop_map(MadeDelegate::Group),
    ];
    let until = prop_oneof![Just(None), Just(Some(PAST)), Just(Some(FUTURE))];
    let delegation =
        (delegate, any::<bool>(), until).prop_map(|(to, manages, until)| MadeDelegation { to, manages, until });
    (
        prop::option::of(user.clone()),
        visibility,
        prop::collection::vec(user, 0..3),
        prop::collection::vec(delegation, 0..3),
    )
        .prop_map(|(owner, visibility, participants, delegations)| Made {
            owner,
            visibility,
            participants,
            delegations,
        })
}

impl World {
    /// The rule, written down once more and independently.
    pub(crate) fn sees(&self, user: usize, number: usize) -> bool {
        let made = &self.meetings[number];
        made.owner == Some(user)
            || self.delegated(user, made).any(|_| true)
            || match made.visibility {
                MadeVisibility::Private => false,
                MadeVisibility::Participants => made.participants.contains(&user),
                MadeVisibility::Domain(domain) => USERS[user].ends_with(&format!("@{domain}")),
            }
    }

    pub(crate) fn manages(&self, user: usize, number: usize) -> bool {
        let made = &self.meetings[number];
        made.owner == Some(user) || self.delegated(user, made).any(|delegation| delegation.manages)
    }

    /// The delegations that `user` has and that have not ended.
    fn delegated<'a>(&'a self, user: usize, made: &'a Made) -> impl Iterator<Item = &'a MadeDelegation> {
        let concerns = move |to: &MadeDelegate| match *to {
            MadeDelegate::User(to) => to == user,
            MadeDelegate::Group(group) => self.members[user][group],
        };
        let delegations = made.delegations.iter();
        delegations.filter(move |delegation| concerns(&delegation.to) && delegation.until != Some(PAST))
    }

    /// The numbers of all meetings.
    pub(crate) fn numbers(&self) -> std::ops::Range<usize> {
        0..self.meetings.len()
    }
}

impl Made {
    fn access(&self) -> Access {
        let person = |user: usize| PersonId::new(USERS[user]);
        let delegation = |made: &MadeDelegation| Delegation {
            to: match made.to {
                MadeDelegate::User(user) => Delegate::Person(person(user)),
                MadeDelegate::Group(group) => Delegate::Group(GroupId::new(GROUPS[group])),
            },
            right: if made.manages { Right::Manage } else { Right::View },
            until: made.until.map(|until| until.parse().unwrap()),
        };
        Access {
            owner: self.owner.map(person),
            visibility: match self.visibility {
                MadeVisibility::Private => Visibility::Private,
                MadeVisibility::Participants => Visibility::Participants,
                MadeVisibility::Domain(domain) => Visibility::Domain(domain.to_owned()),
            },
            delegations: self.delegations.iter().map(delegation).collect(),
        }
    }

    fn keep(&self, number: usize, library: &LibraryWriter) {
        let secret = secret(number);
        let mut meeting = Meeting::new(id(number), format!("Budget {secret}"));
        meeting.series = Some(SeriesId::new(format!("series {secret}")));
        meeting.agenda = Some(format!("Agenda of {secret}"));
        meeting.started_at = Some("2026-03-05T09:00:00Z".parse().unwrap());
        meeting.participants = self
            .participants
            .iter()
            .map(|&user| Participant {
                person: PersonId::new(USERS[user]),
                name: format!("{} {secret}", USERS[user]),
                email: None,
                role: Some(secret.clone()),
                speaker: None,
                attended: true,
            })
            .chain([Participant::from_speaker(SpeakerLabel::new(format!("Guest {secret}")))])
            .collect();
        meeting.access = self.access();
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
        library.put_context_item(&self.document(number)).unwrap();
    }

    /// A document beside the meeting, which the same people see.
    fn document(&self, number: usize) -> ContextItem {
        let secret = secret(number);
        ContextItem {
            id: ContextItemId::new(format!("document-{secret}")),
            kind: ContextKind::Document,
            title: format!("Figures of {secret}"),
            text: format!("The budget figures of {secret}, before Friday, and what they mean for {secret}."),
            people: self
                .participants
                .iter()
                .map(|&user| PersonId::new(USERS[user]))
                .collect(),
            at: None,
            series: None,
            language: None,
            link: None,
            access: self.access(),
        }
    }
}

pub(crate) fn secret(number: usize) -> String {
    ["zanzibar", "quetzal", "yggdrasil", "xochimilco", "wapiti"][number].to_owned()
}

pub(crate) fn id(number: usize) -> MeetingId {
    MeetingId::new(format!("meeting-{}", secret(number)))
}

/// The interface over a library of made-up meetings, and one token per user.
pub(crate) struct House {
    // Held so that the library stays, and the server does not stop.
    _folder: tempfile::TempDir,
    _stop: tokio::sync::watch::Sender<bool>,
    service: Arc<Service>,
    routes: Router,
    tokens: Vec<String>,
    runtime: tokio::runtime::Runtime,
}

impl House {
    /// A library of the meetings with these numbers, and no others.
    pub(crate) fn of(world: &World, numbers: impl IntoIterator<Item = usize>) -> Self {
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
        for number in numbers {
            world.meetings[number].keep(number, &library);
        }
        drop(library);
        let service = Arc::new(Service::open(&settings, ServiceOptions::default()).unwrap());
        let token = |user: usize| {
            let member = (0..GROUPS.len()).filter(|&group| world.members[user][group]);
            let groups: Vec<GroupId> = member.map(|group| GroupId::new(GROUPS[group])).collect();
            let made = service.tokens.add(&NewToken {
                name: USERS[user],
                person: Some(&PersonId::new(USERS[user])),
                groups: &groups,
                scopes: &[Scope::Read, Scope::Write, Scope::Feed],
                expires_at: None,
            });
            made.unwrap().1
        };
        let tokens = (0..USERS.len()).map(token).collect();
        let (_stop, stopping) = tokio::sync::watch::channel(false);
        Self {
            routes: router(Arc::clone(&service), ApiOptions::default(), stopping),
            service,
            _folder: folder,
            _stop,
            tokens,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    /// Revokes the token of a user.
    pub(crate) fn revoke(&self, user: usize) {
        let tokens = self.service.tokens.list().unwrap();
        let token = tokens.iter().find(|token| token.name == USERS[user]).unwrap();
        assert!(self.service.tokens.revoke(&token.id).unwrap());
    }

    /// Status, and the headers and the body that could tell something.
    pub(crate) fn ask(&self, user: usize, method: &str, path: &str, body: Option<&Value>) -> (StatusCode, String) {
        let body = body.map(|body| ("application/json", body.to_string()));
        self.send(user, method, path, body)
    }

    /// Uploads a transcript; nobody works on the job that it becomes.
    pub(crate) fn upload(&self, user: usize, name: &str) {
        let form = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}.txt\"\r\n\r\nAnn: {name}.\r\n--edge--\r\n"
        );
        let form = Some(("multipart/form-data; boundary=edge", form));
        let (status, text) = self.send(user, "POST", "/v1/meetings", form);
        assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    }

    pub(crate) fn json(&self, user: usize, path: &str) -> Value {
        let (status, text) = self.ask(user, "GET", path, None);
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
    }

    fn send(&self, user: usize, method: &str, path: &str, body: Option<(&str, String)>) -> (StatusCode, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.tokens[user]))
            // What the protocol of models asks for.
            .header("accept", "application/json, text/event-stream");
        if let Some((media_type, _)) = &body {
            request = request.header("content-type", *media_type);
        }
        let body = body.map_or_else(Body::empty, |(_, body)| Body::from(body));
        self.runtime.block_on(async {
            let response = self.routes.clone().oneshot(request.body(body).unwrap()).await.unwrap();
            let (head, body) = response.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            let text = format!("{:?}\n{}", head.headers.get("etag"), String::from_utf8_lossy(&bytes));
            (head.status, text)
        })
    }
}
