"""Chooses where the model's domain ends, from windows that `decode --windows` printed of synthetic test sets.

    python choose_domain.py --within WINDOWS.tsv ... --outside WINDOWS.tsv ... [--measure WINDOWS.tsv ...]

`within` is speech of the grammar by voices held out of training; `outside` other synthetic speech (test-outside). The
bound on the average log probability is the highest that refuses at most 2 % of the windows of sentences within (words in
any order are there to measure whether the model listens: nobody talks so in a meeting); the bound on the share of a
recording lies where both kinds of synthetic recordings are told apart best. `measure` sets, such as real recordings,
take no part in the choice: what the bounds do to them is printed.
"""
import argparse
import math
from collections import defaultdict

REFUSED_WITHIN_MAX = 0.02
LOOSEST = -2.0  # log probability of text that is no text in any case
SHARES = [n / 20 for n in range(4, 16)]


def windows(paths):
    """(recording, speech in milliseconds, share of it without text, average log probability, manner) of each window."""
    rows = []
    for path in paths:
        with open(path, encoding="utf8") as file:
            for line in file:
                name, manner, speech, empty, average, *_ = line.rstrip("\n").split("\t")
                rows.append((path + name, int(speech), int(empty) / max(1, int(speech)), float(average), manner))
    return rows


def outside_share(row, bound):
    """Share of a window that counts as outside."""
    return 1.0 if row[3] < bound else row[2]


def refused_windows(rows, bound):
    """Share of windows of which most is outside."""
    return sum(outside_share(row, bound) > 0.5 for row in rows) / max(1, len(rows))


def refused_recordings(rows, bound, share):
    """(refused, all) recordings in which there is any speech."""
    speech, outside = defaultdict(int), defaultdict(float)
    for row in rows:
        speech[row[0]] += row[1]
        outside[row[0]] += row[1] * outside_share(row, bound)
    return sum(outside[name] > share * speech[name] for name in speech), len(speech)


def choose(within, outside):
    """(bound on log probability, bound on the share)."""
    talk = [row for row in within if row[4] != "list"]
    averages = sorted({row[3] for row in talk if math.isfinite(row[3])})
    fitting = [a for a in averages if refused_windows(talk, a) <= REFUSED_WITHIN_MAX]
    bound = math.floor(100 * max(fitting, default=LOOSEST)) / 100

    def wrong(share):
        (kept_out, of_within), (let_out, of_outside) = (refused_recordings(rows, bound, share)
                                                        for rows in (within, outside))
        return kept_out / max(1, of_within) + 1 - let_out / max(1, of_outside)
    least = min(map(wrong, SHARES))
    best = [share for share in SHARES if wrong(share) <= least + 1e-9]
    return bound, best[len(best) // 2]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--within", nargs="+", required=True)
    p.add_argument("--outside", nargs="+", required=True)
    p.add_argument("--measure", nargs="*", default=[])
    a = p.parse_args()
    bound, share = choose(windows(a.within), windows(a.outside))
    print(f"log_probability_min = {bound}\nshare_outside_max = {share}")
    for path in a.within + a.outside + a.measure:
        rows = windows([path])
        refused, count = refused_recordings(rows, bound, share)
        of_manner = ", ".join(f"{100 * refused_windows(some, bound):.1f} % of {len(some)} windows of {manner or 'talk'}"
                              for manner in sorted({row[4] for row in rows})
                              for some in [[row for row in rows if row[4] == manner]])
        print(f"{path}: {of_manner}, {refused} of {count} recordings refused")


if __name__ == "__main__":
    main()
