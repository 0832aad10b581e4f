//! Accounts for every utterance: each stands in exactly one passage, and each passage says whether it was read.

use std::collections::HashSet;
use std::ops::Range;

use datasets::{Coverage, Minutes, PassageCoverage, PassageState, Transcript, UtteranceId};

/// The coverage of `transcript` when `passages` were read, each a range of utterance positions with what became of it.
///
/// What no passage holds becomes a failed passage of its own, and what two passages share counts for the first, so that
/// the sum is right whatever an engine hands in.
pub fn account(transcript: &Transcript, passages: impl IntoIterator<Item = (Range<usize>, PassageState)>) -> Coverage {
    let count = transcript.utterances.len();
    let mut passages: Vec<(Range<usize>, PassageState)> = passages.into_iter().collect();
    passages.sort_by_key(|(range, _)| range.start);
    let mut coverage = Coverage {
        passages: Vec::new(),
        utterances: count,
        cited: 0,
    };
    let mut next = 0;
    for (range, state) in passages {
        let (start, end) = (range.start.clamp(next, count), range.end.min(count));
        if start >= end {
            continue;
        }
        coverage.passages.extend(passage(transcript, next..start, not_read()));
        coverage.passages.extend(passage(transcript, start..end, state));
        next = end;
    }
    coverage.passages.extend(passage(transcript, next..count, not_read()));
    coverage
}

/// Number of utterances of `transcript` that at least one statement of `minutes` cites.
pub fn count_cited(minutes: &Minutes, transcript: &Transcript) -> usize {
    let cited: HashSet<&UtteranceId> = minutes
        .statements()
        .flat_map(|statement| &statement.evidence)
        .map(|id| transcript.replaced.get(id).unwrap_or(id))
        .collect();
    transcript
        .utterances
        .iter()
        .filter(|utterance| cited.contains(&utterance.id))
        .count()
}

fn not_read() -> PassageState {
    PassageState::Failed("no passage holds these utterances".to_owned())
}

fn passage(transcript: &Transcript, range: Range<usize>, state: PassageState) -> Option<PassageCoverage> {
    let utterances = &transcript.utterances[range];
    let (first, last) = (utterances.first()?, utterances.last()?);
    Some(PassageCoverage {
        first: first.id.clone(),
        last: last.id.clone(),
        utterances: utterances.len(),
        state,
    })
}

#[cfg(test)]
mod tests {
    use datasets::Utterance;
    use proptest::prelude::*;

    use super::*;

    fn transcript(count: usize) -> Transcript {
        let utterances = (0..count).map(|position| Utterance::new(Utterance::id_at(position), "text"));
        Transcript {
            utterances: utterances.collect(),
            ..Transcript::default()
        }
    }

    #[test]
    fn a_gap_is_a_failed_passage() {
        let coverage = account(
            &transcript(10),
            [(0..4, PassageState::Covered), (6..10, PassageState::Covered)],
        );
        let counts: Vec<usize> = coverage.passages.iter().map(|passage| passage.utterances).collect();
        assert_eq!(counts, [4, 2, 4]);
        assert!(matches!(coverage.passages[1].state, PassageState::Failed(_)));
        assert!((coverage.share() - 0.8).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn each_utterance_is_in_exactly_one_passage(
            count in 0_usize..60,
            ranges in prop::collection::vec((0_usize..70, 0_usize..70), 0..8),
        ) {
            let transcript = transcript(count);
            let passages = ranges.into_iter().map(|(start, end)| (start..end, PassageState::Covered));
            let coverage = account(&transcript, passages);
            let positions = transcript.positions();
            let mut next = 0;
            for passage in &coverage.passages {
                prop_assert_eq!(positions[&passage.first], next);
                prop_assert_eq!(positions[&passage.last] + 1, next + passage.utterances);
                next += passage.utterances;
            }
            prop_assert_eq!(next, count);
            prop_assert_eq!(coverage.utterances, count);
        }
    }
}
