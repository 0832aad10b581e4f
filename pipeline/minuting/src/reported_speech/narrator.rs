//! How the minutes of one meeting call its speakers, and what they said, told in the third person.

use datasets::{Language, Meeting, Participant, SpeakerLabel, Transcript};

use super::{Persons, attribute_in_french, report};
use crate::compression::{Token, trim};
use crate::statements::as_sentence;
use crate::text::clean;

/// How the minutes call a few people who speak as "we".
const TEAM: &str = "the team";

/// How they call many, who need not work together.
const GROUP: &str = "the group";

/// Speakers up to which those present are called a team.
const TEAM_SPEAKERS_MAX: usize = 12;

/// Letters up to which the name of a speaker is taken for a label.
const LABEL_LETTERS_MAX: usize = 2;

/// Tells what the speakers of one meeting said.
pub struct Narrator {
    language: Language,
    labels: Vec<SpeakerLabel>,
    subjects: Vec<Option<String>>,
    group: &'static str,
}

impl Narrator {
    /// Knows the speakers of `transcript` by what `meeting` says of them.
    pub fn new(meeting: &Meeting, transcript: &Transcript, language: Language) -> Self {
        let labels: Vec<SpeakerLabel> = transcript.speakers().into_iter().cloned().collect();
        Self {
            language,
            subjects: labels.iter().map(|label| subject(meeting, label, language)).collect(),
            group: if labels.len() > TEAM_SPEAKERS_MAX { GROUP } else { TEAM },
            labels,
        }
    }

    /// How the minutes call `speaker`: "the Project Manager", "Anna".
    pub fn subject(&self, speaker: &SpeakerLabel) -> Option<&str> {
        self.subject_at(self.labels.iter().position(|label| label == speaker)?)
    }

    /// How the minutes call the speaker who was the `position`th to speak first, counted from 0.
    pub(crate) fn subject_at(&self, position: usize) -> Option<&str> {
        self.subjects.get(position)?.as_deref()
    }

    /// One sentence that `speaker` said, without the words of talk and, in English, in the third person: "so I'll send
    /// it" becomes "Anna will send it." A speaker who is not known keeps the first person, and a sentence with a
    /// quotation stays as it was said.
    pub fn sentence(&self, speaker: Option<&SpeakerLabel>, text: &str) -> String {
        let cleaned = clean(text, self.language);
        let tokens: Vec<Token> = cleaned.split_whitespace().map(|word| Token::new(word, 0)).collect();
        let tokens = trim(&tokens, self.language);
        let subject = speaker.and_then(|speaker| self.subject(speaker));
        let told = match self.language {
            _ if cleaned.contains(['"', '“', '«']) => return as_sentence(&cleaned),
            Language::ENGLISH => report(&tokens, subject, self.group).map(|(told, _)| told),
            _ => None,
        };
        as_text(&told.unwrap_or(tokens))
    }

    /// `tokens` as the minutes tell them, or `None` when a person in them has no name.
    pub(crate) fn tell(&self, tokens: &[Token], subject: Option<&str>) -> Option<(Vec<Token>, Persons)> {
        match self.language {
            Language::ENGLISH => report(tokens, subject, self.group),
            Language::FRENCH => Some(attribute_in_french(tokens, subject)),
            _ => Some((tokens.to_vec(), Persons::default())),
        }
    }
}

/// `tokens` as a sentence.
pub(crate) fn as_text(tokens: &[Token]) -> String {
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    as_sentence(&words.join(" "))
}

/// By name where there is one, by role where the name is only a label.
fn subject(meeting: &Meeting, label: &SpeakerLabel, language: Language) -> Option<String> {
    let participant = meeting.participant_speaking_as(label);
    let name = participant
        .map_or(label.as_str(), |participant| &participant.name)
        .trim();
    let role = participant.and_then(|participant| participant.role.as_deref());
    let is_label = name.chars().count() <= LABEL_LETTERS_MAX;
    if language != Language::ENGLISH {
        return (!is_label).then(|| name.to_owned());
    }
    match role {
        Some(role) if (is_label || role == name) && holders(meeting, role) == 1 => Some(format!("the {role}")),
        Some(role) if is_label => Some(format!("{role} {name}")),
        _ if name.is_empty() => None,
        _ if is_label => Some(format!("speaker {name}")),
        _ if is_role_title(name) => Some(format!("the {name}")),
        _ => Some(name.to_owned()),
    }
}

fn holders(meeting: &Meeting, role: &str) -> usize {
    let has_role = |participant: &&Participant| participant.role.as_deref() == Some(role);
    meeting.participants.iter().filter(has_role).count()
}

/// Transcripts in which speakers are labelled by their role carry no other name for them.
fn is_role_title(name: &str) -> bool {
    const TITLES: &[&str] = &[
        "manager",
        "expert",
        "designer",
        "marketing",
        "interface",
        "chair",
        "chairman",
        "president",
        "director",
        "secretary",
        "moderator",
        "host",
        "speaker",
        "professor",
        "officer",
        "engineer",
        "analyst",
        "editor",
        "clerk",
        "minister",
    ];
    let last = name.rsplit(' ').next().unwrap_or(name).to_lowercase();
    TITLES.contains(&last.as_str())
}

#[cfg(test)]
mod tests {
    use datasets::{MeetingId, Utterance};

    use super::*;

    #[test]
    fn speakers_are_told_by_name_else_by_role() {
        let label = SpeakerLabel::new("A");
        let check = |name: &str, role: Option<&str>, expected: &str| {
            let mut meeting = Meeting::new(MeetingId::new("m"), "m");
            meeting.participants = vec![Participant {
                name: name.to_owned(),
                role: role.map(str::to_owned),
                ..Participant::from_speaker(label.clone())
            }];
            let mut utterance = Utterance::new(Utterance::id_at(0), "");
            utterance.speaker = Some(label.clone());
            let transcript = Transcript {
                utterances: vec![utterance],
                ..Transcript::default()
            };
            let narrator = Narrator::new(&meeting, &transcript, Language::ENGLISH);
            assert_eq!(
                narrator.sentence(Some(&label), "So, um, I'll send my draft tomorrow"),
                expected
            );
        };
        check("Anna Lee", Some("Chair"), "Anna Lee will send their draft tomorrow.");
        check(
            "A",
            Some("Project Manager"),
            "The Project Manager will send their draft tomorrow.",
        );
        check("A", None, "Speaker A will send their draft tomorrow.");
    }
}
