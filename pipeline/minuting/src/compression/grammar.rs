//! Tells by its words whether a clause can stand by itself. Rules of thumb, not a parser: they are there to keep
//! fragments out of minutes, and rather lose a good clause than let half of one through.

use datasets::Language;

use super::Token;
use super::clauses::Boundary;

/// Whether `tokens`, cut out between an `opening` and a `closing` boundary, read as a whole statement.
pub(super) fn stands_alone(tokens: &[Token], opening: Boundary, closing: Boundary, language: Language) -> bool {
    match language {
        Language::ENGLISH => english_stands_alone(tokens, opening, closing),
        Language::FRENCH => french_stands_alone(tokens, opening, closing),
        _ => opening == Boundary::Sentence && closing == Boundary::Sentence,
    }
}

fn english_stands_alone(tokens: &[Token], opening: Boundary, closing: Boundary) -> bool {
    let words: Vec<&str> = tokens.iter().map(|token| token.bare.as_str()).collect();
    let (Some(&first), Some(&second)) = (words.first(), words.get(1)) else {
        return false;
    };
    let question = tokens.last().is_some_and(|token| token.text.ends_with('?'));
    let subject =
        is_subject_start(first) || tokens[0].text.starts_with(char::is_uppercase) && opening < Boundary::Sentence;
    let verb = words.iter().position(|word| is_english_verb(word));
    if verb.is_none() || words.iter().any(|word| is_broken(word)) || has_stutter(&words) {
        return false;
    }
    if is_subordinating(first) {
        // "if we take this, the price goes up": the main clause must be there.
        return closing == Boundary::Sentence
            && words.len() >= 9
            && tokens[2..].iter().any(|token| token.mark() == ",");
    }
    if is_question_word(first) || is_english_auxiliary(first) {
        return question && opening == Boundary::Sentence;
    }
    if never_opens(first, second) {
        return false;
    }
    // Without a firm boundary before it, only a subject tells that a clause begins here.
    subject || (opening == Boundary::Sentence && first.chars().all(char::is_alphabetic) && !is_english_verb(first))
}

/// Letters that are no words: the remains of a false start.
fn is_broken(word: &str) -> bool {
    let mut letters = word.chars();
    matches!((letters.next(), letters.next()), (Some(letter), None) if letter.is_alphabetic() && letter != 'a' && letter != 'i')
}

/// A subject or an article said twice with nothing between: "the so the", "we the".
fn has_stutter(words: &[&str]) -> bool {
    words.windows(2).any(|pair| {
        let article = |word: &str| matches!(word, "the" | "a" | "an");
        let pronoun = |word: &str| matches!(word, "i" | "we" | "they" | "he" | "she" | "i'm" | "we're" | "they're");
        (article(pair[0])
            && (article(pair[1]) || pronoun(pair[1]) || is_english_auxiliary(pair[1]) || is_join(pair[1])))
            || (pronoun(pair[0]) && (pronoun(pair[1]) || article(pair[1])))
            || (is_join(pair[0]) && is_join(pair[1]))
            || (matches!(pair[0], "of" | "for" | "with" | "from" | "my" | "our" | "your" | "its")
                && (is_join(pair[1]) || is_english_auxiliary(pair[1]) || pronoun(pair[1])))
    })
}

fn is_join(word: &str) -> bool {
    matches!(word, "and" | "but" | "or" | "so" | "because")
}

fn is_subordinating(word: &str) -> bool {
    matches!(
        word,
        "if" | "when"
            | "while"
            | "since"
            | "although"
            | "unless"
            | "until"
            | "whereas"
            | "whether"
            | "as"
            | "once"
            | "where"
    )
}

fn is_question_word(word: &str) -> bool {
    matches!(
        word,
        "what" | "who" | "whose" | "which" | "why" | "how" | "what's" | "who's" | "how's" | "where's"
    )
}

/// Prepositions and the like, which open what belongs to a clause before.
fn never_opens(first: &str, second: &str) -> bool {
    matches!(
        first,
        "of" | "to"
            | "than"
            | "by"
            | "into"
            | "onto"
            | "upon"
            | "such"
            | "including"
            | "not"
            | "being"
            | "been"
            | "be"
            | "more"
            | "less"
            | "very"
            | "rather"
            | "whatever"
            | "whoever"
            | "et"
            | "about"
            | "like"
            | "instead"
            | "let"
            | "with"
            | "without"
            | "for"
            | "from"
            | "up"
            | "down"
            | "out"
            | "off"
            | "over"
            | "in"
            | "on"
            | "at"
            | "even"
            | "only"
            | "either"
            | "both"
            | "got"
            | "gonna"
            | "gotta"
    ) || (first == "that" && !is_english_auxiliary(second) && !second.ends_with("ing"))
        && !matches!(second, "way" | "one" | "thing" | "part" | "point" | "means" | "depends")
}

fn is_subject_start(word: &str) -> bool {
    let stem = word.split('\'').next().unwrap_or(word);
    matches!(
        stem,
        "i" | "we"
            | "they"
            | "he"
            | "she"
            | "it"
            | "you"
            | "this"
            | "that"
            | "these"
            | "those"
            | "there"
            | "the"
            | "a"
            | "an"
            | "my"
            | "our"
            | "your"
            | "his"
            | "her"
            | "their"
            | "its"
            | "some"
            | "all"
            | "every"
            | "each"
            | "any"
            | "no"
            | "another"
            | "most"
            | "many"
            | "people"
            | "everyone"
            | "everybody"
            | "someone"
            | "somebody"
            | "nobody"
            | "one"
            | "two"
            | "three"
            | "four"
            | "five"
            | "both"
            | "let"
            | "here"
            | "other"
            | "others"
            | "everything"
            | "nothing"
            | "something"
    )
}

/// Whether the word is a form of "be", "have", "do" or a modal, alone or contracted to its subject.
pub(super) fn is_english_auxiliary(word: &str) -> bool {
    matches!(
        word,
        "is" | "are"
            | "was"
            | "were"
            | "am"
            | "has"
            | "have"
            | "had"
            | "does"
            | "do"
            | "did"
            | "will"
            | "would"
            | "can"
            | "could"
            | "should"
            | "shall"
            | "may"
            | "might"
            | "must"
            | "isn't"
            | "aren't"
            | "wasn't"
            | "weren't"
            | "hasn't"
            | "haven't"
            | "hadn't"
            | "doesn't"
            | "don't"
            | "didn't"
            | "won't"
            | "wouldn't"
            | "can't"
            | "cannot"
            | "couldn't"
            | "shouldn't"
            | "mustn't"
    )
}

fn is_english_verb(word: &str) -> bool {
    let contracted = word.contains('\'')
        && ["'s", "'re", "'m", "'ve", "'ll", "'d"]
            .iter()
            .any(|ending| word.ends_with(ending))
        && is_subject_start(word)
        && !matches!(
            word.split('\'').next(),
            Some("people" | "everyone" | "everybody" | "someone" | "somebody" | "other")
        );
    contracted || is_english_auxiliary(word) || COMMON_VERBS.contains(&word)
}

/// Verbs of meetings in the forms that need no auxiliary. No list can be full: a clause whose only verb is missing here
/// is lost to another.
const COMMON_VERBS: &[&str] = &[
    "need",
    "needs",
    "needed",
    "want",
    "wants",
    "wanted",
    "like",
    "likes",
    "liked",
    "think",
    "thinks",
    "thought",
    "know",
    "knows",
    "knew",
    "use",
    "uses",
    "used",
    "make",
    "makes",
    "made",
    "go",
    "goes",
    "went",
    "get",
    "gets",
    "got",
    "take",
    "takes",
    "took",
    "give",
    "gives",
    "gave",
    "come",
    "comes",
    "came",
    "look",
    "looks",
    "looked",
    "see",
    "sees",
    "saw",
    "say",
    "says",
    "said",
    "put",
    "puts",
    "keep",
    "keeps",
    "kept",
    "work",
    "works",
    "worked",
    "mean",
    "means",
    "meant",
    "decide",
    "decides",
    "decided",
    "discuss",
    "discussed",
    "agree",
    "agrees",
    "agreed",
    "feel",
    "feels",
    "felt",
    "seem",
    "seems",
    "seemed",
    "cost",
    "costs",
    "include",
    "includes",
    "included",
    "show",
    "shows",
    "showed",
    "start",
    "starts",
    "started",
    "try",
    "tries",
    "tried",
    "find",
    "finds",
    "found",
    "talk",
    "talks",
    "talked",
    "depend",
    "depends",
    "tend",
    "tends",
    "believe",
    "believes",
    "suggest",
    "suggests",
    "suggested",
    "propose",
    "proposes",
    "proposed",
    "prefer",
    "prefers",
    "preferred",
    "require",
    "requires",
    "required",
    "change",
    "changes",
    "changed",
    "add",
    "adds",
    "added",
    "move",
    "moves",
    "moved",
    "send",
    "sends",
    "sent",
    "write",
    "writes",
    "wrote",
    "hope",
    "hopes",
    "hoped",
    "plan",
    "plans",
    "planned",
    "expect",
    "expects",
    "expected",
    "wonder",
    "wonders",
    "wondered",
    "guess",
    "sell",
    "sells",
    "sold",
    "buy",
    "buys",
    "bought",
    "run",
    "runs",
    "ran",
    "turn",
    "turns",
    "turned",
    "turns",
    "call",
    "calls",
    "called",
    "ask",
    "asks",
    "asked",
    "tell",
    "tells",
    "told",
    "help",
    "helps",
    "helped",
    "allow",
    "allows",
    "allowed",
    "provide",
    "provides",
    "provided",
    "happen",
    "happens",
    "happened",
    "sound",
    "sounds",
    "sounded",
    "stand",
    "stands",
    "become",
    "becomes",
    "became",
    "remain",
    "remains",
    "remained",
    "consider",
    "considered",
    "choose",
    "chooses",
    "chose",
    "design",
    "designed",
    "build",
    "builds",
    "built",
    "fit",
    "fits",
    "focus",
    "focuses",
    "focused",
    "save",
    "saves",
    "matter",
    "matters",
    "presented",
    "received",
    "noticed",
    "wanted",
    "collected",
    "recorded",
    "increased",
    "lets",
];

fn french_stands_alone(tokens: &[Token], opening: Boundary, closing: Boundary) -> bool {
    let Some(first) = tokens.first() else { return false };
    if closing < Boundary::Sentence {
        return false;
    }
    opening == Boundary::Sentence && !french_never_opens(&first.bare) || is_french_subject_start(&first.bare)
}

/// Words that open what belongs to a clause before.
fn french_never_opens(word: &str) -> bool {
    matches!(word, "que" | "qui" | "dont" | "de" | "du" | "à" | "ni" | "y" | "en") || word.starts_with("qu'")
}

fn is_french_subject_start(word: &str) -> bool {
    let stem = word.split('\'').next().unwrap_or(word);
    matches!(
        stem,
        "je" | "j"
            | "tu"
            | "il"
            | "elle"
            | "on"
            | "nous"
            | "vous"
            | "ils"
            | "elles"
            | "ce"
            | "c"
            | "ça"
            | "cela"
            | "ceci"
            | "cette"
            | "cet"
            | "ces"
            | "le"
            | "la"
            | "les"
            | "l"
            | "un"
            | "une"
            | "mon"
            | "ma"
            | "mes"
            | "notre"
            | "nos"
            | "votre"
            | "vos"
            | "leur"
            | "leurs"
            | "son"
            | "sa"
            | "ses"
            | "chaque"
            | "tout"
            | "toute"
            | "tous"
            | "aucun"
            | "aucune"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, opening: Boundary, closing: Boundary, expected: bool) {
        let tokens: Vec<Token> = text.split(' ').map(|word| Token::new(word, 0)).collect();
        assert_eq!(
            stands_alone(&tokens, opening, closing, Language::ENGLISH),
            expected,
            "{text}"
        );
    }

    #[test]
    fn whole_statements_stand_alone() {
        check(
            "The remote should have fewer buttons.",
            Boundary::Sentence,
            Boundary::Sentence,
            true,
        );
        check(
            "we need to talk about the budget",
            Boundary::Clause,
            Boundary::Clause,
            true,
        );
        check(
            "Do we need an LCD screen?",
            Boundary::Sentence,
            Boundary::Sentence,
            true,
        );
        check(
            "If we take the advanced chip, the price goes up.",
            Boundary::Sentence,
            Boundary::Sentence,
            true,
        );
    }

    #[test]
    fn fragments_do_not() {
        check(
            "of the selling price is what",
            Boundary::Sentence,
            Boundary::Sentence,
            false,
        );
        check(
            "has forever been conditioned that way",
            Boundary::Clause,
            Boundary::Sentence,
            false,
        );
        check(
            "a combination of rubber and plastic",
            Boundary::Sentence,
            Boundary::Sentence,
            false,
        );
        check(
            "If we take the advanced chip",
            Boundary::Sentence,
            Boundary::Clause,
            false,
        );
        check(
            "The so the method is good",
            Boundary::Sentence,
            Boundary::Sentence,
            false,
        );
        check(
            "that the team should stay within budget",
            Boundary::Clause,
            Boundary::Sentence,
            false,
        );
    }
}
