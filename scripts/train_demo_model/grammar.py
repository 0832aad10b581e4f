"""Sentences of synthetic meetings, in four manners of decreasing order, so that the decoder has to listen.

    python grammar.py en 20    print 20 English texts with their manner

sentence   from the templates of grammar/*.txt
replaced   a template sentence in which a quarter of the words gave way to any words
mixed      parts of two or three sentences in a row
list       words of the lexicon in any order
"""
import random
import re
import sys
from functools import cache
from pathlib import Path

import lexicon

SHARES = {"sentence": 0.42, "replaced": 0.22, "mixed": 0.08, "list": 0.28}
# The mixture of the first recipe's test sets, which have no talk, so that its figures compare.
TEST_SHARES = {"sentence": 0.8, "list": 0.2}
# Of the sentences, those that are talk between the points: short words, which nothing but the sound tells.
TALK_SHARE = 0.45
SLOT = re.compile(r"<([^<>]+)>")
VOWEL = "aeiouyàâæéèêëîïôœùûüh"
# English words whose letter is a vowel but not their sound, and the reverse.
CONSONANT_SOUND = ("use", "uni", "euro", "one", "once")
VOWEL_SOUND = ("hour", "honest")
# French words before which nothing is elided.
NOT_ELIDED = ("onze", "onzième", "huit", "huitième", "oui", "hausse", "euh", "y")


@cache
def table(language):
    """Slot -> entries, from the lexicon and the grammar; the grammar wins where both have a slot."""
    return {**lexicon.sections(language), **lexicon.sections(language, "grammar")}


class English:
    """Expands the templates of English."""

    def slot(self, name, rng, slots):
        return rng.choice(slots[name])

    def finish(self, text):
        def article(hit):
            word = hit.group(2).lower()
            vowel = word.startswith(VOWEL_SOUND) or (word[0] in "aeiou" and not word.startswith(CONSONANT_SOUND))
            return hit.group(1) + ("n " if vowel else " ") + hit.group(2)
        return re.sub(r"\b([Aa]) (\w+)", article, text)


class French:
    """Expands the templates of French: agreement, elision, contraction."""
    DETERMINERS = {"le": ("le", "la"), "un": ("un", "une"), "ce": ("ce", "cette"), "notre": ("notre", "notre")}

    def __init__(self):
        self.feminine = False

    def slot(self, name, rng, slots):
        if name in self.DETERMINERS:
            return self.noun_phrase(name, rng, slots)
        if name in ("les", "pl"):
            nouns = slots["pluriel." + rng.choice("mf")]
            return ("les " if name == "les" else "") + rng.choice(nouns)
        if name == "état":
            return rng.choice(slots[name]).split("/")[self.feminine]
        return rng.choice(slots[name])

    def noun_phrase(self, determiner, rng, slots):
        self.feminine = rng.random() < 0.5
        noun = rng.choice(slots["nom.f" if self.feminine else "nom.m"])
        form, kind = self.DETERMINERS[determiner][self.feminine], rng.random()
        if kind < 0.15:
            noun = rng.choice(slots["devant"]).split("/")[self.feminine] + " " + noun
        elif kind < 0.4:
            noun += " " + rng.choice(slots["adjectif"]).split("/")[self.feminine]
        elif kind < 0.5:
            noun += " de " + rng.choice(slots["nom.f" if rng.random() < 0.5 else "nom.m"])
        return form + " " + noun

    def finish(self, text):
        """Applies elision and contraction; before "onze", "huit" and "oui" nothing changes."""
        def before_vowel(words):
            return rf"\b({words}) (?!(?:{'|'.join(NOT_ELIDED)})\b)(?=[{VOWEL}])"
        flags = re.IGNORECASE
        text = re.sub(before_vowel("nouveau"), "nouvel ", text, flags=flags)
        text = re.sub(before_vowel("vieux"), "vieil ", text, flags=flags)
        text = re.sub(before_vowel("ce") + r"(?!(?:est)\b)", r"\1t ", text, flags=flags)
        text = re.sub(before_vowel("que|de|ne|je|se|me|te|le|la"),
                      lambda hit: hit.group(1)[:-1] + "'", text, flags=flags)
        for split, joined in (("de le", "du"), ("de les", "des"), ("à le", "au"), ("à les", "aux"), ("si il", "s'il")):
            text = re.sub(rf"\b{split} ", joined + " ", text)
        return text


RULES = {"en": English, "fr": French}


def sentence(language, rng, talk_share=TALK_SHARE):
    """One sentence of the grammar."""
    rules, slots = RULES[language](), table(language)
    is_talk = talk_share > 0 and rng.random() < talk_share
    text = rng.choice(slots["talk" if is_talk else "sentence"])
    while hit := SLOT.search(text):
        text = text[:hit.start()] + rules.slot(hit.group(1), rng, slots) + text[hit.end():]
    return capitalise(rules.finish(text))


def capitalise(text):
    """First letter of each sentence in upper case."""
    return re.sub(r"(^|[.?!] )(\w)", lambda hit: hit.group(1) + hit.group(2).upper(), text)


def word_list(rng, pool):
    """Two to seven words in any order, with a comma here and there."""
    chosen = rng.choices(pool, k=rng.randint(2, 7))
    return " ".join(w + ("," if rng.random() < 0.12 else "") for w in chosen).rstrip(",")


def replaced(text, rng, pool):
    """Puts other words in the place of a quarter of the words, at least one."""
    parts = text.split(" ")
    for k in rng.sample(range(len(parts)), max(1, len(parts) // 4)):
        mark = parts[k][-1] if parts[k][-1] in ".,?" else ""
        parts[k] = rng.choice(pool) + mark
    return " ".join(parts)


def mixed(language, rng):
    """Parts of two or three sentences, as if a cut had been made in the wrong place."""
    parts = []
    for _ in range(rng.randint(2, 3)):
        row = sentence(language, rng).rstrip(".?!").split(" ")
        size = min(len(row), rng.randint(2, 5))
        start = rng.randint(0, len(row) - size)
        piece = " ".join(row[start:start + size])
        known = lexicon_form(row[start].rstrip(","), language)
        parts.append(known + piece[len(row[start].rstrip(",")):])
    return " ".join(parts).rstrip(",")


@cache
def _spelling(language):
    return {w.lower(): w for w in lexicon.words(language)}


def lexicon_form(word, language):
    """A word as it is written within a sentence: names keep their capital, other words lose it."""
    return _spelling(language).get(word.lower(), word[:1].lower() + word[1:])


def text(language, rng, pool, manners=SHARES, talk_share=TALK_SHARE):
    """(manner, text). `pool` holds the words of lists: one per pronunciation, see voices.distinct_words.

    Only whole sentences begin with a capital: otherwise each word would have a second form to learn.
    """
    manner = rng.choices(list(manners), list(manners.values()))[0]
    if manner == "sentence":
        count = 2 if rng.random() < 0.15 else 1
        return manner, " ".join(sentence(language, rng, talk_share) for _ in range(count))
    if manner == "replaced":
        return manner, replaced(sentence(language, rng), rng, pool)
    if manner == "mixed":
        return manner, mixed(language, rng) + "."
    return manner, word_list(rng, pool) + "."


def nonsense(language, rng):
    """Word-like text with hardly a word of the lexicon, from the letter sequences of the lexicon (order 2)."""
    known = {w.lower() for w in lexicon.words(language)}
    chain = _letter_chain(language)
    out = []
    while len(out) < rng.randint(3, 12):
        word, state = "", "^^"
        while len(word) < 12:
            letter = rng.choice(chain[state])
            if letter == "$":
                break
            word, state = word + letter, state[1] + letter
        if len(word) > 2 and word not in known:
            out.append(word)
    return capitalise(" ".join(out)) + "."


@cache
def _prose():
    text = Path("/usr/share/common-licenses/GPL-3").read_text(encoding="utf8")
    return re.findall(r"[A-Za-z][a-z]+", text)


def prose(rng):
    """Some words in a row of the one long English text that every Debian has: people's words, most not in the lexicon."""
    words, count = _prose(), rng.randint(4, 16)
    start = rng.randrange(len(words) - count)
    return capitalise(" ".join(words[start:start + count]).lower()) + "."


@cache
def _letter_chain(language):
    chain = {}
    for word in lexicon.words(language):
        letters = "^^" + word.lower() + "$"
        for a, b, c in zip(letters, letters[1:], letters[2:]):
            chain.setdefault(a + b, []).append(c)
    return chain


if __name__ == "__main__":
    rng = random.Random(0)
    for _ in range(int(sys.argv[2])):
        print(*text(sys.argv[1], rng, lexicon.words(sys.argv[1])), sep="\t")
    print("nonsense", nonsense(sys.argv[1], rng), sep="\t")
