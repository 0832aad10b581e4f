//! Who speaks, where it stands before the words: `Name: text`.

/// Longest label in characters and in words; names with a title and a party fit.
const LABEL_CHARS_MAX: usize = 60;
const LABEL_WORDS_MAX: usize = 8;

/// Splits `Name: text` and the French `Nom : texte`; `None` where the start of the line cannot be a name.
pub(super) fn split(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (label, rest) = line.split_once(':')?;
    // `**Ann:** hello` of Markdown.
    let rest = rest.strip_prefix("**").unwrap_or(rest);
    let is_url_or_time = !rest.is_empty() && !rest.starts_with(|c: char| c.is_whitespace());
    let label = label.trim().trim_start_matches(['-', '–', '—', '*', '#', '>']).trim();
    let label = label.trim_matches('*').trim();
    let is_label = !is_url_or_time
        && label.chars().count() <= LABEL_CHARS_MAX
        && label.split_whitespace().count() <= LABEL_WORDS_MAX
        && label.chars().any(char::is_alphanumeric)
        && label.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '[' | '(' | '<'))
        && !label.starts_with(char::is_lowercase)
        && !label.contains(['?', '!', ';', '"', '«', '»', '…', '='])
        && (!label.contains(". ") || has_title(label));
    is_label.then(|| (label.trim_matches(['[', ']', '<', '>']), rest.trim()))
}

/// "Dr. Lee" has a full stop that ends no sentence.
fn has_title(label: &str) -> bool {
    label
        .split_whitespace()
        .filter(|word| word.ends_with('.'))
        .all(|word| word.chars().count() <= 5 && word.starts_with(char::is_uppercase))
}

/// Whether names stand before the words in these lines, rather than a colon here and there: half of the lines have one,
/// or a fifth and the same ones again and again.
pub(super) fn are_used<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let (mut all, mut labelled) = (0_usize, 0_usize);
    let mut distinct = std::collections::BTreeSet::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        all += 1;
        if let Some((label, _)) = split(line) {
            labelled += 1;
            distinct.insert(label);
        }
    }
    labelled > 0 && (labelled * 2 >= all || (labelled * 5 >= all && distinct.len() * 2 <= labelled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_name_before_a_colon() {
        for (line, expected) in [
            ("Ann Lee: hello", Some(("Ann Lee", "hello"))),
            ("Élise : bonjour : oui", Some(("Élise", "bonjour : oui"))),
            ("Dr. J. Lee: hello", Some(("Dr. J. Lee", "hello"))),
            ("**Ann:** hello", Some(("Ann", "hello"))),
            ("- [Ann]: hello", Some(("Ann", "hello"))),
            ("SPEAKER_00:", Some(("SPEAKER_00", ""))),
            ("http://example.org", None),
            ("at 10:30 we meet", None),
            ("we said: no", None),
            ("I saw it. Then: no", None),
            ("no colon", None),
            (": nobody", None),
        ] {
            assert_eq!(split(line), expected, "{line}");
        }
    }

    #[test]
    fn a_colon_here_and_there_is_no_name() {
        let used = |lines: &[&str]| are_used(lines.iter().copied());
        assert!(used(&["Ann: a", "Bob: b", "and more"]));
        assert!(used(&["Ann: a", "x", "x", "Ann: b", "x", "x"]));
        assert!(!used(&["Note: a", "x", "x", "x"]));
        assert!(!used(&["x", ""]));
    }
}
