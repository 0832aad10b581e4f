"""Word error rate of a decoding.

    python score.py decoded.tsv     rows of reference, hypothesis, manner
"""
import sys

import lexicon


def errors(reference, hypothesis):
    """(substitutions, insertions and deletions together; words of the reference), after normalisation."""
    reference, hypothesis = lexicon.normalise(reference).split(), lexicon.normalise(hypothesis).split()
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference):
        new = [i + 1]
        for j, other in enumerate(hypothesis):
            new.append(min(row[j] + (word != other), row[j + 1] + 1, new[-1] + 1))
        row = new
    return row[-1], len(reference)


class Tally:
    """Errors and words by manner of text, and over all."""

    def __init__(self):
        self.counts = {}

    def add(self, reference, hypothesis, manner):
        wrong, words = errors(reference, hypothesis)
        for key in ("all", manner):
            before = self.counts.get(key, (0, 0, 0, 0))
            self.counts[key] = tuple(a + b for a, b in zip(before, (wrong, words, wrong == 0, 1)))

    def rates(self):
        """Manner -> word error rate in percent; where nothing was to be written, the share of which something was."""
        return {key: round(100 * (wrong / words if words else 1 - exact / count), 2)
                for key, (wrong, words, exact, count) in self.counts.items()}


if __name__ == "__main__":
    tally = Tally()
    with open(sys.argv[1], encoding="utf8") as file:
        for line in file:
            tally.add(*line.rstrip("\n").split("\t")[:3])
    for key, (wrong, words, exact, count) in tally.counts.items():
        print(f"{key}: {tally.rates()[key]} % ({wrong} of {words} words), {exact} of {count} without error")
