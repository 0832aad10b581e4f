//! Speakers whom a query names: "What did the project manager say about the price?" asks for what one person said.

use std::collections::{HashMap, HashSet};

use crate::analyzer::plain_words;
use crate::keyword_search::QueryWord;
use crate::scope::Scope;
use crate::view::{Columns, View};

/// The least share of a name's words that must stand in the query.
const NAME_SHARE_MIN: f32 = 0.5;

/// A speaker of a meeting, by index segment, number of the meeting in it, and number in the meeting's profile.
type Speaker = (usize, u32, u16);

/// The speakers whom a query names best, among the meetings that the viewer may see.
pub(crate) struct NamedSpeakers {
    /// With the share of the name that stands in the query.
    speakers: HashMap<Speaker, f32>,
    /// Words of these names.
    words: HashSet<String>,
    /// How rare the rarest word of a name in each meeting is, in 0..=1.
    rarity: HashMap<(usize, u32), f32>,
}

impl NamedSpeakers {
    /// Compares the query with the names of all speakers; `scopes` are those of the index segments.
    pub(crate) fn find(view: &View, scopes: &[Scope], text: &str) -> Self {
        let words: HashSet<String> = plain_words(text)
            .into_iter()
            .map(|token| token.text)
            .filter(|word| word.len() > 1)
            .collect();
        let mut said: HashMap<Speaker, usize> = HashMap::new();
        let mut meetings_with: HashMap<&str, HashSet<(usize, u32)>> = HashMap::new();
        for (segment, (columns, scope)) in view.columns.iter().zip(scopes).enumerate() {
            for word in &words {
                for &(meeting, speaker) in columns.speakers_by_word.get(word).into_iter().flatten() {
                    if is_visible(columns, scope, meeting) {
                        *said.entry((segment, meeting, speaker)).or_default() += 1;
                        meetings_with
                            .entry(word.as_str())
                            .or_default()
                            .insert((segment, meeting));
                    }
                }
            }
        }
        let name = |&(segment, meeting, speaker): &Speaker| {
            &view.columns[segment].meetings[meeting as usize].speaker_words[usize::from(speaker)]
        };
        let shares = said
            .iter()
            .map(|(speaker, &said)| (*speaker, said as f32 / name(speaker).len().max(1) as f32));
        let shares: Vec<(Speaker, f32)> = shares.filter(|(_, share)| *share >= NAME_SHARE_MIN).collect();
        let best = shares.iter().map(|(_, share)| *share).fold(0.0, f32::max);
        let speakers: HashMap<Speaker, f32> = shares.into_iter().filter(|(_, share)| *share >= best).collect();
        let mut named = Self {
            words: speakers.keys().flat_map(name).cloned().collect(),
            rarity: HashMap::new(),
            speakers,
        };
        if !named.speakers.is_empty() {
            let meetings = view
                .columns
                .iter()
                .zip(scopes)
                .map(|(columns, scope)| visible_meetings(columns, scope))
                .sum();
            named.weigh(meetings, &meetings_with, name);
        }
        named
    }

    fn weigh<'a>(
        &mut self,
        meetings: usize,
        meetings_with: &HashMap<&str, HashSet<(usize, u32)>>,
        name: impl Fn(&Speaker) -> &'a Vec<String>,
    ) {
        for speaker in self.speakers.keys() {
            let rarest = name(speaker)
                .iter()
                .filter_map(|word| meetings_with.get(word.as_str()))
                .map(HashSet::len)
                .min();
            let rarity = rarest.map_or(0.0, |with| rarity(with, meetings));
            let of_meeting = self.rarity.entry((speaker.0, speaker.1)).or_default();
            *of_meeting = of_meeting.max(rarity);
        }
    }

    /// The meetings in which one of them speaks: index segment, number, strength of the name in 0..=1.
    pub(crate) fn meetings(&self) -> impl Iterator<Item = (usize, u32, f32)> {
        self.speakers
            .iter()
            .map(|(&(segment, meeting, _), &share)| (segment, meeting, share))
    }

    /// How well the query names this speaker: 0 where it does not, or names another one better.
    pub(crate) fn strength(&self, speaker: Speaker) -> f32 {
        if self.speakers.is_empty() {
            return 0.0;
        }
        self.speakers.get(&speaker).copied().unwrap_or(0.0)
    }

    /// How rare the named speakers of a meeting are among meetings, in 0..=1.
    pub(crate) fn rarity(&self, meeting: (usize, u32)) -> f32 {
        self.rarity.get(&meeting).copied().unwrap_or(0.0)
    }

    /// The words of the query that are no part of a named speaker's name; all where nothing else is left.
    pub(crate) fn without_names(&self, words: Vec<QueryWord>) -> Vec<QueryWord> {
        let is_name = |word: &QueryWord| self.words.contains(&word.plain);
        if words.iter().all(is_name) {
            return words;
        }
        words.into_iter().filter(|word| !is_name(word)).collect()
    }
}

fn is_visible(columns: &Columns, scope: &Scope, meeting: u32) -> bool {
    columns.meetings[meeting as usize]
        .document
        .is_some_and(|document| scope.is_visible(document))
}

fn visible_meetings(columns: &Columns, scope: &Scope) -> usize {
    (0..columns.meetings.len() as u32)
        .filter(|&meeting| is_visible(columns, scope, meeting))
        .count()
}

/// 1 for a name of one meeting among many, near 0 for one of all meetings.
fn rarity(with: usize, meetings: usize) -> f32 {
    let (with, meetings) = (with as f32, meetings as f32);
    ((1.0 + (meetings - with + 0.5) / (with + 0.5)).ln() / (2.0 + meetings).ln()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_every_meeting_tells_no_meeting() {
        assert!(rarity(1, 100) > 0.8);
        assert!(rarity(100, 100) < 0.01);
        assert!((0.0..=1.0).contains(&rarity(1, 1)));
    }
}
