//! Cuts text into the words that proofs compare: lower case, without punctuation, elisions apart, digits together.

/// A word and how it stood in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProofWord<'a> {
    /// As written.
    pub(crate) text: &'a str,
    /// In lower case.
    pub(crate) folded: String,
    /// Whether a sentence begins here, so that a capital letter says nothing.
    pub(crate) begins_sentence: bool,
    /// Byte offset in the text.
    pub(crate) offset: usize,
}

impl ProofWord<'_> {
    /// Whether the word holds a digit.
    pub(crate) fn has_digit(&self) -> bool {
        self.text.chars().any(|c| c.is_numeric())
    }

    /// Whether it is written like a name: a capital first, or capitals within.
    pub(crate) fn is_capitalised(&self) -> bool {
        self.text.chars().any(char::is_uppercase)
    }

    /// Whether capitals stand beyond its first letter: an acronym or a product's name, a name even where a sentence
    /// begins.
    pub(crate) fn has_inner_capital(&self) -> bool {
        self.text.chars().skip(1).any(char::is_uppercase)
    }
}

/// The words of `text` in order.
pub(crate) fn proof_words(text: &str) -> Vec<ProofWord<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut begins_sentence = true;
    let mut characters = text.char_indices().peekable();
    let mut previous = ' ';
    while let Some((offset, character)) = characters.next() {
        let next = characters.peek().map(|&(_, next)| next);
        if character.is_alphanumeric() || is_inside_number(previous, character, next) {
            start.get_or_insert(offset);
        } else {
            if let Some(begin) = start.take() {
                words.push(word(text, begin, offset, begins_sentence));
                begins_sentence = false;
            }
            begins_sentence |= ends_sentence(character);
        }
        previous = character;
    }
    if let Some(begin) = start {
        words.push(word(text, begin, text.len(), begins_sentence));
    }
    words
}

/// Words that fill a pause: a recognizer writes them, minutes leave them out, so proofs skip them on both sides.
pub(crate) fn is_filler(folded: &str) -> bool {
    matches!(
        folded,
        "uh" | "um" | "uhm" | "mm" | "hmm" | "mhm" | "er" | "erm" | "euh" | "hum" | "heu" | "hein" | "ben"
    )
}

fn word(text: &str, begin: usize, end: usize, begins_sentence: bool) -> ProofWord<'_> {
    ProofWord {
        text: &text[begin..end],
        folded: text[begin..end].to_lowercase(),
        begins_sentence,
        offset: begin,
    }
}

/// `12.50`, `12,5`, `10:30`: a mark between two digits belongs to the number.
fn is_inside_number(previous: char, character: char, next: Option<char>) -> bool {
    matches!(character, '.' | ',' | ':') && previous.is_numeric() && next.is_some_and(char::is_numeric)
}

/// After these a capital letter is usual: the end of a sentence, a colon, an opening quote.
fn ends_sentence(character: char) -> bool {
    matches!(
        character,
        '.' | '!' | '?' | '…' | ':' | ';' | '"' | '“' | '«' | '\n' | '(' | '—' | '–'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_at_punctuation_but_not_inside_numbers() {
        fn check(text: &str, expected: &[&str]) {
            let words: Vec<String> = proof_words(text).into_iter().map(|word| word.folded).collect();
            assert_eq!(words, expected);
        }
        check("L'Europe, à 12,50 €.", &["l", "europe", "à", "12,50"]);
        check("At 10:30, don't.", &["at", "10:30", "don", "t"]);
        check("", &[]);
        check("v1.2.", &["v1.2"]);
    }

    #[test]
    fn a_sentence_begins_after_its_stop() {
        let begins: Vec<bool> = proof_words("Go on. Then \"Stop\" it")
            .iter()
            .map(|word| word.begins_sentence)
            .collect();
        assert_eq!(begins, [true, false, true, true, true]);
    }
}
