//! Libraries of any size out of real meetings: perturbed copies, so that posting lists, rare words and neighbourhoods of
//! vectors are those of speech and not of a generator.
//!
//! A copy redraws a fifth of its words from all words of the corpus and replaces two in a hundred by one of 200,000
//! invented names (the set-up of the first measurements of this project's search).

use datasets::corpora::qmsum::QmsumMeeting;
use datasets::{Language, Meeting, MeetingId, Participant, SeriesId, SpeakerLabel, Transcript, Utterance};

/// Words of an utterance, which is one passage.
const UTTERANCE_WORDS: usize = 60;
/// Dimensions of the vectors: those of MiniLM.
pub const DIMENSIONS: usize = 384;

/// A small generator of random numbers, the same on every machine (SplitMix64, Steele et al. 2014).
pub struct Random(pub u64);

impl Random {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }
}

/// A meeting of the library with the vectors of its utterances.
pub struct SyntheticMeeting {
    /// When, who, which series.
    pub meeting: Meeting,
    /// Utterances of about 60 words.
    pub transcript: Transcript,
}

/// Real meetings and what copies are made of.
pub struct SyntheticLibrary {
    sources: Vec<Vec<(String, Vec<String>)>>,
    words: Vec<String>,
    random: Random,
    made: usize,
}

impl SyntheticLibrary {
    /// Takes the words of `meetings`, which hold at least one.
    pub fn new(meetings: &[QmsumMeeting]) -> Self {
        let sources: Vec<Vec<(String, Vec<String>)>> = meetings
            .iter()
            .map(utterances)
            .filter(|source| !source.is_empty())
            .collect();
        let words = sources
            .iter()
            .flatten()
            .flat_map(|(_, words)| words.iter().cloned())
            .collect();
        Self {
            sources,
            words,
            random: Random(20_261_122),
            made: 0,
        }
    }

    /// The next meeting; the first ones are the real ones as they are.
    pub fn next_meeting(&mut self) -> SyntheticMeeting {
        let number = self.made;
        self.made += 1;
        let copy = number / self.sources.len();
        let source = self.sources[number % self.sources.len()].clone();
        let day = 10_000 + self.random.below(5_000) as i64;
        let speakers: std::collections::BTreeSet<&str> = source.iter().map(|(speaker, _)| speaker.as_str()).collect();
        let participants = speakers
            .into_iter()
            .map(|speaker| Participant::from_speaker(SpeakerLabel::new(speaker)))
            .collect();
        let meeting = Meeting {
            series: Some(SeriesId::new(format!("series-{}", number / 20))),
            started_at: jiff::Timestamp::from_second(day * 86_400).ok(),
            language: Some(Language::ENGLISH),
            participants,
            ..Meeting::new(MeetingId::new(format!("meeting-{number}")), format!("Meeting {number}"))
        };
        let mut utterances = Vec::with_capacity(source.len());
        for (position, (speaker, words)) in source.into_iter().enumerate() {
            let words: Vec<String> = words
                .into_iter()
                .map(|word| if copy == 0 { word } else { self.perturb(word) })
                .collect();
            utterances.push(Utterance {
                speaker: Some(SpeakerLabel::new(speaker)),
                ..Utterance::new(Utterance::id_at(position), words.join(" "))
            });
        }
        SyntheticMeeting {
            meeting,
            transcript: Transcript {
                utterances,
                ..Transcript::default()
            },
        }
    }

    fn perturb(&mut self, word: String) -> String {
        match self.random.below(100) {
            0..20 => self.words[self.random.below(self.words.len())].clone(),
            20..22 => format!("Name{}", self.random.below(200_000)),
            _ => word,
        }
    }
}

/// A vector that is near for texts with the same words: the sum of a random direction for each word. Stands in for an
/// encoder where only speed is measured.
pub fn word_vector(text: &str) -> Vec<f32> {
    let mut sum = vec![0.0_f32; DIMENSIONS];
    for word in text.split_whitespace() {
        let seed = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Random(seed);
        for eight in sum.chunks_mut(8) {
            let bits = random.bits();
            for (lane, value) in eight.iter_mut().enumerate() {
                *value += ((bits >> (8 * lane)) as u8 as f32 - 127.5) / 127.5;
            }
        }
    }
    sum
}

/// The turns of a meeting, packed or cut to utterances of [`UTTERANCE_WORDS`] words, each with its speaker.
fn utterances(meeting: &QmsumMeeting) -> Vec<(String, Vec<String>)> {
    let mut utterances: Vec<(String, Vec<String>)> = Vec::new();
    for turn in &meeting.turns {
        for word in turn.content.split_whitespace() {
            match utterances.last_mut() {
                Some((_, words)) if words.len() < UTTERANCE_WORDS => words.push(word.to_owned()),
                _ => utterances.push((turn.speaker.clone(), vec![word.to_owned()])),
            }
        }
    }
    utterances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_differ_and_are_the_same_on_every_run() {
        let line = r#"{"id":"a","domain":"Product","meeting_transcripts":[{"speaker":"Ann","content":"the battery of the remote control lasts a whole year or so we think"}]}"#;
        let source: QmsumMeeting = serde_json::from_str(line).expect("a record");
        let make = || {
            let mut library = SyntheticLibrary::new(std::slice::from_ref(&source));
            (0..9)
                .map(|_| library.next_meeting().transcript.utterances[0].text.clone())
                .collect::<Vec<_>>()
        };
        let texts = make();
        assert_eq!(texts, make());
        assert_eq!(texts[0], source.turns[0].content);
        assert!(texts[1..].iter().any(|text| *text != texts[0]));
    }
}
