//! A lane as it comes: speech is found, windows are filled, recognized and judged.

use crate::guards::{SpeechEvidence, divide};
use crate::recognizer::{Effort, RecognizeError, Recognizer, Window};
use crate::sound::Span;
use crate::transcript::{TranscriptSegment, text_of};
use crate::voice_activity::{SpeechDetector, SpeechEvent};

use super::windows::{PAUSE_MS_MAX, WindowPlan};
use super::{LaneBuffer, RecognizedWindow, TranscribeOptions};

/// A window that is too long is cut at the quietest moment after this share of what may be.
const CUT_FROM: f64 = 0.6;
/// How far apart the speech of a window may lie where each window costs the same, however short.
const APART_MS_MAX: i64 = 5000;
/// Speech after the last word from which on the rest of a window is recognized anew: a recognizer may stop early.
const TAIL_MS_MIN: i64 = 2500;
/// Less speech than this may well be no word.
const EMPTY_MS_MIN: i64 = 400;
/// Sound beyond both ends that is added where a window gave no text.
const RETRY_MARGIN_MS: i64 = 600;
/// What was said longer ago is no context.
const CONTEXT_AGE_MS_MAX: i64 = 20_000;
/// Letters of context given.
const CONTEXT_LETTERS_MAX: usize = 200;
/// Sound kept before the undecided, for what may yet be added to a window.
const KEPT_MS: i64 = 2000;

/// A lane cannot be transcribed further.
#[derive(Debug, thiserror::Error)]
#[error("the window from {} to {} ms of the lane was not recognized", span.start_ms, span.end_ms)]
pub struct TranscribeError {
    /// Which part.
    pub span: Span,
    /// Why.
    pub source: RecognizeError,
}

/// Transcribes one lane, pushed in pieces of any length. After an error it cannot go on; a new one can, with the windows
/// that are done.
pub struct LaneTranscriber<'a> {
    detector: SpeechDetector,
    recognizer: &'a mut dyn Recognizer,
    options: TranscribeOptions,
    buffer: LaneBuffer,
    events: Vec<SpeechEvent>,
    plan: WindowPlan,
    /// Speech of the plan and its confidence; of what is cut from long speech, that is one.
    evidence: Vec<(Span, f32)>,
    /// Up to where the speech that lasts was taken into windows.
    taken_ms: i64,
    finished: Vec<RecognizedWindow>,
    language: Option<String>,
    context: Option<(i64, String)>,
    done_ms: i64,
}

impl<'a> LaneTranscriber<'a> {
    /// A lane at its begin. `finished` are the windows of an earlier run over the same lane with the same options, if it
    /// was stopped: they are not recognized again.
    pub fn new(
        detector: SpeechDetector,
        recognizer: &'a mut dyn Recognizer,
        options: TranscribeOptions,
        finished: Vec<RecognizedWindow>,
    ) -> Self {
        Self {
            language: options.language.clone(),
            detector,
            recognizer,
            options,
            buffer: LaneBuffer::default(),
            events: Vec::new(),
            plan: WindowPlan::default(),
            evidence: Vec::new(),
            taken_ms: 0,
            finished,
            context: None,
            done_ms: 0,
        }
    }

    /// Takes the next samples and appends the windows that are done with them.
    ///
    /// # Errors
    /// When the recognizer is stopped or fails; windows already appended stay valid.
    pub fn push(&mut self, samples: &[f32], windows: &mut Vec<RecognizedWindow>) -> Result<(), TranscribeError> {
        self.buffer.push(samples);
        let mut events = std::mem::take(&mut self.events);
        self.detector.push(samples, &mut events);
        let result = self.take(&events, windows);
        events.clear();
        self.events = events;
        result?;
        self.cut_lasting_speech(windows)?;
        self.complete_what_stays(windows)?;
        let open_ms = self.detector.open_speech().map(|open| open.start_ms.max(self.taken_ms));
        let needed = [Some(self.detector.undecided_from_ms()), self.plan.start_ms(), open_ms];
        let needed_ms = needed.into_iter().flatten().min().unwrap_or(0);
        self.buffer.forget(needed_ms - KEPT_MS);
        Ok(())
    }

    /// Ends the lane.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(&mut self, windows: &mut Vec<RecognizedWindow>) -> Result<(), TranscribeError> {
        let mut events = Vec::new();
        self.detector.finish(&mut events);
        self.take(&events, windows)?;
        self.complete(windows)?;
        self.done_ms = self.buffer.end_ms();
        Ok(())
    }

    /// Up to where all speech is in windows that are done.
    pub fn done_ms(&self) -> i64 {
        self.done_ms
    }

    /// Length of the sound held in memory: a window and some seconds, however long the lane.
    pub fn held_ms(&self) -> i64 {
        self.buffer.held_ms()
    }

    fn take(&mut self, events: &[SpeechEvent], windows: &mut Vec<RecognizedWindow>) -> Result<(), TranscribeError> {
        for event in events {
            if let SpeechEvent::Ended { span, confidence } = *event {
                let rest = Span::new(span.start_ms.max(self.taken_ms), span.end_ms);
                self.add(rest, confidence, windows)?;
            }
        }
        Ok(())
    }

    /// Adds speech to the window, in parts if it is too long for one.
    fn add(
        &mut self,
        mut speech: Span,
        confidence: f32,
        windows: &mut Vec<RecognizedWindow>,
    ) -> Result<(), TranscribeError> {
        let window_ms_max = self.recognizer.traits().window_ms_max;
        while speech.duration_ms() > window_ms_max {
            speech.start_ms = self.cut_off(speech.start_ms, windows)?;
        }
        if !self.plan.has_room_for(speech, window_ms_max, self.apart_ms_max()) {
            self.complete(windows)?;
        }
        if speech.duration_ms() > 0 {
            self.plan.add(speech);
            self.evidence.push((speech, confidence));
        }
        self.taken_ms = self.taken_ms.max(speech.end_ms);
        Ok(())
    }

    /// Speech that lasts longer than a window is not waited for. What is cut is the same as if it were: cut is only what
    /// is speech for certain, not the pause after it that is still open.
    fn cut_lasting_speech(&mut self, windows: &mut Vec<RecognizedWindow>) -> Result<(), TranscribeError> {
        let window_ms_max = self.recognizer.traits().window_ms_max;
        while let Some(open) = self.detector.open_speech() {
            let start_ms = open.start_ms.max(self.taken_ms);
            if open.end_ms - start_ms <= window_ms_max {
                break;
            }
            self.cut_off(start_ms, windows)?;
        }
        Ok(())
    }

    /// Makes a window of the begin of speech that is too long for one, and gives where the rest begins.
    fn cut_off(&mut self, start_ms: i64, windows: &mut Vec<RecognizedWindow>) -> Result<i64, TranscribeError> {
        self.complete(windows)?;
        let window_ms_max = self.recognizer.traits().window_ms_max;
        let from_ms = start_ms + (window_ms_max as f64 * CUT_FROM) as i64;
        let cut_ms = self.buffer.quietest_ms(Span::new(from_ms, start_ms + window_ms_max));
        let speech = Span::new(start_ms, cut_ms);
        self.plan.add(speech);
        self.evidence.push((speech, 1.0));
        self.taken_ms = cut_ms;
        self.complete(windows)?;
        Ok(cut_ms)
    }

    /// A window to which nothing that comes can belong is not kept waiting.
    fn complete_what_stays(&mut self, windows: &mut Vec<RecognizedWindow>) -> Result<(), TranscribeError> {
        let next_ms = self
            .detector
            .open_speech()
            .map_or(self.detector.undecided_from_ms(), |open| open.start_ms);
        match self.plan.end_ms() {
            Some(end_ms) if next_ms - end_ms > self.apart_ms_max() => self.complete(windows),
            _ => Ok(()),
        }
    }

    fn apart_ms_max(&self) -> i64 {
        let same_cost = self.options.effort == Effort::Full && self.recognizer.traits().padded;
        if same_cost { APART_MS_MAX } else { PAUSE_MS_MAX }
    }

    /// Recognizes the window, if there is any speech in it.
    fn complete(&mut self, windows: &mut Vec<RecognizedWindow>) -> Result<(), TranscribeError> {
        let plan = std::mem::take(&mut self.plan);
        let evidence = std::mem::take(&mut self.evidence);
        let (Some(first), Some(last)) = (plan.pieces.first(), plan.pieces.last()) else {
            return Ok(());
        };
        let span = Span::new(first.start_ms, last.end_ms);
        let known = self.finished.iter().position(|window| window.pieces == plan.pieces);
        let window = match known {
            Some(at) => self.finished.swap_remove(at),
            None => self
                .recognize(&plan, &evidence)
                .map_err(|source| TranscribeError { span, source })?,
        };
        self.learn_from(&window, span);
        self.done_ms = span.end_ms;
        windows.push(window);
        Ok(())
    }

    fn recognize(&mut self, plan: &WindowPlan, evidence: &[(Span, f32)]) -> Result<RecognizedWindow, RecognizeError> {
        let mut segments = Vec::new();
        let mut empty = Vec::new();
        let mut rest = plan.clone();
        loop {
            let found = self.recognize_twice(&rest)?;
            if found.is_empty() {
                empty.extend(rest.pieces.iter().copied());
            }
            let heard_ms = found.iter().map(|segment| segment.span.end_ms).max();
            segments.extend(found);
            let Some(heard_ms) = heard_ms else { break };
            let tail = rest.after(heard_ms);
            // Each round must begin a second later at least, or a recognizer with wrong times would never end.
            let advanced = tail.start_ms().unwrap_or(0) - rest.start_ms().unwrap_or(0);
            if tail.duration_ms() < TAIL_MS_MIN || advanced < 1000 {
                break;
            }
            rest = tail;
        }
        let (spans, confidences): (Vec<Span>, Vec<f32>) = evidence.iter().copied().unzip();
        let evidence = SpeechEvidence {
            spans: &spans,
            confidences: &confidences,
        };
        let (segments, suppressed) = divide(segments, evidence, &self.options.guards);
        Ok(RecognizedWindow {
            pieces: plan.pieces.clone(),
            segments,
            suppressed,
            empty,
        })
    }

    /// Speech without text is asked for once more, with all effort and more sound around it.
    fn recognize_twice(&mut self, plan: &WindowPlan) -> Result<Vec<TranscriptSegment>, RecognizeError> {
        let found = self.recognize_once(plan, self.options.effort)?;
        if !found.is_empty() || plan.duration_ms() < EMPTY_MS_MIN {
            return Ok(found);
        }
        let (Some(first), Some(last)) = (plan.pieces.first(), plan.pieces.last()) else {
            return Ok(found);
        };
        let mut wider = plan.clone();
        let room_ms = self.recognizer.traits().window_ms_max - plan.duration_ms();
        let margin_ms = RETRY_MARGIN_MS.min(room_ms / 2).max(0);
        let (start_ms, end_ms) = (first.start_ms - margin_ms, last.end_ms + margin_ms);
        wider.pieces[0].start_ms = start_ms.max(0);
        let last = wider.pieces.len() - 1;
        wider.pieces[last].end_ms = end_ms.min(self.buffer.end_ms());
        let mut found = self.recognize_once(&wider, Effort::Full)?;
        // What lies in the margin alone belongs to the windows beside.
        let own = Span::new(first.start_ms, plan.pieces[last].end_ms);
        found.retain(|segment| segment.span.overlap_ms(&own) > 0);
        Ok(found)
    }

    fn recognize_once(&mut self, plan: &WindowPlan, effort: Effort) -> Result<Vec<TranscriptSegment>, RecognizeError> {
        let samples = plan.samples(&self.buffer);
        let start_ms = plan.start_ms().unwrap_or(0);
        let context = self
            .context
            .as_ref()
            .filter(|(end_ms, _)| start_ms - end_ms <= CONTEXT_AGE_MS_MAX);
        let window = Window {
            samples: &samples,
            language: self.language.as_deref(),
            vocabulary: &self.options.vocabulary,
            context: context.map_or("", |(_, text)| text.as_str()),
            effort,
        };
        Ok(plan.to_lane(self.recognizer.recognize(&window)?))
    }

    /// The next window is told of this one, unless it is not to be trusted: one bad text brings forth the next.
    fn learn_from(&mut self, window: &RecognizedWindow, span: Span) {
        if let Some(segment) = window.segments.last() {
            self.language.clone_from(&segment.language);
        }
        let trusted = window.suppressed.is_empty() && window.empty.is_empty() && !window.segments.is_empty();
        self.context = trusted.then(|| {
            let words: Vec<_> = window
                .segments
                .iter()
                .flat_map(|segment| segment.words.clone())
                .collect();
            let text = text_of(&words);
            let skip = text.chars().count().saturating_sub(CONTEXT_LETTERS_MAX);
            (span.end_ms, text.chars().skip(skip).collect())
        });
    }
}
