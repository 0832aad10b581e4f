//! The words of all meetings, numbered without gaps, so that whole meetings are compared by array and not by hash.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::view::Columns;

/// Counts of one meeting: word number and count, in no particular order.
pub(crate) type Counts = Vec<(u32, u16)>;

/// One way of counting words.
#[derive(Default)]
pub(crate) struct Numbering {
    numbers: HashMap<u32, u32, BuildHasherDefault<AlreadyHashed>>,
    /// Per index segment and meeting.
    meetings: Vec<Vec<Counts>>,
}

/// All meetings in both ways of counting.
pub(crate) struct Vocabulary {
    /// As said, function words included.
    pub(crate) words: Numbering,
    /// Stemmed, without stop words.
    pub(crate) terms: Numbering,
}

impl Vocabulary {
    pub(crate) fn new(columns: &[Arc<Columns>]) -> Self {
        let (mut words, mut terms) = (Numbering::default(), Numbering::default());
        for columns in columns {
            let of = |numbering: &mut Numbering, counts: fn(&crate::record::MeetingProfile) -> &[(u32, u16)]| {
                let list = columns
                    .meetings
                    .iter()
                    .map(|meeting| numbering.number(counts(&meeting.profile)))
                    .collect();
                numbering.meetings.push(list);
            };
            of(&mut words, |profile| &profile.words);
            of(&mut terms, |profile| &profile.terms);
        }
        Self { words, terms }
    }
}

impl Numbering {
    /// How many different words there are.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The counts of a meeting: index segment and number in it.
    pub(crate) fn counts(&self, (segment, meeting): (usize, u32)) -> &Counts {
        &self.meetings[segment][meeting as usize]
    }

    /// The number of a word, if any meeting holds it.
    pub(crate) fn get(&self, hash: u32) -> Option<u32> {
        self.numbers.get(&hash).copied()
    }

    fn number(&mut self, counts: &[(u32, u16)]) -> Counts {
        let numbered = counts.iter().map(|&(hash, count)| {
            let next = self.numbers.len() as u32;
            (*self.numbers.entry(hash).or_insert(next), count)
        });
        numbered.collect()
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
