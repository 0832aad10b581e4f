"""Trains the sentence model: a community of utterances in, one sentence of reported speech out.

    python train.py --data DATASETS --out RUN --minutes 75

RUN/state.pt holds all that a resumed run needs (the same command goes on from it), RUN/tokenizer.json the tokenizer,
RUN/weights.pt the weights that were best on the AMI meetings kept aside to choose by, RUN/curve.jsonl how it went. The
budget is processor time, so that the schedule is the same on a machine that others use.
"""
import argparse
import json
import math
import os
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import data
from model import Model, Shape

BEGIN, SENTENCE, END = "<s>", "<sentence>", "</s>"
IGNORE = -100
LONGEST_PROMPT = 384
LONGEST_SENTENCE = 64
BATCH_TOKENS = 3000
CHOOSE_BY = 8
WEIGHT_OF = {"ami": 3.0, "icsi": 1.5, "qmsum": 1.0}


def make_tokenizer(texts, vocabulary):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=[BEGIN, SENTENCE, END], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode_pair(tokenizer, pair):
    """(tokens, how many of them are the prompt)."""
    count = lambda text: len(tokenizer.encode(text).ids)
    prompt = data.community(data.within(pair.utterances, LONGEST_PROMPT, count))
    ids = tokenizer.encode(f"{BEGIN}{prompt}").ids[:LONGEST_PROMPT] + [tokenizer.token_to_id(SENTENCE)]
    sentence = tokenizer.encode(pair.sentence).ids[:LONGEST_SENTENCE] + [tokenizer.token_to_id(END)]
    return ids + sentence, len(ids)


class Lessons:
    """Batches without end. `share` of them, between 0 and 1, are plain texts; the rest pairs."""

    def __init__(self, tokenizer, pairs, transcripts, written):
        self.tokenizer, self.pairs, self.transcripts, self.written = tokenizer, pairs, transcripts, written
        self.weights = [WEIGHT_OF[pair.corpus] for pair in pairs]

    def plain(self, rng):
        if rng.random() < 0.25:
            text = rng.choice(self.written)
        else:
            transcript = rng.choice(self.transcripts)
            start = rng.randrange(len(transcript))
            text = data.community(transcript[start:start + 60])
        return self.tokenizer.encode(f"{BEGIN}{text}").ids[:LONGEST_PROMPT], 0

    def pair(self, rng, copies):
        if rng.random() < copies:
            pair = data.copying(rng.choice(self.transcripts), rng)
            if pair:
                return encode_pair(self.tokenizer, pair)
        return encode_pair(self.tokenizer, data.varied(rng.choices(self.pairs, self.weights)[0], rng))

    def batch(self, rng, share, copies):
        is_plain = rng.random() < share
        # Several batches' worth, sorted by length: little padding.
        examples = [self.plain(rng) if is_plain else self.pair(rng, copies) for _ in range(24)]
        examples.sort(key=lambda example: len(example[0]))
        first = rng.randrange(len(examples) // 2)
        chosen, longest = [], 0
        for example in examples[first:]:
            longest = max(longest, len(example[0]))
            if chosen and longest * (len(chosen) + 1) > BATCH_TOKENS:
                break
            chosen.append(example)
        return padded(chosen)


def padded(examples):
    """(tokens [B, L], wanted [B, L]): `wanted` is the next token where it is to be learnt."""
    longest = max(len(tokens) for tokens, _ in examples)
    tokens = torch.zeros(len(examples), longest, dtype=torch.long)
    wanted = torch.full((len(examples), longest), IGNORE)
    for row, (ids, prompt) in enumerate(examples):
        tokens[row, :len(ids)] = torch.tensor(ids)
        wanted[row, max(prompt - 1, 0):len(ids) - 1] = torch.tensor(ids[max(prompt, 1):])
    return tokens, wanted


def loss_of(model, tokens, wanted, smoothing=0.0):
    hidden = model(tokens)[wanted != IGNORE]
    return F.cross_entropy(model.logits(hidden), wanted[wanted != IGNORE], label_smoothing=smoothing)


@torch.inference_mode()
def loss_on(model, encoded):
    model.eval()
    total = count = 0
    for start in range(0, len(encoded), 16):
        tokens, wanted = padded(encoded[start:start + 16])
        learnt = int((wanted != IGNORE).sum())
        total, count = total + float(loss_of(model, tokens, wanted)) * learnt, count + learnt
    model.train()
    return total / count


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder with ami, icsi and qmsum")
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, default=75, help="processor time in all, stops not counted")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rate", type=float, default=1.2e-3, help="peak learning rate")
    p.add_argument("--dropout", type=float, default=0.1)
    p.add_argument("--width", type=int, default=256)
    p.add_argument("--layers", type=int, default=6)
    p.add_argument("--save-minutes", type=float, default=3)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def main():
    args = options()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    os.makedirs(args.out, exist_ok=True)
    pairs, choose, transcripts, written = data.training(args.data, CHOOSE_BY)
    tokenizer_file, state_file = os.path.join(args.out, "tokenizer.json"), os.path.join(args.out, "state.pt")
    shape = Shape(width=args.width, layers=args.layers, heads=args.width // 64, inner=args.width * 11 // 4)
    if os.path.exists(tokenizer_file):
        tokenizer = Tokenizer.from_file(tokenizer_file)
    else:
        texts = [data.community(transcript) for transcript in transcripts] + 3 * written + [p.sentence for p in pairs]
        tokenizer = make_tokenizer(texts, shape.vocabulary)
        tokenizer.save(tokenizer_file)
    choose = sorted((encode_pair(tokenizer, pair) for pair in choose), key=lambda example: len(example[0]))
    lessons = Lessons(tokenizer, pairs, transcripts, written)
    model = Model(shape, args.dropout)
    decayed = [w for w in model.parameters() if w.ndim > 1]
    plain = [w for w in model.parameters() if w.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}],
                                  lr=args.rate, betas=(0.9, 0.98))
    spent, step, best = 0.0, 0, math.inf
    if os.path.exists(state_file):
        state = torch.load(state_file, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        spent, step, best = state["spent"], state["step"], state["best"]
    print(f"{len(pairs)} pairs, {len(transcripts)} transcripts, {len(written)} texts, {len(choose)} pairs to choose by; "
          f"{sum(w.numel() for w in model.parameters()) / 1e6:.1f} M parameters; step {step}", flush=True)
    rng = data.rng_of(args.seed * 1_000_003 + step)
    begin, saved, running = time.process_time() - spent, time.monotonic(), []
    budget = args.minutes * 60
    while (spent := time.process_time() - begin) < budget:
        progress = spent / budget
        warm = min(1.0, (step + 1) / 100)
        for group in optimizer.param_groups:
            group["lr"] = args.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        # English first, then the task: plain texts and copying give way to pairs.
        share = max(0.05, 0.75 * (1 - progress / 0.6))
        loss = loss_of(model, *lessons.batch(rng, share, copies=max(0.0, 0.5 * (1 - progress / 0.5))), smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        running.append(float(loss.detach()))
        if time.monotonic() - saved > args.save_minutes * 60 or spent >= budget:
            best = save(args, model, optimizer, choose, step, spent, best, running)
            saved, running = time.monotonic(), []
    save(args, model, optimizer, choose, step, spent, best, running or [0.0])


def save(args, model, optimizer, choose, step, spent, best, running):
    now = loss_on(model, choose)
    with open(os.path.join(args.out, "curve.jsonl"), "a", encoding="utf-8") as curve:
        line = {"step": step, "minutes": round(spent / 60, 1), "loss": round(sum(running) / len(running), 3),
                "choose": round(now, 4)}
        print(line, flush=True)
        curve.write(json.dumps(line) + "\n")
    if now < best:
        best = now
        torch.save({"shape": vars(model.shape), "model": model.state_dict()}, os.path.join(args.out, "weights.pt"))
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "spent": spent, "step": step, "best": best}
    partial = os.path.join(args.out, "state.part")
    torch.save(state, partial)
    os.replace(partial, os.path.join(args.out, "state.pt"))
    return best


if __name__ == "__main__":
    main()
