//! What following a lane promises, whatever is said and however the engine behaves: what is committed stays, in order; all
//! speech is accounted for; at the end nothing is left.

use proptest::prelude::*;
use speech::guards::GuardOptions;
use speech::recognizer::{RecognizeError, Recognizer, RecognizerTraits, Window};
use speech::sound::Span;
use speech::streaming::{LiveEngines, LiveEvent, LiveLane, LiveOptions, LoadLevel};
use speech::transcript::TranscriptSegment;
use speech::voice_activity::{SpeechDetector, speech_spans};

use crate::noises::Random;
use crate::scripted::{LoudIsSpeech, ReadsNumbers, spoken};

/// Now and then wrong: words change, are left out, are moved; windows give nothing or fail.
struct Unsteady {
    steady: ReadsNumbers,
    random: Random,
    wrong: f32,
}

impl Recognizer for Unsteady {
    fn traits(&self) -> RecognizerTraits {
        self.steady.traits()
    }

    fn recognize(&mut self, window: &Window<'_>) -> Result<Vec<TranscriptSegment>, RecognizeError> {
        let mut segments = self.steady.recognize(window)?;
        let mut wrong = || self.random.uniform() < self.wrong;
        if wrong() && wrong() {
            return Err(RecognizeError::WindowTooLong {
                samples: 0,
                samples_max: 0,
            });
        }
        if wrong() && wrong() {
            return Ok(Vec::new());
        }
        for segment in &mut segments {
            segment.words.retain(|_| !wrong() || !wrong());
            for word in &mut segment.words {
                if wrong() {
                    word.text.push('x');
                }
                if wrong() {
                    word.start_ms += 150;
                    word.end_ms += 150;
                }
            }
        }
        segments.retain(|segment| !segment.words.is_empty());
        Ok(segments)
    }
}

fn follow(samples: &[f32], piece: usize, backlog_ms: i64, engine: &mut dyn Recognizer) -> Vec<LiveEvent> {
    let options = LiveOptions {
        guards: GuardOptions {
            compression_ratio_max: 1e6,
            ..GuardOptions::default()
        },
        step_by_run: 0,
        ..LiveOptions::default()
    };
    let mut lane = LiveLane::new(SpeechDetector::new(Box::<LoudIsSpeech>::default()), options);
    let mut engines = LiveEngines {
        chosen: engine,
        smaller: None,
    };
    let mut events = Vec::new();
    for piece in samples.chunks(piece) {
        lane.push(piece, backlog_ms, &mut engines, &mut events).unwrap();
        assert!(lane.held_ms() < 25_000, "{} ms held", lane.held_ms());
    }
    lane.finish(&mut engines, &mut events).unwrap();
    events
}

fn lane(parts: &[(usize, usize, usize)]) -> Vec<f32> {
    let mut samples = Vec::new();
    for &(number, pause, length) in parts {
        samples.extend(vec![0.0; pause * 16]);
        samples.extend(spoken(number, length));
    }
    samples
}

fn committed(events: &[LiveEvent]) -> Vec<speech::transcript::Word> {
    let words = events.iter().filter_map(|event| match event {
        LiveEvent::Committed { words, .. } => Some(words.clone()),
        _ => None,
    });
    words.flatten().collect()
}

fn check_all_speech_is_covered(samples: &[f32], events: &[LiveEvent]) {
    let covers: Vec<Span> = events.iter().filter_map(LiveEvent::covers).collect();
    for speech in speech_spans(samples, Box::<LoudIsSpeech>::default()) {
        let covered: i64 = covers.iter().map(|span| span.overlap_ms(&speech)).sum();
        assert_eq!(covered, speech.duration_ms(), "{speech:?} {covers:?}");
    }
    assert!(
        covers.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms),
        "{covers:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_speech_is_accounted_for_once_and_words_are_in_order(
        parts in prop::collection::vec((10_usize..99, 0_usize..3000, 60_usize..20_000), 1..8),
        piece in 800_usize..16_000,
        wrong in 0.0_f32..0.5,
        seed in 1_u64..1000,
    ) {
        let samples = lane(&parts);
        let mut engine = Unsteady { steady: ReadsNumbers::default(), random: Random(seed), wrong };
        let events = follow(&samples, piece, 0, &mut engine);
        check_all_speech_is_covered(&samples, &events);
        let words = committed(&events);
        prop_assert!(words.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms));
        prop_assert!(words.iter().all(|word| word.end_ms >= word.start_ms));
    }

    /// With an engine that is right, all that is said is committed or set aside, once.
    #[test]
    fn what_is_said_is_committed_once(
        parts in prop::collection::vec((10_usize..99, 1200_usize..3000, 300_usize..8000), 1..6),
        piece in 800_usize..16_000,
    ) {
        let samples = lane(&parts);
        let events = follow(&samples, piece, 0, &mut ReadsNumbers::default());
        let mut at_ms = 0;
        for (number, pause, length) in parts {
            let said = Span::new(at_ms + pause as i64, at_ms + (pause + length) as i64);
            at_ms = said.end_ms;
            let of_events = |event: &LiveEvent| match event {
                LiveEvent::Committed { words, .. } => words.clone(),
                LiveEvent::Suppressed { suppressed, .. } => suppressed.segment.words.clone(),
                _ => Vec::new(),
            };
            let heard: i64 = events
                .iter()
                .flat_map(of_events)
                .filter(|word| word.text == format!("n{number}"))
                .map(|word| word.span().overlap_ms(&said))
                .sum();
            prop_assert!(heard as f64 >= said.duration_ms() as f64 * 0.9 - 250.0, "{number}: {heard} of {said:?} {events:?}");
        }
    }
}

#[test]
fn words_are_committed_while_people_speak() {
    // One number after the other, without a pause.
    let parts: Vec<_> = (10..60).map(|number| (number, 0, 250)).collect();
    let samples = lane(&parts);
    let events = follow(&samples, 1600, 0, &mut ReadsNumbers::default());
    let commits = events
        .iter()
        .filter(|event| matches!(event, LiveEvent::Committed { .. }))
        .count();
    let partials = events
        .iter()
        .filter(|event| matches!(event, LiveEvent::Partial { .. }))
        .count();
    assert!(commits >= 8 && partials >= 10, "{commits} {partials}");
    assert_eq!(committed(&events).first().unwrap().text, "n10");
    assert_eq!(committed(&events).last().unwrap().text, "n59");
}

#[test]
fn when_too_much_waits_less_is_computed_and_it_is_said() {
    let parts: Vec<_> = (10..60).map(|number| (number, 900, 600)).collect();
    let samples = lane(&parts);
    let events = follow(&samples, 1600, 5000, &mut ReadsNumbers::default());
    let levels: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            LiveEvent::Lag { level, .. } => Some(*level),
            _ => None,
        })
        .collect();
    assert_eq!(levels, [LoadLevel::WithoutPartials, LoadLevel::Deferred]);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, LiveEvent::Deferred { error: None, .. }))
    );
    check_all_speech_is_covered(&samples, &events);
}
