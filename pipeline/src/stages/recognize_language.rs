//! Recognises the language of utterances that are long enough to tell, and of the meeting by the words of all.

use datasets::{Language, Transcript};
use whatlang::{Detector, Lang};

/// Shorter texts are taken for the meeting's language: "OK, super" is no proof of French.
const WORDS_MIN: usize = 6;

/// Words are counted up to here: more say nothing new about the meeting's language.
const WORDS_ENOUGH: usize = 20_000;

/// Sets the language of utterances that have none, and returns that of the meeting: the one of most of the words.
/// `None` when nothing can be told.
pub fn recognize_language(transcript: &mut Transcript) -> Option<Language> {
    let detector = Detector::with_allowlist(vec![Lang::Fra, Lang::Eng]);
    let (mut french, mut english) = (0_usize, 0_usize);
    for utterance in &mut transcript.utterances {
        let words = utterance.text.split_whitespace().count();
        if utterance.language.is_none() && words >= WORDS_MIN && french + english < WORDS_ENOUGH {
            utterance.language = detector
                .detect(&utterance.text)
                .filter(whatlang::Info::is_reliable)
                .and_then(language);
        }
        match utterance.language {
            Some(Language::FRENCH) => french += words,
            Some(Language::ENGLISH) => english += words,
            _ => {}
        }
    }
    if french + english == 0 {
        let all: Vec<&str> = transcript
            .utterances
            .iter()
            .take(200)
            .map(|utterance| utterance.text.as_str())
            .collect();
        return detector.detect(&all.join(" ")).and_then(language);
    }
    Some(if french > english {
        Language::FRENCH
    } else {
        Language::ENGLISH
    })
}

/// The language of a single text, such as a query or a document.
pub fn language_of(text: &str) -> Option<Language> {
    Detector::with_allowlist(vec![Lang::Fra, Lang::Eng])
        .detect(text)
        .and_then(language)
}

fn language(info: whatlang::Info) -> Option<Language> {
    match info.lang() {
        Lang::Fra => Some(Language::FRENCH),
        Lang::Eng => Some(Language::ENGLISH),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datasets::Utterance;

    use super::*;

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

    #[test]
    fn a_french_meeting_with_english_terms_is_french() {
        let mut transcript = transcript(&[
            "Bonjour à tous, on commence par le budget de formation de cette année.",
            "The release is planned for the second of April.",
            "OK",
            "Oui, mais il faut d'abord que l'équipe mobile remplace la vieille bibliothèque.",
        ]);
        assert_eq!(recognize_language(&mut transcript), Some(Language::FRENCH));
        let languages: Vec<_> = transcript
            .utterances
            .iter()
            .map(|utterance| utterance.language)
            .collect();
        assert_eq!(
            languages,
            [
                Some(Language::FRENCH),
                Some(Language::ENGLISH),
                None,
                Some(Language::FRENCH)
            ]
        );
    }

    #[test]
    fn nothing_gives_no_language() {
        assert_eq!(recognize_language(&mut transcript(&[])), None);
    }
}
