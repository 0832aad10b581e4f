//! Speech made readable without a word of its own: marks of the transcriber, fillers, cut words and immediate
//! repetitions go; what is left stands in the order it was said. Every word of the result is a word of the input, except
//! that spelled letters (`T_V_`, `l. c. d.`) and words cut at their apostrophe (`it 's`) are joined.

use datasets::Language;

use super::slips::{drop_false_starts, drop_repetitions, join_spelled_out};

/// `text` without marks such as `{vocalsound}` or `[laughter]`, fillers of `language`, cut words (`th-`) and immediate
/// repetitions, with the spaces before its punctuation closed. May be empty.
pub fn clean(text: &str, language: Language) -> String {
    let unmarked = without_marks(text);
    let mut tokens: Vec<String> = Vec::new();
    for raw in unmarked.split_whitespace() {
        push_token(&mut tokens, raw, language);
    }
    join_spelled_out(&mut tokens);
    if language == Language::ENGLISH {
        drop_false_starts(&mut tokens);
    }
    drop_repetitions(&mut tokens);
    let mut line = tokens.join(" ");
    let from = line
        .find(|c: char| !is_loose_punctuation(c) && c != ' ')
        .unwrap_or(line.len());
    line.drain(..from);
    line
}

/// `text` without what stands between `{}`, `<>` and `[]`; brackets that never close are kept.
fn without_marks(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['{', '<', '[']) {
        let closing = match rest.as_bytes()[open] {
            b'{' => '}',
            b'<' => '>',
            _ => ']',
        };
        kept.push_str(&rest[..open]);
        match rest[open..].find(closing) {
            Some(length) => {
                kept.push(' ');
                rest = &rest[open + length + 1..];
            }
            None => {
                kept.push_str(&rest[open..=open]);
                rest = &rest[open + 1..];
            }
        }
    }
    kept.push_str(rest);
    kept
}

fn is_loose_punctuation(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | '…')
}

fn push_token(tokens: &mut Vec<String>, raw: &str, language: Language) {
    let core = bare(raw);
    if core.is_empty() {
        if raw.chars().all(is_loose_punctuation) {
            close_punctuation(tokens, raw);
        } else if raw.chars().any(|c| matches!(c, '«' | '»' | '"' | '–' | '—')) {
            tokens.push(raw.to_owned());
        }
        return;
    }
    // A filler takes its comma along, but leaves the end of a sentence to the word before it.
    if is_filler(&core.to_lowercase(), language) || is_cut_word(raw) {
        let end: String = raw.chars().filter(|c| matches!(c, '.' | '?' | '!')).collect();
        close_punctuation(tokens, &end);
        return;
    }
    if let Some(last) = tokens.last_mut()
        && continues_word(last, raw, language)
    {
        last.push_str(raw);
        return;
    }
    tokens.push(join_spelled_letters(raw));
}

/// Whether a space was put into a word at its apostrophe: `it 's`, `l 'école`, `qu' il`.
fn continues_word(last: &str, raw: &str, language: Language) -> bool {
    let is_apostrophe = |c: char| matches!(c, '\'' | '’');
    let elided = |word: &str| {
        let letters = bare(word).to_lowercase();
        matches!(letters.as_str(), "l" | "d" | "c" | "j" | "m" | "n" | "s" | "t") || letters.ends_with("qu")
    };
    match language {
        Language::ENGLISH => {
            let ending = raw.strip_prefix(is_apostrophe).map(bare);
            last.ends_with(char::is_alphabetic)
                && ending.is_some_and(|it| matches!(it, "s" | "m" | "re" | "ve" | "ll" | "d" | "t"))
        }
        Language::FRENCH => {
            (raw.starts_with(is_apostrophe) && last.ends_with(char::is_alphabetic) && elided(last))
                || (last.ends_with(is_apostrophe) && elided(last))
        }
        _ => false,
    }
}

fn close_punctuation(tokens: &mut [String], mark: &str) {
    let Some(last) = tokens.last_mut() else { return };
    if mark.is_empty() {
        return;
    }
    if last.ends_with([',', ';', ':']) {
        last.pop();
    }
    if !last.ends_with(['.', '?', '!', '…']) {
        last.push_str(mark);
    }
}

/// `word` without the punctuation around it.
pub(super) fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn is_filler(word: &str, language: Language) -> bool {
    let of_language = match language {
        Language::FRENCH => matches!(
            word,
            "euh" | "heu" | "hum" | "hein" | "bah" | "ben" | "mh" | "beh" | "hm"
        ),
        _ => matches!(
            word,
            "uh" | "um"
                | "mm"
                | "hmm"
                | "hm"
                | "er"
                | "erm"
                | "uh-huh"
                | "mm-hmm"
                | "uhm"
                | "ah"
                | "eh"
                | "mmm"
                | "huh"
        ),
    };
    of_language || is_drawn_out(word)
}

/// `uhhh`, `ummm`, `euhhh`: a filler with its last letter drawn out.
fn is_drawn_out(word: &str) -> bool {
    let stem = word.trim_end_matches(['h', 'm']);
    matches!(stem, "u" | "eu") && word.len() > stem.len()
}

/// `th-` or `remo-`: a word broken off.
fn is_cut_word(raw: &str) -> bool {
    let inner = raw.trim_end_matches(is_loose_punctuation);
    inner.len() > 1 && inner.ends_with('-') && inner.chars().filter(|c| c.is_alphabetic()).count() <= 6
}

/// `T_V_` and `L_C_D` become `TV` and `LCD`; other underscores become spaces.
fn join_spelled_letters(raw: &str) -> String {
    if !raw.contains('_') {
        return raw.to_owned();
    }
    let spelled = raw
        .split('_')
        .all(|part| part.chars().filter(|c| c.is_alphanumeric()).count() <= 1);
    raw.split('_')
        .collect::<Vec<_>>()
        .join(if spelled { "" } else { " " })
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: Language, text: &str, expected: &str) {
        assert_eq!(clean(text, language), expected);
    }

    #[test]
    fn marks_fillers_and_cut_words_go() {
        check(
            Language::ENGLISH,
            "Uh , so {disfmarker} um the th- the remote , um , is yellow .",
            "so the remote, is yellow.",
        );
        check(
            Language::FRENCH,
            "Euh, donc le budget, euh, est voté.",
            "donc le budget, est voté.",
        );
        check(Language::ENGLISH, "{vocalsound} Um .", "");
    }

    #[test]
    fn immediate_repetitions_are_said_once() {
        check(
            Language::ENGLISH,
            "I think I think we we need need a a chip .",
            "I think we need a chip.",
        );
        check(Language::ENGLISH, "twelve 50 50 . No . No .", "twelve 50 50. No. No.");
    }

    #[test]
    fn spelled_letters_are_joined() {
        check(Language::ENGLISH, "an L_C_D_ on the T_V_ .", "an LCD on the TV.");
    }

    #[test]
    fn words_cut_by_their_apostrophe_are_joined() {
        check(Language::ENGLISH, "it 's what we 're after", "it's what we're after");
        check(Language::FRENCH, "l 'école qu’ il a", "l'école qu’il a");
    }

    #[test]
    fn letters_spelled_by_a_recognizer_are_a_word() {
        check(Language::ENGLISH, "an l. c. d. screen", "an LCD screen");
    }

    #[test]
    fn a_word_begun_twice_is_said_once() {
        check(Language::ENGLISH, "th there is w one in into", "there is w one in into");
    }

    #[test]
    fn an_open_bracket_is_kept_as_text() {
        check(Language::ENGLISH, "a < b", "a b");
    }

    proptest::proptest! {
        #[test]
        fn cleaning_invents_no_word(text in "[a-zA-Zé_,.{}<> -]{0,60}") {
            let letters = |text: &str| text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<Vec<_>>();
            let (before, after) = (letters(&text), letters(&clean(&text, Language::ENGLISH)));
            let mut rest = before.iter();
            proptest::prop_assert!(after.iter().all(|c| rest.any(|other| other == c)));
        }
    }
}
