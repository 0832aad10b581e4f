//! What a live meeting has come to so far: the minutes of what was said, and what in the library matters to what was said
//! of late. Made once in a while, off the threads that hear and those that serve.

use std::time::{Duration, Instant};

use datasets::formats::MeetingRead;
use datasets::{Language, PersonId, SpeakerLabel, TimeSpan, Transcript, Utterance};
use index::RecommendRequest;
use speech::sound::Span;

use super::event_log::Notice;
use super::session::LiveSession;
use crate::live::LiveMessage;
use crate::service::Service;
use crate::stages::make_minutes::make_minutes;
use crate::stages::read_context::context_of_talk;
use crate::stages::read_transcript::complete_recording;
use crate::stages::transcribe::span;

/// New words after which there may be something new to say, once this time has passed.
const WORDS_MIN: usize = 25;
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// With fewer it is said after this time.
const PAUSE_MAX: Duration = Duration::from_secs(20);
/// Recommendations of each kind.
const LIMIT: usize = 3;

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Talk {
    utterances: Vec<Utterance>,
    words: usize,
    /// How many words there were when advice was given last, and when that was.
    advised: Option<(usize, Instant)>,
}

impl Talk {
    pub(super) fn hear(&mut self, message: &LiveMessage) {
        let LiveMessage::Committed {
            at,
            utterance: Some(id),
            text,
            language,
            ..
        } = message
        else {
            return;
        };
        self.words += text.split_whitespace().count();
        let said = span(Span::new(at.start_ms, at.end_ms));
        // What goes on is among the last, one for each lane.
        if let Some(open) = self.utterances.iter_mut().rev().find(|open| open.id == *id) {
            open.text.push(' ');
            open.text.push_str(text);
            open.span = open.span.map(|before| TimeSpan {
                end: said.end,
                ..before
            });
            return;
        }
        self.utterances.push(Utterance {
            speaker: at.speaker.as_ref().map(SpeakerLabel::new),
            span: Some(said),
            language: language.as_deref().and_then(|code| code.parse::<Language>().ok()),
            ..Utterance::new(id.clone(), text.clone())
        });
    }

    pub(super) fn is_advice_due(&self) -> bool {
        match self.advised {
            None => self.words >= WORDS_MIN,
            Some((words, at)) => {
                let new = self.words - words;
                (new >= WORDS_MIN && at.elapsed() >= PAUSE_MIN) || (new > 0 && at.elapsed() >= PAUSE_MAX)
            }
        }
    }

    /// All of it in order of time, noted as known; `None` where nothing was said since that was asked last.
    fn news(&mut self) -> Option<Transcript> {
        if self.words == self.advised.map_or(0, |(words, _)| words) {
            return None;
        }
        self.advised = Some((self.words, Instant::now()));
        let mut utterances = self.utterances.clone();
        utterances.sort_by_key(|utterance| utterance.span.map(|span| (span.start, span.end)));
        Some(Transcript {
            utterances,
            ..Transcript::default()
        })
    }
}

/// Makes minutes and recommendations of what was said so far, and tells them.
pub(super) fn advise(service: &Service, session: &LiveSession) {
    let Some(transcript) = session.talk().news() else {
        return;
    };
    let text: Vec<&str> = transcript.utterances.iter().map(|one| one.text.as_str()).collect();
    let text = text.join("\n");
    let mut read = MeetingRead {
        meeting: session.meeting.clone(),
        transcript,
    };
    complete_recording(&mut read, &session.facts, "");
    match make_minutes(&read.meeting, &read.transcript, &session.minutes) {
        Ok(minutes) => session.log.push(Notice::Minutes(Box::new(minutes))),
        Err(error) => tracing::warn!(error = format!("{error:#}"), "no rolling minutes of a live meeting"),
    }
    let people = read.meeting.participants.iter();
    let people = people.map(|participant| participant.person.clone()).collect();
    match recommend(service, session, &text, people) {
        Ok(found) => session.log.push(Notice::Recommendations(found)),
        Err(error) => tracing::warn!(error = format!("{error:#}"), "no recommendations for a live meeting"),
    }
}

fn recommend(
    service: &Service,
    session: &LiveSession,
    text: &str,
    people: Vec<PersonId>,
) -> anyhow::Result<Vec<index::Recommendation>> {
    let mut context = context_of_talk(text, people, Some(session.id().clone()));
    context.series = session.meeting.series.clone();
    context.vectors = service.holdings().embed(&context.texts)?;
    Ok(service.index.recommend(&RecommendRequest {
        context,
        viewer: session.viewer(),
        limit: LIMIT,
    })?)
}

#[cfg(test)]
mod tests {
    use datasets::UtteranceId;

    use super::*;
    use crate::live::At;

    fn said(talk: &mut Talk, id: &str, text: &str, start_ms: i64, end_ms: i64) {
        talk.hear(&LiveMessage::Committed {
            at: At {
                lane: 0,
                speaker: Some("Ann".to_owned()),
                start_ms,
                end_ms,
                lag_ms: 0,
            },
            utterance: Some(UtteranceId::new(id)),
            text: text.to_owned(),
            words: Vec::new(),
            language: Some("en".to_owned()),
            covers: Span::new(start_ms, end_ms),
        });
    }

    #[test]
    fn utterances_grow_and_are_told_in_order_of_time_when_there_is_news() {
        let mut talk = Talk::default();
        assert!(talk.news().is_none());
        said(&mut talk, "u1", "we ship", 500, 900);
        said(&mut talk, "u2", "yes", 100, 300);
        said(&mut talk, "u1", "on Monday", 900, 1500);
        let told = talk.news().unwrap().utterances;
        let texts: Vec<_> = told.iter().map(|one| (one.id.as_str(), one.text.as_str())).collect();
        assert_eq!(texts, [("u2", "yes"), ("u1", "we ship on Monday")]);
        assert_eq!(told[1].span, Some(span(Span::new(500, 1500))));
        assert!(talk.news().is_none() && !talk.is_advice_due());
        said(&mut talk, "u3", &"word ".repeat(WORDS_MIN), 2000, 9000);
        assert!(!talk.is_advice_due(), "too soon");
        assert!(talk.news().is_some());
    }
}
