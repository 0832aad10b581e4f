//! Names of things, each its own type, so that a speaker can never be passed where a person is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps `id` as it is.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

identifier! {
    /// One meeting; also the name of its folder in a library, see [`MeetingId::from_title`].
    MeetingId
}
identifier! {
    /// A line of meetings that belong together: a weekly, a committee, a project.
    SeriesId
}
identifier! {
    /// One utterance within its meeting. Stable: a second transcription keeps or maps it, because evidence cites it.
    UtteranceId
}
identifier! {
    /// One statement of one meeting's minutes; unique within the meeting.
    StatementId
}
identifier! {
    /// A person across meetings: a mail address in lower case where known, else a folded name.
    PersonId
}
identifier! {
    /// A group of people, as the identity provider or a token names it.
    GroupId
}
identifier! {
    /// Who speaks, as the transcript or diarization labels it: anonymous until a participant carries the same label.
    SpeakerLabel
}
identifier! {
    /// A mail, event, contact, document or chat message that stands beside the meetings.
    ContextItemId
}

impl MeetingId {
    /// The longest identifier that is made, in bytes; file systems allow 255 for a name.
    pub const LENGTH_MAX: usize = 100;

    /// Makes an identifier that is safe as a folder name: letters and digits of any script in lower case, runs of
    /// anything else as one hyphen. Empty input gives `meeting`.
    pub fn from_title(title: &str) -> Self {
        let mut slug = String::with_capacity(title.len());
        for character in title.chars().flat_map(char::to_lowercase) {
            if slug.len() + character.len_utf8() > Self::LENGTH_MAX {
                break;
            }
            if character.is_alphanumeric() {
                slug.push(character);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug = slug.trim_end_matches('-');
        Self(if slug.is_empty() {
            "meeting".to_owned()
        } else {
            slug.to_owned()
        })
    }

    /// The same with `mark` after it, which makes it one that nobody else has; a long one is cut to make room.
    #[must_use]
    pub fn with_mark(&self, mark: &str) -> Self {
        let room = Self::LENGTH_MAX.saturating_sub(mark.len() + 1);
        let name = &self.0[..self.0.floor_char_boundary(room)];
        Self(format!("{}-{mark}", name.trim_end_matches('-')))
    }

    /// Whether the identifier can be a folder name as it is: what [`MeetingId::from_title`] makes always can.
    pub fn is_safe_folder_name(&self) -> bool {
        !self.0.is_empty()
            && self.0.len() <= Self::LENGTH_MAX
            && !self.0.starts_with(['-', '.'])
            && self
                .0
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    }
}

impl PersonId {
    /// The person behind `email` if given, else behind `name`: lower case, single spaces.
    pub fn from_contact(name: &str, email: Option<&str>) -> Self {
        let source = email.map(str::trim).filter(|email| !email.is_empty()).unwrap_or(name);
        Self(source.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_id_is_always_a_safe_folder_name() {
        fn check(title: &str, expected: &str) {
            let id = MeetingId::from_title(title);
            assert_eq!(id.as_str(), expected);
            assert!(id.is_safe_folder_name());
        }
        check("Réunion d'équipe — 12/03", "réunion-d-équipe-12-03");
        check("../../etc/passwd", "etc-passwd");
        check("...", "meeting");
        check("", "meeting");
    }

    #[test]
    fn a_path_is_no_safe_folder_name() {
        for id in ["../x", "a/b", ".hidden", "", "a\0b"] {
            assert!(!MeetingId::new(id).is_safe_folder_name(), "{id:?}");
        }
    }

    #[test]
    fn a_person_is_known_by_mail_before_name() {
        assert_eq!(
            PersonId::from_contact("Ann  Lee", Some("Ann.Lee@Example.org")).as_str(),
            "ann.lee@example.org"
        );
        assert_eq!(PersonId::from_contact("Ann  Lee", None).as_str(), "ann lee");
    }
}
