//! Makes the texts of the corpora readable: they keep punctuation between spaces and carry annotation marks.

/// Joins punctuation and clitics to their words, spells `L_C_D_` as `LCD`, and drops marks such as `{vocalsound}` and
/// `<unk>`. French spaces before `?`, `!`, `:` and `;` are closed too.
pub fn tidy(text: &str) -> String {
    let text = without_marks(text);
    let mut tidied = String::with_capacity(text.len());
    let mut quote_is_open = false;
    let mut glue = false;
    for token in text.split_whitespace() {
        let token = spelled(token);
        let is_quote = token == "\"";
        let closes = is_closing(&token) || (is_quote && quote_is_open);
        let joins = closes || (is_clitic(&token) && ends_in_letter(&tidied));
        if !(tidied.is_empty() || glue || joins) {
            tidied.push(' ');
        }
        // A comma after nothing that was said says nothing.
        if !tidied.is_empty() || !is_closing(&token) {
            tidied.push_str(&token);
        }
        glue = matches!(token.as_ref(), "(" | "[") || (is_quote && !quote_is_open) || is_elided(&token);
        quote_is_open ^= is_quote;
    }
    let trimmed = tidied.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        trimmed.to_owned()
    } else {
        String::new()
    }
}

/// `{vocalsound}`, `[Laughter.]` and `<unk>` annotate and were not said.
fn without_marks(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['{', '<', '[']) {
        let (before, mark) = rest.split_at(start);
        kept.push_str(before);
        let (open, close) = match mark.as_bytes().first() {
            Some(b'{') => ('{', '}'),
            Some(b'[') => ('[', ']'),
            _ => ('<', '>'),
        };
        match mark.find(close) {
            Some(end) if is_mark(mark.get(1..end).unwrap_or_default(), open) => {
                kept.push(' ');
                rest = mark.get(end + 1..).unwrap_or_default();
            }
            _ => {
                kept.push(open);
                rest = mark.get(1..).unwrap_or_default();
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// What stands between brackets is a mark if it is one word; in round or square ones it may be a sentence that was said.
fn is_mark(inside: &str, open: char) -> bool {
    !inside.is_empty()
        && match open {
            '[' => inside.ends_with('.') && !inside.contains(' '),
            _ => inside
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '/' | '_' | '-')),
        }
}

fn is_closing(token: &str) -> bool {
    matches!(
        token,
        "." | "," | "?" | "!" | ";" | ":" | "..." | "…" | ")" | "]" | "%" | "'"
    )
}

/// `'s`, `'re`, `n't`: the second half of a contraction.
fn is_clitic(token: &str) -> bool {
    let lower = token.to_lowercase();
    matches!(
        lower.as_str(),
        "'s" | "'re" | "'m" | "'ve" | "'ll" | "'d" | "'t" | "n't"
    ) || (lower.starts_with('-') && lower.chars().nth(1).is_some_and(char::is_alphabetic))
}

fn ends_in_letter(text: &str) -> bool {
    text.ends_with(char::is_alphanumeric)
}

/// `l'`, `qu'`: elided before the next word. English `boss'` is longer or has no next word to join.
fn is_elided(token: &str) -> bool {
    let Some(stem) = token.strip_suffix(['\'', '’']) else {
        return false;
    };
    matches!(
        stem.to_lowercase().as_str(),
        "l" | "d" | "j" | "m" | "t" | "s" | "n" | "c" | "qu" | "jusqu" | "lorsqu" | "puisqu" | "quoiqu" | "aujourd"
    )
}

/// `L_C_D_s` as `LCDs`: letters that were spelled out, each with an underscore.
fn spelled(token: &str) -> std::borrow::Cow<'_, str> {
    let mut letters = token.chars();
    let is_spelled = matches!((letters.next(), letters.next()), (Some(first), Some('_')) if first.is_alphabetic());
    if is_spelled || token.contains("-") && token.contains('_') {
        std::borrow::Cow::Owned(token.replace('_', ""))
    } else {
        std::borrow::Cow::Borrowed(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corpus_text_reads_like_text() {
        for (text, expected) in [
            ("Hmm hmm .", "Hmm hmm."),
            ("OK , we 're on .", "OK, we're on."),
            ("the L_C_D_ and T_V_s , anti-R_S_I_", "the LCD and TVs, anti-RSI"),
            ("{vocalsound} Yeah {disfmarker} I do n't", "Yeah I don't"),
            (
                "l' année dernière , qu' on a <unk> dit",
                "l'année dernière, qu'on a dit",
            ),
            ("peux -tu venir ?", "peux-tu venir?"),
            ("he said \" no \" twice", "he said \"no\" twice"),
            ("{vocalsound} .", ""),
            ("[Laughter.] so", "so"),
            ("a < b { c", "a < b { c"),
            (", and then", "and then"),
        ] {
            assert_eq!(tidy(text), expected);
        }
    }
}
