//! Words of whisper.cpp from its tokens: a token that begins with a space begins a word.

use serde::Deserialize;

use super::CppOffsets;
use crate::{MediaTime, TimeSpan, Word};

/// A piece of a word with its times, written by `--output-json-full`.
#[derive(Deserialize)]
pub(super) struct CppToken {
    text: String,
    #[serde(default)]
    offsets: Option<CppOffsets>,
    /// Probability.
    #[serde(default)]
    p: Option<f32>,
    /// Time of the token by dynamic time warping in centiseconds, -1 where it was not computed.
    #[serde(default)]
    t_dtw: Option<i64>,
}

/// A word that is put together from tokens.
struct OpenWord {
    text: String,
    span: TimeSpan,
    /// Start by dynamic time warping, which is closer to the sound than the token's own times.
    warped: Option<MediaTime>,
    probability: Option<f32>,
}

/// The words of a segment with the text `text`; empty where the tokens do not spell that text.
pub(super) fn words(tokens: &[CppToken], text: &str, segment: TimeSpan) -> Vec<Word> {
    let mut open: Vec<OpenWord> = Vec::new();
    for token in tokens.iter().filter(|token| !is_special(&token.text)) {
        let Some(offsets) = token.offsets else {
            return Vec::new();
        };
        match open.last_mut() {
            Some(word) if !token.text.starts_with(' ') => word.extend(token, offsets),
            _ => open.push(OpenWord::new(token, offsets)),
        }
    }
    open.retain(|word| !word.text.trim().is_empty());
    // A character that was cut between two tokens is whole in the segment's text only.
    let written: Vec<&str> = text.split_whitespace().collect();
    if written.len() != open.len() {
        return Vec::new();
    }
    let ends: Vec<Option<MediaTime>> = open.iter().skip(1).map(|word| word.warped).chain([None]).collect();
    let timed = open.iter().zip(ends).zip(written);
    timed
        .map(|((word, next), written)| word.timed(next, written, segment))
        .collect()
}

/// `[_BEG_]`, `[_TT_550]`, `<|en|>`.
fn is_special(text: &str) -> bool {
    text.starts_with("[_") || text.starts_with("<|")
}

impl OpenWord {
    fn new(token: &CppToken, offsets: CppOffsets) -> Self {
        Self {
            text: token.text.clone(),
            span: offsets.span(),
            warped: token
                .t_dtw
                .filter(|&time| (0..i64::MAX / 10).contains(&time))
                .map(|time| MediaTime(time * 10)),
            probability: token.p,
        }
    }

    fn extend(&mut self, token: &CppToken, offsets: CppOffsets) {
        self.text.push_str(&token.text);
        self.span.end = self.span.end.max(offsets.span().end);
        // A word is as sure as its least sure piece.
        self.probability = self.probability.zip(token.p).map(|(word, piece)| word.min(piece));
    }

    fn timed(&self, next: Option<MediaTime>, written: &str, segment: TimeSpan) -> Word {
        let span = match self.warped {
            Some(start) => TimeSpan::new(start, next.unwrap_or(segment.end).max(start)),
            None => self.span,
        };
        Word {
            text: written.to_owned(),
            span,
            probability: self.probability,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokens: &str, text: &str, expected: &[(&str, i64, i64)]) {
        let tokens: Vec<CppToken> = serde_json::from_str(tokens).unwrap();
        let words = words(&tokens, text, TimeSpan::new(MediaTime(0), MediaTime(900)));
        let found: Vec<_> = words
            .iter()
            .map(|w| (w.text.as_str(), w.span.start.0, w.span.end.0))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn tokens_make_words() {
        check(
            r#"[{"text":"[_BEG_]","offsets":{"from":0,"to":0}},{"text":" Hel","offsets":{"from":0,"to":20},"p":0.9},
                {"text":"lo","offsets":{"from":20,"to":50},"p":0.5},{"text":" you","offsets":{"from":60,"to":90}},
                {"text":".","offsets":{"from":90,"to":95}}]"#,
            " Hello you.",
            &[("Hello", 0, 50), ("you.", 60, 95)],
        );
    }

    #[test]
    fn warped_times_are_preferred_and_cut_characters_healed() {
        check(
            r#"[{"text":" d","offsets":{"from":0,"to":20},"t_dtw":10},{"text":"\ufffd","offsets":{"from":20,"to":30},"t_dtw":12},
                {"text":" ou","offsets":{"from":60,"to":90},"t_dtw":50}]"#,
            " dé ou",
            &[("dé", 100, 500), ("ou", 500, 900)],
        );
    }

    #[test]
    fn tokens_that_spell_another_text_give_no_words() {
        check(r#"[{"text":" one","offsets":{"from":0,"to":20}}]"#, "one two", &[]);
    }
}
