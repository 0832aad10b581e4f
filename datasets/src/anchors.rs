//! Keeps utterance ids alive across transcriptions, so that no citation, action or link dangles when a better model, a
//! final pass or a correction replaces the transcript.

use std::collections::{BTreeMap, BTreeSet};

use similar::{Algorithm, DiffOp};

use crate::{Transcript, Utterance, UtteranceId};

/// Gives each utterance of `new` the id of the utterance of `old` that it shares most with (time where both have it,
/// words in the same order else), each id once; the rest get ids that `old` never used. Ids of `old` that no utterance
/// took over are recorded in `new.replaced`, so that each still leads to the utterance that now stands in its place.
pub fn carry(old: &Transcript, new: &mut Transcript) {
    let shared = shared_amounts(&old.utterances, &new.utterances);
    let mut order: Vec<(&(usize, usize), &i64)> = shared.iter().collect();
    order.sort_by_key(|&(&pair, &amount)| (std::cmp::Reverse(amount), pair));

    let mut id_of_new: Vec<Option<UtteranceId>> = vec![None; new.utterances.len()];
    let mut taken = BTreeSet::new();
    for &(&(old_position, new_position), _) in &order {
        if id_of_new[new_position].is_none() && taken.insert(old_position) {
            id_of_new[new_position] = Some(old.utterances[old_position].id.clone());
        }
    }
    let mut fresh = FreshIds::after(old);
    for (utterance, id) in new.utterances.iter_mut().zip(id_of_new) {
        utterance.id = id.unwrap_or_else(|| fresh.next());
    }
    new.replaced = replaced(old, new, &order, &taken);
}

fn replaced(
    old: &Transcript,
    new: &Transcript,
    order: &[(&(usize, usize), &i64)],
    taken: &BTreeSet<usize>,
) -> BTreeMap<UtteranceId, UtteranceId> {
    let mut replaced = BTreeMap::new();
    let Some(last) = new.utterances.len().checked_sub(1) else {
        return replaced;
    };
    for (position, utterance) in old
        .utterances
        .iter()
        .enumerate()
        .filter(|(position, _)| !taken.contains(position))
    {
        let heir = order
            .iter()
            .find(|(pair, _)| pair.0 == position)
            .map_or_else(|| position * (last + 1) / old.utterances.len(), |(pair, _)| pair.1);
        replaced.insert(utterance.id.clone(), new.utterances[heir.min(last)].id.clone());
    }
    // What the old transcript had replaced before leads on to where its heir went.
    for (id, heir) in &old.replaced {
        let heir = replaced.get(heir).unwrap_or(heir).clone();
        replaced.insert(id.clone(), heir);
    }
    replaced
}

/// What each pair (old, new) shares: milliseconds where all have times, else words that a diff aligns.
fn shared_amounts(old: &[Utterance], new: &[Utterance]) -> BTreeMap<(usize, usize), i64> {
    let timed = |utterances: &[Utterance]| utterances.iter().all(|utterance| utterance.span.is_some());
    if timed(old) && timed(new) {
        shared_time(old, new)
    } else {
        shared_words(old, new)
    }
}

fn shared_time(old: &[Utterance], new: &[Utterance]) -> BTreeMap<(usize, usize), i64> {
    let longest_ms = old
        .iter()
        .filter_map(|utterance| utterance.span)
        .map(|span| span.duration_ms())
        .max()
        .unwrap_or(0);
    let mut shared = BTreeMap::new();
    for (new_position, utterance) in new.iter().enumerate() {
        let Some(span) = utterance.span else { continue };
        let from = old.partition_point(|old| old.span.is_some_and(|old| old.start.0 < span.start.0 - longest_ms));
        for (old_position, candidate) in old.iter().enumerate().skip(from) {
            let Some(old_span) = candidate.span else { continue };
            if old_span.start > span.end {
                break;
            }
            // Two people who talk at once share time, not words: a change of speaker halves the claim.
            let overlap = old_span.overlap_ms(&span);
            let amount = if candidate.speaker == utterance.speaker {
                overlap
            } else {
                overlap / 2
            };
            if amount > 0 {
                shared.insert((old_position, new_position), amount);
            }
        }
    }
    shared
}

fn shared_words(old: &[Utterance], new: &[Utterance]) -> BTreeMap<(usize, usize), i64> {
    let (old_words, old_owner) = words(old);
    let (new_words, new_owner) = words(new);
    let mut shared = BTreeMap::new();
    for op in similar::capture_diff_slices(Algorithm::Patience, &old_words, &new_words) {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            for offset in 0..len {
                *shared
                    .entry((old_owner[old_index + offset], new_owner[new_index + offset]))
                    .or_default() += 1;
            }
        }
    }
    shared
}

fn words(utterances: &[Utterance]) -> (Vec<String>, Vec<usize>) {
    let (mut words, mut owners) = (Vec::new(), Vec::new());
    for (position, utterance) in utterances.iter().enumerate() {
        for word in utterance.text.split_whitespace() {
            words.push(word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
            owners.push(position);
        }
    }
    (words, owners)
}

/// Ids that an earlier transcript never used.
struct FreshIds {
    next: usize,
}

impl FreshIds {
    fn after(old: &Transcript) -> Self {
        let used = old
            .utterances
            .iter()
            .map(|utterance| &utterance.id)
            .chain(old.replaced.keys());
        let highest = used
            .filter_map(|id| id.as_str().strip_prefix('u')?.parse::<usize>().ok())
            .max();
        Self {
            next: highest.unwrap_or(0),
        }
    }

    fn next(&mut self) -> UtteranceId {
        let id = Utterance::id_at(self.next);
        self.next += 1;
        id
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{MediaTime, TimeSpan};

    fn transcript(texts: &[&str]) -> Transcript {
        let utterances = texts
            .iter()
            .enumerate()
            .map(|(position, text)| Utterance::new(Utterance::id_at(position), *text))
            .collect();
        Transcript {
            utterances,
            ..Transcript::default()
        }
    }

    fn ids(transcript: &Transcript) -> Vec<&str> {
        transcript
            .utterances
            .iter()
            .map(|utterance| utterance.id.as_str())
            .collect()
    }

    #[test]
    fn an_inserted_utterance_shifts_nobodys_id() {
        let old = transcript(&["we ship on monday", "the tests are green"]);
        let mut new = transcript(&["good morning", "we ship on Monday.", "the tests are all green"]);
        carry(&old, &mut new);
        assert_eq!(ids(&new), ["u3", "u1", "u2"]);
        assert!(new.replaced.is_empty());
    }

    #[test]
    fn a_merged_utterance_still_answers_to_both_ids() {
        let old = transcript(&["we ship", "on monday then", "fine"]);
        let mut new = transcript(&["we ship on monday then", "fine"]);
        carry(&old, &mut new);
        assert_eq!(ids(&new), ["u2", "u3"]);
        assert_eq!(
            new.utterance(&UtteranceId::new("u1")).unwrap().text,
            "we ship on monday then"
        );
    }

    #[test]
    fn times_decide_where_words_changed_altogether() {
        let timed = |texts: &[(&str, i64, i64)]| {
            let mut transcript = transcript(&texts.iter().map(|(text, ..)| *text).collect::<Vec<_>>());
            for (utterance, &(_, start, end)) in transcript.utterances.iter_mut().zip(texts) {
                utterance.span = Some(TimeSpan::new(MediaTime(start), MediaTime(end)));
            }
            transcript
        };
        let old = timed(&[("whey ship", 0, 900), ("tea ests", 1000, 2000)]);
        let mut new = timed(&[("hello", -500, 0), ("we ship", 100, 950), ("the tests", 1020, 1990)]);
        carry(&old, &mut new);
        assert_eq!(ids(&new), ["u3", "u1", "u2"]);
    }

    proptest! {
        #[test]
        fn every_old_id_leads_to_an_utterance_and_ids_stay_unique(
            old in prop::collection::vec("[a-c]( [a-c]){0,3}", 0..8),
            new in prop::collection::vec("[a-c]( [a-c]){0,3}", 1..8),
            third in prop::collection::vec("[a-c]( [a-c]){0,3}", 1..8),
        ) {
            let of = |texts: &[String]| transcript(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let (old, mut new, mut third) = (of(&old), of(&new), of(&third));
            carry(&old, &mut new);
            carry(&new, &mut third);
            for transcript in [&new, &third] {
                let unique: BTreeSet<_> = ids(transcript).into_iter().collect();
                prop_assert_eq!(unique.len(), transcript.utterances.len());
                for utterance in &old.utterances {
                    prop_assert!(transcript.utterance(&utterance.id).is_some());
                }
            }
        }
    }
}
