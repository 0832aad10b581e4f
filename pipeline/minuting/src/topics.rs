//! Where the meeting turns to something else, and what each stretch is called.

pub mod titles;

use std::collections::HashMap;
use std::ops::Range;

use crate::reading::Reading;
use crate::text::{Stemmer, is_stop_word};

pub use titles::topic_titles;

/// Sentences on either side of a gap whose words are compared; 40 was best of 20, 40 on AMI train.
const WINDOW_SENTENCES: usize = 40;

/// A topic holds at least this many sentences.
const TOPIC_SENTENCES_MIN: usize = 12;

/// Cuts `reading` into topics: ranges of sentence positions that follow each other without a gap. Empty for an empty
/// transcript.
pub fn segment(reading: &Reading) -> Vec<Range<usize>> {
    let count = reading.sentences.len();
    if count == 0 {
        return Vec::new();
    }
    let mut boundaries = cohesion_valleys(reading);
    boundaries.sort_unstable();
    // A topic begins with an utterance, not within one.
    let begins = |at: usize| reading.sentences[at].utterance != reading.sentences[at - 1].utterance;
    boundaries.retain(|&at| begins(at));
    let starts = std::iter::once(0).chain(boundaries.iter().copied());
    let ends = boundaries.iter().copied().chain(std::iter::once(count));
    starts.zip(ends).map(|(start, end)| start..end).collect()
}

fn cohesion_valleys(reading: &Reading) -> Vec<usize> {
    let cohesion = cohesion(reading);
    let mut depths: Vec<(f32, usize)> = (TOPIC_SENTENCES_MIN..cohesion.len().saturating_sub(TOPIC_SENTENCES_MIN))
        .map(|at| (depth(&cohesion, at), at))
        .filter(|&(depth, _)| depth > 0.0)
        .collect();
    let mean = depths.iter().map(|(depth, _)| depth).sum::<f32>() / depths.len().max(1) as f32;
    depths.retain(|&(depth, _)| depth > 2.0 * mean);
    depths.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut chosen: Vec<usize> = Vec::new();
    for (_, at) in depths {
        if chosen.iter().all(|&other| at.abs_diff(other) >= WINDOW_SENTENCES) {
            chosen.push(at);
        }
    }
    chosen
}

/// Cosine of the words before and after each utterance.
fn cohesion(reading: &Reading) -> Vec<f32> {
    let stemmer = Stemmer::new(reading.language);
    let stems: Vec<Vec<String>> = reading
        .sentences
        .iter()
        .map(|sentence| {
            let content = sentence
                .words
                .iter()
                .filter(|word| !is_stop_word(word, reading.language));
            content.map(|word| stemmer.stem(word).to_string()).collect()
        })
        .collect();
    let (mut before, mut after): (HashMap<&str, f32>, HashMap<&str, f32>) = (HashMap::new(), HashMap::new());
    for word in stems.iter().take(WINDOW_SENTENCES).flatten() {
        *after.entry(word).or_default() += 1.0;
    }
    let mut cohesion = Vec::with_capacity(stems.len());
    for at in 0..stems.len() {
        cohesion.push(cosine(&before, &after));
        for word in &stems[at] {
            *before.entry(word).or_default() += 1.0;
            *after.entry(word).or_default() -= 1.0;
        }
        for word in stems.get(at + WINDOW_SENTENCES).into_iter().flatten() {
            *after.entry(word).or_default() += 1.0;
        }
        if let Some(past) = at.checked_sub(WINDOW_SENTENCES) {
            for word in &stems[past] {
                *before.entry(word).or_default() -= 1.0;
            }
        }
        before.retain(|_, count| *count > 0.0);
        after.retain(|_, count| *count > 0.0);
    }
    cohesion
}

fn cosine(left: &HashMap<&str, f32>, right: &HashMap<&str, f32>) -> f32 {
    let dot: f32 = left
        .iter()
        .map(|(word, count)| count * right.get(word).copied().unwrap_or(0.0))
        .sum();
    let norm = |counts: &HashMap<&str, f32>| counts.values().map(|count| count * count).sum::<f32>().sqrt();
    dot / (norm(left) * norm(right)).max(f32::MIN_POSITIVE)
}

/// How far the cohesion at `at` lies below the hills on either side; zero unless `at` is a valley.
fn depth(cohesion: &[f32], at: usize) -> f32 {
    let left = cohesion[at.saturating_sub(WINDOW_SENTENCES)..at]
        .iter()
        .copied()
        .fold(cohesion[at], f32::max);
    let right = cohesion[at..cohesion.len().min(at + WINDOW_SENTENCES)]
        .iter()
        .copied()
        .fold(cohesion[at], f32::max);
    left + right - 2.0 * cohesion[at]
}

#[cfg(test)]
mod tests {
    use datasets::{Meeting, MeetingId, Transcript, Utterance};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn topics_follow_each_other_without_a_gap(texts in prop::collection::vec("[a-f]{2} [a-f]{3} [a-f]{3}", 0..200)) {
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
