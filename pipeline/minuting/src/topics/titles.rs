//! Names topics by their own words: the phrases that are frequent in a topic and rare in the others.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use datasets::{Language, Meeting};

use crate::reading::Reading;
use crate::text::{is_stop_word, words_in};

/// Phrases of at most this many words.
const PHRASE_WORDS_MAX: usize = 3;

/// Phrases in a title.
const TITLE_PHRASES: usize = 2;

/// What people greet each other with and count by: said often, and never what a topic is about.
const NO_TITLE_WORDS: &str = "hello good morning afternoon evening welcome thanks thank bye everyone everybody sorry please \
    yesterday today tomorrow two three four five six seven eight nine ten twelve twenty thirty fifty hundred thousand million \
    bonjour bonsoir salut bienvenue merci revoir pardon désolé excusez monsieur madame hier demain aujourd'hui \
    deux trois quatre cinq sept huit neuf dix douze quinze vingt trente quarante cinquante soixante cent mille million millions";

/// A title for each of `topics`, ranges of sentence positions of `reading`; never empty. Names of participants are no
/// titles.
pub fn topic_titles(meeting: &Meeting, reading: &Reading, topics: &[Range<usize>]) -> Vec<String> {
    let names = meeting.participants.iter().map(|participant| participant.name.as_str());
    let mut left_out: HashSet<String> = NO_TITLE_WORDS.split_whitespace().map(str::to_owned).collect();
    for name in names {
        left_out.extend(words_in(name).map(|word| name[word].to_lowercase()));
    }
    let counts: Vec<HashMap<String, Phrase>> = topics
        .iter()
        .map(|topic| phrases(reading, topic.clone(), &left_out))
        .collect();
    let mut topics_with: HashMap<&str, usize> = HashMap::new();
    for phrase in counts.iter().flat_map(HashMap::keys) {
        *topics_with.entry(phrase).or_default() += 1;
    }
    let titles = counts.iter().enumerate().map(|(position, phrases)| {
        let scored = phrases.iter().map(|(folded, phrase)| {
            let rarity = ((1.0 + topics.len() as f32) / topics_with[folded.as_str()] as f32).ln();
            (
                phrase.count as f32 * rarity * phrase.length_boost(),
                folded.as_str(),
                phrase,
            )
        });
        title(scored.collect(), position, reading.language)
    });
    titles.collect()
}

struct Phrase {
    count: usize,
    words: usize,
    surface: HashMap<String, usize>,
}

impl Phrase {
    /// Longer phrases say more, and are rarer in any topic.
    fn length_boost(&self) -> f32 {
        [1.0, 1.0, 2.0, 2.5][self.words.min(PHRASE_WORDS_MAX)]
    }

    fn most_frequent_surface(&self) -> &str {
        let most = self
            .surface
            .iter()
            .max_by(|left, right| left.1.cmp(right.1).then(right.0.cmp(left.0)));
        most.map_or("", |(surface, _)| surface)
    }
}

/// Runs of content words within the sentences of `topic`, by their folded words.
fn phrases(reading: &Reading, topic: Range<usize>, left_out: &HashSet<String>) -> HashMap<String, Phrase> {
    let mut phrases: HashMap<String, Phrase> = HashMap::new();
    for sentence in &reading.sentences[topic] {
        let mut run: Vec<Range<usize>> = Vec::new();
        for range in words_in(&sentence.text) {
            let word = &sentence.text[range.clone()];
            let together = run
                .last()
                .is_some_and(|last| matches!(&sentence.text[last.end..range.start], " " | "-"));
            if !together {
                run.clear();
            }
            if !is_title_word(word, reading.language, left_out) {
                run.clear();
                continue;
            }
            run.push(range);
            for length in 1..=run.len().min(PHRASE_WORDS_MAX) {
                let first = run[run.len() - length].start;
                let surface = &sentence.text[first..run[run.len() - 1].end];
                let phrase = phrases.entry(surface.to_lowercase()).or_insert_with(|| Phrase {
                    count: 0,
                    words: length,
                    surface: HashMap::new(),
                });
                phrase.count += 1;
                *phrase.surface.entry(shown(surface, first)).or_default() += 1;
            }
        }
    }
    phrases
}

/// The capital of a first word is that of its sentence, unless it is an acronym.
fn shown(surface: &str, offset: usize) -> String {
    let acronym = surface.chars().nth(1).is_some_and(char::is_uppercase);
    if offset == 0 && !acronym {
        surface.to_lowercase()
    } else {
        surface.to_owned()
    }
}

fn is_title_word(word: &str, language: Language, left_out: &HashSet<String>) -> bool {
    let folded = word.to_lowercase();
    !left_out.contains(&folded)
        && word.chars().count() > 2
        && !word.contains(char::is_numeric)
        && !is_stop_word(&folded, language)
}

fn title(mut scored: Vec<(f32, &str, &Phrase)>, position: usize, language: Language) -> String {
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    let mut used: HashSet<&str> = HashSet::new();
    let mut parts = Vec::new();
    for (_, folded, phrase) in scored {
        if parts.len() == TITLE_PHRASES {
            break;
        }
        if folded.split([' ', '-']).all(|word| !used.contains(word)) {
            used.extend(folded.split([' ', '-']));
            parts.push(phrase.most_frequent_surface().to_owned());
        }
    }
    if parts.is_empty() {
        return match language {
            Language::FRENCH => format!("Sujet {}", position + 1),
            _ => format!("Topic {}", position + 1),
        };
    }
    title_case(&parts.join(", "), language)
}

/// English titles write every word with a capital, others only the first.
fn title_case(text: &str, language: Language) -> String {
    let mut cased = String::with_capacity(text.len());
    let mut begins = true;
    for character in text.chars() {
        if begins && character.is_alphanumeric() {
            cased.extend(character.to_uppercase());
            begins = false;
        } else {
            cased.push(character);
            begins |= language == Language::ENGLISH && matches!(character, ' ' | '-');
        }
    }
    cased
}

#[cfg(test)]
mod tests {
    use datasets::{MeetingId, Participant, SpeakerLabel, Transcript, Utterance};

    use super::*;

    fn meeting() -> Meeting {
        Meeting {
            participants: vec![Participant::from_speaker(SpeakerLabel::new("Nadia Lefèvre"))],
            ..Meeting::new(MeetingId::new("m"), "m")
        }
    }

    fn reading(texts: &[&str]) -> Reading {
        let utterances = texts.iter().enumerate();
        let utterances = utterances.map(|(position, text)| Utterance::new(Utterance::id_at(position), *text));
        let transcript = Transcript {
            utterances: utterances.collect(),
            ..Transcript::default()
        };
        Reading::new(&meeting(), &transcript)
    }

    #[test]
    fn a_topic_is_named_by_its_own_phrases() {
        let reading = reading(&[
            "We must rewrite the payment service for the calendar.",
            "The payment service broke and the calendar waits.",
            "Now the documentation of the calendar.",
            "The documentation is old, we translate the documentation.",
        ]);
        let titles = topic_titles(&meeting(), &reading, &[0..2, 2..4]);
        assert!(titles[0].starts_with("Payment Service"), "{titles:?}");
        assert!(titles[1].starts_with("Documentation"), "{titles:?}");
    }

    #[test]
    fn greetings_names_and_numbers_are_no_titles() {
        let reading = reading(&["Good morning Nadia, two budgets today.", "Nadia, the budgets, Lefèvre."]);
        assert_eq!(
            topic_titles(&meeting(), &reading, std::slice::from_ref(&(0..2))),
            ["Budgets"]
        );
    }

    #[test]
    fn a_topic_without_content_is_numbered() {
        assert_eq!(
            topic_titles(&meeting(), &reading(&["It is that."]), std::slice::from_ref(&(0..1))),
            ["Topic 1"]
        );
    }
}
