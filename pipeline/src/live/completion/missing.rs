//! What a live meeting's journal does not account for, heard from the recording: speech that was put off, and all that
//! came after the last line.

use std::path::PathBuf;

use anyhow::Context as _;
use audio::{LaneFollower, RecoveredLane, RecoveredSpool};
use speech::recognizer::Recognizer;
use speech::sound::Span;
use speech::streaming::beyond;
use speech::transcript::{Suppressed, TranscriptSegment, Word};
use speech::transcription::{LaneTranscriber, RecognizedWindow, TranscribeOptions};
use speech::voice_activity::{EmbeddedDetector, SpeechDetector};

use crate::live::engine::LiveEngine;
use crate::live::journal::{JournalRead, LaneJournal};
use crate::live::known_speech::detector_of;
use crate::live::progress::SAMPLES_PER_MS;
use crate::stages::transcribe::WindowJournal;

/// Of speech that still lasted when the journal ended, so much is heard again before what is missing.
const HEARD_AGAIN_MS_MAX: i64 = 5000;

/// What is missing, lane by lane.
pub(super) struct Missing {
    lanes: Vec<MissingOfLane>,
}

struct MissingOfLane {
    path: PathBuf,
    /// Speech that was put off, in order and apart.
    deferred: Vec<Span>,
    /// The sound whose speech nobody looked for yet.
    rest: Option<Span>,
    /// The last words before it, where somebody was still speaking. A recognizer hears the end of a word as a word, so the
    /// rest is heard from the first of them on, and they are taken out again.
    lasting: Vec<Word>,
}

/// What was found on a lane.
#[derive(Default)]
pub(super) struct Found {
    pub(super) segments: Vec<TranscriptSegment>,
    pub(super) suppressed: Vec<Suppressed>,
    pub(super) speech: Vec<Span>,
    pub(super) empty: Vec<Span>,
}

impl Missing {
    pub(super) fn of(spool: &RecoveredSpool, told: &JournalRead) -> Self {
        let nothing = LaneJournal::default();
        let lanes = spool.lanes.iter().enumerate();
        Self {
            lanes: lanes
                .map(|(number, lane)| missing_of(lane, told.lanes.get(number).unwrap_or(&nothing)))
                .collect(),
        }
    }

    /// All of it, over all lanes.
    pub(super) fn duration_ms(&self) -> i64 {
        self.lanes.iter().map(MissingOfLane::duration_ms).sum()
    }

    /// Hears it, lane by lane. What was heard before a crash is taken from `journal`.
    pub(super) fn hear(
        &self,
        engine: &LiveEngine,
        vocabulary: &str,
        journal: &mut WindowJournal,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> anyhow::Result<Vec<Found>> {
        let all_ms = self.duration_ms() as u64;
        let mut found: Vec<Found> = self.lanes.iter().map(|_| Found::default()).collect();
        if all_ms == 0 {
            return Ok(found);
        }
        let mut recognizer = engine.batch_recognizer()?;
        let options = TranscribeOptions {
            vocabulary: vocabulary.to_owned(),
            language: engine.options().language.map(|language| language.to_string()),
            ..TranscribeOptions::default()
        };
        let mut before_ms = 0;
        for ((number, lane), found) in self.lanes.iter().enumerate().zip(&mut found) {
            let mut pass = Pass {
                lane,
                number,
                options: &options,
                recognizer: &mut recognizer,
                journal: &mut *journal,
                on_progress: &mut |done_ms| on_progress(before_ms + done_ms, all_ms),
            };
            let windows = pass.hear_all()?;
            found.take(windows);
            before_ms += lane.duration_ms() as u64;
        }
        Ok(found)
    }
}

fn missing_of(lane: &RecoveredLane, told: &LaneJournal) -> MissingOfLane {
    let end_ms = (lane.samples / SAMPLES_PER_MS) as i64;
    let rest = Span::new(told.covered_ms(), end_ms);
    let from = told
        .lasting
        .partition_point(|word| word.start_ms < told.covered_ms() - HEARD_AGAIN_MS_MAX);
    MissingOfLane {
        path: lane.path.clone(),
        deferred: told.deferred.clone(),
        rest: (!told.ended && rest.duration_ms() > 0).then_some(rest),
        lasting: told.lasting[from..].to_vec(),
    }
}

impl MissingOfLane {
    fn duration_ms(&self) -> i64 {
        let deferred: i64 = self.deferred.iter().map(Span::duration_ms).sum();
        deferred + self.rest.map_or(0, |rest| rest.duration_ms())
    }
}

/// One lane being heard.
struct Pass<'a> {
    lane: &'a MissingOfLane,
    number: usize,
    options: &'a TranscribeOptions,
    recognizer: &'a mut dyn Recognizer,
    journal: &'a mut WindowJournal,
    on_progress: &'a mut dyn FnMut(u64),
}

/// The two parts of a lane, which are heard one after the other and have times of their own in the journal.
#[derive(Clone, Copy)]
enum Part {
    Deferred,
    Rest,
}

impl Pass<'_> {
    fn hear_all(&mut self) -> anyhow::Result<Vec<RecognizedWindow>> {
        let mut windows = Vec::new();
        let mut done_ms = 0;
        if let (Some(first), Some(last)) = (self.lane.deferred.first(), self.lane.deferred.last()) {
            let all = Span::new(first.start_ms, last.end_ms);
            let spans: Vec<Span> = self
                .lane
                .deferred
                .iter()
                .map(|span| span.shifted(-all.start_ms))
                .collect();
            let mut heard = self.hear(Part::Deferred, all, detector_of(spans), 0)?;
            // A window may reach over a short pause, and a second try beyond its ends: what stands there stands.
            heard
                .iter_mut()
                .for_each(|window| keep_within(window, &self.lane.deferred));
            windows.extend(heard);
            done_ms = self.lane.deferred.iter().map(Span::duration_ms).sum();
        }
        if let Some(rest) = self.lane.rest {
            let detector = SpeechDetector::new(Box::new(EmbeddedDetector::new()));
            let from_ms = self.lane.lasting.first().map_or(rest.start_ms, |word| word.start_ms);
            let sound = Span::new(from_ms, rest.end_ms);
            let mut heard = self.hear(Part::Rest, sound, detector, done_ms - (rest.start_ms - from_ms))?;
            take_out(&mut heard, &self.lane.lasting, rest.start_ms);
            windows.extend(heard);
        }
        Ok(windows)
    }

    /// Transcribes what `detector` finds in `sound`, with times of the lane.
    fn hear(
        &mut self,
        part: Part,
        sound: Span,
        detector: SpeechDetector,
        done_before_ms: i64,
    ) -> anyhow::Result<Vec<RecognizedWindow>> {
        let key = 2 * self.number + part as usize;
        let path = &self.lane.path;
        let mut reader = LaneFollower::open(path, sound.start_ms as u64 * SAMPLES_PER_MS)?;
        let mut left = sound.duration_ms() as usize * SAMPLES_PER_MS as usize;
        let mut transcriber = LaneTranscriber::new(
            detector,
            self.recognizer,
            self.options.clone(),
            self.journal.windows(key),
        );
        let mut windows = Vec::new();
        let mut samples = Vec::new();
        let failed = || format!("transcribing `{}`", path.display());
        while left > 0 {
            samples.clear();
            let count = reader.read(left.min(audio::BLOCK_SAMPLES), &mut samples)?;
            if count == 0 {
                break;
            }
            left -= count;
            let before = windows.len();
            let pushed = transcriber.push(&samples, &mut windows);
            keep(self.journal, key, &windows[before..])?;
            pushed.with_context(failed)?;
            (self.on_progress)((done_before_ms + transcriber.done_ms()).max(0) as u64);
        }
        let before = windows.len();
        let finished = transcriber.finish(&mut windows);
        keep(self.journal, key, &windows[before..])?;
        finished.with_context(failed)?;
        windows.iter_mut().for_each(|window| shift(window, sound.start_ms));
        Ok(windows)
    }
}

fn keep(journal: &mut WindowJournal, key: usize, windows: &[RecognizedWindow]) -> anyhow::Result<()> {
    windows.iter().try_for_each(|window| journal.append(key, window))
}

impl Found {
    fn take(&mut self, windows: Vec<RecognizedWindow>) {
        for window in windows {
            self.speech.extend(window.pieces);
            self.segments.extend(window.segments);
            self.suppressed.extend(window.suppressed);
            self.empty.extend(window.empty);
        }
    }
}

fn shift(window: &mut RecognizedWindow, by_ms: i64) {
    let spans = window.pieces.iter_mut().chain(&mut window.empty);
    spans.for_each(|span| *span = span.shifted(by_ms));
    let segments = std::mem::take(&mut window.segments).into_iter();
    window.segments = segments.map(|segment| segment.shifted(by_ms)).collect();
    for suppressed in &mut window.suppressed {
        suppressed.segment = suppressed.segment.clone().shifted(by_ms);
    }
}

/// Leaves the words whose middle lies within one of `spans`.
fn keep_within(window: &mut RecognizedWindow, spans: &[Span]) {
    keep_words(&mut window.segments, |word| {
        let middle_ms = i64::midpoint(word.start_ms, word.end_ms);
        let at = spans.partition_point(|span| span.end_ms < middle_ms);
        spans.get(at).is_some_and(|span| span.start_ms <= middle_ms)
    });
}

/// Takes the words that stand out of windows that begin with them, and their sound, which ends at `covered_ms`. What is left
/// comes after them, also where it was heard otherwise this time and begins earlier.
fn take_out(windows: &mut [RecognizedWindow], standing: &[Word], covered_ms: i64) {
    let words = windows.iter().flat_map(|window| &window.segments);
    let words: Vec<Word> = words.flat_map(|segment| segment.words.clone()).collect();
    let mut standing_left = words.len() - beyond(standing, words).len();
    for window in windows {
        keep_words(&mut window.segments, |_| {
            let stands = standing_left > 0;
            standing_left -= usize::from(stands);
            !stands
        });
        for segment in &mut window.segments {
            for word in &mut segment.words {
                word.start_ms = word.start_ms.max(covered_ms);
                word.end_ms = word.end_ms.max(word.start_ms);
            }
            segment.span.start_ms = segment.span.start_ms.max(covered_ms);
            segment.span.end_ms = segment.span.end_ms.max(segment.span.start_ms);
        }
        for span in window.pieces.iter_mut().chain(&mut window.empty) {
            span.start_ms = span.start_ms.max(covered_ms);
        }
        window.pieces.retain(|span| span.duration_ms() > 0);
        window.empty.retain(|span| span.duration_ms() > 0);
        window
            .suppressed
            .retain(|suppressed| suppressed.segment.span.end_ms > covered_ms);
    }
}

fn keep_words(segments: &mut Vec<TranscriptSegment>, mut keep: impl FnMut(&Word) -> bool) {
    for segment in &mut *segments {
        segment.words.retain(&mut keep);
        if let (Some(first), Some(last)) = (segment.words.first(), segment.words.last()) {
            segment.span = Span::new(first.start_ms, last.end_ms);
        }
    }
    segments.retain(|segment| !segment.words.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(start_ms: i64, end_ms: i64) -> Word {
        said("a", start_ms, end_ms)
    }

    fn said(text: &str, start_ms: i64, end_ms: i64) -> Word {
        Word {
            start_ms,
            end_ms,
            text: text.to_owned(),
            probability: 1.0,
        }
    }

    #[test]
    fn a_word_that_was_cut_by_the_end_is_there_once() {
        let standing = [said("phase", 1000, 1300), said("three", 1300, 1500)];
        // Heard again it lasts longer, as it does in the sound.
        let heard = vec![
            said("phase", 1000, 1320),
            said("three", 1320, 1700),
            said("points", 1700, 2000),
        ];
        let mut windows = [RecognizedWindow {
            pieces: vec![Span::new(900, 1400), Span::new(1450, 2100)],
            segments: vec![crate::live::utterance_ids::segment(heard, None)],
            ..RecognizedWindow::default()
        }];
        take_out(&mut windows, &standing, 1500);
        assert_eq!(windows[0].pieces, [Span::new(1500, 2100)]);
        assert_eq!(windows[0].segments[0].text(), "points");
        assert_eq!(windows[0].segments[0].span, Span::new(1700, 2000));
    }

    #[test]
    fn what_is_heard_otherwise_comes_after_what_stands() {
        let standing = [said("so,", 1000, 1300), said("today", 1300, 1900)];
        let heard = vec![
            said("so,", 1000, 1250),
            said("we", 1250, 2700),
            said("plan", 2700, 3000),
        ];
        let mut windows = [RecognizedWindow {
            segments: vec![crate::live::utterance_ids::segment(heard, None)],
            ..RecognizedWindow::default()
        }];
        take_out(&mut windows, &standing, 1900);
        let segment = &windows[0].segments[0];
        assert_eq!(
            (segment.text().as_str(), segment.span),
            ("we plan", Span::new(1900, 3000))
        );
        assert_eq!((segment.words[0].start_ms, segment.words[0].end_ms), (1900, 2700));
    }

    #[test]
    fn only_words_of_what_was_put_off_are_added() {
        let words = vec![word(0, 100), word(100, 200), word(190, 400), word(500, 600)];
        let segment = crate::live::utterance_ids::segment(words, None);
        let mut window = RecognizedWindow {
            segments: vec![segment],
            ..RecognizedWindow::default()
        };
        keep_within(&mut window, &[Span::new(90, 210), Span::new(450, 700)]);
        let words = &window.segments[0].words;
        assert_eq!(words.iter().map(|word| word.start_ms).collect::<Vec<_>>(), [100, 500]);
        assert_eq!(window.segments[0].span, Span::new(100, 600));
    }

    #[test]
    fn what_the_journal_leaves_open_is_missing() {
        let lane = RecoveredLane {
            name: None,
            language: None,
            path: PathBuf::new(),
            samples: 16_000 * 10,
        };
        let mut told = LaneJournal {
            speech: vec![Span::new(0, 2000), Span::new(3000, 4000)],
            deferred: vec![Span::new(3000, 4000)],
            ..LaneJournal::default()
        };
        assert_eq!(missing_of(&lane, &told).rest, Some(Span::new(4000, 10_000)));
        assert!(missing_of(&lane, &told).lasting.is_empty());
        assert_eq!(missing_of(&lane, &told).duration_ms(), 7000);
        told.ended = true;
        assert_eq!(missing_of(&lane, &told).duration_ms(), 1000);
        assert_eq!(missing_of(&lane, &LaneJournal::default()).duration_ms(), 10_000);
    }
}
