//! From words to utterances: what is said in one go, cut at pauses and at ends of sentences.

use serde::{Deserialize, Serialize};

use crate::sound::Span;
use crate::transcript::{TranscriptSegment, Word, text_of};

/// Words said in one go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    /// From the first word to the last.
    pub span: Span,
    /// In order; at least one.
    pub words: Vec<Word>,
    /// ISO 639-1 code; `None` for a model of one language.
    pub language: Option<String>,
}

impl Utterance {
    /// The words with spaces between.
    pub fn text(&self) -> String {
        text_of(&self.words)
    }
}

/// Where utterances end. Lengths of pauses are between words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtteranceOptions {
    /// A pause this long ends one.
    pub pause_ms: i64,
    /// After the end of a sentence, a shorter one does.
    pub sentence_pause_ms: i64,
    /// After the end of a sentence, no pause is needed from this length on.
    pub long_ms: i64,
    /// None is longer, if words permit.
    pub longest_ms: i64,
}

impl Default for UtteranceOptions {
    fn default() -> Self {
        Self {
            pause_ms: 800,
            sentence_pause_ms: 300,
            long_ms: 12_000,
            longest_ms: 30_000,
        }
    }
}

/// Cuts segments, in order of time, into utterances. Every word is in exactly one.
pub fn utterances(segments: &[TranscriptSegment], options: &UtteranceOptions) -> Vec<Utterance> {
    let mut utterances: Vec<Utterance> = Vec::new();
    for segment in segments {
        for word in &segment.words {
            match utterances.last_mut() {
                Some(last) if last.language == segment.language && !ends(last, word, options) => {
                    last.words.push(word.clone());
                    last.span.end_ms = last.span.end_ms.max(word.end_ms);
                }
                _ => utterances.push(Utterance {
                    span: word.span(),
                    words: vec![word.clone()],
                    language: segment.language.clone(),
                }),
            }
        }
    }
    utterances
}

/// Whether `utterance` is over before `next`.
fn ends(utterance: &Utterance, next: &Word, options: &UtteranceOptions) -> bool {
    let pause_ms = next.start_ms - utterance.span.end_ms;
    let sentence = utterance.words.last().is_some_and(|word| ends_sentence(&word.text));
    pause_ms >= options.pause_ms
        || sentence && (pause_ms >= options.sentence_pause_ms || utterance.span.duration_ms() >= options.long_ms)
        || next.end_ms - utterance.span.start_ms > options.longest_ms
}

/// Whether a word ends a sentence by its signs.
pub(crate) fn ends_sentence(word: &str) -> bool {
    word.trim_end_matches(['"', '\'', '»', '”', ')', ']', ' '])
        .ends_with(['.', '?', '!', '…', '。', '？', '！'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(words: &[(&str, i64, i64)], language: &str) -> TranscriptSegment {
        let words: Vec<Word> = words
            .iter()
            .map(|&(text, start_ms, end_ms)| Word {
                start_ms,
                end_ms,
                text: text.to_owned(),
                probability: 1.0,
            })
            .collect();
        TranscriptSegment {
            span: Span::new(words[0].start_ms, words[words.len() - 1].end_ms),
            words,
            language: Some(language.to_owned()),
            average_log_probability: -0.1,
            no_speech_probability: 0.0,
        }
    }

    fn check(segments: &[TranscriptSegment], expected: &[&str]) {
        let found: Vec<String> = utterances(segments, &UtteranceOptions::default())
            .iter()
            .map(Utterance::text)
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn utterances_end_at_pauses_at_sentences_and_at_another_language() {
        check(&[segment(&[("we", 0, 200), ("go", 900, 1000)], "en")], &["we go"]);
        check(&[segment(&[("we", 0, 200), ("go", 1000, 1200)], "en")], &["we", "go"]);
        check(
            &[segment(&[("Yes.", 0, 200), ("No.", 600, 800)], "en")],
            &["Yes.", "No."],
        );
        check(&[segment(&[("Yes.", 0, 200), ("No.", 400, 800)], "en")], &["Yes. No."]);
        check(
            &[segment(&[("Yes.", 0, 200)], "en"), segment(&[("Oui.", 210, 400)], "fr")],
            &["Yes.", "Oui."],
        );
        assert!(ends_sentence("« Oui. »") && ends_sentence("done?)") && !ends_sentence("3.5 euros"));
    }

    proptest! {
        /// Every word is in exactly one utterance, in order; none is longer than it may be unless it is one word.
        #[test]
        fn no_word_is_lost(words in prop::collection::vec((0_i64..3000, 1_i64..4000, any::<bool>()), 1..80)) {
            let mut at_ms = 0;
            let words: Vec<(&str, i64, i64)> = words.into_iter().map(|(pause, length, sentence)| {
                let start_ms = at_ms + pause;
                at_ms = start_ms + length;
                (if sentence { "end." } else { "word" }, start_ms, at_ms)
            }).collect();
            let segment = segment(&words, "en");
            let found = utterances(std::slice::from_ref(&segment), &UtteranceOptions::default());
            let again: Vec<Word> = found.iter().flat_map(|utterance| utterance.words.clone()).collect();
            prop_assert_eq!(again, segment.words);
            for utterance in found {
                prop_assert!(utterance.words.len() == 1 || utterance.span.duration_ms() <= 30_000);
                prop_assert_eq!(utterance.span.start_ms, utterance.words[0].start_ms);
            }
        }
    }
}
