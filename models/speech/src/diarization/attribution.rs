//! Whose are these words? Words, not windows, are attributed.

use super::SpeakerTurn;
use crate::transcript::Word;

/// A word further than this from any turn is nobody's.
const DISTANCE_MS_MAX: i64 = 500;

/// The speaker of each word: whose turns hold most of it, else whose turn is near. `turns` are in order.
pub fn attribute(words: &[Word], turns: &[SpeakerTurn]) -> Vec<Option<usize>> {
    words.iter().map(|word| speaker_of(word, turns)).collect()
}

fn speaker_of(word: &Word, turns: &[SpeakerTurn]) -> Option<usize> {
    let span = word.span();
    let near = |turn: &&SpeakerTurn| {
        turn.span.start_ms - DISTANCE_MS_MAX <= span.end_ms && turn.span.end_ms + DISTANCE_MS_MAX >= span.start_ms
    };
    let mut overlaps: Vec<(i64, i64, usize)> = Vec::new();
    for turn in turns.iter().filter(near) {
        let distance = (turn.span.start_ms - span.end_ms)
            .max(span.start_ms - turn.span.end_ms)
            .max(0);
        match overlaps.iter_mut().find(|(_, _, speaker)| *speaker == turn.speaker) {
            Some((overlap, nearest, _)) => {
                *overlap += turn.span.overlap_ms(&span);
                *nearest = (*nearest).max(-distance);
            }
            None => overlaps.push((turn.span.overlap_ms(&span), -distance, turn.speaker)),
        }
    }
    // Of equals the first speaker: the order of `max_by_key` would take the last.
    overlaps
        .iter()
        .rev()
        .max_by_key(|(overlap, nearest, _)| (*overlap, *nearest))
        .map(|(_, _, speaker)| *speaker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::Span;

    #[test]
    fn a_word_is_whose_turn_holds_most_of_it() {
        let turn = |start_ms, end_ms, speaker| SpeakerTurn {
            span: Span::new(start_ms, end_ms),
            speaker,
        };
        let turns = [
            turn(0, 1000, 0),
            turn(1000, 1100, 1),
            turn(1150, 2000, 0),
            turn(5000, 6000, 1),
        ];
        let word = |start_ms, end_ms| Word {
            start_ms,
            end_ms,
            text: String::new(),
            probability: 1.0,
        };
        let words = [
            word(100, 400),
            word(950, 1160),
            word(1010, 1090),
            word(2200, 2300),
            word(3000, 3500),
            word(4700, 4900),
        ];
        assert_eq!(
            attribute(&words, &turns),
            [Some(0), Some(1), Some(1), Some(0), None, Some(1)]
        );
        assert_eq!(attribute(&words[..1], &[]), [None]);
    }
}
