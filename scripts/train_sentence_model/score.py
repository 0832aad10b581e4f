"""ROUGE of the sentences that a model writes, beside sentences taken from the same utterances.

    python score.py --data DATASETS --run RUN --part ami/val [--show 10]
    python score.py --run RUN --communities FILE        the sentences alone; communities are apart by an empty line

The rows: `model`; `first` and `longest`, an utterance as it was said; `typical`, the utterance whose words the others
share most; `all`, everything that was said. F1 with stems, by the package rouge-score; means over the sentences that
annotators linked to utterances. `greffier evaluate sentences` gives the same of an exported file.
"""
import argparse
import os
from collections import Counter

import torch
from rouge_score.rouge_scorer import RougeScorer
from tokenizers import Tokenizer

import data
from model import Model, Shape
from train import BEGIN, END, LONGEST_SENTENCE, SENTENCE, encode_pair


@torch.inference_mode()
def write(model, prompt, end, beams):
    """The most probable sentence, by beam search with the mean log-probability of its tokens."""
    caches = [[] for _ in model.blk]
    hidden = model(torch.tensor([prompt]), caches)[:, -1]
    alive, done = [(0.0, [])], []
    for _ in range(LONGEST_SENTENCE):
        likely = model.logits(hidden).log_softmax(-1)
        scores = torch.tensor([score for score, _ in alive])[:, None] + likely
        best = scores.flatten().topk(2 * beams)
        following, rows, last = [], [], []
        for score, index in zip(best.values.tolist(), best.indices.tolist()):
            row, token = divmod(index, likely.shape[-1])
            if token == end:
                done.append((score / (len(alive[row][1]) + 1), alive[row][1]))
            elif len(following) < beams:
                following.append((score, alive[row][1] + [token]))
                rows.append(row)
                last.append(token)
        alive = following
        if len(done) >= beams:
            break
        for cache in caches:
            cache[:] = [part[torch.tensor(rows)] for part in cache]
        hidden = model(torch.tensor(last)[:, None], caches)[:, -1]
    done = done or [(score / len(tokens), tokens) for score, tokens in alive]
    return max(done)[1]


def taken(pair):
    texts = [text for _, text in pair.utterances]
    words = [Counter(data.WORD.findall(text.lower())) for text in texts]
    every = sum(words, Counter())
    shared = lambda own: sum(every[w] - own[w] for w in own) / (1 + sum(own.values())) ** 0.5
    typical = max(range(len(texts)), key=lambda i: shared(words[i]))
    return {"first": texts[0], "longest": max(texts, key=len), "typical": texts[typical], "all": " ".join(texts)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data")
    p.add_argument("--run", required=True)
    p.add_argument("--communities")
    p.add_argument("--part", default="ami/val")
    p.add_argument("--beams", type=int, default=1)
    p.add_argument("--show", type=int, default=0)
    args = p.parse_args()
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(os.path.join(args.run, "tokenizer.json"))
    saved = torch.load(os.path.join(args.run, "weights.pt"), weights_only=True)
    model = Model(Shape(**saved["shape"])).eval()
    model.load_state_dict(saved["model"])
    scorer, end = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True), tokenizer.token_to_id(END)
    if args.communities:
        with open(args.communities, encoding="utf-8") as file:
            for said in file.read().strip().split("\n\n"):
                prompt = tokenizer.encode(f"{BEGIN}{said}{SENTENCE}").ids
                print(tokenizer.decode(write(model, prompt, end, args.beams)).strip())
        return
    rows = {}
    for number, pair in enumerate(data.scored(args.data, args.part)):
        tokens, prompt = encode_pair(tokenizer, pair)
        written = tokenizer.decode(write(model, tokens[:prompt], end, args.beams)).strip()
        for name, text in {"model": written, **taken(pair)}.items():
            score = scorer.score(pair.sentence, text)
            rows.setdefault(name, []).append([100 * score[kind].fmeasure for kind in ("rouge1", "rouge2", "rougeL")])
        if number < args.show:
            print(f"- {pair.sentence}\n+ {written}\n")
    for name, scores in rows.items():
        print(name, *(f"{sum(column) / len(column):.2f}" for column in zip(*scores)))


if __name__ == "__main__":
    main()
