//! Participants from the labels that speak: a name is a person, a label such as "Speaker 1" is one in this meeting only.

use crate::{MeetingId, Participant, PersonId, SpeakerLabel, Transcript};

/// Words that stand for a person without naming one, in French and English.
const ANONYMOUS: &[&str] = &[
    "attendee",
    "female",
    "guest",
    "host",
    "inconnu",
    "interlocuteur",
    "interviewer",
    "intervenant",
    "intervenante",
    "invité",
    "journaliste",
    "locuteur",
    "locutrice",
    "male",
    "moderator",
    "orateur",
    "participant",
    "participante",
    "person",
    "personne",
    "présentateur",
    "présentatrice",
    "question",
    "speaker",
    "spk",
    "unidentified",
    "unknown",
    "user",
    "utilisateur",
    "voice",
    "voix",
];

/// One participant per label, in the order they first speak.
pub fn participants(meeting: &MeetingId, transcript: &Transcript) -> Vec<Participant> {
    let mut seen = std::collections::BTreeSet::new();
    transcript
        .utterances
        .iter()
        .filter_map(|utterance| utterance.speaker.as_ref())
        .filter(|label| seen.insert(*label))
        .map(|label| participant(meeting, label))
        .collect()
}

fn participant(meeting: &MeetingId, label: &SpeakerLabel) -> Participant {
    let mut participant = Participant::from_speaker(label.clone());
    if is_anonymous(label.as_str()) {
        participant.person = person_of_meeting(meeting, label.as_str());
    }
    participant
}

/// Somebody known by `label` in `meeting` only, so that "Speaker 1" of two meetings is never taken for one person.
pub(super) fn person_of_meeting(meeting: &MeetingId, label: &str) -> PersonId {
    PersonId::new(format!("{meeting}/{}", label.to_lowercase()))
}

/// Whether `label` names nobody: numbered or generic, or initials only.
pub(super) fn is_anonymous(label: &str) -> bool {
    let letters = label.chars().filter(|c| c.is_alphabetic()).count();
    letters <= 2
        || label
            .split(|c: char| !c.is_alphabetic())
            .filter(|word| word.chars().count() > 1)
            .all(|word| ANONYMOUS.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_name_nobody_stay_within_their_meeting() {
        let person = |label: &str| participant(&MeetingId::new("m"), &SpeakerLabel::new(label)).person;
        for (label, expected) in [
            ("Ann Lee", "ann lee"),
            ("Speaker 1", "m/speaker 1"),
            ("SPEAKER_00", "m/speaker_00"),
            ("Intervenant A", "m/intervenant a"),
            ("JB", "m/jb"),
            ("P1", "m/p1"),
            ("Eva", "eva"),
        ] {
            assert_eq!(person(label).as_str(), expected);
        }
    }
}
