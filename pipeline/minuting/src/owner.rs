//! Who is to do a task, only when it was said: "I'll do it" gives the speaker, "Anna, can you …", "Anna will …" and "the
//! industrial designer will …" give that participant. Whoever did not attend owns nothing, and where the words point to
//! two people nobody does: a missing owner is better than a wrong one.

use std::collections::BTreeSet;

use datasets::{Language, Meeting, Owner, Participant, SpeakerLabel};

use crate::text::words;

/// The owner of the task that `speaker` states in `text`.
pub fn find_owner(meeting: &Meeting, speaker: Option<&SpeakerLabel>, text: &str, language: Language) -> Option<Owner> {
    let words = words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut candidates: BTreeSet<usize> = named_owners(meeting, &words, text, language);
    if speaker_commits(&words, language) {
        let label = speaker?;
        let position = meeting
            .participants
            .iter()
            .position(|participant| participant.speaker.as_ref() == Some(label))?;
        candidates.insert(position);
    }
    let [only] = *candidates.iter().collect::<Vec<_>>() else {
        return None;
    };
    let participant = &meeting.participants[*only];
    let known = participant.attended && participant.name.chars().count() > 1;
    known.then(|| Owner {
        person: participant.person.clone(),
        name: participant.name.clone(),
    })
}

/// Participants that the words name as the one who acts, by position.
fn named_owners(meeting: &Meeting, words: &[&str], text: &str, language: Language) -> BTreeSet<usize> {
    let mut owners = BTreeSet::new();
    for (position, participant) in meeting.participants.iter().enumerate() {
        for name in names(meeting, participant) {
            let name: Vec<&str> = name.iter().map(String::as_str).collect();
            let mut starts = (0..words.len()).filter(|&at| words[at..].starts_with(&name));
            if starts.any(|at| acts(words, at, name.len(), text, language)) {
                owners.insert(position);
            }
        }
    }
    owners
}

/// The names under which `participant` may be called: in full, by a part of the name or a role that nobody else has.
fn names(meeting: &Meeting, participant: &Participant) -> Vec<Vec<String>> {
    let others = || {
        meeting
            .participants
            .iter()
            .filter(|other| other.person != participant.person)
    };
    let full = words(&participant.name);
    let mut names: Vec<Vec<String>> = Vec::new();
    for part in &full {
        let shared = others().any(|other| words(&other.name).contains(part));
        if part.chars().count() > 2 && !shared && !part.chars().all(char::is_numeric) {
            names.push(vec![part.clone()]);
        }
    }
    if full.len() > 1 {
        names.push(full);
    }
    let role = participant.role.as_deref().map(words).unwrap_or_default();
    let same_role = others().any(|other| other.role.as_deref().map(words).as_ref() == Some(&role));
    if role.iter().map(String::len).sum::<usize>() > 3 && !same_role {
        names.push(role);
    }
    names
}

/// Whether the name of `length` words at `at` is the one who acts: before a verb of duty, or called upon.
fn acts(words: &[&str], at: usize, length: usize, text: &str, language: Language) -> bool {
    let after = &words[at + length..];
    let duty: &[&[&str]] = match language {
        Language::FRENCH => &[
            &["va"],
            &["doit"],
            &["devra"],
            &["s", "occupe"],
            &["s", "occupera"],
            &["se", "charge"],
            &["se", "chargera"],
            &["prend", "en"],
            &["fera"],
            &["enverra"],
            &["préparera"],
        ],
        _ => &[
            &["will"],
            &["ll"],
            &["is", "going", "to"],
            &["is", "gonna"],
            &["gonna"],
            &["should"],
            &["needs", "to"],
            &["has", "to"],
            &["is", "to"],
            &["takes", "care"],
        ],
    };
    if duty.iter().any(|verb| after.starts_with(verb)) && !is_negated(after) {
        return true;
    }
    let called_first = at == 0
        || (at == 1
            && matches!(
                words[0],
                "so" | "and" | "okay" | "ok" | "then" | "et" | "donc" | "alors"
            ));
    let called_last = after.is_empty() && text.contains(',');
    let request = if called_first { after } else { words };
    (called_first && starts_with_request(request, language)) || (called_last && starts_with_request(request, language))
}

fn starts_with_request(words: &[&str], language: Language) -> bool {
    let requests: &[&[&str]] = match language {
        Language::FRENCH => &[
            &["tu", "peux"],
            &["peux", "tu"],
            &["tu", "pourrais"],
            &["pourrais", "tu"],
            &["vous", "pouvez"],
            &["pouvez", "vous"],
            &["vous", "pourriez"],
            &["pourriez", "vous"],
            &["tu", "t", "occupes"],
            &["vous", "vous", "occupez"],
            &["merci", "de"],
            &["est", "ce", "que", "tu", "peux"],
            &["est", "ce", "que", "vous", "pouvez"],
            &["tu", "vas"],
            &["il", "faut", "que", "tu"],
        ],
        _ => &[
            &["can", "you"],
            &["could", "you"],
            &["would", "you"],
            &["will", "you"],
            &["please"],
            &["you", "ll"],
            &["you", "will"],
            &["you", "re", "going", "to"],
            &["you", "re", "gonna"],
            &["you", "are", "going", "to"],
            &["you", "can"],
            &["you", "should"],
            &["you", "need", "to"],
            &["i", "d", "like", "you", "to"],
        ],
    };
    requests.iter().any(|request| words.starts_with(request))
}

/// Whether the speaker takes the task on.
fn speaker_commits(words: &[&str], language: Language) -> bool {
    let mut starts = 0..words.len();
    match language {
        Language::FRENCH => starts.any(|at| french_commitment(&words[at..])),
        _ => starts.any(|at| {
            let commitments: [&[&str]; 8] = [
                &["i", "ll"],
                &["i", "will"],
                &["i", "am", "going", "to"],
                &["i", "m", "going", "to"],
                &["i", "m", "gonna"],
                &["i", "take", "the"],
                &["i", "take", "care"],
                &["i", "take", "that"],
            ];
            let conditional = at > 0 && matches!(words[at - 1], "if" | "that" | "think" | "when");
            let commits = commitments.iter().any(|commitment| words[at..].starts_with(commitment));
            commits && !conditional && !is_negated(&words[at + 1..])
        }),
    }
}

fn french_commitment(words: &[&str]) -> bool {
    match *words {
        ["je", "vais", ..]
        | ["je", "m", "occupe", ..]
        | ["je", "m", "en", "occupe", ..]
        | ["je", "me", "charge", ..]
        | ["je", "prends", ..] => true,
        ["je" | "j", ref rest @ ..] => {
            let pronouns = [
                "vous", "te", "t", "lui", "leur", "le", "la", "les", "l", "en", "y", "m", "me",
            ];
            let verb = rest.iter().take(3).find(|word| !pronouns.contains(word));
            verb.is_some_and(|verb| verb.ends_with("rai") && *verb != "vrai")
        }
        _ => false,
    }
}

/// "will not", "won't" is cut as `won t`; within the two words after the verb.
fn is_negated(after: &[&str]) -> bool {
    after
        .iter()
        .take(3)
        .any(|word| matches!(*word, "not" | "never" | "pas" | "won"))
}

#[cfg(test)]
mod tests {
    use datasets::MeetingId;

    use super::*;

    fn meeting() -> Meeting {
        let mut meeting = Meeting::new(MeetingId::new("m"), "m");
        for (name, role, attended) in [
            ("Anna Lind", Some("Project Manager"), true),
            ("Ben Carter", Some("Industrial Designer"), true),
            ("Will Lind", None, false),
        ] {
            let mut participant = Participant::from_speaker(SpeakerLabel::new(name));
            participant.role = role.map(str::to_owned);
            participant.attended = attended;
            meeting.participants.push(participant);
        }
        meeting
    }

    #[track_caller]
    fn check(speaker: &str, text: &str, language: Language, expected: Option<&str>) {
        let owner = find_owner(&meeting(), Some(&SpeakerLabel::new(speaker)), text, language);
        assert_eq!(owner.map(|owner| owner.name).as_deref(), expected, "{text}");
    }

    #[test]
    fn who_says_so_owns_the_task() {
        check(
            "Anna Lind",
            "I'll call the supplier.",
            Language::ENGLISH,
            Some("Anna Lind"),
        );
        check(
            "Anna Lind",
            "Ben will call the supplier.",
            Language::ENGLISH,
            Some("Ben Carter"),
        );
        check(
            "Anna Lind",
            "Ben, can you call the supplier?",
            Language::ENGLISH,
            Some("Ben Carter"),
        );
        check(
            "Anna Lind",
            "Can you call the supplier, Ben?",
            Language::ENGLISH,
            Some("Ben Carter"),
        );
        check(
            "Anna Lind",
            "the industrial designer will work on the case",
            Language::ENGLISH,
            Some("Ben Carter"),
        );
        check(
            "Ben Carter",
            "Je m'en occupe et j'enverrai le devis.",
            Language::FRENCH,
            Some("Ben Carter"),
        );
        check(
            "Ben Carter",
            "Je m'occupe du devis.",
            Language::FRENCH,
            Some("Ben Carter"),
        );
        check(
            "Ben Carter",
            "Je lui enverrai le devis.",
            Language::FRENCH,
            Some("Ben Carter"),
        );
        check(
            "Ben Carter",
            "Anna, tu peux relire le devis ?",
            Language::FRENCH,
            Some("Anna Lind"),
        );
    }

    #[test]
    fn where_it_was_not_said_nobody_owns_the_task() {
        check("Anna Lind", "We should call the supplier.", Language::ENGLISH, None);
        check("Anna Lind", "You will call the supplier.", Language::ENGLISH, None);
        check("Anna Lind", "Lind will call the supplier.", Language::ENGLISH, None);
        check(
            "Anna Lind",
            "I will move the disks and Ben will fix the reset.",
            Language::ENGLISH,
            None,
        );
        check("Anna Lind", "I talked to Ben about it.", Language::ENGLISH, None);
        check("Anna Lind", "I won't call them.", Language::ENGLISH, None);
        check("unknown", "I will call them.", Language::ENGLISH, None);
        check("Will Lind", "I will call them.", Language::ENGLISH, None);
        check("Anna Lind", "Il est vrai que le devis manque.", Language::FRENCH, None);
    }
}
