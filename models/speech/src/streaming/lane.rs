//! The lane's state: speech gathered, words committed, and what the last run heard beyond them.

use std::time::{Duration, Instant};

use super::agreement::{agreed, beyond};
use super::load::{LoadControl, LoadLevel};
use super::{LiveEvent, LiveOptions};
use crate::guards::{SpeechEvidence, reason_against};
use crate::recognizer::{Effort, RecognizeError, Recognizer, Window};
use crate::sound::Span;
use crate::transcript::{TranscriptSegment, Word, text_of};
use crate::transcription::{LaneBuffer, ends_sentence};
use crate::voice_activity::{SpeechDetector, SpeechEvent};

/// Sound before the begin of speech that is recognized with it.
const LEAD_MS: i64 = 100;
/// Sound kept before what is undecided.
const KEPT_MS: i64 = 2000;
/// Speech that fills the buffer is cut at the quietest moment after this share of it.
const CUT_FROM: f64 = 0.6;
/// Letters of what was committed that are given as context.
const CONTEXT_LETTERS_MAX: usize = 200;

/// The recognizers at hand; lanes share them.
pub struct LiveEngines<'a> {
    /// The model that was chosen.
    pub chosen: &'a mut dyn Recognizer,
    /// A smaller one, for when the first is too slow.
    pub smaller: Option<&'a mut dyn Recognizer>,
}

/// One lane, followed live.
pub struct LiveLane {
    detector: SpeechDetector,
    options: LiveOptions,
    load: Option<LoadControl>,
    buffer: LaneBuffer,
    taken: Option<Speech>,
    /// What was committed last, as context.
    context: String,
    /// What the last run over speech that lasts took.
    run_took: Duration,
    language: Option<String>,
}

/// Speech that lasts, from where it is still recognized.
pub(super) struct Speech {
    pub(super) start_ms: i64,
    /// Up to where it is accounted for.
    pub(super) covered_ms: i64,
    /// Committed words since `start_ms`.
    pub(super) committed: Vec<Word>,
    /// What the last run heard beyond them.
    heard: Vec<Word>,
    run_ms: i64,
}

impl Speech {
    pub(super) fn from(start_ms: i64, covered_ms: i64) -> Self {
        Self {
            start_ms,
            covered_ms,
            committed: Vec::new(),
            heard: Vec::new(),
            run_ms: start_ms,
        }
    }
}

impl LiveLane {
    /// A lane at its begin.
    pub fn new(detector: SpeechDetector, options: LiveOptions) -> Self {
        Self {
            detector,
            language: options.language.clone(),
            options,
            load: None,
            buffer: LaneBuffer::default(),
            taken: None,
            context: String::new(),
            run_took: Duration::ZERO,
        }
    }

    /// Takes the next samples, of some tenths of a second, and appends what became known. `backlog_ms` is how much sound
    /// waits behind them.
    ///
    /// # Errors
    /// When the recognizer was told to stop. When it fails, that is an event.
    pub fn push(
        &mut self,
        samples: &[f32],
        backlog_ms: i64,
        engines: &mut LiveEngines<'_>,
        events: &mut Vec<LiveEvent>,
    ) -> Result<(), RecognizeError> {
        self.buffer.push(samples);
        let backlog_ms_max = self.options.backlog_ms_max;
        let load = self
            .load
            .get_or_insert_with(|| LoadControl::new(backlog_ms_max, engines.smaller.is_some()));
        if let Some(level) = load.update(self.buffer.end_ms(), backlog_ms) {
            events.push(LiveEvent::Lag { backlog_ms, level });
        }
        let mut speech_events = Vec::new();
        self.detector.push(samples, &mut speech_events);
        self.take(&speech_events, engines, events)?;
        self.follow(engines, events)?;
        let needed_ms = self.taken.as_ref().map_or(i64::MAX, |speech| speech.start_ms);
        self.buffer
            .forget(self.detector.undecided_from_ms().min(needed_ms) - KEPT_MS);
        Ok(())
    }

    /// Ends the lane: all that was heard is accounted for.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(&mut self, engines: &mut LiveEngines<'_>, events: &mut Vec<LiveEvent>) -> Result<(), RecognizeError> {
        let mut speech_events = Vec::new();
        self.detector.finish(&mut speech_events);
        self.take(&speech_events, engines, events)
    }

    /// Length of the sound held in memory: the buffer and some seconds, however long the lane.
    pub fn held_ms(&self) -> i64 {
        self.buffer.held_ms()
    }

    fn take(
        &mut self,
        speech_events: &[SpeechEvent],
        engines: &mut LiveEngines<'_>,
        events: &mut Vec<LiveEvent>,
    ) -> Result<(), RecognizeError> {
        for event in speech_events {
            match *event {
                SpeechEvent::Started { start_ms } => {
                    self.taken = Some(Speech::from((start_ms - LEAD_MS).max(0), start_ms));
                }
                SpeechEvent::Ended { span, confidence } => {
                    self.cut_to_buffer(span.end_ms, confidence, engines, events)?;
                    if let Some(speech) = self.taken.take() {
                        self.complete(&speech, span.end_ms, confidence, engines, events)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Speech that lasts: cut where it fills the buffer, recognized where enough has come.
    fn follow(&mut self, engines: &mut LiveEngines<'_>, events: &mut Vec<LiveEvent>) -> Result<(), RecognizeError> {
        let now_ms = self.detector.decided_ms();
        self.cut_to_buffer(now_ms, 1.0, engines, events)?;
        let Some(mut speech) = self.taken.take() else {
            return Ok(());
        };
        let mut result = Ok(());
        let step_ms = self
            .options
            .step_ms
            .max((self.run_took * self.options.step_by_run).as_millis() as i64);
        if self.level() == LoadLevel::Normal && now_ms - speech.run_ms >= step_ms {
            result = self.run(&mut speech, now_ms, engines, events);
        }
        self.taken = Some(speech);
        result
    }

    /// Recognizes speech that lasts and commits what two runs agree on.
    fn run(
        &mut self,
        speech: &mut Speech,
        now_ms: i64,
        engines: &mut LiveEngines<'_>,
        events: &mut Vec<LiveEvent>,
    ) -> Result<(), RecognizeError> {
        speech.run_ms = now_ms;
        let span = Span::new(speech.start_ms, now_ms);
        let began = Instant::now();
        let recognized = self.recognize(span, Effort::Quick, engines);
        self.run_took = began.elapsed();
        let segments = match recognized {
            Ok(segments) => segments,
            Err(RecognizeError::Aborted) => return Err(RecognizeError::Aborted),
            Err(_) => return Ok(()), // the last run over this speech will say so
        };
        let trusted = segments.iter().all(|segment| self.reason(segment, span, 1.0).is_none());
        let words: Vec<Word> = segments.iter().flat_map(|segment| segment.words.clone()).collect();
        let words = beyond(&speech.committed, words);
        let settled = agreed(&speech.heard, &words);
        let count = settled
            .iter()
            .take_while(|word| trusted && word.end_ms <= now_ms - self.options.end_margin_ms)
            .count();
        let mut words = words;
        let rest = words.split_off(count);
        if let Some(last) = words.last() {
            let covers = Span::new(speech.covered_ms, last.end_ms.max(speech.covered_ms));
            let language = segments.last().and_then(|segment| segment.language.clone());
            self.commit(words, language, covers, speech, events);
        }
        events.push(LiveEvent::Partial { words: rest.clone() });
        speech.heard = rest;
        trim_to_sentence(speech);
        Ok(())
    }

    /// Speech longer than the buffer: completed up to the quietest moment, and followed from there.
    fn cut_to_buffer(
        &mut self,
        until_ms: i64,
        confidence: f32,
        engines: &mut LiveEngines<'_>,
        events: &mut Vec<LiveEvent>,
    ) -> Result<(), RecognizeError> {
        let buffer_ms_max = self.options.buffer_ms_max.min(engines.chosen.traits().window_ms_max);
        while let Some(speech) = self.taken.take_if(|speech| until_ms - speech.start_ms > buffer_ms_max) {
            let from_ms = speech.start_ms + (buffer_ms_max as f64 * CUT_FROM) as i64;
            let cut_ms = self
                .buffer
                .quietest_ms(Span::new(from_ms, speech.start_ms + buffer_ms_max))
                .max(speech.covered_ms);
            self.taken = Some(Speech::from(cut_ms, cut_ms));
            self.complete(&speech, cut_ms, confidence, engines, events)?;
        }
        Ok(())
    }

    pub(super) fn recognize(
        &mut self,
        span: Span,
        effort: Effort,
        engines: &mut LiveEngines<'_>,
    ) -> Result<Vec<TranscriptSegment>, RecognizeError> {
        let level = self.level();
        let engine: &mut dyn Recognizer = match &mut engines.smaller {
            Some(smaller) if level == LoadLevel::SmallerModel => &mut **smaller,
            _ => &mut *engines.chosen,
        };
        let window = Window {
            samples: self.buffer.get(span),
            language: self.language.as_deref(),
            vocabulary: &self.options.vocabulary,
            context: &self.context,
            effort,
        };
        let segments = engine.recognize(&window)?;
        Ok(segments
            .into_iter()
            .map(|segment| segment.shifted(span.start_ms))
            .collect())
    }

    pub(super) fn reason(
        &self,
        segment: &TranscriptSegment,
        speech: Span,
        confidence: f32,
    ) -> Option<crate::transcript::SuppressionReason> {
        let evidence = SpeechEvidence {
            spans: &[speech],
            confidences: &[confidence],
        };
        reason_against(segment, evidence, &self.options.guards)
    }

    /// Words are in order of time: what is committed later does not begin before what is committed.
    pub(super) fn commit(
        &mut self,
        mut words: Vec<Word>,
        language: Option<String>,
        covers: Span,
        speech: &mut Speech,
        events: &mut Vec<LiveEvent>,
    ) {
        let mut from_ms = speech.covered_ms;
        for word in &mut words {
            word.start_ms = word.start_ms.clamp(from_ms, covers.end_ms);
            word.end_ms = word.end_ms.clamp(word.start_ms, covers.end_ms);
            from_ms = word.end_ms;
        }
        self.context.push(' ');
        self.context.push_str(&text_of(&words));
        let skip = self.context.chars().count().saturating_sub(CONTEXT_LETTERS_MAX);
        self.context = self.context.chars().skip(skip).collect();
        self.language = language.clone().or_else(|| self.language.take());
        speech.covered_ms = covers.end_ms;
        speech.committed.extend(words.iter().cloned());
        events.push(LiveEvent::Committed {
            words,
            language,
            covers,
        });
    }

    pub(super) fn level(&self) -> LoadLevel {
        self.load.as_ref().map_or(LoadLevel::Normal, LoadControl::level)
    }
}

/// Sentences that are committed need not be recognized again.
fn trim_to_sentence(speech: &mut Speech) {
    let ended = speech.committed.iter().rposition(|word| ends_sentence(&word.text));
    if let Some(at) = ended {
        speech.start_ms = speech.start_ms.max(speech.committed[at].end_ms);
        speech.committed.drain(..=at);
    }
}
