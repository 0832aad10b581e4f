"""Whisper's tokens, and the few of them that the lexicon needs: the model is trained on a small table."""
import base64
import random

import tiktoken

import grammar
import lexicon

END, START, LANGUAGE_0, TRANSCRIBE, NO_SPEECH, NO_TIMESTAMPS = 50257, 50258, 50259, 50359, 50362, 50363
LANGUAGE = {"en": LANGUAGE_0, "fr": LANGUAGE_0 + 6}
_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def load(path):
    """The encoding of a multilingual.tiktoken file."""
    with open(path, "rb") as file:
        pairs = [line.split() for line in file if line.strip()]
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    return tiktoken.Encoding("whisper", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={})


class TokenSet:
    """Token ids in use, in the order of the rows of the model's table."""

    def __init__(self, encoding, ids=None):
        self.encoding = encoding
        self.ids = ids or collect(encoding)
        self.row = {token: k for k, token in enumerate(self.ids)}

    def prompt(self, language):
        """Rows of what whisper.cpp feeds before the first word."""
        return [self.row[t] for t in (START, LANGUAGE[language], TRANSCRIBE, NO_TIMESTAMPS)]

    def encode(self, text):
        """(row, character at which the token's word begins) of each token, or None if one is not in the set."""
        ids = self.encoding.encode(" " + text) if text else []
        if any(token not in self.row for token in ids):
            return None
        raw, at, result = text.encode(), -1, []
        for token, piece in zip(ids, self.encoding.decode_tokens_bytes(ids)):
            begin = at + (1 if piece[:1] == b" " else 0)
            character = len(raw[:begin].decode("utf8", "ignore"))
            result.append((self.row[token], character if piece.strip(b" .,?!:") else None))
            at += len(piece)
        return result

    def decode(self, rows):
        """Text of rows up to the end token; special tokens are left out."""
        ids = []
        for row in rows:
            if self.ids[row] == END:
                break
            ids.append(self.ids[row])
        return self.encoding.decode([token for token in ids if token < END]).strip()


def collect(encoding):
    """Ids of all tokens that training texts can hold, the special ones last."""
    used = set()
    for language in lexicon.LANGUAGES:
        for word in lexicon.words(language):
            for before in (" ", " l'") if language == "fr" else (" ",):
                used.update(encoding.encode(before + word))
        rng = random.Random(5)
        for _ in range(30000):
            used.update(encoding.encode(" " + grammar.sentence(language, rng)))
    for mark in (".", ",", "?", "!", ":"):
        used.update(encoding.encode(mark))
    return sorted(used) + [END, START, *LANGUAGE.values(), TRANSCRIBE, NO_SPEECH, NO_TIMESTAMPS]
