//! What transcription promises, whatever the lane: every second of speech is recognized once, at its time, in windows that
//! are not too long; stopping and going on changes nothing.

use proptest::prelude::*;
use speech::guards::GuardOptions;
use speech::sound::{Span, duration_ms};
use speech::transcription::{LaneTranscriber, LaneTranscript, RecognizedWindow, TranscribeOptions, transcribe};
use speech::voice_activity::SpeechDetector;

use crate::scripted::{LoudIsSpeech, ReadsNumbers, spoken};

/// A lane of numbers spoken: (number, pause before, length) in milliseconds.
fn lane(spoken_numbers: &[(usize, usize, usize)]) -> Vec<f32> {
    let mut samples = Vec::new();
    for &(number, pause, length) in spoken_numbers {
        samples.extend(vec![0.0; pause * 16]);
        samples.extend(spoken(number, length));
    }
    samples.extend(vec![0.0; 16_000]);
    samples
}

/// Numbers that repeat are no loop here.
fn options() -> TranscribeOptions {
    TranscribeOptions {
        guards: GuardOptions {
            compression_ratio_max: 1e6,
            ..GuardOptions::default()
        },
        ..TranscribeOptions::default()
    }
}

fn detector() -> SpeechDetector {
    SpeechDetector::new(Box::<LoudIsSpeech>::default())
}

fn windows(
    samples: &[f32],
    piece: usize,
    recognizer: &mut ReadsNumbers,
    finished: Vec<RecognizedWindow>,
) -> Vec<RecognizedWindow> {
    let mut lane = LaneTranscriber::new(detector(), recognizer, options(), finished);
    let mut windows = Vec::new();
    for piece in samples.chunks(piece) {
        lane.push(piece, &mut windows).unwrap();
    }
    lane.finish(&mut windows).unwrap();
    assert_eq!(lane.done_ms(), duration_ms(samples.len()));
    windows
}

fn all_spans(windows: &[RecognizedWindow]) -> Vec<(String, Span)> {
    let segments = windows.iter().flat_map(|window| {
        let suppressed = window.suppressed.iter().map(|suppressed| &suppressed.segment);
        window.segments.iter().chain(suppressed)
    });
    segments
        .flat_map(|segment| segment.words.iter().map(|word| (word.text.clone(), word.span())))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_word_comes_once_at_its_time(
        numbers in prop::collection::vec((10_usize..99, 200_usize..3000, 60_usize..9000), 1..12),
        window_ms_max in 3_000_i64..28_000,
        piece in 100_usize..50_000,
    ) {
        let samples = lane(&numbers);
        let mut recognizer = ReadsNumbers { window_ms_max, ..ReadsNumbers::default() };
        let windows = windows(&samples, piece, &mut recognizer, Vec::new());
        prop_assert!(recognizer.windows.iter().all(|&length| length as i64 / 16 <= window_ms_max));

        // Each word lies where its number is spoken, and together they are as long as what was spoken.
        let mut words = all_spans(&windows);
        words.sort_by_key(|(_, span)| span.start_ms);
        let mut at_ms = 0;
        for (number, pause, length) in numbers {
            let spoken = Span::new(at_ms + pause as i64, at_ms + (pause + length) as i64);
            at_ms = spoken.end_ms;
            let heard: i64 = words
                .iter()
                .filter(|(text, _)| *text == format!("n{number}"))
                .map(|(_, span)| span.overlap_ms(&spoken))
                .sum();
            // A word may be clipped by the frame of 10 ms at a cut within it.
            prop_assert!((heard - spoken.duration_ms()).abs() <= 40, "{number}: {heard} of {spoken:?} {words:?}");
        }
        prop_assert!(words.windows(2).all(|pair| pair[0].1.end_ms <= pair[1].1.start_ms + 10));
    }

    #[test]
    fn stopping_and_going_on_gives_the_same(
        numbers in prop::collection::vec((10_usize..99, 200_usize..3000, 60_usize..9000), 1..12),
        kept in 0.0_f64..1.0,
        piece in 100_usize..50_000,
    ) {
        let samples = lane(&numbers);
        let mut recognizer = ReadsNumbers::default();
        let whole = windows(&samples, 16_000, &mut recognizer, Vec::new());
        let finished = whole[..(whole.len() as f64 * kept) as usize].to_vec();
        let mut again = ReadsNumbers::default();
        let count = finished.len();
        prop_assert_eq!(&windows(&samples, piece, &mut again, finished), &whole);
        prop_assert_eq!(recognizer.windows.len() - again.windows.len(), count);
    }
}

#[test]
fn speech_without_text_is_asked_for_twice_and_then_said_to_be_empty() {
    let samples = lane(&[(20, 2000, 2000), (30, 5000, 600)]);
    let mut recognizer = ReadsNumbers {
        deaf_below: 2800 * 16,
        window_ms_max: 2900,
        ..ReadsNumbers::default()
    };
    let windows = windows(&samples, 16_000, &mut recognizer, Vec::new());
    assert_eq!(windows.len(), 2);
    // 2.2 s with padding: deaf at first, heard with 0.35 s more at both ends.
    assert_eq!(all_spans(&windows)[0].0, "n20");
    assert!(windows[0].empty.is_empty());
    // 0.8 s, and 2 s with all there is around: never heard.
    assert_eq!((windows[1].segments.len(), &windows[1].empty), (0, &windows[1].pieces));
}

#[test]
fn the_rest_after_an_early_end_is_recognized_too() {
    let samples = lane(&[(20, 1000, 3000), (30, 700, 3000), (40, 700, 2000)]);
    let mut recognizer = ReadsNumbers {
        hears_ms: 3500,
        ..ReadsNumbers::default()
    };
    let windows = windows(&samples, 16_000, &mut recognizer, Vec::new());
    let text: String = all_spans(&windows).into_iter().map(|(text, _)| text).collect();
    assert!(
        text.contains("n20") && text.contains("n30") && text.contains("n40"),
        "{text}"
    );
}

/// Talk with pauses, talk without any, and silence, for two hours.
#[test]
fn hours_take_no_more_memory_than_minutes() {
    let talk = lane(&[(20, 400, 3000), (30, 2000, 700), (40, 6000, 9000), (50, 100, 60)]);
    let mut recognizer = ReadsNumbers::default();
    let mut lane = LaneTranscriber::new(detector(), &mut recognizer, options(), Vec::new());
    let (mut windows, mut held_ms) = (Vec::new(), 0);
    for minute in 0..120 {
        let sound = match minute / 10 % 3 {
            0 => talk.iter().copied().cycle().take(16_000 * 60).collect(),
            1 => spoken(25, 60_000),
            _ => vec![0.0; 16_000 * 60],
        };
        for second in sound.chunks(16_000) {
            lane.push(second, &mut windows).unwrap();
            held_ms = held_ms.max(lane.held_ms());
        }
    }
    lane.finish(&mut windows).unwrap();
    println!("{} windows, {held_ms} ms held at most", windows.len());
    assert!(windows.len() > 400 && held_ms <= 20_000, "{} {held_ms}", windows.len());
}

#[test]
fn silence_is_not_submitted() {
    let mut recognizer = ReadsNumbers::default();
    let mut progress = Vec::new();
    let silence = vec![0.0; 16_000 * 60];
    let transcript = transcribe(&silence, detector(), &mut recognizer, &options(), &mut |ms| {
        progress.push(ms)
    })
    .unwrap();
    assert_eq!(transcript, LaneTranscript::default());
    assert_eq!((recognizer.windows.len(), progress), (0, vec![60_000]));
}
