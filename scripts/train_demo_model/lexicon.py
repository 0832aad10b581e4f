"""The closed lexicon of the demo speech model and the form in which its word errors are counted.

    python lexicon.py          number of words per language; words of the sample meetings that are missing
"""
import re
import sys
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent.parent / "datasets" / "sample"
LANGUAGES = ("en", "fr")
WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
# French words that lose their vowel before another word; what follows the apostrophe is a word of its own.
ELISIONS = "l d j m t s c n qu jusqu lorsqu puisqu".split()
ELIDED = re.compile(r"\b(" + "|".join(ELISIONS) + r")'(?=\w)", re.IGNORECASE)
# Words that keep their apostrophe although they begin like an elision.
WHOLE = ("aujourd'hui", "quelqu'un", "d'abord")


@cache
def sections(language, folder="lexicon"):
    """Section name -> entries. A lexicon has entries between blanks, a grammar one entry per line."""
    found, current = {}, None
    for line in (HERE / folder / f"{language}.txt").read_text(encoding="utf8").splitlines():
        if line.startswith("["):
            current = found.setdefault(line.strip("[]"), [])
        elif line.strip() and not line.startswith("#"):
            current += [line.strip()] if folder == "grammar" else [e.replace("_", " ") for e in line.split()]
    return found


def normalise(text):
    """Form in which word errors are counted: lower case, one kind of apostrophe, no punctuation."""
    text = text.lower().replace("’", "'")
    return re.sub(r"\s+", " ", re.sub(r"[^\w' ]", " ", text)).strip()


def split_words(text, language):
    """Words of a text as a lexicon counts them: elided French articles and pronouns are cut off."""
    words = []
    for word in WORD.findall(text.replace("’", "'")):
        if language == "fr" and word.lower() not in WHOLE:
            word = ELIDED.sub("", word)
        words.append(word)
    return words


@cache
def words(language):
    """Every word, once, in the order of the file; proper names keep their capital."""
    seen = {}
    for entries in sections(language).values():
        for entry in entries:
            for part in entry.split("/"):
                for word in split_words(part, language):
                    seen.setdefault(word.lower(), word)
    return list(seen.values())


def written_parts(language):
    """Sorted: what a written word can consist of around hyphens and apostrophes, and words that are whole with them."""
    more = [*ELISIONS, *WHOLE] if language == "fr" else []
    return sorted({w.lower() for w in [*words(language), *more]})


def sample_texts(language):
    """What is said in the sample meetings of a language. Their words are learnt, their sentences never."""
    texts = []
    for path in sorted(SAMPLES.glob("*.vtt")):
        spoken = re.findall(r"^<v [^>]+>(.*)", path.read_text(encoding="utf8"), re.MULTILINE)
        french = sum(" est " in t or " le " in t for t in spoken) > sum(" is " in t or " the " in t for t in spoken)
        if french == (language == "fr"):
            texts += [re.sub(r"<[^>]+>", "", t).strip() for t in spoken]
    return texts


@cache
def sample_sentences():
    """Normalised sentences of all sample meetings, to keep them out of the training text."""
    found = set()
    for language in LANGUAGES:
        for text in sample_texts(language):
            found.add(normalise(text))
            found.update(normalise(s) for s in re.split(r"(?<=[.?!])\s+", text))
    return frozenset(found)


def missing(texts, language):
    """Words of texts that the lexicon does not have, neither whole nor, with a hyphen, as its parts."""
    known = {w.lower() for w in words(language)}
    used = {w.lower() for t in texts for w in split_words(t, language)}
    return sorted(w for w in used if w not in known and not all(part in known for part in w.split("-")))


def main():
    failed = False
    for language in LANGUAGES:
        absent = missing(sample_texts(language), language)
        failed |= bool(absent)
        print(f"{language}: {len(words(language))} words; in the samples but not here: {' '.join(absent) or 'none'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
