//! From whisper.cpp's tokens to words: tokens are pieces of words in bytes, and times lie between them.

use crate::sound::Span;
use crate::transcript::{TranscriptSegment, Word};

/// Milliseconds between two timestamp tokens.
const TIMESTAMP_MS: i64 = 20;
/// The alignment tells when a word ends. It begins where the one before ended, unless that is longer ago than a slow
/// speaker needs: so much for each letter, and so much more.
const LETTER_MS_MAX: i64 = 110;
const WORD_MS_MAX: i64 = 250;

/// A token as the decoder gave it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A piece of text.
    Text {
        bytes: Vec<u8>,
        probability: f32,
        log_probability: f32,
        /// End by alignment, from the window's begin, where known.
        end_ms: Option<i64>,
    },
    /// A time that the model wrote, in steps of [`TIMESTAMP_MS`].
    Timestamp { steps: i64 },
}

/// What holds for all segments of a window.
#[derive(Clone, Debug)]
pub(super) struct WindowFacts {
    pub(super) duration_ms: i64,
    pub(super) language: Option<String>,
    pub(super) no_speech_probability: f32,
}

/// Cuts the tokens into segments at their timestamps. Times are in order and within the window.
pub(super) fn segments(tokens: &[Token], facts: &WindowFacts) -> Vec<TranscriptSegment> {
    let mut segments = Vec::new();
    let mut pending: Vec<&Token> = Vec::new();
    let mut from_ms = 0;
    for token in tokens {
        let Token::Timestamp { steps } = token else {
            pending.push(token);
            continue;
        };
        let at_ms = (steps * TIMESTAMP_MS).clamp(from_ms, facts.duration_ms);
        segments.extend(segment(&pending, Span::new(from_ms, at_ms), facts));
        pending.clear();
        from_ms = at_ms;
    }
    segments.extend(segment(&pending, Span::new(from_ms, facts.duration_ms), facts));
    segments
}

fn segment(tokens: &[&Token], span: Span, facts: &WindowFacts) -> Option<TranscriptSegment> {
    let spaced = !matches!(
        facts.language.as_deref(),
        Some("zh" | "ja" | "th" | "lo" | "my" | "yue")
    );
    let pieces = join_punctuation(words(tokens, spaced));
    let log_probabilities: Vec<f32> = tokens
        .iter()
        .filter_map(|token| match token {
            Token::Text { log_probability, .. } => Some(*log_probability),
            Token::Timestamp { .. } => None,
        })
        .collect();
    let words = timed(pieces, span);
    let (first, last) = (words.first()?, words.last()?);
    Some(TranscriptSegment {
        span: Span::new(first.start_ms, last.end_ms),
        language: facts.language.clone(),
        average_log_probability: log_probabilities.iter().sum::<f32>() / log_probabilities.len().max(1) as f32,
        no_speech_probability: facts.no_speech_probability,
        words,
    })
}

/// A word before its begin is known.
struct Piece {
    bytes: Vec<u8>,
    probabilities: Vec<f32>,
    end_ms: Option<i64>,
}

impl Piece {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).trim().to_owned()
    }
}

/// A word begins with a space; in languages without spaces, with each character that is whole.
fn words(tokens: &[&Token], spaced: bool) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for token in tokens {
        let Token::Text {
            bytes,
            probability,
            end_ms,
            ..
        } = token
        else {
            continue;
        };
        let begins = bytes.first() == Some(&b' ') || !spaced && std::str::from_utf8(bytes).is_ok();
        match pieces.last_mut() {
            Some(piece) if !begins => {
                piece.bytes.extend_from_slice(bytes);
                piece.probabilities.push(*probability);
                piece.end_ms = end_ms.or(piece.end_ms);
            }
            _ => pieces.push(Piece {
                bytes: bytes.clone(),
                probabilities: vec![*probability],
                end_ms: *end_ms,
            }),
        }
    }
    pieces.retain(|piece| !piece.text().is_empty());
    pieces
}

/// Signs that stand alone, as French ones before which a space is written, go to the word before; opening ones to the
/// word after.
fn join_punctuation(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut opening: Option<Piece> = None;
    for mut piece in pieces {
        let text = piece.text();
        if text.chars().any(char::is_alphanumeric) {
            if let Some(sign) = opening.take() {
                piece.bytes = [sign.bytes, piece.bytes].concat();
                piece.probabilities.extend(sign.probabilities);
            }
            joined.push(piece);
        } else if joined.is_empty() || text.chars().all(|c| "«“\"'([{-–—¿¡".contains(c)) {
            opening = Some(piece);
        } else if let Some(last) = joined.last_mut() {
            last.bytes.extend(piece.bytes);
            last.probabilities.extend(piece.probabilities);
        }
    }
    if let (Some(last), Some(sign)) = (joined.last_mut(), opening) {
        last.bytes.extend(sign.bytes);
    }
    joined
}

/// Gives each word its begin, and an end where the alignment gave none: shares of the rest by length.
fn timed(pieces: Vec<Piece>, span: Span) -> Vec<Word> {
    let letters: Vec<i64> = pieces.iter().map(|piece| piece.text().chars().count() as i64).collect();
    let mut letters_left: i64 = letters.iter().sum();
    let mut before_ms = span.start_ms;
    let mut words = Vec::with_capacity(pieces.len());
    for (piece, letters) in pieces.into_iter().zip(letters) {
        let share_ms = (span.end_ms - before_ms) * letters / letters_left.max(1);
        letters_left -= letters;
        let end_ms = piece
            .end_ms
            .unwrap_or(before_ms + share_ms)
            .clamp(before_ms, span.end_ms.max(before_ms));
        let start_ms = before_ms.max(end_ms - WORD_MS_MAX - LETTER_MS_MAX * letters);
        words.push(Word {
            start_ms,
            end_ms,
            text: piece.text(),
            probability: piece.probabilities.iter().sum::<f32>() / piece.probabilities.len() as f32,
        });
        before_ms = end_ms;
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str, end_ms: impl Into<Option<i64>>) -> Token {
        Token::Text {
            bytes: text.as_bytes().to_vec(),
            probability: 0.5,
            log_probability: -0.7,
            end_ms: end_ms.into(),
        }
    }

    fn facts(language: &str) -> WindowFacts {
        WindowFacts {
            duration_ms: 10_000,
            language: Some(language.to_owned()),
            no_speech_probability: 0.1,
        }
    }

    fn check(language: &str, tokens: &[Token], expected: &[&[(&str, i64, i64)]]) {
        let segments = segments(tokens, &facts(language));
        let found: Vec<Vec<_>> = segments
            .iter()
            .map(|segment| {
                segment
                    .words
                    .iter()
                    .map(|w| (w.text.as_str(), w.start_ms, w.end_ms))
                    .collect()
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn tokens_become_words_and_timestamps_segments() {
        check(
            "en",
            &[
                Token::Timestamp { steps: 10 },
                text(" Hel", 400),
                text("lo", 600),
                text(",", 600),
                text(" you", 900),
                text(".", 1000),
                Token::Timestamp { steps: 50 },
                Token::Timestamp { steps: 100 },
                text(" Bye", 5000),
                Token::Timestamp { steps: 300 },
            ],
            &[&[("Hello,", 200, 600), ("you.", 600, 1000)], &[("Bye", 4420, 5000)]],
        );
    }

    #[test]
    fn french_signs_and_split_characters_stay_with_their_words() {
        let half = |bytes: &[u8]| Token::Text {
            bytes: bytes.to_vec(),
            probability: 0.5,
            log_probability: -0.7,
            end_ms: Some(900),
        };
        check(
            "fr",
            &[
                text(" «", 300),
                text(" Où", 500),
                text(" »", 600),
                text(" ?", 600),
                half(b" No\xc3"),
                half(b"\xabl"),
            ],
            &[&[("« Où » ?", 0, 500), ("Noël", 500, 900)]],
        );
        check(
            "ja",
            &[text("会", 500), text("議", 700)],
            &[&[("会", 140, 500), ("議", 500, 700)]],
        );
    }

    #[test]
    fn without_alignment_the_span_is_shared_by_length() {
        check(
            "en",
            &[text(" aa", None), text(" bb", None), Token::Timestamp { steps: 40 }],
            &[&[("aa", 0, 400), ("bb", 400, 800)]],
        );
    }

    fn any_token() -> impl Strategy<Value = Token> {
        prop_oneof![
            ("[ ]?[a-zé.,«»]{0,4}", prop::option::of(-100_i64..40_000))
                .prop_map(|(bytes, end_ms)| text(&bytes, end_ms)),
            prop::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| Token::Text {
                bytes,
                probability: 0.1,
                log_probability: -2.3,
                end_ms: None
            }),
            (-5_i64..2000).prop_map(|steps| Token::Timestamp { steps }),
        ]
    }

    proptest! {
        /// Whatever the decoder gives: words are in order of time, within the window, and none is empty; no letter is lost.
        #[test]
        fn words_are_in_order_and_complete(tokens in prop::collection::vec(any_token(), 0..40)) {
            let segments = segments(&tokens, &facts("en"));
            let mut before_ms = 0;
            for segment in &segments {
                prop_assert!(!segment.words.is_empty());
                for word in &segment.words {
                    prop_assert!(word.start_ms >= before_ms && word.end_ms >= word.start_ms);
                    prop_assert!(word.end_ms <= 10_000 && !word.text.is_empty());
                    before_ms = word.end_ms;
                }
            }
            let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).count();
            let given: usize = tokens.iter().map(|token| match token {
                Token::Text { bytes, .. } => letters(&String::from_utf8_lossy(bytes)),
                Token::Timestamp { .. } => 0,
            }).sum();
            let found: usize = segments.iter().map(|segment| letters(&segment.text())).sum();
            prop_assert_eq!(given, found);
        }
    }
}
