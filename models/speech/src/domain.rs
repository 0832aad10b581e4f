//! Is a recording what the model was trained for? A model of few words turns any speech into fluent sentences of those
//! words. It was trained to write nothing for what it does not know; where it writes all the same, its words are
//! improbable, or put together from pieces into words that do not exist. None of this is certain for one window, but a
//! recording has many.
//!
//! The no-speech probability is not used: what is not of the domain is speech.

use serde::Deserialize;

use crate::card::ModelCard;
use crate::transcript::{TranscriptSegment, Word};
use crate::transcription::RecognizedWindow;

/// Where a model's domain ends, told by its card.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct DomainOptions {
    /// A window is outside where its text has less average log probability.
    pub log_probability_min: f32,
    /// A window is outside where more than this share of its words is not in the lexicon.
    pub share_unknown_max: f32,
    /// A recording is outside where more than this share of its speech is in windows that are.
    pub share_outside_max: f32,
}

/// Speech of a recording within and outside a model's domain, window by window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DomainTally {
    /// Speech in windows within, in milliseconds.
    pub within_ms: i64,
    /// Speech in windows outside, in milliseconds.
    pub outside_ms: i64,
}

/// A recording is not what the model was trained for: its text would be invented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this recording is outside of what the model was trained for: {} % of {} s of speech gives no text or an improbable \
     one; install a real Whisper model: greffier models pull whisper-base-q5_1",
    100 * self.tally.outside_ms / self.tally.speech_ms().max(1),
    self.tally.speech_ms() / 1000
)]
pub struct OutsideDomain {
    /// What was found.
    pub tally: DomainTally,
}

impl DomainTally {
    /// Adds a window that the model of `card` recognized.
    pub fn add(&mut self, window: &RecognizedWindow, card: &ModelCard) {
        let speech_ms: i64 = window.pieces.iter().map(|piece| piece.duration_ms()).sum();
        let empty_ms: i64 = window.empty.iter().map(|piece| piece.duration_ms()).sum();
        let empty_ms = empty_ms.min(speech_ms);
        if is_within(window, card) {
            self.within_ms += speech_ms - empty_ms;
            self.outside_ms += empty_ms;
        } else {
            self.outside_ms += speech_ms;
        }
    }

    /// All speech, in milliseconds.
    pub fn speech_ms(&self) -> i64 {
        self.within_ms + self.outside_ms
    }

    /// Judges the recording; one without speech is of no domain and passes.
    ///
    /// # Errors
    /// When it is outside.
    pub fn check(&self, options: &DomainOptions) -> Result<(), OutsideDomain> {
        let most = f64::from(options.share_outside_max) * self.speech_ms() as f64;
        if self.outside_ms as f64 > most {
            return Err(OutsideDomain { tally: *self });
        }
        Ok(())
    }
}

fn is_within(window: &RecognizedWindow, card: &ModelCard) -> bool {
    average_log_probability(window).is_some_and(|average| average >= card.domain.log_probability_min)
        && share_unknown(window, card) <= card.domain.share_unknown_max
}

/// Of all that was written for a window, what the guards took out included; `None` where nothing was.
pub fn average_log_probability(window: &RecognizedWindow) -> Option<f32> {
    let words: usize = written(window).map(|segment| segment.words.len()).sum();
    let sum: f32 = written(window)
        .map(|segment| segment.average_log_probability * segment.words.len() as f32)
        .sum();
    (words > 0).then(|| sum / words as f32)
}

/// Share of the words written for a window that are not in the lexicon of their language.
pub fn share_unknown(window: &RecognizedWindow, card: &ModelCard) -> f32 {
    let known = written(window).flat_map(|segment| {
        let lexicon = segment
            .language
            .as_ref()
            .and_then(|language| card.lexicon.get(language));
        let knows = move |word: &Word| lexicon.is_some_and(|lexicon| lexicon.has(&word.text));
        segment.words.iter().map(knows)
    });
    let known: Vec<bool> = known.collect();
    known.iter().filter(|known| !**known).count() as f32 / known.len().max(1) as f32
}

fn written(window: &RecognizedWindow) -> impl Iterator<Item = &TranscriptSegment> {
    let suppressed = window.suppressed.iter().map(|suppressed| &suppressed.segment);
    window.segments.iter().chain(suppressed)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sound::Span;

    fn card() -> ModelCard {
        let text = r#"
            name = "demo"
            notice = "A demonstration."
            sha256 = "00"
            languages = ["en"]
            lexicon.en = ["the", "budget", "report"]
            window = { longest_ms = 8000, positions_more = 30 }
            decoding = { takes_prompt = false, may_stay_silent = true }
            domain = { log_probability_min = -0.5, share_unknown_max = 0.3, share_outside_max = 0.4 }
        "#;
        ModelCard::parse(text, Path::new("demo.toml")).unwrap()
    }

    fn window(duration_ms: i64, average_log_probability: Option<f32>) -> RecognizedWindow {
        window_of(duration_ms, average_log_probability, "The budget report.")
    }

    fn window_of(duration_ms: i64, average_log_probability: Option<f32>, text: &str) -> RecognizedWindow {
        let span = Span::new(0, duration_ms);
        let word = |text: &str| Word {
            start_ms: 0,
            end_ms: duration_ms,
            text: text.to_owned(),
            probability: 0.9,
        };
        let segment = |average_log_probability| TranscriptSegment {
            span,
            words: text.split(' ').map(word).collect(),
            language: Some("en".to_owned()),
            average_log_probability,
            no_speech_probability: 0.0,
        };
        RecognizedWindow {
            pieces: vec![span],
            empty: if average_log_probability.is_none() {
                vec![span]
            } else {
                Vec::new()
            },
            segments: average_log_probability.map(segment).into_iter().collect(),
            suppressed: Vec::new(),
        }
    }

    fn tally(windows: &[RecognizedWindow]) -> DomainTally {
        let mut tally = DomainTally::default();
        for window in windows {
            tally.add(window, &card());
        }
        tally
    }

    #[test]
    fn a_recording_is_judged_by_its_speech_and_not_by_one_window() {
        let options = card().domain;
        let good = window(6000, Some(-0.1));
        assert_eq!(tally(&[good.clone(), window(3000, None)]).check(&options), Ok(()));
        assert_eq!(tally(&[good.clone(), window(3900, Some(-0.6))]).check(&options), Ok(()));
        let outside = tally(&[good, window(3000, Some(-0.6)), window(2000, None)]);
        assert_eq!((outside.within_ms, outside.outside_ms), (6000, 5000));
        let error = outside.check(&options).unwrap_err().to_string();
        assert!(
            error.contains("45 % of 11 s") && error.contains("models pull"),
            "{error}"
        );
    }

    #[test]
    fn silence_is_of_no_domain() {
        assert_eq!(tally(&[]).check(&card().domain), Ok(()));
    }

    #[test]
    fn words_that_do_not_exist_are_outside() {
        let outside = |text: &str| tally(&[window_of(1000, Some(-0.1), text)]).outside_ms;
        assert_eq!(outside("The budget, the report, the budge."), 0);
        assert_eq!(outside("The repget."), 1000);
    }

    #[test]
    fn what_the_guards_took_out_counts_as_written() {
        let mut looped = window(5000, Some(-0.1));
        let segment = looped.segments.remove(0);
        assert_eq!(average_log_probability(&looped), None);
        looped.suppressed.push(crate::transcript::Suppressed {
            segment,
            reason: crate::transcript::SuppressionReason::Loop,
        });
        assert_eq!(average_log_probability(&looped), Some(-0.1));
    }
}
