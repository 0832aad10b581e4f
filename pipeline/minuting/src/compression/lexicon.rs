//! English and French words of talk: what opens and closes clauses without saying anything, and what joins them.

use datasets::Language;

/// A word that is said to show that one listens.
pub(super) fn is_acknowledgement(word: &str) -> bool {
    matches!(
        word,
        "yeah"
            | "yes"
            | "yep"
            | "yup"
            | "no"
            | "okay"
            | "ok"
            | "right"
            | "sure"
            | "oh"
            | "so"
            | "well"
            | "good"
            | "cool"
            | "great"
            | "nice"
            | "exactly"
            | "true"
            | "alright"
            | "and"
            | "but"
            | "i"
            | "see"
            | "that's"
            | "it"
            | "is"
            | "was"
            | "to"
            | "the"
            | "a"
            | "we"
            | "you"
            | "know"
            | "think"
            | "mean"
            | "oui"
            | "non"
            | "ouais"
            | "d'accord"
            | "voilà"
            | "bon"
            | "bien"
            | "merci"
            | "absolument"
            | "alors"
            | "et"
            | "mais"
    )
}

/// Words before which a clause may begin.
pub(super) fn is_conjunction(word: &str, language: Language) -> bool {
    match language {
        Language::ENGLISH => matches!(
            word,
            "and"
                | "but"
                | "so"
                | "because"
                | "or"
                | "which"
                | "if"
                | "then"
                | "when"
                | "while"
                | "where"
                | "cause"
                | "although"
                | "whereas"
                | "since"
                | "unless"
                | "until"
        ),
        Language::FRENCH => matches!(word, "et" | "mais" | "donc" | "or" | "car" | "puisque" | "alors"),
        _ => false,
    }
}

/// What may be left out at the beginning of a clause, as word sequences.
pub(super) fn openers(language: Language) -> &'static [&'static str] {
    match language {
        Language::ENGLISH => ENGLISH_OPENERS,
        Language::FRENCH => FRENCH_OPENERS,
        _ => &[],
    }
}

/// What may be left out at the end of a clause.
pub(super) fn closers(language: Language) -> &'static [&'static str] {
    match language {
        Language::ENGLISH => ENGLISH_CLOSERS,
        Language::FRENCH => FRENCH_CLOSERS,
        _ => &[],
    }
}

/// What may be left out anywhere.
pub(super) fn parentheses(language: Language) -> &'static [&'static str] {
    match language {
        Language::ENGLISH => ENGLISH_PARENTHESES,
        Language::FRENCH => FRENCH_PARENTHESES,
        _ => &[],
    }
}

const ENGLISH_OPENERS: &[&str] = &[
    "i was thinking that",
    "i would say that",
    "i think that",
    "i thought that",
    "as you can see",
    "i don't know",
    "let's see",
    "let's say",
    "i was thinking",
    "i would say",
    "and then",
    "and so",
    "so that",
    "all right",
    "of course",
    "for example",
    "in fact",
    "as well",
    "that is",
    "the thing is",
    "thank you",
    "as i said",
    "as you know",
    "it's like",
    "et cetera",
    "i mean",
    "i guess",
    "you know",
    "you see",
    "i think",
    "i thought",
    "i suppose",
    "i believe",
    "i'd say",
    "i dunno",
    "and",
    "but",
    "so",
    "well",
    "yeah",
    "yes",
    "yep",
    "no",
    "okay",
    "ok",
    "right",
    "now",
    "oh",
    "then",
    "or",
    "because",
    "cause",
    "also",
    "actually",
    "basically",
    "anyway",
    "like",
    "alright",
    "just",
    "still",
    "hey",
    "maybe",
    "perhaps",
    "sure",
    "see",
    "look",
    "which",
    "uh",
    "sorry",
    "thanks",
    "hello",
    "good",
    "fine",
    "cool",
    "great",
    "exactly",
    "absolutely",
    "obviously",
    "again",
    "too",
];

const ENGLISH_CLOSERS: &[&str] = &[
    "or something like that",
    "and stuff like that",
    "and things like that",
    "or something",
    "or whatever",
    "and stuff",
    "and things",
    "and so on",
    "isn't it",
    "and that",
    "in the",
    "of the",
    "to the",
    "you know",
    "i mean",
    "i think",
    "i guess",
    "i suppose",
    "you see",
    "and then",
    "and the",
    "and",
    "but",
    "so",
    "or",
    "because",
    "the",
    "a",
    "an",
    "of",
    "to",
    "if",
    "that",
    "which",
    "is",
    "are",
    "was",
    "were",
    "like",
    "right",
    "yeah",
    "okay",
    "ok",
    "for",
    "with",
    "in",
    "on",
    "at",
    "i",
    "we",
    "it's",
    "that's",
    "then",
    "just",
    "as",
    "by",
    "from",
    "well",
    "no",
    "actually",
    "really",
    "maybe",
    "when",
    "where",
    "while",
    "what",
    "how",
    "there's",
    "they",
    "he",
    "she",
    "who",
    "be",
    "been",
    "can",
    "will",
    "would",
    "could",
    "should",
    "not",
    "have",
    "has",
    "do",
    "does",
    "my",
    "our",
    "your",
    "their",
    "some",
    "any",
    "very",
    "into",
    "about",
    "i'm",
    "we're",
    "you're",
    "they're",
    "gonna",
    "cause",
    "than",
    "this",
    "its",
    "it",
];

const ENGLISH_PARENTHESES: &[&str] = &[
    "as you know",
    "as i said",
    "like i said",
    "let's say",
    "you know",
    "i mean",
    "sort of",
    "kind of",
    "i guess",
    "you see",
    "i suppose",
    "basically",
    "actually",
    "obviously",
    "really",
    "just",
];

const FRENCH_OPENERS: &[&str] = &[
    "je pense que",
    "je crois que",
    "je trouve que",
    "c'est-à-dire que",
    "il est vrai que",
    "c'est vrai que",
    "ce que je veux dire",
    "je veux dire",
    "vous savez",
    "vous voyez",
    "tu sais",
    "tu vois",
    "du coup",
    "en fait",
    "en effet",
    "au fond",
    "bien sûr",
    "d'abord",
    "par ailleurs",
    "et puis",
    "et donc",
    "et bien",
    "eh bien",
    "et",
    "mais",
    "donc",
    "alors",
    "or",
    "car",
    "oui",
    "non",
    "ouais",
    "bon",
    "bah",
    "ben",
    "voilà",
    "écoutez",
    "attendez",
    "ah",
    "enfin",
    "puis",
    "effectivement",
    "évidemment",
    "justement",
    "finalement",
    "d'accord",
    "merci",
];

const FRENCH_CLOSERS: &[&str] = &[
    "et cetera",
    "vous savez",
    "vous voyez",
    "n'est-ce pas",
    "et tout ça",
    "et voilà",
    "voilà",
    "quoi",
    "hein",
    "et",
    "mais",
    "donc",
    "ou",
    "que",
    "qui",
    "de",
    "à",
    "le",
    "la",
    "les",
    "un",
    "une",
    "des",
    "du",
];

const FRENCH_PARENTHESES: &[&str] = &[
    "je veux dire",
    "vous savez",
    "vous voyez",
    "si vous voulez",
    "si je puis dire",
    "en quelque sorte",
    "du coup",
];
