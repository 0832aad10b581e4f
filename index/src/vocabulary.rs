//! The words of all meetings, numbered without gaps, each with the meetings that hold it: whole meetings are compared by
//! array and not by hash, and a text with all of them by its own few words.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::view::Columns;

/// A meeting that holds a word, and how often it stands there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holder {
    /// As [`Vocabulary::meeting`] numbers it.
    pub(crate) meeting: u32,
    pub(crate) count: u16,
}

/// One way of counting words.
pub(crate) struct Numbering {
    numbers: HashMap<u32, u32, BuildHasherDefault<AlreadyHashed>>,
    /// By word, and in order of meetings.
    holders: Vec<Holder>,
    /// Where the holders of each word begin; one more than there are words.
    starts: Vec<u32>,
}

/// All meetings in both ways of counting.
pub(crate) struct Vocabulary {
    /// As said, function words included.
    pub(crate) words: Numbering,
    /// Stemmed, without stop words.
    pub(crate) terms: Numbering,
    /// The number of the first meeting of each index segment.
    first: Vec<u32>,
    /// How many meetings there are.
    pub(crate) meetings: usize,
}

impl Vocabulary {
    pub(crate) fn new(columns: &[Arc<Columns>]) -> Self {
        let mut meetings = 0;
        let first = columns.iter().map(|columns| {
            let first = meetings as u32;
            meetings += columns.meetings.len();
            first
        });
        let first = first.collect();
        let profiles = columns.iter().flat_map(|columns| &columns.meetings);
        let profiles = profiles.map(|meeting| &meeting.profile);
        Self {
            first,
            words: Numbering::new(profiles.clone().map(|profile| profile.words.as_slice())),
            terms: Numbering::new(profiles.map(|profile| profile.terms.as_slice())),
            meetings,
        }
    }

    /// The number of a meeting: by index segment and number in it.
    pub(crate) fn meeting(&self, (segment, number): (usize, u32)) -> u32 {
        self.first[segment] + number
    }
}

impl Numbering {
    /// Numbers the words of `meetings`, of each of which the words by hash are given, with their counts.
    pub(crate) fn new<'a>(meetings: impl Iterator<Item = &'a [(u32, u16)]> + Clone) -> Self {
        let mut numbers: HashMap<u32, u32, _> = HashMap::default();
        let mut holding: Vec<u32> = Vec::new();
        // The numbers of the words in the order in which they are met, so that each is looked up once.
        let mut met = Vec::new();
        for counts in meetings.clone() {
            for &(hash, _) in counts {
                let number = *numbers.entry(hash).or_insert(holding.len() as u32);
                met.push(number);
                match holding.get_mut(number as usize) {
                    Some(holding) => *holding += 1,
                    None => holding.push(1),
                }
            }
        }
        let mut end = 0;
        let ends = holding.iter().map(|&holding| {
            end += holding;
            end
        });
        let starts: Vec<u32> = std::iter::once(0).chain(ends).collect();
        let mut next = starts.clone();
        let mut holders = vec![Holder::default(); met.len()];
        let mut met = met.into_iter();
        for (meeting, counts) in (0..).zip(meetings) {
            for (&(_, count), word) in counts.iter().zip(&mut met) {
                let next = &mut next[word as usize];
                holders[*next as usize] = Holder { meeting, count };
                *next += 1;
            }
        }
        Self {
            numbers,
            holders,
            starts,
        }
    }

    /// How many different words there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of a word, if any meeting holds it.
    pub(crate) fn get(&self, hash: u32) -> Option<u32> {
        self.numbers.get(&hash).copied()
    }

    /// The meetings that hold a word.
    pub(crate) fn holders(&self, word: u32) -> &[Holder] {
        let word = word as usize;
        &self.holders[self.starts[word] as usize..self.starts[word + 1] as usize]
    }

    /// The holders of every word, in the order of their numbers.
    pub(crate) fn all_holders(&self) -> impl Iterator<Item = &[Holder]> {
        (0..self.len() as u32).map(|word| self.holders(word))
    }
}

/// Hashes of words need no second hashing.
#[derive(Default)]
pub(crate) struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        // The table takes its tag from the upper bits.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0 << 8 | u64::from(byte);
        }
    }

    fn write_u32(&mut self, hash: u32) {
        self.0 = u64::from(hash);
    }
}
