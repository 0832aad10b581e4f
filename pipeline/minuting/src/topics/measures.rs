//! What is measured at each point of a meeting to tell whether the topic changes there: cohesion of words and speakers,
//! words that appear or end, who holds the floor, pauses, and the place in the meeting.

use std::collections::HashMap;

use super::cohesion::{Terms, cohesion};
use crate::reading::{Reading, Sentence};
use crate::text::Stemmer;

/// Widths of the windows on either side of a point, in sentences.
pub(super) const WIDTHS: [usize; 5] = [5, 10, 20, 40, 80];

/// Content words shorter than this are noise.
const WORD_CHARACTERS_MIN: usize = 3;

/// Measurements at every judged sentence, each a list in the order of the sentences.
pub(super) struct TopicMeasures {
    /// Number of judged sentences.
    pub(super) count: usize,
    /// By width: what changes between the windows before and after.
    pub(super) windows: Vec<WindowMeasures>,
    /// Pause before the sentence in seconds, negative where it overlaps; 0 where times are not known.
    pause: Vec<f32>,
    speaker_changes: Vec<f32>,
    words: Vec<f32>,
    length_change: Vec<f32>,
}

/// What two windows of one width tell about the point between them.
pub(super) struct WindowMeasures {
    pub(super) words: Vec<f32>,
    pub(super) speakers: Vec<f32>,
    /// Mean cohesion around the point less the cohesion at it.
    pub(super) depth: Vec<f32>,
    /// Share of first occurrences after less the share before.
    pub(super) new_words: Vec<f32>,
    /// Share of last occurrences before less the share after.
    pub(super) ended_words: Vec<f32>,
    dominant_after: Vec<f32>,
    dominant_before: Vec<f32>,
    /// How much more the speaker of the sentence talks after than before.
    speaker_rise: Vec<f32>,
}

impl TopicMeasures {
    pub(super) fn new(reading: &Reading, judged: &[usize]) -> Self {
        let sentences: Vec<&Sentence> = judged.iter().map(|&position| &reading.sentences[position]).collect();
        let vocabulary = Vocabulary::new(reading, &sentences);
        let speakers = speaker_terms(&sentences);
        let windows = WIDTHS.map(|width| window_measures(&vocabulary, &speakers, width));
        let words: Vec<f32> = sentences.iter().map(|sentence| sentence.words.len() as f32).collect();
        Self {
            count: sentences.len(),
            windows: windows.into_iter().collect(),
            pause: pauses(&sentences),
            speaker_changes: speaker_changes(&sentences),
            length_change: length_changes(&words),
            words,
        }
    }

    /// All measurements at `at`, always in the same order.
    pub(super) fn at(&self, at: usize) -> Vec<f32> {
        let mut row = Vec::with_capacity(WIDTHS.len() * 8 + 17);
        for window in &self.windows {
            row.extend([
                window.words[at],
                window.speakers[at],
                window.depth[at],
                window.new_words[at],
                window.ended_words[at],
                window.dominant_after[at],
                window.dominant_before[at],
                window.speaker_rise[at],
            ]);
        }
        row.extend([
            self.pause[at].clamp(-3.0, 10.0),
            self.pause[at].max(0.0).ln_1p(),
            self.speaker_changes[at],
            self.words[at].min(30.0),
            self.length_change[at],
        ]);
        row.extend(place(at, self.count));
        row
    }
}

/// The place of `at` among `count`: as a share, and near the beginning or the end.
fn place(at: usize, count: usize) -> Vec<f32> {
    let share = at as f32 / count as f32;
    let mut place = vec![
        share,
        (share - 0.5).powi(2),
        (at as f32).ln_1p(),
        ((count - at) as f32).ln_1p(),
    ];
    for near in [0.02, 0.05, 0.1, 0.2] {
        place.push(f32::from(u8::from(share < near)));
        place.push(f32::from(u8::from(share > 1.0 - near)));
    }
    place
}

/// Content stems of every sentence, numbered.
struct Vocabulary {
    stems: Vec<Vec<u32>>,
    weighted: Vec<Terms>,
    size: usize,
}

impl Vocabulary {
    fn new(reading: &Reading, sentences: &[&Sentence]) -> Self {
        let stemmer = Stemmer::new(reading.language);
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut stems = Vec::with_capacity(sentences.len());
        for sentence in sentences {
            let content = sentence
                .words
                .iter()
                .filter(|word| word.chars().count() >= WORD_CHARACTERS_MIN && stemmer.is_content(word));
            let numbered = content.map(|word| {
                let next = numbers.len() as u32;
                *numbers.entry(stemmer.stem(word)).or_insert(next)
            });
            stems.push(numbered.collect::<Vec<u32>>());
        }
        let mut sentences_with = vec![0_u32; numbers.len()];
        for stems in &stems {
            let mut distinct = stems.clone();
            distinct.sort_unstable();
            distinct.dedup();
            distinct.into_iter().for_each(|stem| sentences_with[stem as usize] += 1);
        }
        let rarity = |stem: u32| ((1.0 + stems.len() as f32) / (1.0 + sentences_with[stem as usize] as f32)).ln();
        let weighted = stems
            .iter()
            .map(|stems| stems.iter().map(|&stem| (stem, rarity(stem))).collect())
            .collect();
        Self {
            size: numbers.len(),
            weighted,
            stems,
        }
    }

    /// For each sentence, how many of its words are said for the first (or, in reverse, the last) time.
    fn first_occurrences(&self, reverse: bool) -> Vec<f32> {
        let mut seen = vec![false; self.size];
        let mut counts = vec![0.0; self.stems.len()];
        for step in 0..self.stems.len() {
            let at = if reverse { self.stems.len() - 1 - step } else { step };
            for &stem in &self.stems[at] {
                if !std::mem::replace(&mut seen[stem as usize], true) {
                    counts[at] += 1.0;
                }
            }
        }
        counts
    }
}

/// Each sentence as its speaker, weighted by its words; speakers that are not known are one.
fn speaker_terms(sentences: &[&Sentence]) -> Vec<Terms> {
    let term = |sentence: &&Sentence| {
        vec![(
            sentence.speaker.map_or(0, |speaker| u32::from(speaker) + 1),
            sentence.words.len() as f32,
        )]
    };
    sentences.iter().map(term).collect()
}

fn window_measures(vocabulary: &Vocabulary, speakers: &[Terms], width: usize) -> WindowMeasures {
    let count = speakers.len();
    let speaker_count = speakers
        .iter()
        .flatten()
        .map(|&(speaker, _)| speaker as usize + 1)
        .max()
        .unwrap_or(0);
    let words = cohesion(&vocabulary.weighted, vocabulary.size, width);
    let stems = sums(vocabulary.stems.iter().map(|stems| stems.len() as f32));
    let share =
        |sums: &[f64], from: usize, to: usize| ((sums[to] - sums[from]) / (stems[to] - stems[from]).max(1.0)) as f32;
    let (first, last) = (
        sums(vocabulary.first_occurrences(false).into_iter()),
        sums(vocabulary.first_occurrences(true).into_iter()),
    );
    let bounds = |at: usize| (at.saturating_sub(width), (at + width).min(count));
    let new_words = (0..count).map(|at| {
        let (from, to) = bounds(at);
        share(&first, at, to) - share(&first, from, at)
    });
    let ended_words = (0..count).map(|at| {
        let (from, to) = bounds(at);
        share(&last, from, at) - share(&last, at, to)
    });
    let floor = Floor::new(speakers, speaker_count, width);
    WindowMeasures {
        depth: depths(&words, width),
        new_words: new_words.collect(),
        ended_words: ended_words.collect(),
        speakers: cohesion(speakers, speaker_count, width),
        dominant_after: floor.dominant_after,
        dominant_before: floor.dominant_before,
        speaker_rise: floor.speaker_rise,
        words,
    }
}

/// Who holds the floor before and after each point.
struct Floor {
    dominant_after: Vec<f32>,
    dominant_before: Vec<f32>,
    speaker_rise: Vec<f32>,
}

impl Floor {
    fn new(speakers: &[Terms], speaker_count: usize, width: usize) -> Self {
        let mut floor = Self {
            dominant_after: Vec::new(),
            dominant_before: Vec::new(),
            speaker_rise: Vec::new(),
        };
        let (mut before, mut after) = (vec![0.0_f32; speaker_count], vec![0.0_f32; speaker_count]);
        let change = |side: &mut [f32], unit: Option<&Terms>, sign: f32| {
            for &(speaker, words) in unit.into_iter().flatten() {
                side[speaker as usize] += sign * words;
            }
        };
        for unit in speakers.iter().take(width) {
            change(&mut after, Some(unit), 1.0);
        }
        for (at, unit) in speakers.iter().enumerate() {
            let (total_before, total_after) = (total(&before), total(&after));
            let current = unit.first().map_or(0, |&(speaker, _)| speaker as usize);
            floor
                .dominant_before
                .push(before.iter().copied().fold(0.0, f32::max) / total_before);
            floor
                .dominant_after
                .push(after.iter().copied().fold(0.0, f32::max) / total_after);
            floor
                .speaker_rise
                .push(after[current] / total_after - before[current] / total_before);
            change(&mut after, Some(unit), -1.0);
            change(&mut after, speakers.get(at + width), 1.0);
            change(&mut before, Some(unit), 1.0);
            change(&mut before, at.checked_sub(width).map(|past| &speakers[past]), -1.0);
        }
        floor
    }
}

fn total(words: &[f32]) -> f32 {
    words.iter().sum::<f32>().max(1.0)
}

fn depths(cohesion: &[f32], width: usize) -> Vec<f32> {
    let sums = sums(cohesion.iter().copied());
    let depth = |at: usize| {
        let (from, to) = (at.saturating_sub(width), (at + width + 1).min(cohesion.len()));
        ((sums[to] - sums[from]) / (to - from) as f64) as f32 - cohesion[at]
    };
    (0..cohesion.len()).map(depth).collect()
}

/// Sums of the values before each position, and of all.
pub(super) fn sums(values: impl Iterator<Item = f32>) -> Vec<f64> {
    let mut sums = vec![0.0];
    for value in values {
        sums.push(sums[sums.len() - 1] + f64::from(value));
    }
    sums
}

fn pauses(sentences: &[&Sentence]) -> Vec<f32> {
    let mut end: Option<i64> = None;
    let mut utterance = None;
    let mut pauses = Vec::with_capacity(sentences.len());
    for sentence in sentences {
        let continues = utterance.replace(sentence.utterance) == Some(sentence.utterance);
        let pause = match (sentence.span_ms, end) {
            (Some((start, _)), Some(end)) if !continues => (start - end) as f32 / 1000.0,
            _ => 0.0,
        };
        pauses.push(pause);
        end = end.max(sentence.span_ms.map(|(_, end)| end));
    }
    pauses
}

fn speaker_changes(sentences: &[&Sentence]) -> Vec<f32> {
    let changes = sentences
        .windows(2)
        .map(|pair| f32::from(u8::from(pair[0].speaker != pair[1].speaker)));
    std::iter::once(0.0).take(sentences.len()).chain(changes).collect()
}

/// Mean words of the five sentences from a point on, less that of the five before it.
fn length_changes(words: &[f32]) -> Vec<f32> {
    let sums = sums(words.iter().copied());
    let change = |at: usize| {
        let (from, to) = (at.saturating_sub(5), (at + 5).min(words.len()));
        ((sums[to] - sums[at]) / 5.0 - (sums[at] - sums[from]) / 5.0) as f32
    };
    (0..words.len()).map(change).collect()
}
