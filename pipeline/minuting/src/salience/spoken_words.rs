//! What was said, as counts: how often each word, by whom, where in the meeting, beside which other words.

use std::collections::{HashMap, HashSet};

use datasets::Language;

use crate::compression::SpeechTurn;
use crate::graph_of_words::core_rank;
use crate::text::{Stemmer, is_stop_word, words};

/// Parts into which a meeting is cut to see how widely a word is spread.
const MEETING_PARTS: usize = 10;

/// Letters up to which an English word is not stemmed.
const UNSTEMMED_LETTERS_MAX: usize = 3;

/// Number of a word within its meeting.
pub type WordId = u32;

/// The words of `text` as salience counts them: English words above three letters by their stem, those of other
/// languages as they are.
pub fn salience_words(text: &str, stemmer: &Stemmer) -> Vec<String> {
    let stem = |word: String| {
        let stems = stemmer.language() == Language::ENGLISH && word.len() > UNSTEMMED_LETTERS_MAX;
        if stems { stemmer.stem(&word) } else { word }
    };
    words(text).into_iter().map(stem).collect()
}

/// The counts of one meeting.
#[derive(Clone, Debug, Default)]
pub struct SpokenWords {
    ids: HashMap<String, WordId>,
    words: Vec<SpokenWord>,
    pairs: HashMap<(WordId, WordId), u32>,
    /// Words said in all.
    pub total: usize,
    /// Speakers who are told apart; at least one.
    pub speakers: usize,
    core_rank_max: u64,
}

/// What is known of one word of a meeting.
#[derive(Clone, Debug, Default)]
pub struct SpokenWord {
    /// The word, as [`salience_words`] gives it.
    pub text: String,
    /// Whether it only holds sentences together.
    pub is_stop_word: bool,
    /// How often it was said.
    pub count: usize,
    /// In how many speech turns.
    pub turns: usize,
    /// By how many speakers.
    pub speakers: usize,
    /// In how many tenths of the meeting.
    pub parts: usize,
    /// Where it was first said: 0 at the beginning, 1 at the end.
    pub first: f32,
    /// Its CoreRank as a share of the highest of the meeting.
    pub core_rank: f32,
}

impl SpokenWords {
    /// Counts the words of `turns`.
    pub fn count(turns: &[SpeechTurn], stemmer: &Stemmer) -> Self {
        let mut spoken = Self::default();
        let mut seen = Seen::default();
        let mut content: Vec<Vec<WordId>> = Vec::with_capacity(turns.len());
        for (position, turn) in turns.iter().enumerate() {
            let text: Vec<&str> = turn.tokens.iter().map(|token| token.text.as_str()).collect();
            let ids = spoken.number(&text.join(" "), stemmer);
            spoken.count_turn(&ids, position as f32 / turns.len() as f32, turn.speaker, &mut seen);
            content.push(ids.into_iter().filter(|&id| !spoken.word(id).is_stop_word).collect());
        }
        spoken.speakers = turns
            .iter()
            .map(|turn| turn.speaker)
            .collect::<HashSet<_>>()
            .len()
            .max(1);
        let ranks = core_rank(&content, spoken.words.len());
        spoken.core_rank_max = ranks.iter().copied().max().unwrap_or(0).max(1);
        for (word, rank) in spoken.words.iter_mut().zip(ranks) {
            word.core_rank = rank as f32 / spoken.core_rank_max as f32;
        }
        spoken
    }

    fn count_turn(&mut self, ids: &[WordId], place: f32, speaker: Option<usize>, seen: &mut Seen) {
        self.total += ids.len();
        for pair in ids.windows(2) {
            *self.pairs.entry((pair[0], pair[1])).or_default() += 1;
        }
        let mut in_turn = HashSet::new();
        for &id in ids {
            let word = &mut self.words[id as usize];
            if word.count == 0 {
                word.first = place;
            }
            word.count += 1;
            if in_turn.insert(id) {
                word.turns += 1;
                word.speakers += usize::from(seen.speakers.insert((id, speaker)));
                let part = (place * MEETING_PARTS as f32) as usize;
                word.parts += usize::from(seen.parts.insert((id, part)));
            }
        }
    }

    /// The words of `text` by number; words that were not said get a number and a count of 0.
    pub fn number(&mut self, text: &str, stemmer: &Stemmer) -> Vec<WordId> {
        let words = salience_words(text, stemmer);
        words
            .into_iter()
            .map(|word| self.id(word, stemmer.language()))
            .collect()
    }

    fn id(&mut self, text: String, language: Language) -> WordId {
        if let Some(&id) = self.ids.get(&text) {
            return id;
        }
        let id = self.words.len() as WordId;
        self.words.push(SpokenWord {
            text: text.clone(),
            is_stop_word: is_stop_word(&text, language) || text.chars().nth(1).is_none(),
            first: 1.0,
            ..SpokenWord::default()
        });
        self.ids.insert(text, id);
        id
    }

    /// The word with the number `id`, which [`SpokenWords::number`] gave.
    pub fn word(&self, id: WordId) -> &SpokenWord {
        &self.words[id as usize]
    }

    /// All words, by number.
    pub fn words(&self) -> &[SpokenWord] {
        &self.words
    }

    /// How often the pair was said.
    pub fn pair_count(&self, pair: (WordId, WordId)) -> u32 {
        self.pairs.get(&pair).copied().unwrap_or(0)
    }
}

/// What was counted of a word before.
#[derive(Default)]
struct Seen {
    speakers: HashSet<(WordId, Option<usize>)>,
    parts: HashSet<(WordId, usize)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compression::{Unit, join_utterances};

    #[test]
    fn words_are_counted_over_turns_and_speakers() {
        let lines = [(0, "the remotes are yellow"), (1, "a yellow remote"), (0, "yes")];
        let units = lines.iter().enumerate().map(|(utterance, &(speaker, text))| Unit {
            utterance,
            speaker: Some(speaker),
            text,
        });
        let stemmer = Stemmer::new(Language::ENGLISH);
        let turns = join_utterances(units, Language::ENGLISH);
        let mut spoken = SpokenWords::count(&turns, &stemmer);
        let ids = spoken.number("yellow remote television", &stemmer);
        let remote = spoken.word(ids[1]);
        assert_eq!((remote.count, remote.turns, remote.speakers), (2, 2, 2));
        assert_eq!(spoken.word(ids[2]).count, 0);
        assert_eq!(spoken.pair_count((ids[0], ids[1])), 1);
        assert_eq!(spoken.speakers, 2);
    }
}
