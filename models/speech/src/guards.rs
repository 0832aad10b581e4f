//! Guards against invention: recognizers write fluent text for silence, fall into loops, and sign off with the phrases of
//! the films they were trained on. What a guard takes out goes to the suppressed segments, with the reason, and can be put
//! back.

mod boilerplate;
mod repetition;

pub use repetition::{compression_ratio, is_loop};

use crate::sound::Span;
use crate::transcript::{Suppressed, SuppressionReason, TranscriptSegment};

/// Where the guards draw their lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuardOptions {
    /// A window is held for silence from this no-speech probability on, if its text is improbable too. OpenAI's value.
    pub no_speech_probability_min: f32,
    /// Text with a lower average log probability is improbable. OpenAI's value.
    pub log_probability_min: f32,
    /// Text below is taken out whatever else speaks for it.
    pub log_probability_floor: f32,
    /// Text that compresses better is a loop. OpenAI's value.
    pub compression_ratio_max: f32,
    /// A phrase known to be invented is taken out where speech was detected with less confidence than this.
    pub confidence_min: f32,
}

impl Default for GuardOptions {
    fn default() -> Self {
        Self {
            no_speech_probability_min: 0.6,
            log_probability_min: -1.0,
            log_probability_floor: -2.0,
            compression_ratio_max: 2.4,
            confidence_min: 0.5,
        }
    }
}

/// What voice activity says of a lane.
#[derive(Clone, Copy, Debug)]
pub struct SpeechEvidence<'a> {
    /// Speech, in order.
    pub spans: &'a [Span],
    /// Mean probability of speech over the frames of each span, 0..=1.
    pub confidences: &'a [f32],
}

/// Why `segment` should not stand in the transcript; `None` where it should.
pub fn reason_against(
    segment: &TranscriptSegment,
    evidence: SpeechEvidence<'_>,
    options: &GuardOptions,
) -> Option<SuppressionReason> {
    let confidence = confidence_at(segment.span, evidence);
    let Some(confidence) = confidence else {
        return Some(SuppressionReason::NotSpeech);
    };
    let text = segment.text();
    let improbable = segment.average_log_probability < options.log_probability_min;
    let silent = segment.no_speech_probability > options.no_speech_probability_min;
    if compression_ratio(&text) > options.compression_ratio_max || is_loop(&text, improbable) {
        Some(SuppressionReason::Loop)
    } else if boilerplate::never_said(&text)
        || boilerplate::often_invented(&text) && (confidence < options.confidence_min || silent || improbable)
    {
        Some(SuppressionReason::Boilerplate)
    } else if improbable && silent || segment.average_log_probability < options.log_probability_floor {
        Some(SuppressionReason::LowProbability)
    } else {
        None
    }
}

/// Divides what came from the recognizer into what stands and what is taken out; each segment is in exactly one.
pub fn divide(
    segments: Vec<TranscriptSegment>,
    evidence: SpeechEvidence<'_>,
    options: &GuardOptions,
) -> (Vec<TranscriptSegment>, Vec<Suppressed>) {
    let (mut standing, mut suppressed) = (Vec::new(), Vec::new());
    for segment in segments {
        match reason_against(&segment, evidence, options) {
            None => standing.push(segment),
            Some(reason) => suppressed.push(Suppressed { segment, reason }),
        }
    }
    (standing, suppressed)
}

/// Puts a suppressed segment back among `segments`, at its time.
pub fn restore(segments: &mut Vec<TranscriptSegment>, suppressed: Suppressed) {
    let at = segments.partition_point(|segment| segment.span.start_ms <= suppressed.segment.span.start_ms);
    segments.insert(at, suppressed.segment);
}

/// Mean confidence over the speech within `span`, by its length; `None` where there is no speech.
fn confidence_at(span: Span, evidence: SpeechEvidence<'_>) -> Option<f32> {
    let span = Span::new(span.start_ms, span.end_ms.max(span.start_ms + 1));
    let (mut length, mut sum) = (0_i64, 0.0);
    for (speech, confidence) in evidence.spans.iter().zip(evidence.confidences) {
        let overlap = speech.overlap_ms(&span);
        length += overlap;
        sum += overlap as f32 * confidence;
    }
    (length > 0).then(|| sum / length as f32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transcript::Word;

    fn segment(start_ms: i64, text: &str, average_log_probability: f32, no_speech: f32) -> TranscriptSegment {
        let words = text.split_whitespace().map(|word| Word {
            start_ms,
            end_ms: start_ms + 1000,
            text: word.to_owned(),
            probability: 0.9,
        });
        TranscriptSegment {
            span: Span::new(start_ms, start_ms + 1000),
            words: words.collect(),
            language: None,
            average_log_probability,
            no_speech_probability: no_speech,
        }
    }

    fn check(text: &str, log_probability: f32, no_speech: f32, confidence: f32, expected: Option<SuppressionReason>) {
        let evidence = SpeechEvidence {
            spans: &[Span::new(0, 2000)],
            confidences: &[confidence],
        };
        let found = reason_against(
            &segment(500, text, log_probability, no_speech),
            evidence,
            &GuardOptions::default(),
        );
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn each_reason_has_its_case_and_talk_has_none() {
        use SuppressionReason::{Boilerplate, Loop, LowProbability};
        check("We ship the French version on Monday.", -0.3, 0.1, 0.9, None);
        check("Thank you.", -0.2, 0.1, 0.9, None);
        check("Merci.", -0.2, 0.05, 0.9, None);
        check("Thank you.", -0.2, 0.8, 0.9, Some(Boilerplate));
        check("Merci.", -0.2, 0.1, 0.3, Some(Boilerplate));
        check(
            "Sous-titres réalisés par la communauté d'Amara.org",
            -0.1,
            0.0,
            1.0,
            Some(Boilerplate),
        );
        check("no no no no no no no no no", -0.2, 0.1, 0.9, Some(Loop));
        check("non, non, non.", -0.2, 0.1, 0.9, None);
        check("we will see what happens there", -1.2, 0.7, 0.9, Some(LowProbability));
        check("we will see what happens there", -1.2, 0.2, 0.9, None);
        check("we will see what happens there", -2.5, 0.2, 0.9, Some(LowProbability));
    }

    #[test]
    fn text_where_nobody_spoke_is_taken_out() {
        let evidence = SpeechEvidence {
            spans: &[Span::new(0, 400), Span::new(1600, 2000)],
            confidences: &[1.0, 1.0],
        };
        let found = reason_against(
            &segment(500, "a good sentence", -0.1, 0.0),
            evidence,
            &GuardOptions::default(),
        );
        assert_eq!(found, Some(SuppressionReason::NotSpeech));
    }

    fn any_segment() -> impl Strategy<Value = TranscriptSegment> {
        let word = prop_oneof!["[a-z]{1,6}", Just("merci".to_owned()), Just("the".to_owned())];
        let text = prop::collection::vec(word, 1..30);
        (0_i64..60_000, text, -3.0_f32..0.0, 0.0_f32..1.0)
            .prop_map(|(start_ms, words, log, silent)| segment(start_ms, &words.join(" "), log, silent))
    }

    proptest! {
        /// Nothing is lost: what is taken out, put back, gives what was there.
        #[test]
        fn suppression_can_be_undone(mut segments in prop::collection::vec(any_segment(), 0..20), confidence in 0.0_f32..1.0) {
            segments.sort_by_key(|segment| segment.span.start_ms);
            segments.dedup_by_key(|segment| segment.span.start_ms);
            let spans: Vec<Span> = (0..30).map(|n| Span::new(n * 2000, n * 2000 + 700)).collect();
            let confidences = vec![confidence; spans.len()];
            let evidence = SpeechEvidence { spans: &spans, confidences: &confidences };
            let (mut standing, suppressed) = divide(segments.clone(), evidence, &GuardOptions::default());
            prop_assert_eq!(standing.len() + suppressed.len(), segments.len());
            for one in &standing {
                prop_assert_eq!(reason_against(one, evidence, &GuardOptions::default()), None);
            }
            for one in suppressed {
                restore(&mut standing, one);
            }
            prop_assert_eq!(standing, segments);
        }
    }
}
