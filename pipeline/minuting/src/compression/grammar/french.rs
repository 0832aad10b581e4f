//! French clauses.

use std::sync::LazyLock;

use super::super::Token;
use super::super::clauses::Boundary;
use super::super::lexicon::{WordSet, word_set};

/// Words of a clause within which its verb has begun.
const VERB_WITHIN: usize = 12;

/// Whether `tokens` read as a whole statement.
pub(super) fn stands_alone(tokens: &[Token], opening: Boundary, closing: Boundary) -> bool {
    let Some(first) = tokens.first().map(|token| plain(&token.bare)) else {
        return false;
    };
    let stem = first.split('\'').next().unwrap_or(&first);
    let opens = SUBJECTS.contains(stem) || (opening == Boundary::Sentence && !NEVER_OPEN.contains(stem));
    let relative = tokens
        .get(1)
        .is_some_and(|second| matches!(second.bare.as_str(), "qui" | "que" | "dont"));
    opens
        && !relative
        && closing == Boundary::Sentence
        && tokens
            .iter()
            .take(VERB_WITHIN)
            .any(|token| is_verb(&plain(&token.bare)))
        && tokens
            .last()
            .is_some_and(|last| !NEVER_CLOSE.contains(last.bare.as_str()))
}

fn plain(word: &str) -> String {
    word.replace('’', "'")
}

/// Whether the word is surely a finite verb; the forms in "-e" that nouns share are not looked at.
fn is_verb(word: &str) -> bool {
    let core = word.rsplit('\'').next().unwrap_or(word);
    VERBS.contains(core)
        || (core.chars().count() > 4
            && ["ait", "aient", "ons", "ez", "era", "ront", "rait", "ions", "iez"]
                .iter()
                .any(|ending| core.ends_with(ending)))
}

static SUBJECTS: WordSet = LazyLock::new(|| {
    word_set(
        "je j tu il elle on nous vous ils elles ce c ça cela ceci cette cet ces le la les l un une mon ma mes notre nos
        votre vos leur leurs son sa ses chaque tout toute tous aucun aucune",
    )
});

/// What opens a part of another clause.
static NEVER_OPEN: WordSet = LazyLock::new(|| {
    word_set("que qui dont qu de du d à ni y en pour par avec sans sur dans parce et ou où comme afin alors quant")
});

static NEVER_CLOSE: WordSet = LazyLock::new(|| {
    word_set(
        "que qui dont de du d des à le la les l un une et ou pour par avec sur dans ne n je il elle on est sont a au aux",
    )
});

static VERBS: WordSet = LazyLock::new(|| {
    word_set(
        "est sont a ont ai suis es as était étaient sera seront serait seraient soit soient fut va vont vais peut peuvent
        peux doit doivent dois faut fait font veut veulent veux dit disent dis sait savent sais croit crois pense pensent
        vient viennent met mettent prend prennent voit vois voient reste restent semble demande demandent propose proposent
        permet permettent concerne explique parle parlent donne donnent trouve trouvent existe existent arrive arrivent
        souhaite souhaitent paie paient coûte coûtent représente représentent passe passent",
    )
});
