//! Stems by the Snowball algorithm of the language, so that `remotes` and `remote` are one node and one feature.

use datasets::Language;
use frostem::Algorithm;

use super::stop_words::is_stop_word;
use super::tokens::words;

/// Stems words of one language; leaves those of a language without rules as they are.
#[derive(Clone)]
pub struct Stemmer {
    language: Language,
    algorithm: Option<frostem::Stemmer>,
}

impl Stemmer {
    /// The stemmer of `language`.
    pub fn new(language: Language) -> Self {
        let algorithm = match language {
            Language::ENGLISH => Some(Algorithm::English),
            Language::FRENCH => Some(Algorithm::French),
            _ => None,
        };
        Self {
            language,
            algorithm: algorithm.map(frostem::Stemmer::new),
        }
    }

    /// The language whose rules are used.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The stem of `word`, which stands in lower case.
    pub fn stem(&self, word: &str) -> String {
        self.algorithm
            .as_ref()
            .map_or_else(|| word.to_owned(), |stemmer| stemmer.stem(word).to_string())
    }

    /// The stems of all words of `text`, stop words included.
    pub fn stems(&self, text: &str) -> Vec<String> {
        words(text).iter().map(|word| self.stem(word)).collect()
    }

    /// The stems of the words of `text` that carry content: no stop words, no single letters.
    pub fn content_stems(&self, text: &str) -> Vec<String> {
        words(text)
            .iter()
            .filter(|word| self.is_content(word))
            .map(|word| self.stem(word))
            .collect()
    }

    /// Whether `word`, in lower case, says something of itself: no stop word and no single letter.
    pub fn is_content(&self, word: &str) -> bool {
        word.chars().nth(1).is_some() && !is_stop_word(word, self.language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: Language, text: &str, expected: &[&str]) {
        assert_eq!(Stemmer::new(language).content_stems(text), expected);
    }

    #[test]
    fn inflected_forms_share_a_stem_in_either_language() {
        check(Language::ENGLISH, "The remotes, and a remote", &["remot", "remot"]);
        check(Language::FRENCH, "les réunions et la réunion", &["réunion", "réunion"]);
    }

    #[test]
    fn a_language_without_rules_keeps_its_words() {
        check("de".parse().unwrap(), "Sitzungen", &["sitzungen"]);
    }
}
