//! English verb forms after a subject that changed its person.

/// The form of `verb`, said after "I" or "we", after a subject in the third person: singular after the name of the
/// speaker or the group, plural after "they".
pub(super) fn third_person(verb: &str, singular: bool) -> String {
    if !singular {
        let form = match verb {
            "am" => "are",
            "was" => "were",
            "gonna" => "are going to",
            other => other,
        };
        return form.to_owned();
    }
    let form = match verb {
        "am" | "are" => "is",
        "were" => "was",
        "have" => "has",
        "do" => "does",
        "go" => "goes",
        "don't" => "doesn't",
        "haven't" => "hasn't",
        "aren't" => "isn't",
        "weren't" => "wasn't",
        "gonna" => "is going to",
        "wanna" => "wants to",
        "gotta" => "has to",
        other => return add_s(other),
    };
    form.to_owned()
}

fn add_s(verb: &str) -> String {
    let unchanged = is_past(verb)
        || is_modal(verb)
        || ["ed", "ing", "ly", "n't"]
            .iter()
            .any(|ending| verb.ends_with(ending) && verb != "need")
        || !verb.bytes().all(|letter| letter.is_ascii_lowercase());
    if unchanged || verb.len() < 2 {
        return verb.to_owned();
    }
    if verb.ends_with(['s', 'x', 'z', 'o']) || verb.ends_with("ch") || verb.ends_with("sh") {
        return format!("{verb}es");
    }
    match verb.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{verb}s"),
    }
}

/// The singular of an auxiliary that stands before its subject, where it differs.
pub(super) fn singular_auxiliary(word: &str) -> Option<&'static str> {
    Some(match word {
        "are" | "am" => "is",
        "do" => "does",
        "have" => "has",
        "were" => "was",
        "don't" => "doesn't",
        "aren't" => "isn't",
        "haven't" => "hasn't",
        _ => return None,
    })
}

/// Whether `word` before a subject is its auxiliary, so that what follows is no finite verb: "should we stay".
pub(super) fn is_auxiliary_before_subject(word: &str) -> bool {
    is_modal(word)
        || singular_auxiliary(word).is_some()
        || matches!(word, "did" | "does" | "is" | "was" | "has" | "had")
}

/// Whether the verb may still follow after `word`.
pub(super) fn is_adverb(word: &str) -> bool {
    matches!(
        word,
        "also"
            | "still"
            | "already"
            | "never"
            | "always"
            | "probably"
            | "only"
            | "all"
            | "both"
            | "now"
            | "then"
            | "usually"
            | "often"
            | "first"
            | "definitely"
            | "certainly"
            | "mostly"
            | "either"
            | "even"
            | "not"
            | "actually"
            | "really"
            | "just"
            | "maybe"
            | "currently"
            | "generally"
            | "sometimes"
            | "ever"
            | "therefore"
            | "basically"
            | "obviously"
            | "personally"
            | "simply"
            | "kinda"
            | "totally"
    )
}

/// Words after a subject that are certainly no verb of it.
pub(super) fn takes_no_verb(word: &str) -> bool {
    matches!(
        word,
        "to" | "of"
            | "and"
            | "or"
            | "the"
            | "a"
            | "an"
            | "in"
            | "on"
            | "for"
            | "with"
            | "at"
            | "that"
            | "as"
            | "by"
            | "from"
            | "but"
            | "if"
            | "so"
            | "this"
            | "it"
            | "he"
            | "she"
            | "they"
            | "you"
            | "what"
            | "which"
            | "who"
            | "is"
            | "i"
            | "we"
            | "my"
            | "our"
            | "because"
            | "when"
            | "where"
            | "how"
            | "there"
            | "here"
            | "more"
            | "two"
            | "three"
            | "four"
            | "guys"
            | "people"
            | "some"
            | "any"
            | "no"
            | "yes"
            | "well"
            | "okay"
            | ""
    )
}

fn is_modal(word: &str) -> bool {
    matches!(
        word,
        "can"
            | "could"
            | "will"
            | "would"
            | "shall"
            | "should"
            | "may"
            | "might"
            | "must"
            | "can't"
            | "couldn't"
            | "won't"
            | "wouldn't"
            | "shouldn't"
            | "cannot"
            | "didn't"
            | "hadn't"
            | "wasn't"
            | "ought"
            | "better"
    )
}

/// Past forms that do not end in "ed"; those equal to the present ("put", "cut") count as past, because minutes tell
/// what was.
fn is_past(word: &str) -> bool {
    matches!(
        word,
        "was"
            | "had"
            | "did"
            | "said"
            | "went"
            | "made"
            | "took"
            | "got"
            | "came"
            | "found"
            | "thought"
            | "knew"
            | "gave"
            | "told"
            | "saw"
            | "put"
            | "left"
            | "felt"
            | "kept"
            | "began"
            | "brought"
            | "wrote"
            | "sent"
            | "met"
            | "ran"
            | "read"
            | "set"
            | "cut"
            | "let"
            | "spoke"
            | "chose"
            | "built"
            | "bought"
            | "paid"
            | "held"
            | "heard"
            | "meant"
            | "shown"
            | "lost"
            | "won"
            | "became"
            | "drew"
            | "understood"
            | "stood"
            | "done"
            | "been"
            | "seen"
            | "sat"
            | "spent"
            | "lay"
            | "fell"
            | "grew"
            | "threw"
            | "forgot"
            | "broke"
            | "drove"
            | "ate"
            | "hit"
            | "cost"
            | "has"
            | "does"
            | "is"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_agree_with_one_person() {
        for (verb, expected) in [
            ("need", "needs"),
            ("try", "tries"),
            ("say", "says"),
            ("push", "pushes"),
            ("decided", "decided"),
            ("could", "could"),
            ("thought", "thought"),
            ("aren't", "isn't"),
        ] {
            assert_eq!(third_person(verb, true), expected);
        }
        assert_eq!(third_person("was", false), "were");
        assert_eq!(third_person("need", false), "need");
    }
}
