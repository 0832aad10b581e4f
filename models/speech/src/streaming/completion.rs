//! The last run over speech: all of it is accounted for, by text, by what was set aside, or by saying that there is none.

use super::LiveEvent;
use super::agreement::beyond;
use super::lane::{LiveEngines, LiveLane, Speech};
use super::load::LoadLevel;
use crate::recognizer::{Effort, RecognizeError};
use crate::sound::Span;
use crate::transcript::{Suppressed, TranscriptSegment, Word};

/// Speech after the last word of a last run from which on the rest is recognized anew.
const TAIL_MS_MIN: i64 = 2500;
/// Less speech than this may well be no word.
const EMPTY_MS_MIN: i64 = 400;

impl LiveLane {
    /// Recognizes speech for the last time: all of it is accounted for.
    pub(super) fn complete(
        &mut self,
        speech: &Speech,
        end_ms: i64,
        confidence: f32,
        engines: &mut LiveEngines<'_>,
        events: &mut Vec<LiveEvent>,
    ) -> Result<(), RecognizeError> {
        let covers = Span::new(speech.covered_ms, end_ms);
        if self.level() == LoadLevel::Deferred {
            events.push(LiveEvent::Deferred { covers, error: None });
            return Ok(());
        }
        let segments = match self.recognize_to_the_end(speech, end_ms, engines) {
            Ok(segments) => segments,
            Err(RecognizeError::Aborted) => return Err(RecognizeError::Aborted),
            Err(error) => {
                let error = Some(error.to_string());
                events.push(LiveEvent::Deferred { covers, error });
                return Ok(());
            }
        };
        let span = Span::new(speech.start_ms, end_ms);
        let (mut standing, mut suppressed) = (Vec::new(), Vec::new());
        for segment in segments {
            match self.reason(&segment, span, confidence) {
                None => standing.push(segment),
                Some(reason) => suppressed.push(Suppressed { segment, reason }),
            }
        }
        self.account(standing, suppressed, covers, speech, events);
        Ok(())
    }

    /// One event covers the speech: the text if any stands, else what was set aside, else that there is none.
    fn account(
        &mut self,
        standing: Vec<TranscriptSegment>,
        suppressed: Vec<Suppressed>,
        covers: Span,
        speech: &Speech,
        events: &mut Vec<LiveEvent>,
    ) {
        let language = standing.last().and_then(|segment| segment.language.clone());
        let words: Vec<Word> = standing.into_iter().flat_map(|segment| segment.words).collect();
        let words = beyond(&speech.committed, words);
        let suppressed = beyond_committed(suppressed, &speech.committed);
        let mut uncovered = covers;
        if !words.is_empty() {
            let mut last = Speech::from(speech.start_ms, speech.covered_ms);
            self.commit(
                words,
                language,
                std::mem::replace(&mut uncovered, nothing(covers)),
                &mut last,
                events,
            );
        } else if suppressed.is_empty() && speech.committed.is_empty() {
            events.push(LiveEvent::Empty { covers });
            return;
        } else if suppressed.is_empty() {
            // Nothing new since the last words: they cover the pause up to the end.
            let covers = std::mem::replace(&mut uncovered, nothing(covers));
            events.push(LiveEvent::Committed {
                words: Vec::new(),
                language,
                covers,
            });
        }
        for suppressed in suppressed {
            let covers = std::mem::replace(&mut uncovered, nothing(covers));
            events.push(LiveEvent::Suppressed { suppressed, covers });
        }
    }

    /// The last run, asked twice where it gives nothing, and over the rest where it ends early.
    fn recognize_to_the_end(
        &mut self,
        speech: &Speech,
        end_ms: i64,
        engines: &mut LiveEngines<'_>,
    ) -> Result<Vec<TranscriptSegment>, RecognizeError> {
        let mut segments = Vec::new();
        let mut from_ms = speech.start_ms;
        loop {
            let span = Span::new(from_ms, end_ms);
            let mut found = self.recognize(span, Effort::Fitted, engines)?;
            if found.is_empty() && span.duration_ms() >= EMPTY_MS_MIN && speech.committed.is_empty() {
                found = self.recognize(span, Effort::Full, engines)?;
            }
            let heard_ms = found.iter().map(|segment| segment.span.end_ms).max();
            segments.extend(found);
            match heard_ms {
                Some(heard_ms) if end_ms - heard_ms >= TAIL_MS_MIN && heard_ms - from_ms >= 1000 => from_ms = heard_ms,
                _ => return Ok(segments),
            }
        }
    }
}

/// What was set aside, less what was committed before of the same sound.
fn beyond_committed(mut suppressed: Vec<Suppressed>, committed: &[Word]) -> Vec<Suppressed> {
    let committed_ms = committed.last().map_or(i64::MIN, |word| word.end_ms);
    for Suppressed { segment, .. } in &mut suppressed {
        segment
            .words
            .retain(|word| i64::midpoint(word.start_ms, word.end_ms) > committed_ms);
        if let Some(first) = segment.words.first() {
            segment.span.start_ms = first.start_ms;
        }
    }
    suppressed.retain(|suppressed| !suppressed.segment.words.is_empty());
    suppressed
}

/// No speech, at the end of `covers`.
fn nothing(covers: Span) -> Span {
    Span::new(covers.end_ms, covers.end_ms)
}
