#!/usr/bin/env python3
"""The peer of bench_encoder: sentence-transformers (PyTorch f32) on the same weights and texts.

  encoder_torch.py texts AMI.jsonl OUT.json     writes passages of 90 words and short utterances of AMI meetings
  encoder_torch.py run --model DIR --texts OUT.json --threads N [--rounds R]     prints JSON like bench_encoder
"""
import argparse, json, random, time


def texts(args):
    passages, utterances = [], []
    for line in open(args.ami, encoding="utf-8"):
        rows = [row[4] for row in json.loads(line)["utterances"]]
        utterances += [row.strip() for row in rows if row.strip()]
        words = " ".join(rows).split()
        passages += [" ".join(words[start:start + 90]) for start in range(0, len(words) - 90, 90)]
    draw = random.Random(20261122)
    sets = {"passages": draw.sample(passages, args.passages), "utterances": draw.sample(utterances, args.utterances)}
    json.dump(sets, open(args.out, "w", encoding="utf-8"), ensure_ascii=False)


def run(args):
    import torch
    torch.set_num_threads(args.threads)
    from sentence_transformers import SentenceTransformer
    model = SentenceTransformer(args.model, device="cpu")
    results = []
    for name, rows in sorted(json.load(open(args.texts, encoding="utf-8")).items()):
        model.encode(rows[:8])
        best = float("inf")
        for _ in range(args.rounds):
            start = time.perf_counter()
            model.encode(rows, normalize_embeddings=True)  # its own default: batches of 32, sorted by length
            best = min(best, time.perf_counter() - start)
        results.append({"path": "torch", "threads": args.threads, "set": name, "texts": len(rows),
                        "sentences_per_second": len(rows) / best})
    print(json.dumps({"torch": torch.__version__, "results": results}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("texts")
    make.add_argument("ami"); make.add_argument("out")
    make.add_argument("--passages", type=int, default=128); make.add_argument("--utterances", type=int, default=1000)
    make.set_defaults(run=texts)
    measure = commands.add_parser("run")
    measure.add_argument("--model", required=True); measure.add_argument("--texts", required=True)
    measure.add_argument("--threads", type=int, default=2); measure.add_argument("--rounds", type=int, default=1)
    measure.set_defaults(run=run)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
