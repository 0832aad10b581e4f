//! Draws the borders between speakers frame by frame, and merges voices that are one.

use std::collections::BTreeMap;

use super::mixture::Mixture;

/// Parts of a voice's mixture.
const PARTS: usize = 6;
/// What a change of speaker costs, in logarithms of density: keeps turns from being syllables.
const CHANGE_COST: f32 = 60.0;
const ROUNDS: usize = 2;
/// Two voices are one when one mixture explains them this much better than two, as a logarithm of density for each frame of
/// the smaller: with as many parts, it does so a little for different voices too. Set on the clips of the test `diarization`.
const SAME_VOICE_GAIN_MIN: f32 = 0.5;

/// The speaker of each frame, from a first guess. At most `speakers`, where given.
pub(super) fn resegment(frames: &[Vec<f32>], mut labels: Vec<usize>, speakers: Option<usize>) -> Vec<usize> {
    for _ in 0..ROUNDS {
        labels = redraw(frames, &labels);
    }
    loop {
        let voices = voices(frames, &labels);
        let Some((gain, kept, merged)) = most_alike(&voices) else {
            return labels;
        };
        let too_many = speakers.is_some_and(|speakers| voices.len() > speakers);
        if !too_many && gain < SAME_VOICE_GAIN_MIN {
            return labels;
        }
        for label in labels.iter_mut().filter(|label| **label == merged) {
            *label = kept;
        }
        for _ in 0..ROUNDS {
            labels = redraw(frames, &labels);
        }
    }
}

struct Voice<'a> {
    frames: Vec<&'a Vec<f32>>,
    mixture: Mixture,
}

fn voices<'a>(frames: &'a [Vec<f32>], labels: &[usize]) -> BTreeMap<usize, Voice<'a>> {
    let mut of_labels: BTreeMap<usize, Vec<&Vec<f32>>> = BTreeMap::new();
    for (frame, label) in frames.iter().zip(labels) {
        of_labels.entry(*label).or_default().push(frame);
    }
    let voice = |(label, frames): (usize, Vec<&'a Vec<f32>>)| {
        let mixture = Mixture::fit(&frames, PARTS);
        (label, Voice { frames, mixture })
    };
    of_labels.into_iter().map(voice).collect()
}

/// The two voices that gain most by being one: the gain for each frame of the smaller, and their labels.
fn most_alike(voices: &BTreeMap<usize, Voice<'_>>) -> Option<(f32, usize, usize)> {
    let density =
        |mixture: &Mixture, frames: &[&Vec<f32>]| frames.iter().map(|frame| mixture.log_density(frame)).sum::<f32>();
    let mut best: Option<(f32, usize, usize)> = None;
    for (a, left) in voices {
        for (b, right) in voices.range(a + 1..) {
            let both: Vec<&Vec<f32>> = left.frames.iter().chain(&right.frames).copied().collect();
            let one = Mixture::fit(&both, left.mixture.parts() + right.mixture.parts());
            let gain =
                density(&one, &both) - density(&left.mixture, &left.frames) - density(&right.mixture, &right.frames);
            let gain = gain / left.frames.len().min(right.frames.len()) as f32;
            if best.is_none_or(|(most, _, _)| gain > most) {
                best = Some((gain, *a, *b));
            }
        }
    }
    best
}

/// The likeliest speakers, one after the other (Viterbi).
fn redraw(frames: &[Vec<f32>], labels: &[usize]) -> Vec<usize> {
    let voices = voices(frames, labels);
    let names: Vec<usize> = voices.keys().copied().collect();
    let mut scores = vec![0.0_f32; names.len()];
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(frames.len());
    for frame in frames {
        let best = highest(&scores);
        let before: Vec<usize> = (0..names.len())
            .map(|voice| {
                if scores[voice] >= scores[best] - CHANGE_COST {
                    voice
                } else {
                    best
                }
            })
            .collect();
        scores = voices
            .values()
            .zip(&before)
            .enumerate()
            .map(|(voice, (own, &before))| {
                let cost = if before == voice { 0.0 } else { CHANGE_COST };
                scores[before] - cost + own.mixture.log_density(frame)
            })
            .collect();
        from.push(before);
    }
    let mut voice = highest(&scores);
    let mut redrawn = Vec::with_capacity(frames.len());
    for before in from.iter().rev() {
        redrawn.push(names[voice]);
        voice = before[voice];
    }
    redrawn.reverse();
    redrawn
}

fn highest(scores: &[f32]) -> usize {
    let scores = scores.iter().enumerate();
    scores.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;

    fn frames(voices: &[(f32, usize)]) -> Vec<Vec<f32>> {
        let mut random = SplitMix(9);
        let frame = |at: f32, random: &mut SplitMix| (0..6).map(|n| at * n as f32 + 2.0 * random.centred()).collect();
        voices
            .iter()
            .flat_map(|&(at, count)| (0..count).map(|_| frame(at, &mut random)).collect::<Vec<Vec<f32>>>())
            .collect()
    }

    #[test]
    fn borders_are_found_near_a_wrong_guess() {
        let frames = frames(&[(1.0, 400), (-1.0, 400), (1.0, 200)]);
        let guess: Vec<usize> = (0..1000).map(|n| usize::from((330..760).contains(&n))).collect();
        let labels = resegment(&frames, guess, Some(2));
        let border = |a: usize, b: usize| labels[a] != labels[b];
        assert!(
            border(390, 410) && border(790, 810) && !border(10, 380) && !border(420, 780),
            "{labels:?}"
        );
    }

    #[test]
    fn one_voice_cut_in_two_is_made_one_again() {
        let frames = frames(&[(1.0, 800)]);
        let guess: Vec<usize> = (0..800).map(|n| n / 200 % 2).collect();
        let labels = resegment(&frames, guess, Some(2));
        assert!(labels.iter().all(|label| *label == labels[0]));
    }
}
