//! One small meeting with minutes, for the tests of the writers.

use crate::{
    ActionItem, Coverage, Decision, DroppedStatement, DueDate, Language, MediaTime, Meeting, MeetingId, Minutes,
    OpenQuestion, Owner, Participant, PassageCoverage, PassageState, PersonId, Provenance, SpeakerLabel, Statement,
    StatementId, Support, TimeSpan, Topic, Transcript, Unsupported, UnsupportedKind, Utterance,
};

/// Three utterances, one of each part of the minutes, two actions.
pub(crate) fn meeting() -> (Meeting, Transcript, Minutes) {
    let mut meeting = Meeting::new(MeetingId::new("budget"), "Budget *2027*");
    meeting.started_at = Some("2026-11-23T09:00:00Z".parse().unwrap());
    meeting.language = Some(Language::ENGLISH);
    for (name, email) in [("Ann Lee", Some("ann@example.org")), ("Bob", None)] {
        let mut participant = Participant::from_speaker(SpeakerLabel::new(name));
        participant.email = email.map(str::to_owned);
        participant.person = PersonId::from_contact(name, email);
        meeting.participants.push(participant);
    }
    let said = [
        ("Ann Lee", 0, "We keep the budget at 12,000 euros."),
        ("Bob", 4200, "I send the <new> plan by Friday."),
        ("Ann Lee", 3_725_000, "And who pays for the _room_?"),
    ];
    let mut transcript = Transcript::default();
    for (position, (name, start, text)) in said.into_iter().enumerate() {
        let mut utterance = Utterance::new(Utterance::id_at(position), text);
        utterance.speaker = Some(SpeakerLabel::new(name));
        utterance.span = Some(TimeSpan::new(MediaTime(start), MediaTime(start + 3500)));
        transcript.utterances.push(utterance);
    }
    (meeting, transcript, minutes())
}

fn statement(id: &str, text: &str, evidence: &[usize]) -> Statement {
    Statement {
        id: StatementId::new(id),
        text: text.to_owned(),
        evidence: evidence.iter().map(|&position| Utterance::id_at(position)).collect(),
        support: Support::Proven,
    }
}

fn minutes() -> Minutes {
    let mut marked = statement("s1", "The budget of 13,000 euros was discussed.", &[0]);
    marked.support = Support::Marked(vec![Unsupported {
        kind: UnsupportedKind::Number,
        text: "13,000".to_owned(),
    }]);
    Minutes {
        language: Language::ENGLISH,
        abstract_: vec![marked],
        topics: vec![Topic {
            title: "Budget".to_owned(),
            first: Utterance::id_at(0),
            last: Utterance::id_at(2),
            span: Some(TimeSpan::new(MediaTime(0), MediaTime(3_728_500))),
            statements: vec![statement("t1", "The plan comes on Friday.", &[1])],
        }],
        decisions: vec![Decision {
            statement: statement("d1", "The budget stays at 12,000 euros.", &[0]),
        }],
        actions: vec![
            ActionItem {
                statement: statement("a1", "Send the new plan.", &[1]),
                owner: Some(Owner {
                    person: PersonId::new("bob"),
                    name: "Bob".to_owned(),
                }),
                due: Some(DueDate {
                    text: "by Friday".to_owned(),
                    date: Some("2026-11-27".parse().unwrap()),
                }),
            },
            ActionItem {
                statement: statement("a2", "Ask who pays for the room.", &[2]),
                owner: Some(Owner {
                    person: PersonId::new("ann@example.org"),
                    name: "Ann Lee".to_owned(),
                }),
                due: None,
            },
        ],
        questions: vec![OpenQuestion {
            statement: statement("q1", "Who pays for the room?", &[2]),
        }],
        coverage: Coverage {
            passages: vec![
                PassageCoverage {
                    first: Utterance::id_at(0),
                    last: Utterance::id_at(1),
                    utterances: 2,
                    state: PassageState::Covered,
                },
                PassageCoverage {
                    first: Utterance::id_at(2),
                    last: Utterance::id_at(2),
                    utterances: 1,
                    state: PassageState::Failed("too long".to_owned()),
                },
            ],
            utterances: 3,
            cited: 3,
        },
        dropped: vec![DroppedStatement {
            text: "Eve agreed.".to_owned(),
            unsupported: vec![Unsupported {
                kind: UnsupportedKind::Name,
                text: "Eve".to_owned(),
            }],
        }],
        provenance: Provenance {
            engine: "extractive".to_owned(),
            ..Provenance::default()
        },
    }
}
