//! Words as the retrieval and ROUGE literature counts them: runs of letters, digits and underscores, in lower case.

use std::ops::Range;

/// The words of `text` in lower case: `L'équipe va, ok` gives `l`, `équipe`, `va`, `ok`.
pub fn words(text: &str) -> Vec<String> {
    words_in(text).map(|range| text[range].to_lowercase()).collect()
}

/// Where each word of `text` stands, in bytes, in order.
pub fn words_in(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut characters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while characters.next_if(|&(_, c)| !is_word_character(c)).is_some() {}
        let &(start, _) = characters.peek()?;
        let mut end = start;
        while let Some((at, c)) = characters.next_if(|&(_, c)| is_word_character(c)) {
            end = at + c.len_utf8();
        }
        Some(start..end)
    })
}

fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(text), expected);
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        check(
            "L'équipe a dit: 12,50 EUR!",
            &["l", "équipe", "a", "dit", "12", "50", "eur"],
        );
        check(" ... ", &[]);
        check("", &[]);
    }
}
