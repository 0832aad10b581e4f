//! Speakers whom a query names: "What did the project manager say about the price?" asks for what one person said.

use std::collections::{HashMap, HashSet};

use crate::analyzer::plain_words;
use crate::keyword_search::QueryWord;
use crate::view::View;

/// The least share of a name's words that must stand in the query.
const NAME_SHARE_MIN: f32 = 0.5;

/// The names of speakers that a query holds.
pub(crate) struct NamedSpeakers {
    /// Words of the query.
    words: HashSet<String>,
    /// In how many of how many meetings each word is part of a speaker's name.
    meetings_with: HashMap<String, usize>,
    meetings: usize,
    /// The best share that any speaker's name reaches; only names that reach it count.
    best: f32,
}

impl NamedSpeakers {
    /// Compares the query with the names of all speakers.
    pub(crate) fn find(view: &View, text: &str) -> Self {
        let mut named = Self {
            words: plain_words(text).into_iter().map(|token| token.text).collect(),
            meetings_with: HashMap::new(),
            meetings: 0,
            best: 0.0,
        };
        for columns in &view.columns {
            for meeting in &columns.meetings {
                named.meetings += 1;
                let mut here: HashSet<&str> = HashSet::new();
                for name in &meeting.speaker_words {
                    let share = named.share(name);
                    named.best = named.best.max(share);
                    if share > 0.0 {
                        here.extend(
                            name.iter()
                                .map(String::as_str)
                                .filter(|word| named.words.contains(*word)),
                        );
                    }
                }
                for word in here {
                    *named.meetings_with.entry(word.to_owned()).or_default() += 1;
                }
            }
        }
        named
    }

    /// How well the query names this speaker: the share of the name's words, 0 where another is named better.
    pub(crate) fn strength(&self, name: &[String]) -> f32 {
        let share = self.share(name);
        if share > 0.0 && share >= self.best { share } else { 0.0 }
    }

    /// How rare the name is among meetings, in 0..=1; 0 where the query does not name it.
    pub(crate) fn rarity(&self, name: &[String]) -> f32 {
        if self.strength(name) == 0.0 {
            return 0.0;
        }
        let meetings = self.meetings as f32;
        let rarest = name.iter().filter_map(|word| self.meetings_with.get(word)).min();
        rarest.map_or(0.0, |&with| {
            let with = with as f32;
            ((1.0 + (meetings - with + 0.5) / (with + 0.5)).ln() / (2.0 + meetings).ln()).clamp(0.0, 1.0)
        })
    }

    /// The words of the query that are not part of a named speaker's name; all where nothing else is left.
    pub(crate) fn without_names(&self, words: Vec<QueryWord>) -> Vec<QueryWord> {
        let is_name = |word: &QueryWord| self.meetings_with.contains_key(&word.plain);
        if words.iter().all(is_name) {
            return words;
        }
        words.into_iter().filter(|word| !is_name(word)).collect()
    }

    fn share(&self, name: &[String]) -> f32 {
        if name.is_empty() {
            return 0.0;
        }
        let said = name
            .iter()
            .filter(|word| word.len() > 1 && self.words.contains(*word))
            .count();
        let share = said as f32 / name.len() as f32;
        if share >= NAME_SHARE_MIN { share } else { 0.0 }
    }
}
