//! English clauses.

use std::sync::LazyLock;

use super::super::Token;
use super::super::clauses::Boundary;
use super::super::lexicon::{WordSet, word_set};

/// Words of a clause within which its verb has begun.
const VERB_WITHIN: usize = 10;

/// Words of a sentence that begins with "if" or "when", at least.
const SUBORDINATED_WORDS_MIN: usize = 9;

/// What is quoted must stay as it was said, while statements are retold: clauses with quotations are left out.
const QUOTATION_MARKS: [char; 5] = ['"', '“', '”', '«', '»'];

/// Whether `tokens` read as a whole statement.
pub(super) fn stands_alone(tokens: &[Token], opening: Boundary, closing: Boundary) -> bool {
    let words: Vec<&str> = tokens.iter().map(|token| token.bare.as_str()).collect();
    let (Some(&first), Some(&last)) = (words.first(), words.last()) else {
        return false;
    };
    let question = tokens.last().is_some_and(|token| token.text.ends_with('?'));
    let has_verb = words.iter().take(VERB_WITHIN).any(|word| is_verb(word));
    let firm = closing == Boundary::Sentence;
    if tokens.iter().any(|token| token.text.contains(QUOTATION_MARKS)) {
        return false;
    }
    if !has_verb
        || is_broken_off(&words, question)
        || NEVER_CLOSE.contains(last)
        || (!firm && LEAVES_OPEN.contains(last))
    {
        return false;
    }
    if SUBORDINATING.contains(first) {
        return firm && words.len() >= SUBORDINATED_WORDS_MIN && has_main_clause(tokens);
    }
    if QUESTION_WORDS.contains(first) || AUXILIARIES.contains(first) {
        return question && opening == Boundary::Sentence;
    }
    if NEVER_OPEN.contains(first) || is_relative(&words) {
        return false;
    }
    // Without a firm boundary before it, only a subject tells that a clause begins here.
    is_subject(first)
        || tokens[0].text.starts_with(char::is_uppercase)
        || (opening == Boundary::Sentence && first.chars().all(char::is_alphabetic) && !is_verb(first))
}

/// "If we take this, the price goes up": whether the main clause follows.
fn has_main_clause(tokens: &[Token]) -> bool {
    let comma = tokens.iter().position(|token| token.mark() == ",");
    comma.is_some_and(|comma| {
        let main: Vec<&str> = tokens[comma + 1..].iter().map(|token| token.bare.as_str()).collect();
        comma >= 2
            && main.len() >= 3
            && (is_subject(main[0]) || main[0] == "then")
            && main.iter().any(|word| is_verb(word))
    })
}

/// "that the team should stay", without what it depends on.
fn is_relative(words: &[&str]) -> bool {
    let second = words.get(1).copied().unwrap_or_default();
    words[0] == "that" && !AUXILIARIES.contains(second) && !matches!(second, "way" | "one" | "thing" | "part" | "means")
}

/// Whether somewhere the speaker began anew: letters that are no words, and neighbours that no grammar joins.
fn is_broken_off(words: &[&str], question: bool) -> bool {
    words.iter().any(|word| is_lone_letter(word))
        || words.windows(2).any(|pair| clash(pair[0], pair[1]))
        || (!question && words.windows(3).any(is_inversion))
}

fn is_lone_letter(word: &str) -> bool {
    let mut letters = word.chars();
    matches!((letters.next(), letters.next()), (Some(letter), None) if letter.is_alphabetic() && letter != 'a' && letter != 'i')
}

/// "the so", "we the", "of and", "I they", "will that's".
fn clash(left: &str, right: &str) -> bool {
    let article = |word: &str| matches!(word, "the" | "a" | "an");
    let join = |word: &str| matches!(word, "and" | "but" | "or" | "so" | "because");
    let possessive = |word: &str| matches!(word, "my" | "our" | "your" | "their" | "his" | "its");
    let preposition = |word: &str| matches!(word, "of" | "for" | "with" | "from" | "into" | "by");
    let relative = |word: &str| matches!(word, "which" | "who" | "where" | "what");
    let modal = |word: &str| {
        matches!(
            word,
            "will" | "would" | "could" | "should" | "can" | "might" | "must" | "may"
        )
    };
    let contracted = |word: &str| word.contains('\'') && is_nominative(word);
    let left_opens = article(left) || possessive(left);
    (left_opens
        && (article(right) || possessive(right) || is_nominative(right) || AUXILIARIES.contains(right) || join(right)))
        || (is_nominative(left) && !left.contains('\'') && (is_nominative(right) || article(right) || join(right)))
        || (matches!(left, "it" | "you" | "that") && contracted(right))
        || (join(left) && join(right) && left != "and")
        || (preposition(left) && (join(right) || AUXILIARIES.contains(right) || (is_nominative(right) && right != "i")))
        || (relative(left) && relative(right))
        || (modal(left)
            && (contracted(right)
                || article(right)
                || join(right)
                || matches!(right, "that's" | "there's" | "it's" | "what's")
                || modal(right)))
        || (matches!(left, "is" | "are" | "was" | "were")
            && matches!(right, "have" | "has" | "do" | "does" | "can" | "will"))
        || (matches!(left, "has" | "have")
            && matches!(right, "is" | "are" | "think" | "will" | "can" | "some" | "that's"))
        || (matches!(left, "to")
            && (contracted(right) || matches!(right, "is" | "are" | "was" | "and" | "we" | "they")))
}

/// "we could they", "I would wel we": a verb that was begun and not ended before the next subject.
fn is_inversion(three: &[&str]) -> bool {
    let goes_on =
        |word: &str| COMMON_VERBS.contains(word) || matches!(word, "if" | "that" | "what" | "when" | "as" | "like");
    (is_nominative(three[0]) && AUXILIARIES.contains(three[1]) && is_nominative(three[2]))
        || (AUXILIARIES.contains(three[0]) && is_nominative(three[2]) && !is_nominative(three[1]) && !goes_on(three[1]))
}

fn is_nominative(word: &str) -> bool {
    matches!(word.split('\'').next(), Some("i" | "we" | "they" | "he" | "she"))
}

fn is_subject(word: &str) -> bool {
    SUBJECTS.contains(word.split('\'').next().unwrap_or(word))
}

/// Whether the word is surely a finite verb, alone or contracted to its subject.
fn is_verb(word: &str) -> bool {
    let contracted = word.split_once('\'').is_some_and(|(subject, ending)| {
        matches!(ending, "s" | "re" | "m" | "ve" | "ll" | "d") && CONTRACTING.contains(subject)
    });
    contracted || AUXILIARIES.contains(word) || COMMON_VERBS.contains(word)
}

static AUXILIARIES: WordSet = LazyLock::new(|| {
    word_set(
        "is are was were am has have had does do did will would can could should shall may might must isn't aren't wasn't
        weren't hasn't haven't hadn't doesn't don't didn't won't wouldn't can't cannot couldn't shouldn't mustn't",
    )
});

static SUBORDINATING: WordSet =
    LazyLock::new(|| word_set("if when while since although unless until whereas whether as once where"));

static QUESTION_WORDS: WordSet = LazyLock::new(|| word_set("what who whose which why how what's who's how's where's"));

/// Prepositions and the like, which open what belongs to a clause before.
static NEVER_OPEN: WordSet = LazyLock::new(|| {
    word_set(
        "of to than by into onto upon such including not being been be more less very rather whatever whoever et about like
        instead let with without for from up down out off over in on at even only either both got gonna gotta where
        especially sort kind et",
    )
});

/// No sentence ends here.
static NEVER_CLOSE: WordSet = LazyLock::new(|| {
    word_set(
        "the a an of to if that which is are was were for with in on at i we they he she it's that's there's we're they're
        you're i'm as by from when where while what how who be been can will would could should may might must not have
        has had do does did my our your their his its some any very into about gonna than every each no whether whose
        don't doesn't didn't can't won't isn't aren't and or but because more",
    )
});

/// No clause ends here unless a mark says so.
static LEAVES_OPEN: WordSet = LazyLock::new(|| {
    word_set(
        "this these those need needs want wants like have think know say said make makes put use get got take give go going
        look looking see mean means try trying just also other another first last next new different same most whole main
        much many few lot kind sort bit you it",
    )
});

static SUBJECTS: WordSet = LazyLock::new(|| {
    word_set(
        "i we they he she it you this that these those there the a an my our your his her their its some all every each any
        no another most many people everyone everybody someone somebody nobody one two three four five both let here
        other others everything nothing something",
    )
});

/// What "'s", "'re" and the like stand for a verb after.
static CONTRACTING: WordSet = LazyLock::new(|| {
    word_set("i we they he she it you this that these those there here what who let everything nothing")
});

/// Verbs of meetings in the forms that need no auxiliary. No list can be full: a clause whose only verb is missing here
/// is lost to another.
static COMMON_VERBS: WordSet = LazyLock::new(|| {
    word_set(
        "need needs needed want wants wanted like likes liked think thinks thought know knows knew use uses used make makes
        made go goes went get gets got take takes took give gives gave come comes came look looks looked see sees saw say
        says said put puts keep keeps kept work works worked mean means meant decide decides decided discuss discussed agree
        agrees agreed feel feels felt seem seems seemed cost costs include includes included show shows showed start starts
        started try tries tried find finds found talk talks talked depend depends tend tends believe believes suggest
        suggests suggested propose proposes proposed prefer prefers preferred require requires required change changes
        changed add adds added move moves moved send sends sent write writes wrote hope hopes hoped plan plans planned
        expect expects expected wonder wonders wondered guess sell sells sold buy buys bought run runs ran turn turns turned
        call calls called ask asks asked tell tells told help helps helped allow allows allowed provide provides provided
        happen happens happened sound sounds sounded stand stands become becomes became remain remains remained consider
        considered choose chooses chose build builds built fit fits focus focuses focused save saves matter matters
        presented received noticed collected recorded increased lets let",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, opening: Boundary, closing: Boundary, expected: bool) {
        let tokens: Vec<Token> = text.split(' ').map(|word| Token::new(word, 0)).collect();
        assert_eq!(stands_alone(&tokens, opening, closing), expected, "{text}");
    }

    #[test]
    fn whole_statements_stand_alone() {
        for text in [
            "The remote should have fewer buttons.",
            "Do we need an LCD screen?",
            "If we take the advanced chip, the price goes up.",
            "That's the end of the budget talk.",
        ] {
            check(text, Boundary::Sentence, Boundary::Sentence, true);
        }
        check(
            "we need to talk about the budget",
            Boundary::Clause,
            Boundary::Clause,
            true,
        );
    }

    #[test]
    fn fragments_do_not() {
        for text in [
            "of the selling price is what counts.",
            "has forever been conditioned that way.",
            "a combination of rubber and plastic.",
            "The so the method is good.",
            "the team will that's the end of it.",
            "I they will do a survey.",
            "we should look at the.",
        ] {
            check(text, Boundary::Sentence, Boundary::Sentence, false);
        }
        check(
            "If we take the advanced chip",
            Boundary::Sentence,
            Boundary::Clause,
            false,
        );
        check(
            "that we should stay within budget.",
            Boundary::Clause,
            Boundary::Sentence,
            false,
        );
        check("we have what we need", Boundary::Clause, Boundary::Clause, false);
    }
}
