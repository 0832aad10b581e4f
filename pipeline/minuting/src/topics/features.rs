//! What the learnt segmenter looks at, in two steps: whether a topic begins with a sentence, and whether two sentences a
//! given number apart belong to different topics. The second is the question that the Pk measure asks.

use crate::linear::{Features, sigmoid};
use crate::reading::{Reading, Sentence};

use super::measures::{TopicMeasures, sums};

/// Words of a sentence that may announce a topic.
const OPENING_WORDS: usize = 8;

/// Sentences before and from a point on whose words are looked at.
const CONTEXT_SENTENCES: usize = 3;

/// What the two steps need of a meeting, made once.
pub struct TopicFeatures<'a> {
    reading: &'a Reading,
    judged: &'a [usize],
    measures: TopicMeasures,
    /// Sentences between the two that the second step compares.
    pub distance: usize,
    with_words: bool,
}

impl<'a> TopicFeatures<'a> {
    /// Measures the `judged` sentences of `reading`. `with_words`: whether the words themselves are marks, for a
    /// language in which a model was learnt.
    pub fn new(reading: &'a Reading, judged: &'a [usize], with_words: bool) -> Self {
        let measures = TopicMeasures::new(reading, judged);
        Self {
            reading,
            judged,
            measures,
            distance: half_topic(judged.len()),
            with_words,
        }
    }

    /// First step: what tells whether a topic begins with the judged sentence `at`.
    pub fn boundary(&self, at: usize) -> Features {
        let mut features = Features {
            marks: Vec::new(),
            measures: self.measures.at(at),
        };
        if self.with_words {
            self.add_words(&mut features, at);
        }
        features.finish()
    }

    fn sentence(&self, at: usize) -> Option<&Sentence> {
        self.judged.get(at).map(|&position| &self.reading.sentences[position])
    }

    fn add_words(&self, features: &mut Features, at: usize) {
        for offset in 0..CONTEXT_SENTENCES {
            let Some(sentence) = self.sentence(at + offset) else {
                break;
            };
            let opening = &sentence.words[..sentence.words.len().min(OPENING_WORDS)];
            let side = if offset == 0 { "now:" } else { "next:" };
            add_words_and_pairs(features, side, opening);
            if offset == 0 {
                for length in 1..=opening.len().min(3) {
                    features.mark(&["opening:", &opening[..length].join(" ")]);
                }
            }
        }
        for offset in 1..=CONTEXT_SENTENCES.min(at) {
            let Some(sentence) = self.sentence(at - offset) else {
                break;
            };
            add_words_and_pairs(features, "before:", &sentence.words);
            if offset == 1 && sentence.words.len() <= 3 {
                features.mark(&["just before:", &sentence.words.join(" ")]);
            }
        }
        if let Some(role) = self.sentence(at).and_then(|sentence| sentence.role.as_deref()) {
            features.mark(&["role:", role]);
        }
    }

    /// Second step: for each judged sentence that has one [`Self::distance`] further on, what tells whether the two
    /// belong to different topics, given the first step's `scores`.
    pub fn pairs(&self, scores: &[f32]) -> Vec<Features> {
        let (count, distance) = (self.measures.count, self.distance);
        let expected = sums(scores.iter().map(|score| sigmoid(*score)));
        // What lies in a window is asked of every window of this width, so it is kept sliding along.
        let best = sliding_best_two(scores, distance);
        let lowest: Vec<Vec<f32>> = [2, 3]
            .into_iter()
            .flat_map(|width| {
                [
                    &self.measures.windows[width].words,
                    &self.measures.windows[width].speakers,
                ]
            })
            .map(|values| sliding_minimum(values, distance))
            .collect();
        let pair = |first: usize| {
            let sum = (expected[first + distance + 1] - expected[first + 1]) as f32;
            let mut row = vec![(sum + 1e-4).ln(), sum, best[first + 1].0, best[first + 1].1];
            let centre = first + distance / 2;
            for window in &self.measures.windows[2..] {
                row.extend([
                    window.words[centre],
                    window.depth[centre],
                    window.speakers[centre],
                    window.new_words[centre],
                    window.ended_words[centre],
                ]);
            }
            row.extend(lowest.iter().map(|values| values[first + 1]));
            row.extend(self.place(first));
            Features {
                marks: Vec::new(),
                measures: row,
            }
        };
        (0..count.saturating_sub(distance)).map(pair).collect()
    }

    fn place(&self, first: usize) -> Vec<f32> {
        let share = |at: usize| at as f32 / self.measures.count as f32;
        let (start, centre, end) = (
            share(first),
            share(first + self.distance / 2),
            share(first + self.distance),
        );
        let mut place = vec![centre, (centre - 0.5).powi(2)];
        for near in [0.02, 0.05, 0.1] {
            place.push(f32::from(u8::from(start < near)));
            place.push(f32::from(u8::from(end > 1.0 - near)));
        }
        place
    }
}

/// Half of the length that a topic is expected to have: what Pk compares. Meetings of AMI and ICSI have about 7.5 topics
/// whatever their length; a topic of more than 150 sentences or less than 12 is not expected in others either.
fn half_topic(sentences: usize) -> usize {
    let topic = (sentences as f32 / 7.5).clamp(12.0, 150.0);
    ((topic / 2.0).round() as usize).max(2)
}

fn add_words_and_pairs(features: &mut Features, side: &str, words: &[String]) {
    for word in words {
        features.mark(&[side, word]);
    }
    for pair in words.windows(2) {
        features.mark(&[side, &pair[0], " ", &pair[1]]);
    }
}

/// For each position, the two highest of the `width` values from it on (fewer at the end).
fn sliding_best_two(values: &[f32], width: usize) -> Vec<(f32, f32)> {
    let best_two = |at: usize| {
        let window = &values[at..(at + width).min(values.len())];
        window.iter().fold((f32::MIN, f32::MIN), |(best, second), &value| {
            if value > best {
                (value, best)
            } else {
                (best, second.max(value))
            }
        })
    };
    let mut best: Vec<(f32, f32)> = (0..values.len()).map(best_two).collect();
    for pair in &mut best {
        pair.1 = pair.1.max(pair.0 - 20.0);
    }
    best
}

/// For each position, the lowest of the `width` values from it on (fewer at the end).
fn sliding_minimum(values: &[f32], width: usize) -> Vec<f32> {
    let lowest = |at: usize| {
        values[at..(at + width).min(values.len())]
            .iter()
            .copied()
            .fold(f32::MAX, f32::min)
    };
    (0..values.len()).map(lowest).collect()
}
