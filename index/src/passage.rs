//! Windows of whole utterances: what is embedded, retrieved and shown. Each utterance is in exactly one.

use std::ops::Range;

use datasets::{Meeting, Transcript};

/// How transcripts are cut into passages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassageOptions {
    /// A passage ends with the utterance that brings it to this many words, speakers' names included.
    pub words_min: usize,
}

impl Default for PassageOptions {
    /// 100 words: half a minute of talk, and short enough for a sentence encoder that reads 256 word pieces.
    fn default() -> Self {
        Self { words_min: 100 }
    }
}

/// Consecutive utterances of one transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Positions of its utterances in the transcript; never empty.
    pub utterances: Range<usize>,
    /// The text to embed: `speaker: words`, utterance after utterance.
    pub text: String,
}

/// Cuts `transcript` into passages of the default length; the same transcript always gives the same passages.
pub fn passages(transcript: &Transcript) -> Vec<Passage> {
    passages_with(None, transcript, PassageOptions::default())
}

/// Cuts `transcript` into passages; speakers bear the names that `meeting` knows.
pub fn passages_with(meeting: Option<&Meeting>, transcript: &Transcript, options: PassageOptions) -> Vec<Passage> {
    let mut passages = Vec::new();
    let (mut text, mut words, mut start) = (String::new(), 0, 0);
    for (position, utterance) in transcript.utterances.iter().enumerate() {
        if !text.is_empty() {
            text.push('\n');
        }
        if let Some(speaker) = &utterance.speaker {
            let name = meeting.map_or(speaker.as_str(), |meeting| meeting.speaker_name(speaker));
            words += name.split_whitespace().count();
            text.push_str(name);
            text.push_str(": ");
        }
        words += utterance.text.split_whitespace().count();
        text.push_str(&utterance.text);
        if words >= options.words_min || position + 1 == transcript.utterances.len() {
            passages.push(Passage {
                utterances: start..position + 1,
                text: std::mem::take(&mut text),
            });
            (words, start) = (0, position + 1);
        }
    }
    passages
}

#[cfg(test)]
mod tests {
    use datasets::{SpeakerLabel, Utterance};
    use proptest::prelude::*;

    use super::*;

    fn transcript(texts: &[String]) -> Transcript {
        let utterances = texts.iter().enumerate().map(|(position, text)| Utterance {
            speaker: Some(SpeakerLabel::new("Ann Lee")),
            ..Utterance::new(Utterance::id_at(position), text.as_str())
        });
        Transcript {
            utterances: utterances.collect(),
            ..Transcript::default()
        }
    }

    #[test]
    fn a_passage_ends_with_the_utterance_that_fills_it() {
        let text = transcript(&["one two".to_owned(), "three".to_owned(), "four".to_owned()]);
        let cut = passages_with(None, &text, PassageOptions { words_min: 6 });
        assert_eq!(cut.len(), 2);
        assert_eq!(cut[0].utterances, 0..2);
        assert_eq!(cut[0].text, "Ann Lee: one two\nAnn Lee: three");
        assert_eq!(cut[1].utterances, 2..3);
    }

    proptest! {
        #[test]
        fn every_utterance_is_in_exactly_one_passage(lengths in prop::collection::vec(0_usize..60, 0..40), words_min in 0_usize..200) {
            let texts: Vec<String> = lengths.iter().map(|&length| "word ".repeat(length)).collect();
            let text = transcript(&texts);
            let cut = passages_with(None, &text, PassageOptions { words_min });
            let covered: Vec<usize> = cut.iter().flat_map(|passage| passage.utterances.clone()).collect();
            prop_assert_eq!(covered, (0..texts.len()).collect::<Vec<_>>());
        }
    }
}
