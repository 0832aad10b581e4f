//! A meeting: when, who, in which series, and who may see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{GroupId, Language, MeetingId, PersonId, SeriesId, SpeakerLabel};

/// What is known of a meeting beside what was said in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meeting {
    /// Its name in the library.
    pub id: MeetingId,
    /// As people call it.
    pub title: String,
    /// The line of meetings it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesId>,
    /// When it began, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The language most of it is held in; `None` until it was recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Invited or present.
    #[serde(default)]
    pub participants: Vec<Participant>,
    /// The invitation's text, agenda included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agenda: Option<String>,
    /// The file it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Who may see and change it.
    #[serde(default)]
    pub access: Access,
}

impl Meeting {
    /// A meeting of which only the name is known.
    pub fn new(id: MeetingId, title: impl Into<String>) -> Self {
        Self {
            id,
            title: title.into(),
            series: None,
            started_at: None,
            language: None,
            participants: Vec::new(),
            agenda: None,
            source: None,
            access: Access::default(),
        }
    }

    /// Whether `viewer` may read it.
    pub fn is_visible_to(&self, viewer: &Viewer) -> bool {
        let people = self.participants.iter().map(|participant| &participant.person);
        self.access.allows_view(viewer, people)
    }

    /// The participant who speaks under `label`.
    pub fn participant_speaking_as(&self, label: &SpeakerLabel) -> Option<&Participant> {
        self.participants
            .iter()
            .find(|participant| participant.speaker.as_ref() == Some(label))
    }

    /// The name to show for `label`: the participant's, else the label itself.
    pub fn speaker_name<'a>(&'a self, label: &'a SpeakerLabel) -> &'a str {
        self.participant_speaking_as(label)
            .map_or(label.as_str(), |participant| participant.name.as_str())
    }
}

/// A person invited to or present in a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The person across meetings.
    pub person: PersonId,
    /// As written in the invitation or the transcript.
    pub name: String,
    /// Mail address, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Role in this meeting: "Project Manager".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The label under which the person speaks in the transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<SpeakerLabel>,
    /// Present, as far as known: spoke, or said to have come. An invitation alone is no attendance.
    pub attended: bool,
}

impl Participant {
    /// Somebody who spoke under `label`, known by that label only.
    pub fn from_speaker(label: SpeakerLabel) -> Self {
        Self {
            person: PersonId::from_contact(label.as_str(), None),
            name: label.as_str().to_owned(),
            email: None,
            role: None,
            speaker: Some(label),
            attended: true,
        }
    }
}

/// Where a meeting came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// File name without folders.
    pub file_name: String,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
}

/// Who may see a meeting or a context item: an owner, a visibility, and single delegations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Sees and changes everything; `None` in a library of one user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PersonId>,
    /// Who sees it without a delegation.
    #[serde(default)]
    pub visibility: Visibility,
    /// Rights given one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegations: Vec<Delegation>,
}

/// Who sees a thing beside its owner and its delegates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "to", content = "domain")]
pub enum Visibility {
    /// Nobody else.
    Private,
    /// Those who were invited or spoke.
    #[default]
    Participants,
    /// Everybody of the named domain.
    Domain(String),
}

/// A right given to a person or a group, for good or until a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Who receives it.
    #[serde(flatten)]
    pub to: Delegate,
    /// What may be done.
    pub right: Right,
    /// From when on it may no longer be done; `None` for as long as the delegation stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Who receives a right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delegate {
    /// One person.
    #[serde(rename = "to")]
    Person(PersonId),
    /// Everybody in a group.
    #[serde(rename = "group")]
    Group(GroupId),
}

/// What a delegate may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Read.
    View,
    /// Read, correct and delete.
    Manage,
}

/// On whose behalf a question is asked. Every search and recommendation names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// The administrator of the machine, or the only user of a local library: sees everything.
    Operator,
    /// A person, who sees what [`Access`] grants.
    Person {
        /// Who asks.
        person: PersonId,
        /// The domain the person belongs to.
        domain: Option<String>,
        /// The groups the person is in.
        groups: Vec<GroupId>,
    },
}

impl Delegate {
    /// Whether `viewer` is this person, or in this group.
    fn is(&self, viewer: &Viewer) -> bool {
        match (self, viewer) {
            (_, Viewer::Operator) => true,
            (Self::Person(to), Viewer::Person { person, .. }) => to == person,
            (Self::Group(to), Viewer::Person { groups, .. }) => groups.contains(to),
        }
    }
}

impl Delegation {
    /// Whether it still stands at `now`. To the millisecond, which is how the index keeps it.
    pub fn stands(&self, now: Timestamp) -> bool {
        self.until
            .is_none_or(|until| now.as_millisecond() < until.as_millisecond())
    }
}

impl Access {
    /// Whether `viewer` may read a thing with this access and these `participants` now. The index holds the same rule as
    /// terms; both are tested against each other.
    pub fn allows_view<'a>(&self, viewer: &Viewer, participants: impl IntoIterator<Item = &'a PersonId>) -> bool {
        self.allows_view_at(Timestamp::now(), viewer, participants)
    }

    /// The same at another time.
    pub fn allows_view_at<'a>(
        &self,
        now: Timestamp,
        viewer: &Viewer,
        participants: impl IntoIterator<Item = &'a PersonId>,
    ) -> bool {
        let Viewer::Person { person, domain, .. } = viewer else {
            return true;
        };
        self.owner.as_ref() == Some(person)
            || self.is_delegated(now, viewer, Right::View)
            || match &self.visibility {
                Visibility::Private => false,
                Visibility::Participants => participants.into_iter().any(|participant| participant == person),
                Visibility::Domain(visible) => domain.as_ref() == Some(visible),
            }
    }

    /// Whether `viewer` may correct, share and delete a thing with this access: its owner, and those who were given
    /// [`Right::Manage`]. Whoever may manage may view.
    pub fn allows_manage(&self, viewer: &Viewer) -> bool {
        let Viewer::Person { person, .. } = viewer else {
            return true;
        };
        self.owner.as_ref() == Some(person) || self.is_delegated(Timestamp::now(), viewer, Right::Manage)
    }

    /// Whether `viewer` was given `right`, or one that holds it, and still has it.
    fn is_delegated(&self, now: Timestamp, viewer: &Viewer, right: Right) -> bool {
        let mut delegations = self.delegations.iter();
        delegations.any(|delegation| delegation.right >= right && delegation.stands(now) && delegation.to.is(viewer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn participants_read_and_only_owner_and_managers_change() {
        let viewer = |name: &str| Viewer::Person {
            person: PersonId::new(name),
            domain: None,
            groups: Vec::new(),
        };
        let delegation = |name: &str, right| Delegation {
            to: Delegate::Person(PersonId::new(name)),
            right,
            until: None,
        };
        let access = Access {
            owner: Some(PersonId::new("olga")),
            visibility: Visibility::Participants,
            delegations: vec![delegation("mia", Right::Manage), delegation("vic", Right::View)],
        };
        let who = ["olga", "mia", "vic", "pia"].map(|name| access.allows_manage(&viewer(name)));
        assert_eq!(who, [true, true, false, false]);
        assert!(access.allows_manage(&Viewer::Operator));
        assert!(!Access::default().allows_manage(&viewer("pia")));
    }

    #[test]
    fn access_is_the_sum_of_ownership_delegation_and_visibility() {
        let person = |name: &str| PersonId::new(name);
        let viewer = |name: &str, domain: Option<&str>| Viewer::Person {
            person: person(name),
            domain: domain.map(str::to_owned),
            groups: Vec::new(),
        };
        let participants = [person("pia")];
        let mut access = Access {
            owner: Some(person("olga")),
            visibility: Visibility::Private,
            delegations: vec![Delegation {
                to: Delegate::Person(person("dan")),
                right: Right::View,
                until: None,
            }],
        };
        let sees = |access: &Access, viewer: &Viewer| access.allows_view(viewer, &participants);

        assert!(sees(&access, &Viewer::Operator));
        assert!(sees(&access, &viewer("olga", None)));
        assert!(sees(&access, &viewer("dan", None)));
        assert!(!sees(&access, &viewer("pia", None)));
        access.visibility = Visibility::Participants;
        assert!(sees(&access, &viewer("pia", None)));
        access.visibility = Visibility::Domain("example.org".to_owned());
        assert!(!sees(&access, &viewer("pia", None)));
        assert!(sees(&access, &viewer("eve", Some("example.org"))));
        assert!(!sees(&access, &viewer("eve", Some("example.com"))));
    }

    #[test]
    fn a_group_is_given_rights_and_a_right_ends() {
        let of_board = |person: &str| Viewer::Person {
            person: PersonId::new(person),
            domain: None,
            groups: vec![GroupId::new("board")],
        };
        let end: Timestamp = "2026-06-30T00:00:00Z".parse().unwrap();
        let access = Access {
            owner: None,
            visibility: Visibility::Private,
            delegations: vec![Delegation {
                to: Delegate::Group(GroupId::new("board")),
                right: Right::View,
                until: Some(end),
            }],
        };
        let before = end.checked_sub(jiff::Span::new().milliseconds(1)).unwrap();
        assert!(access.allows_view_at(before, &of_board("bea"), []));
        assert!(!access.allows_view_at(end, &of_board("bea"), []));
        // A person who is called as the group is not in it.
        let namesake = Viewer::Person {
            person: PersonId::new("board"),
            domain: Some("board".to_owned()),
            groups: Vec::new(),
        };
        assert!(!access.allows_view_at(before, &namesake, []));
    }

    #[test]
    fn delegations_are_written_as_before_there_were_groups() {
        let written = r#"{"to":"dan","right":"manage"}"#;
        let delegation: Delegation = serde_json::from_str(written).unwrap();
        assert_eq!(delegation.to, Delegate::Person(PersonId::new("dan")));
        assert_eq!(serde_json::to_string(&delegation).unwrap(), written);
        let written = r#"{"group":"board","right":"view","until":"2026-06-30T00:00:00Z"}"#;
        let delegation: Delegation = serde_json::from_str(written).unwrap();
        assert_eq!(delegation.to, Delegate::Group(GroupId::new("board")));
        assert_eq!(serde_json::to_string(&delegation).unwrap(), written);
    }
}
