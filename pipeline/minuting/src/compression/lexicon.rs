//! English and French words of talk: what opens and closes clauses without saying anything, and what joins them.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use datasets::Language;

use super::Token;

/// A set of words, written as one text.
pub(super) type WordSet = LazyLock<HashSet<&'static str>>;

/// The words of `text`.
pub(super) fn word_set(text: &'static str) -> HashSet<&'static str> {
    text.split_whitespace().collect()
}

/// Whether the word is said to show that one listens.
pub(super) fn is_acknowledgement(word: &str) -> bool {
    ACKNOWLEDGEMENTS.contains(word)
}

/// Whether a clause may begin before the word.
pub(super) fn is_conjunction(word: &str, language: Language) -> bool {
    match language {
        Language::ENGLISH => ENGLISH_CONJUNCTIONS.contains(word),
        Language::FRENCH => FRENCH_CONJUNCTIONS.contains(word),
        _ => false,
    }
}

/// What may be left out at the beginning of a clause.
pub(super) fn openers(language: Language) -> &'static Phrases {
    match language {
        Language::ENGLISH => &ENGLISH_OPENERS,
        Language::FRENCH => &FRENCH_OPENERS,
        _ => &NONE,
    }
}

/// What may be left out at the end of a clause.
pub(super) fn closers(language: Language) -> &'static Phrases {
    match language {
        Language::ENGLISH => &ENGLISH_CLOSERS,
        Language::FRENCH => &FRENCH_CLOSERS,
        _ => &NONE,
    }
}

/// What may be left out anywhere.
pub(super) fn parentheses(language: Language) -> &'static Phrases {
    match language {
        Language::ENGLISH => &ENGLISH_PARENTHESES,
        Language::FRENCH => &FRENCH_PARENTHESES,
        _ => &NONE,
    }
}

/// Sequences of words, found by the first and by the last of them.
#[derive(Default)]
pub(super) struct Phrases {
    by_first: HashMap<&'static str, Vec<Vec<&'static str>>>,
    by_last: HashMap<&'static str, Vec<Vec<&'static str>>>,
}

impl Phrases {
    /// The phrases of `text`, which stand between commas.
    fn new(text: &'static str) -> Self {
        let mut phrases = Self::default();
        for phrase in text.split(',') {
            let words: Vec<&'static str> = phrase.split_whitespace().collect();
            if let (Some(first), Some(last)) = (words.first(), words.last()) {
                phrases.by_first.entry(first).or_default().push(words.clone());
                phrases.by_last.entry(last).or_default().push(words);
            }
        }
        phrases
    }

    /// Words of the longest phrase at the start of `tokens`, if something is left after it.
    pub(super) fn longest_at_start(&self, tokens: &[Token]) -> Option<usize> {
        longest(
            self.by_first.get(tokens.first()?.bare.as_str())?,
            tokens,
            |tokens, length| &tokens[..length],
        )
    }

    /// Words of the longest phrase at the end of `tokens`, if something is left before it.
    pub(super) fn longest_at_end(&self, tokens: &[Token]) -> Option<usize> {
        longest(
            self.by_last.get(tokens.last()?.bare.as_str())?,
            tokens,
            |tokens, length| &tokens[tokens.len() - length..],
        )
    }
}

fn longest(phrases: &[Vec<&str>], tokens: &[Token], part: fn(&[Token], usize) -> &[Token]) -> Option<usize> {
    let fits = |phrase: &&Vec<&str>| {
        tokens.len() > phrase.len()
            && part(tokens, phrase.len())
                .iter()
                .zip(phrase.iter())
                .all(|(token, word)| token.bare == *word)
    };
    phrases.iter().filter(fits).map(Vec::len).max()
}

static NONE: LazyLock<Phrases> = LazyLock::new(Phrases::default);

static ACKNOWLEDGEMENTS: WordSet = LazyLock::new(|| {
    word_set(
        "yeah yes yep yup no okay ok right sure oh so well good cool great nice exactly true alright and but i see that's it
        is was to the a we you know think mean oui non ouais d'accord voilà bon bien merci absolument alors et mais",
    )
});

static ENGLISH_CONJUNCTIONS: WordSet = LazyLock::new(|| {
    word_set("and but so because or which if then when while where cause cuz although whereas since unless until")
});

static FRENCH_CONJUNCTIONS: WordSet = LazyLock::new(|| word_set("et mais donc or car puisque alors"));

static ENGLISH_OPENERS: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        "i was thinking that, i would say that, i think that, i thought that, as you can see, i don't know, let's see,
        let's say, i was thinking, i would say, and then, and so, so that, all right, of course, for example, in fact,
        as well, the thing is, thank you, as i said, as you know, it's like, et cetera, i mean, i guess, you know,
        you see, i think, i thought, i suppose, i believe, i'd say, i dunno, and, but, so, well, yeah, yes, yep, no,
        okay, ok, right, now, oh, then, or, because, cause, cuz, also, actually, basically, anyway, like, alright, just,
        still, hey, maybe, perhaps, sure, look, which, sorry, thanks, hello, hi, good, fine, cool, great, exactly,
        absolutely, obviously, again, too, i'm sorry, excuse me, wow, anyhow",
    )
});

static ENGLISH_CLOSERS: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        "or something like that, and stuff like that, and things like that, or anything like that, or something,
        or whatever, and stuff, and things, and so on, isn't it, and that, you know, i mean, i think, i guess, i suppose,
        you see, and then, and, but, so, or, because, cause, right, yeah, okay, ok, then, well, actually, really, maybe,
        basically, anyway, though, i don't know, i dunno, as well, and so, like, too, if you like, if you want, sort of,
        kind of, huh, no, yes",
    )
});

static ENGLISH_PARENTHESES: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        "as you know, as i said, like i said, let's say, you know, i mean, sort of, kind of, i guess, you see, i suppose,
        basically, actually, obviously, really, just, oh, yeah, wow",
    )
});

static FRENCH_OPENERS: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        "je pense que, je crois que, je trouve que, c'est-à-dire que, il est vrai que, c'est vrai que,
        ce que je veux dire c'est que, je veux dire, vous savez, vous voyez, tu sais, tu vois, du coup, en fait, en effet,
        au fond, bien sûr, d'abord, par ailleurs, et puis, et donc, et bien, eh bien, et, mais, donc, alors, or, car, oui,
        non, ouais, bon, bah, ben, voilà, écoutez, attendez, ah, enfin, puis, effectivement, évidemment, justement,
        finalement, d'accord, merci, vous savez que, vous voyez bien que, ensuite, parce que, parce qu",
    )
});

static FRENCH_CLOSERS: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new(
        "et cetera, vous savez, vous voyez, n'est-ce pas, et tout ça, et voilà, voilà, quoi, hein, et, mais, donc, ou,
        d'accord, bien sûr, en fait, du coup, justement, enfin",
    )
});

static FRENCH_PARENTHESES: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::new("je veux dire, vous savez, vous voyez, si vous voulez, si je puis dire, en quelque sorte, du coup")
});
