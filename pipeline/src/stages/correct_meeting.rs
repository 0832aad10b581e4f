//! Corrections by hand: who a speaker is, what was said, what had been suppressed. Each makes new versions of what it
//! changes; the minutes are made again, and actions that were done stay done. For `greffier restore` and the server.

use anyhow::Context as _;
use datasets::library::LibraryWriter;
use datasets::{Meeting, Participant, PersonId, SpeakerLabel, Transcript, UtteranceId};
use minuting::engine::MinutesOptions;

use super::make_minutes::make_minutes;

/// What is corrected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Correction {
    /// Who speaks under a label, everywhere in the meeting.
    Speaker {
        /// As it stands in the transcript.
        label: SpeakerLabel,
        /// The person's name.
        name: String,
        /// The person's mail address, where known.
        email: Option<String>,
    },
    /// One utterance; what is `None` stays.
    Utterance {
        /// Which.
        id: UtteranceId,
        /// What was said.
        text: Option<String>,
        /// Who said it.
        speaker: Option<SpeakerLabel>,
    },
    /// What was suppressed was said after all.
    Restore {
        /// Places in the list of what is suppressed, from 0.
        positions: Vec<usize>,
    },
}

/// What cannot be corrected, because the meeting does not hold it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorrectionError {
    /// Nobody speaks under the label.
    #[error("nobody speaks as `{label}`")]
    NoSuchSpeaker {
        /// What was asked for.
        label: SpeakerLabel,
    },
    /// No utterance of that id.
    #[error("there is no utterance `{id}`")]
    NoSuchUtterance {
        /// What was asked for.
        id: UtteranceId,
    },
    /// So much was not suppressed.
    #[error("there is no suppressed stretch {position}, counted from 0, of {count}")]
    NoSuchPassage {
        /// What was asked for.
        position: usize,
        /// How many there are.
        count: usize,
    },
}

/// Applies a correction to the records of a meeting.
///
/// # Errors
/// When the meeting holds nothing of that name; nothing was changed then.
pub fn correct(
    meeting: &mut Meeting,
    transcript: &mut Transcript,
    correction: &Correction,
) -> Result<(), CorrectionError> {
    match correction {
        Correction::Speaker { label, name, email } => name_speaker(meeting, transcript, label, name, email.as_deref()),
        Correction::Utterance { id, text, speaker } => {
            correct_utterance(meeting, transcript, id, text.as_deref(), speaker.as_ref())
        }
        Correction::Restore { positions } => restore(transcript, positions),
    }
}

/// Writes what a correction changed: transcript, minutes where there are any, and last the record.
///
/// # Errors
/// When an artifact cannot be read or written.
pub fn keep_correction(
    library: &LibraryWriter,
    meeting: &Meeting,
    transcript: &Transcript,
    options: &MinutesOptions,
) -> anyhow::Result<()> {
    let (id, reader) = (&meeting.id, library.library());
    let minutes = match reader.minutes(id)? {
        Some(before) => {
            let options = MinutesOptions {
                language: options.language.or(Some(before.language)),
                ..options.clone()
            };
            let made = make_minutes(meeting, transcript, &options);
            Some(made.with_context(|| format!("making the minutes of `{id}`"))?)
        }
        None => None,
    };
    if reader.transcript(id)?.as_ref() != Some(transcript) {
        library.put_transcript(id, transcript)?;
    }
    if let Some(minutes) = minutes {
        library.put_minutes(id, &minutes)?;
    }
    if reader.meeting(id)? != *meeting {
        library.put_meeting(meeting)?;
    }
    Ok(())
}

fn name_speaker(
    meeting: &mut Meeting,
    transcript: &Transcript,
    label: &SpeakerLabel,
    name: &str,
    email: Option<&str>,
) -> Result<(), CorrectionError> {
    let unknown = || CorrectionError::NoSuchSpeaker { label: label.clone() };
    let person = PersonId::from_contact(name, email);
    let speaks = transcript.speakers().contains(&label);
    let of_label = meeting
        .participants
        .iter()
        .position(|one| one.speaker.as_ref() == Some(label));
    let participant = match of_label {
        Some(position) => &mut meeting.participants[position],
        None if speaks => {
            meeting.participants.push(Participant::from_speaker(label.clone()));
            meeting.participants.last_mut().ok_or_else(unknown)?
        }
        None => return Err(unknown()),
    };
    participant.person = person.clone();
    participant.name = name.to_owned();
    participant.email = email.map(str::to_owned);
    // Somebody who was invited and is now known to have spoken is one participant, not two.
    meeting
        .participants
        .retain(|other| other.speaker.is_some() || other.person != person);
    Ok(())
}

fn correct_utterance(
    meeting: &mut Meeting,
    transcript: &mut Transcript,
    id: &UtteranceId,
    text: Option<&str>,
    speaker: Option<&SpeakerLabel>,
) -> Result<(), CorrectionError> {
    let position = transcript.utterances.iter().position(|utterance| utterance.id == *id);
    let Some(position) = position else {
        return Err(CorrectionError::NoSuchUtterance { id: id.clone() });
    };
    let utterance = &mut transcript.utterances[position];
    if let Some(text) = text.filter(|text| *text != utterance.text) {
        utterance.text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // The times of words belong to the words that were there.
        utterance.words.clear();
    }
    if let Some(speaker) = speaker {
        utterance.speaker = Some(speaker.clone());
        if meeting.participant_speaking_as(speaker).is_none() {
            meeting.participants.push(Participant::from_speaker(speaker.clone()));
        }
    }
    Ok(())
}

fn restore(transcript: &mut Transcript, positions: &[usize]) -> Result<(), CorrectionError> {
    let count = transcript.suppressed.len();
    if let Some(&position) = positions.iter().find(|position| **position >= count) {
        return Err(CorrectionError::NoSuchPassage { position, count });
    }
    *transcript = transcript.with_restored(positions);
    Ok(())
}

#[cfg(test)]
mod tests {
    use datasets::{MediaTime, MeetingId, SuppressedSpan, SuppressionReason, TimeSpan, Utterance};

    use super::*;

    fn records() -> (Meeting, Transcript) {
        let label = SpeakerLabel::new("Speaker 1");
        let mut meeting = Meeting::new(MeetingId::new("weekly"), "Weekly");
        meeting.participants = vec![Participant::from_speaker(label.clone())];
        let mut utterances: Vec<Utterance> = ["We ship on Monday.", "Fine."]
            .into_iter()
            .enumerate()
            .map(|(position, text)| Utterance::new(Utterance::id_at(position), text))
            .collect();
        for (start, utterance) in (0..).step_by(2000).zip(&mut utterances) {
            utterance.speaker = Some(label.clone());
            utterance.span = Some(TimeSpan::new(MediaTime(start), MediaTime(start + 1000)));
        }
        let transcript = Transcript {
            utterances,
            suppressed: vec![SuppressedSpan {
                span: TimeSpan::new(MediaTime(1000), MediaTime(2000)),
                speaker: None,
                text: "Thank you.".to_owned(),
                reason: SuppressionReason::Boilerplate,
            }],
            ..Transcript::default()
        };
        (meeting, transcript)
    }

    #[test]
    fn a_speaker_is_named_once_for_all_utterances() {
        let (mut meeting, mut transcript) = records();
        let rename = Correction::Speaker {
            label: SpeakerLabel::new("Speaker 1"),
            name: "Ann Lee".to_owned(),
            email: Some("ann@example.org".to_owned()),
        };
        correct(&mut meeting, &mut transcript, &rename).unwrap();
        let label = transcript.utterances[0].speaker.clone().unwrap();
        assert_eq!(meeting.speaker_name(&label), "Ann Lee");
        assert_eq!(meeting.participants[0].person, PersonId::new("ann@example.org"));
        let nobody = Correction::Speaker {
            label: SpeakerLabel::new("Speaker 9"),
            name: "Bob".to_owned(),
            email: None,
        };
        assert!(correct(&mut meeting, &mut transcript, &nobody).is_err());
    }

    #[test]
    fn a_restored_passage_stands_in_its_time_under_an_id_of_its_own() {
        let (mut meeting, mut transcript) = records();
        correct(
            &mut meeting,
            &mut transcript,
            &Correction::Restore { positions: vec![0] },
        )
        .unwrap();
        let texts: Vec<&str> = transcript
            .utterances
            .iter()
            .map(|utterance| utterance.text.as_str())
            .collect();
        assert_eq!(texts, ["We ship on Monday.", "Thank you.", "Fine."]);
        assert_eq!(transcript.utterances[1].id, Utterance::id_at(2));
        assert!(transcript.suppressed.is_empty());
        assert!(
            correct(
                &mut meeting,
                &mut transcript,
                &Correction::Restore { positions: vec![0] }
            )
            .is_err()
        );
    }
}
