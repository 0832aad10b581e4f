//! Gives committed words the utterance they belong to, as they come. Done anew over a journal it gives the same names,
//! so that what was shown live is what the transcript's anchors say.

use datasets::{Utterance, UtteranceId};
use speech::sound::Span;
use speech::transcript::{TranscriptSegment, Word};
use speech::transcription::{self, UtteranceOptions, utterances};

/// Names utterances in the order in which they begin to be committed.
#[derive(Debug, Default)]
pub(super) struct UtteranceIds {
    /// The last utterance of each lane, to which words may still be added.
    open: Vec<Option<(UtteranceId, transcription::Utterance)>>,
    given: usize,
}

/// Words of one utterance.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub(super) id: UtteranceId,
    pub(super) words: Vec<Word>,
    pub(super) language: Option<String>,
}

impl UtteranceIds {
    /// Takes words of `lane` that follow those before.
    pub(super) fn take(&mut self, lane: usize, words: Vec<Word>, language: Option<&str>) -> Vec<Named> {
        if words.is_empty() {
            return Vec::new();
        }
        if self.open.len() <= lane {
            self.open.resize(lane + 1, None);
        }
        let before = self.open[lane].take();
        let known = before.as_ref().map_or(0, |(_, open)| open.words.len());
        let mut segments: Vec<TranscriptSegment> = Vec::new();
        let mut ids = Vec::new();
        if let Some((id, open)) = before {
            ids.push(id);
            segments.push(segment(open.words, open.language));
        }
        segments.push(segment(words, language.map(str::to_owned)));
        let found = utterances(&segments, &UtteranceOptions::default());
        for _ in ids.len()..found.len() {
            ids.push(Utterance::id_at(self.given));
            self.given += 1;
        }
        let last = ids.last().cloned().zip(found.last().cloned());
        let mut named: Vec<Named> = ids
            .into_iter()
            .zip(found)
            .map(|(id, utterance)| Named {
                id,
                words: utterance.words,
                language: utterance.language,
            })
            .collect();
        named[0].words.drain(..known);
        named.retain(|named| !named.words.is_empty());
        self.open[lane] = last;
        named
    }
}

/// Committed words as the recognizer's segment that they were; what the guards went by is no longer needed.
pub(super) fn segment(words: Vec<Word>, language: Option<String>) -> TranscriptSegment {
    let ends = words.first().zip(words.last());
    TranscriptSegment {
        span: ends.map_or(Span::new(0, 0), |(first, last)| Span::new(first.start_ms, last.end_ms)),
        words,
        language,
        average_log_probability: 0.0,
        no_speech_probability: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str, start_ms: i64, end_ms: i64) -> Word {
        Word {
            start_ms,
            end_ms,
            text: text.to_owned(),
            probability: 1.0,
        }
    }

    fn told(named: &[Named]) -> Vec<(String, String)> {
        let text = |named: &Named| speech::transcript::text_of(&named.words);
        named.iter().map(|named| (named.id.to_string(), text(named))).collect()
    }

    #[test]
    fn words_continue_their_utterance_until_a_pause() {
        let mut ids = UtteranceIds::default();
        let check = |named: &[Named], expected: &[(&str, &str)]| {
            let expected = expected.iter().map(|&(id, text)| (id.to_owned(), text.to_owned()));
            assert_eq!(told(named), expected.collect::<Vec<_>>());
        };
        check(&ids.take(0, vec![word("we", 0, 200)], Some("en")), &[("u1", "we")]);
        check(&ids.take(1, vec![word("no", 100, 300)], Some("en")), &[("u2", "no")]);
        let more = vec![word("ship", 300, 500), word("fine", 2000, 2300)];
        check(&ids.take(0, more, Some("en")), &[("u1", "ship"), ("u3", "fine")]);
        check(&ids.take(0, Vec::new(), None), &[]);
        check(
            &ids.take(0, vec![word("oui", 2400, 2600)], Some("fr")),
            &[("u4", "oui")],
        );
    }

    proptest! {
        /// In whatever parts words are committed, the utterances are those of all words together.
        #[test]
        fn parts_do_not_matter(
            words in prop::collection::vec((0_i64..1500, 1_i64..900, any::<bool>()), 1..40),
            parts in prop::collection::vec(1_usize..6, 1..40),
        ) {
            let mut at_ms = 0;
            let words: Vec<Word> = words.into_iter().map(|(pause, length, ends)| {
                let start_ms = at_ms + pause;
                at_ms = start_ms + length;
                word(if ends { "end." } else { "word" }, start_ms, at_ms)
            }).collect();
            let mut ids = UtteranceIds::default();
            let mut rest = words.as_slice();
            let mut joined: Vec<Named> = Vec::new();
            for part in parts.into_iter().cycle() {
                let (now, later) = rest.split_at(part.min(rest.len()));
                for named in ids.take(0, now.to_vec(), Some("en")) {
                    match joined.last_mut() {
                        Some(last) if last.id == named.id => last.words.extend(named.words),
                        _ => joined.push(named),
                    }
                }
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            let whole = utterances(&[segment(words, Some("en".to_owned()))], &UtteranceOptions::default());
            prop_assert_eq!(joined.len(), whole.len());
            for (joined, whole) in joined.iter().zip(whole) {
                prop_assert_eq!(&joined.words, &whole.words);
            }
        }
    }
}
