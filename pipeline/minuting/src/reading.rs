//! A transcript made ready for the stages of this crate: cleaned once, its words cut once, its language known.

use std::collections::HashMap;

use datasets::{Language, Meeting, SpeakerLabel, Transcript};

use crate::text::{clean, split_sentences, words};

/// How much text one look at the language takes, in bytes; shorter pieces are guessed wrong too often.
const LANGUAGE_SAMPLE_BYTES: usize = 160;

/// How many samples decide, spread evenly: enough for a majority, and the same cost for a meeting of any length.
const LANGUAGE_SAMPLES_MAX: usize = 64;

/// The sentences of a transcript in the order they were said.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The language most of it is held in.
    pub language: Language,
    /// All sentences; an utterance of which nothing is left after cleaning has none.
    pub sentences: Vec<Sentence>,
    /// Number of utterances in the transcript.
    pub utterance_count: usize,
}

/// A sentence as the stages read it; where a recognizer gives no punctuation, a whole utterance.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// Position of its utterance in the transcript.
    pub utterance: usize,
    /// Without marks, fillers and repetitions; never empty.
    pub text: String,
    /// The words of `text` in lower case.
    pub words: Vec<String>,
    /// Who speaks, counted in the order of first speech; `None` where nothing is known.
    pub speaker: Option<u16>,
    /// Role of the speaker in lower case, where a participant is known under the label and has one.
    pub role: Option<String>,
    /// Begin and end of the utterance in milliseconds, where known.
    pub span_ms: Option<(i64, i64)>,
}

impl Reading {
    /// Reads `transcript`, the speech of `meeting`.
    pub fn new(meeting: &Meeting, transcript: &Transcript) -> Self {
        let language = meeting.language.unwrap_or_else(|| detect_language(transcript));
        let mut speakers: HashMap<&SpeakerLabel, (u16, Option<String>)> = HashMap::new();
        let mut sentences = Vec::new();
        for (position, utterance) in transcript.utterances.iter().enumerate() {
            let known = utterance.speaker.as_ref().map(|label| {
                let next = u16::try_from(speakers.len()).unwrap_or(u16::MAX);
                speakers
                    .entry(label)
                    .or_insert_with(|| (next, role_of(meeting, label)))
                    .clone()
            });
            let text = clean(&utterance.text, utterance.language.unwrap_or(language));
            sentences.extend(split_sentences(&text).into_iter().map(|text| Sentence {
                utterance: position,
                text: text.to_owned(),
                words: words(text),
                speaker: known.as_ref().map(|known| known.0),
                role: known.as_ref().and_then(|known| known.1.clone()),
                span_ms: utterance.span.map(|span| (span.start.0, span.end.0)),
            }));
        }
        Self {
            language,
            sentences,
            utterance_count: transcript.utterances.len(),
        }
    }
}

/// The language most of `transcript` is held in: that marked on its utterances, else recognised from samples of its
/// text, else English.
pub fn detect_language(transcript: &Transcript) -> Language {
    let mut votes: HashMap<Language, usize> = HashMap::new();
    for utterance in &transcript.utterances {
        if let Some(language) = utterance.language {
            *votes.entry(language).or_default() += utterance.text.len();
        }
    }
    if votes.is_empty() {
        for sample in language_samples(transcript) {
            if let Some(language) = recognise(&sample) {
                *votes.entry(language).or_default() += sample.len();
            }
        }
    }
    let winner = votes
        .into_iter()
        .max_by_key(|&(language, weight)| (weight, language.code() == "en"));
    winner.map_or(Language::ENGLISH, |(language, _)| language)
}

fn language_samples(transcript: &Transcript) -> Vec<String> {
    let mut samples = vec![String::new()];
    for utterance in &transcript.utterances {
        if let Some(last) = samples.last_mut() {
            last.push_str(&utterance.text);
            last.push(' ');
            if last.len() >= LANGUAGE_SAMPLE_BYTES {
                samples.push(String::new());
            }
        }
    }
    let step = samples.len().div_ceil(LANGUAGE_SAMPLES_MAX);
    samples.into_iter().step_by(step).collect()
}

fn recognise(sample: &str) -> Option<Language> {
    let found = whatlang::detect(sample)?;
    if found.is_reliable() {
        return two_letter_code(found.lang());
    }
    // Too short to tell among seventy languages: choose between the two that have rules here.
    let detector = whatlang::Detector::with_allowlist(vec![whatlang::Lang::Eng, whatlang::Lang::Fra]);
    two_letter_code(detector.detect_lang(sample)?)
}

/// ISO 639-1 code; languages that have none, or are not spoken in meetings as far as we know, give `None`.
fn two_letter_code(lang: whatlang::Lang) -> Option<Language> {
    use whatlang::Lang;
    let code = match lang {
        Lang::Eng => "en",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Spa => "es",
        Lang::Ita => "it",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Ron => "ro",
        Lang::Hun => "hu",
        Lang::Ell => "el",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Bul => "bg",
        Lang::Hrv => "hr",
        Lang::Tur => "tr",
        Lang::Ara => "ar",
        Lang::Heb => "he",
        Lang::Vie => "vi",
        Lang::Cmn => "zh",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Cat => "ca",
        _ => return None,
    };
    code.parse().ok()
}

fn role_of(meeting: &Meeting, label: &SpeakerLabel) -> Option<String> {
    Some(meeting.participant_speaking_as(label)?.role.as_ref()?.to_lowercase())
}

#[cfg(test)]
mod tests {
    use datasets::Utterance;

    use super::*;

    fn transcript(texts: &[&str]) -> Transcript {
        let utterances = texts.iter().enumerate();
        let utterances = utterances.map(|(position, text)| Utterance::new(Utterance::id_at(position), *text));
        Transcript {
            utterances: utterances.collect(),
            ..Transcript::default()
        }
    }

    #[test]
    fn the_language_is_that_of_most_of_the_speech() {
        fn check(texts: &[&str], expected: &str) {
            assert_eq!(detect_language(&transcript(texts)).code(), expected, "{texts:?}");
        }
        let french = "Bonjour à tous, nous allons commencer par le budget de l'année prochaine.";
        let english = "Good morning everyone, we will begin with the budget of the coming year.";
        check(&[french], "fr");
        check(&[english], "en");
        check(&[french, french, french, english], "fr");
        check(&["Okay"], "en");
        check(&[], "en");
        check(
            &["Guten Morgen zusammen, wir fangen heute mit dem Haushalt des nächsten Jahres an."],
            "de",
        );
    }

    #[test]
    fn a_marked_language_needs_no_guess() {
        let mut transcript = transcript(&["ok"]);
        transcript.utterances[0].language = Some(Language::FRENCH);
        assert_eq!(detect_language(&transcript), Language::FRENCH);
    }
}
