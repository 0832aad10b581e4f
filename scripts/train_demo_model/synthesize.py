"""Speaks sentences into shards of log-mel with frame labels, and into WAV test sets.

    python synthesize.py --out DIR --language en --count 12000 --seed 1 [--engine flite|festival]
    python synthesize.py --out DIR --language en --count 1500 --seed 5 --split refuse
    python synthesize.py --out DIR --language en --count 200 --seed 91 --split test-voices --wav
    python synthesize.py --out DIR --language en --count 200 --seed 96 --split test-outside --wav

A shard is DIR/<language>-<split>-<engine>-<seed>.npz with
  mel         float16 [frames, 80], log10 mel power (mel.py)
  offset      first frame of each utterance, and the end of the last
  phones      int16 [frames / 2], index into phone_names for each encoder frame of 20 ms, -1 where unknown
  words       int32 [words, 3]: character, first and last encoder frame; word_offset per utterance
  text, voice, manner   strings; the text of nonsense is empty: the model is to write nothing
"""
import argparse
import hashlib
import os
import random
import time
import wave
from multiprocessing import Pool

import numpy as np

import grammar
import lexicon
import voices
from mel import RATE, log_mel

SHORTEST_S, LONGEST_S = 0.3, 9.0  # the longest window is a limit on the model's card
ENCODER_RATE = 50
PEAK = 0.7
SPLITS = ("train", "refuse", "test-sentences", "test-voices", "test-outside")


def held_out(text):
    """A fixed 3 % of all sentences, and those of the sample meetings, are never used in training."""
    form = lexicon.normalise(text)
    return form in lexicon.sample_sentences() or hashlib.md5(form.encode()).digest()[0] < 8


class Worker:
    """The synthesiser of one process."""

    def __init__(self, engine, language, split):
        self.engine, self.language, self.split = engine, language, split
        self.voice = voices.ENGINES[engine]()
        speller = self.voice if engine == "espeak" else voices.Espeak()
        self.pool = voices.distinct_words(language, speller)

    def text(self, rng):
        """(manner, spoken text, text to write)."""
        if self.split == "refuse":
            spoken = grammar.nonsense(self.language, rng)
            return "refuse", spoken, ""
        if self.split == "test-outside":
            spoken = grammar.prose(rng) if rng.random() < 0.5 else grammar.nonsense(self.language, rng)
            return "outside", spoken, ""
        shares, talk_share = ((grammar.SHARES, grammar.TALK_SHARE) if self.split == "train" else
                              (grammar.TEST_SHARES, 0))
        while True:
            manner, text = grammar.text(self.language, rng, self.pool, shares, talk_share)
            if held_out(text) == (self.split != "train"):
                return manner, text, text

    def utterance(self, seed):
        """One row of a shard with its samples, or None if nothing usable was spoken."""
        rng = random.Random(seed)
        manner, spoken, text = self.text(rng)
        name = voices.choose(self.engine, self.language, self.split in ("test-voices", "test-outside"), rng)
        if self.split == "refuse" and self.engine == "espeak":
            name = rng.choice(voices.FOREIGN) + "+" + rng.choice(voices.VARIANTS)
        if self.split == "test-outside" and self.engine == "espeak" and rng.random() < 0.7:
            name = rng.choice(voices.TEST_FOREIGN) + "+" + rng.choice(voices.TEST_VARIANTS)
        speech = self.voice.speak(spoken, name, rng)
        if speech is None or not SHORTEST_S * RATE <= len(speech.samples) <= LONGEST_S * RATE:
            return None
        peak = np.abs(speech.samples).max()
        if peak < 1e-3:
            return None
        samples = speech.samples * (PEAK / peak)
        mel = log_mel(samples)
        frames = len(mel) // 2
        if not text:
            speech.phones, speech.words = [], []
        return dict(mel=mel[:frames * 2].astype(np.float16), frames=frames, text=text, voice=name, manner=manner,
                    phones=[(p, min(frames, round(start * ENCODER_RATE))) for p, start in speech.phones],
                    words=[span(word, frames) for word in speech.words],
                    samples=(samples * 32767).astype(np.int16) if self.split.startswith("test") else None)


def span(word, frames):
    """(character, first, last encoder frame) of a word."""
    character, start, end = word
    first = min(int(start * ENCODER_RATE), frames - 1)
    return character, first, max(first, min(frames - 1, int(np.ceil(end * ENCODER_RATE))))


def start_worker(*arguments):
    """Runs once in each process of the pool."""
    global WORKER
    WORKER = Worker(*arguments)


def one(seed):
    """Runs in a process of the pool."""
    return WORKER.utterance(seed)


def label_frames(rows):
    """Phone names, and the index of the phone of each encoder frame."""
    names = sorted({name for row in rows for name, _ in row["phones"]})
    index, lines = {name: k for k, name in enumerate(names)}, []
    for row in rows:
        line = np.full(row["frames"], -1, np.int16)
        for (name, start), (_, end) in zip(row["phones"], row["phones"][1:] + [("", row["frames"])]):
            line[start:end] = index[name]
        lines.append(line)
    return np.array(names), np.concatenate(lines)


def write_shard(path, rows):
    """Writes whole or not at all, since training looks for new shards while it runs."""
    names, phones = label_frames(rows)
    arrays = dict(
        mel=np.concatenate([row["mel"] for row in rows]), phones=phones, phone_names=names,
        offset=np.cumsum([0] + [len(row["mel"]) for row in rows]),
        words=np.array([word for row in rows for word in row["words"]], np.int32).reshape(-1, 3),
        word_offset=np.cumsum([0] + [len(row["words"]) for row in rows]),
        **{key: np.array([row[key] for row in rows]) for key in ("text", "voice", "manner")})
    with open(path + ".part", "wb") as file:
        np.savez(file, **arrays)
    os.replace(path + ".part", path)


def write_waves(folder, language, rows):
    """WAV files and a manifest that `greffier evaluate speech` reads."""
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/manifest.tsv", "w", encoding="utf8") as manifest:
        manifest.write("file\tlang\tseconds\trate\tchannels\tcodec\treference_transcript\tmanner\tvoice\n")
        for k, row in enumerate(rows):
            with wave.open(f"{folder}/{k:04}.wav", "wb") as file:
                file.setparams((1, 2, RATE, 0, "NONE", ""))
                file.writeframes(row["samples"].tobytes())
            seconds = len(row["samples"]) / RATE
            manifest.write(f"{k:04}.wav\t{language}\t{seconds:.1f}\t{RATE}\t1\twav\t{row['text']}\t{row['manner']}\t"
                           f"{row['voice']}\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--language", default="en", choices=lexicon.LANGUAGES)
    p.add_argument("--split", default="train", choices=SPLITS)
    p.add_argument("--engine", default="espeak", choices=list(voices.ENGINES))
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--wav", action="store_true", help="also write WAV files and their manifest (test splits)")
    p.add_argument("--jobs", type=int, default=2)
    a = p.parse_args()
    if a.engine != "espeak" and a.language != "en":
        p.error("flite and festival speak English only")
    os.makedirs(a.out, exist_ok=True)
    base, start = f"{a.out}/{a.language}-{a.split}-{a.engine}-{a.seed}", time.time()
    seeds = range(a.seed * 10_000_000, a.seed * 10_000_000 + a.count)
    with Pool(a.jobs, start_worker, (a.engine, a.language, a.split)) as pool:
        rows = [row for row in pool.imap(one, seeds, chunksize=16) if row]
    write_shard(base + ".npz", rows)
    if a.wav:
        write_waves(base, a.language, rows)
    seconds = sum(row["frames"] for row in rows) / ENCODER_RATE
    took = time.time() - start
    print(f"{base}: {len(rows)} utterances, {seconds / 3600:.2f} h, {seconds / took:.0f} x real time, {took:.0f} s",
          flush=True)


if __name__ == "__main__":
    main()
