//! What the learnt act classifier looks at, in two steps: first each sentence with its words, its place in the meeting
//! and its neighbours; then the scores of the first step along the meeting, because tasks are handed out in a row.

use crate::linear::{Features, sigmoid};
use crate::reading::{Reading, Sentence};

/// Sentences of fewer words are not judged: "okay", "thank you".
pub const WORDS_MIN: usize = 3;

/// How many sentences before and after are context.
const CONTEXT_SENTENCES: usize = 3;

/// Half-widths, in sentences, of the windows over which scores are averaged.
const SCORE_WINDOWS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// The score that stands for a neighbour who does not exist or is another speaker.
const NO_SCORE: f32 = -8.0;

/// Positions of the sentences that are judged.
pub fn judged_sentences(reading: &Reading) -> Vec<usize> {
    let sentences = reading.sentences.iter().enumerate();
    let judged = sentences.filter(|(_, sentence)| sentence.words.len() >= WORDS_MIN);
    judged.map(|(position, _)| position).collect()
}

/// The first step without neighbours: words, place, role.
pub fn own_features(reading: &Reading, position: usize) -> Features {
    let mut features = Features::default();
    add_own(&mut features, reading, position);
    features.finish()
}

/// The first step with the words of the neighbours, told apart by before or after and by whether the speaker is the same.
pub fn context_features(reading: &Reading, position: usize) -> Features {
    let mut features = Features::default();
    add_own(&mut features, reading, position);
    let first = position.saturating_sub(CONTEXT_SENTENCES);
    let last = (position + CONTEXT_SENTENCES).min(reading.sentences.len() - 1);
    for neighbour in (first..=last).filter(|&neighbour| neighbour != position) {
        let side = if neighbour < position { "-" } else { "+" };
        let same = reading.sentences[neighbour].speaker == reading.sentences[position].speaker;
        let speaker = if same { "same:" } else { "other:" };
        for word in tokens(&reading.sentences[neighbour]) {
            features.mark(&["context", side, speaker, word]);
        }
    }
    features.finish()
}

fn add_own(features: &mut Features, reading: &Reading, position: usize) {
    let sentence = &reading.sentences[position];
    let words: Vec<&str> = tokens(sentence).collect();
    for (at, word) in words.iter().enumerate() {
        features.mark(&["word:", word]);
        if let Some(next) = words.get(at + 1) {
            features.mark(&["two:", word, " ", next]);
        }
        if let (Some(next), Some(third)) = (words.get(at + 1), words.get(at + 2)) {
            features.mark(&["three:", word, " ", next, " ", third]);
            features.mark(&["gap:", word, " ", third]);
        }
    }
    let count = reading.sentences.len();
    let to_end = (count - position) as f32;
    features.mark(&["tenth:", &(position * 10 / count).to_string()]);
    features.mark(&["twentieth:", &(position * 20 / count).to_string()]);
    features.mark(&["end:", &((to_end + 1.0).log2() * 1.5).min(12.0).floor().to_string()]);
    features.mark(&["length:", &(words.len() / 3).min(8).to_string()]);
    if let Some(role) = &sentence.role {
        features.mark(&["role:", role]);
    }
}

fn tokens(sentence: &Sentence) -> impl Iterator<Item = &str> {
    let asks = sentence.text.contains('?');
    sentence.words.iter().map(String::as_str).chain(asks.then_some("?"))
}

/// The second step: for each judged sentence, what the first step's `scores` are here and around. Each list of `scores`
/// is in the order of `judged`.
pub fn sequence_features(reading: &Reading, judged: &[usize], scores: &[Vec<f32>]) -> Vec<Features> {
    let mut rows = vec![Features::default(); judged.len()];
    for scores in scores {
        add_scores(&mut rows, reading, judged, scores);
    }
    for (row, &position) in rows.iter_mut().zip(judged) {
        let count = reading.sentences.len();
        row.measures.push(position as f32 / count as f32);
        row.measures.push(((count - position) as f32 + 1.0).ln());
        row.measures
            .push(reading.sentences[position].words.len().min(30) as f32);
    }
    rows
}

fn add_scores(rows: &mut [Features], reading: &Reading, judged: &[usize], scores: &[f32]) {
    let mut sums = vec![0.0_f64];
    for score in scores {
        sums.push(sums[sums.len() - 1] + f64::from(softened(*score)));
    }
    let ranks = ranks(scores);
    let best = mean_of_best(scores);
    for (at, row) in rows.iter_mut().enumerate() {
        let measures = &mut row.measures;
        measures.push(scores[at]);
        for width in SCORE_WINDOWS {
            let (first, last) = (at.saturating_sub(width), (at + width + 1).min(scores.len()));
            let around = sums[last] - sums[first] - f64::from(softened(scores[at]));
            measures.push((around / (2 * width) as f64) as f32);
        }
        for offset in [-2_isize, -1, 1, 2] {
            let neighbour = at
                .checked_add_signed(offset)
                .filter(|&neighbour| neighbour < scores.len());
            let same_speaker = neighbour.filter(|&neighbour| {
                reading.sentences[judged[neighbour]].speaker == reading.sentences[judged[at]].speaker
            });
            measures.push(neighbour.map_or(NO_SCORE, |neighbour| scores[neighbour]));
            measures.push(same_speaker.map_or(NO_SCORE, |neighbour| scores[neighbour]));
        }
        measures.push((ranks[at] as f32 + 1.0).ln());
        measures.push(best);
        measures.push(scores[at] - best);
    }
}

/// Softplus, shifted so that only scores near yes count.
fn softened(score: f32) -> f32 {
    let shifted = score + 1.0;
    if shifted > 20.0 {
        shifted
    } else {
        -sigmoid(-shifted).ln()
    }
}

/// The rank of each score within the meeting, 0 for the highest.
fn ranks(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&left, &right| scores[right].total_cmp(&scores[left]));
    let mut ranks = vec![0; scores.len()];
    for (rank, position) in order.into_iter().enumerate() {
        ranks[position] = rank;
    }
    ranks
}

/// The mean of the three highest scores: how sure the meeting is of its surest tasks.
fn mean_of_best(scores: &[f32]) -> f32 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|left, right| right.total_cmp(left));
    let best = &sorted[..sorted.len().min(3)];
    best.iter().sum::<f32>() / best.len().max(1) as f32
}
