//! Text as it is compared when words are counted.
//!
//! In the line of the normalizers that Whisper's own figures and the public leaderboards use (Radford et al., "Robust
//! Speech Recognition via Large-Scale Weak Supervision", 2022, appendix C): what stands in brackets is dropped, letters
//! are made small, marks become spaces, sounds of hesitation are dropped, English contractions are written out, English
//! accents fall, numbers in words become digits. Beyond them: numbers in French and five other languages, French
//! ligatures, and French sounds of hesitation. Not done: British spelling made American.
//!
//! An apostrophe parts words in French (`l'accord` is two), as every evaluation of French does.

use std::sync::LazyLock;

use datasets::Language;
use regex::{Captures, Regex};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The words of `text`, as they are compared. Rules of a language apply where it is given.
pub fn words(text: &str, language: Option<Language>) -> Vec<String> {
    let text = BRACKETS.replace_all(text, " ").replace(['’', '‘', 'ʼ', '´', '`'], "'");
    let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let text = match language {
        Some(Language::ENGLISH) => english(&text),
        Some(Language::FRENCH) => french(&text),
        _ => text,
    };
    let text = only_words(&numbers_joined(&text, language));
    let text = match language.and_then(|language| text2num::get_interpreter_for(language.code())) {
        Some(numbers) => text2num::replace_numbers_in_text(&text, &numbers, 0.0),
        None => text,
    };
    text.split_whitespace().map(str::to_owned).collect()
}

/// Notes of the transcriber: `[laughs]`, `<unk>`, `(inaudible)`.
static BRACKETS: LazyLock<Regex> = LazyLock::new(|| regex(r"\[[^\]]*\]|<[^>]*>|\([^)]*\)"));

static ENGLISH_HESITATION: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(?:uh-huh|mm-hmm|hmm+|mm+|mhm|uh+|um+)\b"));
static FRENCH_HESITATION: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(?:euh+|heu+|hum+|hmm+|mm+)\b"));

/// What English runs together. In this order: what is irregular, then the endings.
static CONTRACTIONS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\bcannot\b", "can not"),
        (r"\bcan't\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"\bshan't\b", "shall not"),
        (r"\bain't\b", "is not"),
        (r"\blet's\b", "let us"),
        (r"\by'all\b", "you all"),
        (r"\bgonna\b", "going to"),
        (r"\bwanna\b", "want to"),
        (r"\bgotta\b", "got to"),
        (r"\b(would|could|should)a\b", "$1 have"),
        (r"\bmr\b", "mister"),
        (r"\bmrs\b", "missus"),
        (r"\bdr\b", "doctor"),
        (r"n't\b", " not"),
        (r"'re\b", " are"),
        (r"'ve\b", " have"),
        (r"'ll\b", " will"),
        (r"'m\b", " am"),
        (r"'d\b", " would"),
        (r"'s\b", " is"),
    ]
    .into_iter()
    .map(|(pattern, long)| (Regex::new(pattern).expect("a test runs every pattern"), long))
    .collect()
});

fn english(text: &str) -> String {
    let unaccented: String = text.nfd().filter(|&character| !is_combining_mark(character)).collect();
    let mut text = ENGLISH_HESITATION.replace_all(&unaccented, " ").into_owned();
    for (pattern, long) in CONTRACTIONS.iter() {
        text = pattern.replace_all(&text, *long).into_owned();
    }
    text.replace('%', " percent ")
        .replace("per cent", "percent")
        .replace('&', " and ")
}

fn french(text: &str) -> String {
    let text = FRENCH_HESITATION.replace_all(text, " ");
    text.replace('œ', "oe")
        .replace('æ', "ae")
        .replace('%', " pourcent ")
        .replace("pour cent", "pourcent") // else the hundred in it becomes a number
        .replace('&', " et ")
}

/// A number in digits as one word: `1,000` and `1 000` become `1000`; what parts off decimals stays.
fn numbers_joined(text: &str, language: Option<Language>) -> String {
    static ENGLISH: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\d{1,3}(?:,\d{3})+\b"));
    static OTHERS: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\d{1,3}(?:[ .]\d{3})+\b"));
    let groups = if language == Some(Language::ENGLISH) {
        &ENGLISH
    } else {
        &OTHERS
    };
    let digits = |found: &Captures<'_>| found[0].chars().filter(char::is_ascii_digit).collect::<String>();
    groups.replace_all(text, digits).into_owned()
}

/// Letters, digits and the marks between digits; a space for all else.
fn only_words(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let digit = |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit);
    let keeps = |at: usize, character: char| {
        character.is_alphanumeric()
            || is_combining_mark(character)
            || (matches!(character, '.' | ',') && digit(at.checked_sub(1)) && digit(Some(at + 1)))
    };
    characters
        .iter()
        .enumerate()
        .map(|(at, &character)| if keeps(at, character) { character } else { ' ' })
        .collect()
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a test runs every pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: &str, text: &str, expected: &str) {
        assert_eq!(words(text, language.parse().ok()).join(" "), expected, "{text}");
    }

    #[test]
    fn case_marks_and_notes_do_not_count() {
        check(
            "en",
            "[left] He BEGAN, (laughs) <unk> a well-known “test”.",
            "he began a well known test",
        );
        check("de", "Für die Bärin: größer!", "für die bärin größer");
        check("-", "3:2, x/y", "3 2 x y");
    }

    #[test]
    fn english_is_written_out() {
        check(
            "en",
            "I can't, won't; they'd've — it’s",
            "i can not will not they would have it is",
        );
        check("en", "Um, uh-huh, umbrella", "umbrella");
        check("en", "the café is 5% & naïve", "the cafe is 5 percent and naive");
        check("en", "five per cent", "5 percent");
        check("en", "twenty-five people, 25 people", "25 people 25 people");
        check("en", "1,000 or one thousand or 3.5", "1000 or 1000 or 3.5");
    }

    #[test]
    fn french_is_cut_at_apostrophes_and_its_numbers_are_digits() {
        check(
            "fr",
            "L’accord d'œuvre, euh, s'est fait",
            "l accord d oeuvre s est fait",
        );
        check("fr", "dix-sept personnes en 1963", "17 personnes en 1963");
        check(
            "fr",
            "vingt et un mille, 21 000 et 3,5 %",
            "21000 21000 et 3,5 pourcent",
        );
        check("fr", "cent pour cent, 100 %", "100 pourcent 100 pourcent");
        check("fr", "été à la fête", "été à la fête");
    }

    #[test]
    fn every_pattern_compiles() {
        assert!(!CONTRACTIONS.is_empty());
        check("fr", "heu", "");
        check("it", "1.000", "1000");
    }
}
