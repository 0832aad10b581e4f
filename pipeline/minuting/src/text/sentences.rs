//! Cuts text at the ends of sentences.

/// Abbreviations that end with a full stop and do not end a sentence, in lower case without the stop.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "no", "approx", "m", "mm", "mme", "mlle", "p.ex",
    "cf", "env",
];

/// The sentences of `text`, trimmed, in order. A sentence ends at `.`, `?`, `!` or `…` before white space, unless the
/// word before the full stop is an abbreviation such as `Mr` or a single capital.
pub fn split_sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let ends = matches!(c, '.' | '?' | '!' | '…');
        let end = at + c.len_utf8();
        let before_space = characters.peek().is_some_and(|&(_, next)| next.is_whitespace());
        if ends && before_space && !(c == '.' && ends_with_abbreviation(&text[start..at])) {
            push_trimmed(&mut sentences, &text[start..end]);
            start = end;
        }
    }
    push_trimmed(&mut sentences, &text[start..]);
    sentences
}

fn push_trimmed<'a>(sentences: &mut Vec<&'a str>, piece: &'a str) {
    let piece = piece.trim();
    if piece.chars().any(char::is_alphanumeric) {
        sentences.push(piece);
    }
}

fn ends_with_abbreviation(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let mut characters = word.chars();
    let single_capital =
        characters.next().is_some_and(char::is_uppercase) && characters.next().is_none() && word != "I";
    // "no" ends sentences more often than it shortens "number", so it counts only with a capital.
    let lower = word.to_lowercase();
    single_capital || (ABBREVIATIONS.contains(&lower.as_str()) && (lower != "no" || word == "No"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(split_sentences(text), expected);
    }

    #[test]
    fn sentences_end_at_their_marks() {
        check("We agree. Do we? Yes!", &["We agree.", "Do we?", "Yes!"]);
        check(
            "Le prix est de 12.50 euros . Bien .",
            &["Le prix est de 12.50 euros .", "Bien ."],
        );
        check("no mark at all", &["no mark at all"]);
        check(" . ? ", &[]);
    }

    #[test]
    fn an_abbreviation_ends_no_sentence() {
        check(
            "Mr. Smith said M. Dupont came. Good.",
            &["Mr. Smith said M. Dupont came.", "Good."],
        );
        check("So did I. Then no. Right.", &["So did I.", "Then no.", "Right."]);
    }
}
