//! Statements that must be proven, and statements that must not.

use datasets::{MeetingId, PersonId, SpeakerLabel, StatementId};
use proptest::prelude::*;

use super::*;

fn meeting() -> Meeting {
    let mut meeting = Meeting::new(MeetingId::new("m"), "Weekly");
    let mut anna = Participant::from_speaker(SpeakerLabel::new("Anna Lind"));
    anna.role = Some("Project Manager".to_owned());
    let mut bob = Participant::from_speaker(SpeakerLabel::new("Bob"));
    bob.attended = false;
    meeting.participants = vec![anna, bob];
    meeting
}

fn transcript(texts: &[&str]) -> Transcript {
    let utterances = texts.iter().enumerate().map(|(position, text)| {
        let mut utterance = Utterance::new(Utterance::id_at(position), *text);
        utterance.speaker = Some(SpeakerLabel::new("Anna Lind"));
        utterance
    });
    Transcript {
        utterances: utterances.collect(),
        ..Transcript::default()
    }
}

fn kinds(statement: &str, said: &str) -> Vec<(UnsupportedKind, String)> {
    let (meeting, transcript) = (meeting(), transcript(&[said]));
    let verifier = Verifier::new(&meeting, &transcript);
    let unsupported = verifier.unsupported(statement, &[Utterance::id_at(0)]);
    unsupported.into_iter().map(|part| (part.kind, part.text)).collect()
}

#[track_caller]
fn check_proven(statement: &str, said: &str) {
    assert_eq!(kinds(statement, said), [], "{statement} | {said}");
}

#[track_caller]
fn check_unproven(statement: &str, said: &str, kind: UnsupportedKind, text: &str) {
    assert_eq!(
        kinds(statement, said),
        [(kind, text.to_owned())],
        "{statement} | {said}"
    );
}

#[test]
fn what_was_said_is_proven() {
    check_proven("The budget is 25 euros.", "so the budget is uh twenty five euros");
    check_proven("The price is 12.50.", "twelve fifty each");
    check_proven("Le prix est de 92 euros.", "ça fait quatre-vingt-douze euros");
    check_proven("Anna Lind writes to Paris.", "I'll write to Paris");
    check_proven("The Project Manager writes.", "I'll write");
    check_proven("Elle part lundi.", "I leave on Monday");
    check_proven("She said \"ship it now\".", "let's, um, ship it now I guess");
    check_proven("Début à 10h30.", "on commence à dix heures trente");
    check_proven("This one is better than that one.", "it is better");
    check_proven(
        "A million was spent in 2026.",
        "we spent one million in two thousand twenty six",
    );
}

#[test]
fn what_was_not_said_is_caught() {
    check_unproven(
        "The budget is 30 euros.",
        "the budget is 25 euros",
        UnsupportedKind::Number,
        "30",
    );
    check_unproven(
        "Trente-deux euros.",
        "it was trente, then deux",
        UnsupportedKind::Number,
        "Trente-deux",
    );
    check_unproven("We asked Bob about it.", "we asked him", UnsupportedKind::Name, "Bob");
    check_unproven("Bob asked about it.", "I asked about it", UnsupportedKind::Name, "Bob");
    check_unproven(
        "NASA asked about it.",
        "I asked about it",
        UnsupportedKind::Name,
        "NASA",
    );
    check_unproven("Due on Friday.", "due on Monday", UnsupportedKind::Date, "Friday");
    check_unproven("Starts at 10:30.", "starts at ten", UnsupportedKind::Date, "10:30");
    check_unproven("He said “ship now”.", "ship it now", UnsupportedKind::Quote, "ship now");
}

#[test]
fn evidence_must_exist() {
    let (meeting, transcript) = (meeting(), transcript(&["fine"]));
    let verifier = Verifier::new(&meeting, &transcript);
    let missing = verifier.unsupported("Fine.", &[UtteranceId::new("u9")]);
    assert_eq!(missing, [unsupported(UnsupportedKind::Evidence, "u9")]);
    assert_eq!(verifier.unsupported("Fine.", &[]).len(), 1);
}

#[test]
fn evidence_that_was_merged_away_still_proves() {
    let meeting = meeting();
    let mut transcript = transcript(&["the budget is 25"]);
    transcript.replaced.insert(UtteranceId::new("old"), Utterance::id_at(0));
    let verifier = Verifier::new(&meeting, &transcript);
    assert_eq!(
        verifier.unsupported("The budget is 25.", &[UtteranceId::new("old")]),
        []
    );
}

#[test]
fn an_owner_who_did_not_attend_is_taken_off() {
    let (meeting, transcript) = (meeting(), transcript(&["Bob will call by Friday"]));
    let verifier = Verifier::new(&meeting, &transcript);
    let owner = Owner {
        person: PersonId::new("bob"),
        name: "Bob".to_owned(),
    };
    assert!(!verifier.owner_attended(&owner));
    let mut action = ActionItem {
        statement: Statement {
            id: StatementId::new("a1"),
            text: "Bob will call.".to_owned(),
            evidence: vec![Utterance::id_at(0)],
            support: Support::Proven,
        },
        owner: Some(owner),
        due: Some(DueDate {
            text: "by Friday".to_owned(),
            date: None,
        }),
    };
    let mut dropped = Vec::new();
    verifier.strip_unproven(&mut action, &mut dropped);
    assert_eq!(action.owner, None);
    assert!(action.due.is_some());
    assert_eq!(dropped.len(), 1);
    action.due = Some(DueDate {
        text: "by Monday".to_owned(),
        date: None,
    });
    verifier.strip_unproven(&mut action, &mut dropped);
    assert_eq!(action.due, None);
}

/// Sentences as they are said, with numbers, names and dates.
fn speech() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-zéà]{1,8}",
        "[A-Z][a-z]{1,8}",
        "[0-9]{1,6}",
        "[0-9]{1,3}[.,:][0-9]{1,3}",
        prop::sample::select(vec![
            "T_V_", "twenty", "five", "five", "hundred", "Monday", "demain", "vingt", "quatre", "uh", "l'Europe", "."
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(word, 1..30).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn a_stretch_of_the_evidence_is_always_proven(said in speech(), from in 0_usize..30, length in 1_usize..30) {
        let words: Vec<&str> = said.split(' ').collect();
        let from = from.min(words.len() - 1);
        let statement = words[from..words.len().min(from + length)].join(" ");
        prop_assert_eq!(kinds(&statement, &said), []);
    }

    #[test]
    fn the_evidence_made_readable_is_always_proven(said in speech()) {
        for language in [Language::ENGLISH, Language::FRENCH] {
            let statement = clean(&said, language);
            prop_assert_eq!(kinds(&statement, &said), []);
        }
    }

    #[test]
    fn an_injected_number_is_always_caught(said in speech(), number in 10_000_000_u64..99_999_999, at in 0_usize..30) {
        let number = number.to_string();
        let mut words: Vec<&str> = said.split(' ').collect();
        words.insert(at.min(words.len()), &number);
        let found = kinds(&words.join(" "), &said);
        prop_assert!(found.iter().any(|(kind, text)| *kind == UnsupportedKind::Number && *text == number), "{found:?}");
    }

    #[test]
    fn an_injected_name_is_always_caught(said in speech(), name in "Q[a-z]{9,12}", at in 0_usize..30) {
        let mut words: Vec<&str> = said.split(' ').collect();
        let at = at.clamp(1, words.len());
        words.insert(at, &name);
        prop_assume!(words[at - 1] != ".");
        let found = kinds(&words.join(" "), &said);
        prop_assert!(found.iter().any(|(kind, text)| *kind == UnsupportedKind::Name && *text == name), "{found:?}");
    }

    #[test]
    fn any_text_can_be_checked(statement in "\\PC{0,60}", said in "\\PC{0,60}") {
        kinds(&statement, &said);
    }
}
