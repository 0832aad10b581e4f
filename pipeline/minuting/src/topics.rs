//! Where the meeting turns to something else, and what each stretch is called.
//!
//! Boundaries are learnt from the topics that annotators gave AMI and ICSI meetings: one linear model tells with which
//! sentence a topic begins, a second whether two sentences half a topic apart belong together, and the boundaries are
//! placed where the error to be expected is least. English is judged by its words too; other languages by cohesion,
//! speakers, pauses and place, with models that never saw a word, and by the phrases that open the next point.

mod cohesion;
mod features;
mod measures;
mod placement;
pub mod titles;

use std::ops::Range;
use std::sync::LazyLock;

use datasets::Language;

use crate::acts::{cues, judged_sentences};
use crate::linear::{LinearModel, sigmoid};
use crate::reading::Reading;
use placement::Placement;

pub use features::TopicFeatures;
pub use titles::topic_titles;

/// How sure it is that a topic begins where the next point is announced. An honest guess: the phrases are few and plain.
const ANNOUNCED_PROBABILITY: f32 = 0.9;

/// Both steps of the segmenter for one kind of text.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicModels {
    /// Whether a topic begins with a sentence, see [`TopicFeatures::boundary`].
    pub boundary: LinearModel,
    /// Whether two sentences belong to different topics, see [`TopicFeatures::pairs`].
    pub pair: LinearModel,
    /// Whether words are looked at.
    pub with_words: bool,
}

impl TopicModels {
    /// The models that the product carries for `language`.
    pub fn of_language(language: Language) -> &'static Self {
        match language {
            Language::ENGLISH => &MODELS[0],
            _ => &MODELS[1],
        }
    }
}

/// With words, then without; written by `train_topics`.
static MODELS: LazyLock<[TopicModels; 2]> = LazyLock::new(|| {
    let bytes = include_bytes!("../weights/topics.bin");
    let models = LinearModel::from_bytes(bytes).expect("the weights in the repository are whole");
    let [boundary, pair, wordless_boundary, wordless_pair] =
        <[LinearModel; 4]>::try_from(models).expect("train_topics writes four models");
    [
        TopicModels {
            boundary,
            pair,
            with_words: true,
        },
        TopicModels {
            boundary: wordless_boundary,
            pair: wordless_pair,
            with_words: false,
        },
    ]
});

/// Cuts `reading` into topics: ranges of sentence positions that follow each other without a gap. Empty for an empty
/// transcript.
pub fn segment(reading: &Reading) -> Vec<Range<usize>> {
    segment_with(reading, TopicModels::of_language(reading.language))
}

/// As [`segment`], by `models`.
pub fn segment_with(reading: &Reading, models: &TopicModels) -> Vec<Range<usize>> {
    let count = reading.sentences.len();
    if count == 0 {
        return Vec::new();
    }
    let boundaries = boundaries(reading, models);
    let starts = std::iter::once(0).chain(boundaries.iter().copied());
    let ends = boundaries.iter().copied().chain(std::iter::once(count));
    starts.zip(ends).map(|(start, end)| start..end).collect()
}

fn boundaries(reading: &Reading, models: &TopicModels) -> Vec<usize> {
    let judged = judged_sentences(reading);
    let features = TopicFeatures::new(reading, &judged, models.with_words);
    if judged.len() <= features.distance {
        return Vec::new();
    }
    let scores: Vec<f32> = (0..judged.len())
        .map(|at| models.boundary.score(&features.boundary(at)))
        .collect();
    let pairs = features.pairs(&scores);
    let mut different: Vec<f32> = pairs.iter().map(|pair| models.pair.probability(pair)).collect();
    let mut begins: Vec<f32> = scores.iter().map(|score| sigmoid(*score)).collect();
    for at in 1..judged.len() {
        if cues::announces_topic(&reading.sentences[judged[at]].text, reading.language) {
            begins[at] = begins[at].max(ANNOUNCED_PROBABILITY);
            let across = at.saturating_sub(features.distance)..at.min(different.len());
            different[across]
                .iter_mut()
                .for_each(|different| *different = different.max(ANNOUNCED_PROBABILITY));
        }
    }
    let placement = Placement {
        different: &different,
        distance: features.distance,
        begins: &begins,
        may_begin: &may_begin(reading, &judged),
    };
    placement
        .best()
        .into_iter()
        .map(|at| first_of_utterance(reading, judged[at]))
        .collect()
}

/// A topic begins with an utterance, not within one.
fn may_begin(reading: &Reading, judged: &[usize]) -> Vec<bool> {
    let utterance = |position: usize| reading.sentences[position].utterance;
    let begins = judged.windows(2).map(|pair| utterance(pair[0]) != utterance(pair[1]));
    std::iter::once(true).chain(begins).collect()
}

/// The first sentence of the utterance that holds the sentence at `position`.
fn first_of_utterance(reading: &Reading, position: usize) -> usize {
    let utterance = reading.sentences[position].utterance;
    let before = reading.sentences[..position].iter().rev();
    position - before.take_while(|sentence| sentence.utterance == utterance).count()
}

#[cfg(test)]
mod tests {
    use datasets::{Meeting, MeetingId, Transcript, Utterance};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn topics_follow_each_other_without_a_gap(texts in prop::collection::vec("[a-f]{2} [a-f]{3} [a-f]{3}|ok", 0..200)) {
            let utterances = texts.iter().enumerate();
            let utterances = utterances.map(|(position, text)| Utterance::new(Utterance::id_at(position), text));
            let transcript = Transcript { utterances: utterances.collect(), ..Transcript::default() };
            let reading = Reading::new(&Meeting::new(MeetingId::new("m"), "m"), &transcript);
            let mut next = 0;
            for topic in segment(&reading) {
                prop_assert_eq!(topic.start, next);
                prop_assert!(topic.end > topic.start);
                next = topic.end;
            }
            prop_assert_eq!(next, texts.len());
        }
    }
}
