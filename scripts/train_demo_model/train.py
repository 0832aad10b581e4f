"""Trains the demo speech model on the shards of a folder; stops and resumes at any moment.

    python train.py --data DIR --tokens multilingual.tiktoken --out RUN --hours 150 [--start weights.pt]

RUN/state.pt holds everything that a resumed run needs (the same command goes on from it), RUN/weights.pt the model in
float16 for export.py, RUN/curve.jsonl the word error rates on the test shards. The budget is in hours of speech heard,
so the schedule is the same on any machine. On a CPU that others use too, two processes of one thread each lose less to
waiting than two threads: see README.md.
"""
import argparse
import glob
import json
import math
import os
import random
import time
from datetime import timedelta
from functools import cache

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

import score
from corpus import IGNORE, PROMPT, Corpus
from model import Model
from tokens import END, NO_SPEECH, TokenSet, load

LONGEST_TEXT = 60
ENCODER_RATE = 50
PHONES = 256  # classes of the phone head: more than the first shards hold, since later ones may bring new phones


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--tokens", required=True, help="Whisper's multilingual.tiktoken")
    p.add_argument("--out", required=True)
    p.add_argument("--hours", type=float, default=150, help="speech to hear in all, repetitions counted")
    p.add_argument("--minutes", type=float, default=float("inf"),
                   help="time to train in all, stops not counted: the schedule follows this budget or that of hours, "
                        "whichever ends first, so that a machine with other work still gives a finished model")
    p.add_argument("--start", help="weights.pt to begin from, of the same width; layers and words may be added")
    p.add_argument("--repeat", default="", help="shards to hear more often, as in flite:2,festival:2")
    p.add_argument("--width", type=int, default=192)
    p.add_argument("--heads", type=int, default=3)
    p.add_argument("--encoder-layers", type=int, help="4, or as many as --start has")
    p.add_argument("--decoder-layers", type=int, help="3, or as many as --start has")
    p.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate")
    p.add_argument("--warmup", type=int, default=200, help="steps")
    p.add_argument("--frames", type=int, default=3000, help="encoder frames per batch; 30000 suits a GPU")
    p.add_argument("--save-minutes", type=float, default=3)
    p.add_argument("--evaluate-hours", type=float, default=25, help="hours of speech between evaluations")
    p.add_argument("--evaluate-size", type=int, default=1000, help="utterances of each test shard to evaluate on")
    p.add_argument("--stop-minutes", type=float, default=float("inf"), help="stop (and save) after this time")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def attention_inside(weights, span, slack=2):
    """Guided attention: -log of the mass [B, H, L, T] inside each token's frames, widened by `slack`; 0 without."""
    frame = torch.arange(weights.shape[-1], device=weights.device)
    inside = (frame >= span[..., :1] - slack) & (frame <= span[..., 1:] + slack)
    mass = (weights * inside[:, None]).sum(-1).mean(1)
    known = span[..., 0] >= 0
    return -((mass + 1e-3).log() * known).sum() / known.sum().clamp(min=1)


@cache
def bfloat16_is_faster(device):
    """Whether to train in bfloat16: on GPUs, and on processors with matrix units; others lose a third by it."""
    if device != "cpu":
        return True
    times = {}
    for kind in (torch.float32, torch.bfloat16):
        x, y = torch.randn(1000, 192).to(kind), torch.randn(192, 768).to(kind)
        x @ y  # the first is slower
        begin = time.process_time()
        for _ in range(30):
            x @ y
        times[kind] = time.process_time() - begin
    return times[torch.bfloat16] < times[torch.float32]


def losses(model, batch):
    """Frame labels, next words and guided attention, in this order."""
    device = batch.mel.device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=bfloat16_is_faster(device)):
        source = model.encoder(batch.mel)
        phone = model.phone_head(source)
        logits, maps = model.decoder(batch.tokens, source)
    frame = F.cross_entropy(phone.float().flatten(0, 1), batch.label.flatten(), ignore_index=IGNORE)
    word = F.cross_entropy(logits.float().flatten(0, 1), batch.target.flatten(), ignore_index=IGNORE,
                           label_smoothing=0.02)
    # two heads of the last layer look at the word to write, one of the first at the word before it
    guide = attention_inside(maps[-1][:, :2], batch.now) + attention_inside(maps[0][:, :1], batch.before)
    return frame, word, guide


@torch.no_grad()
def evaluate(model, corpus, tokens, most=1000, size=40):
    """Word error rate in percent by manner of text on the first `most` utterances, decoding greedily in float32."""
    model.eval()
    tally, order = score.Tally(), sorted(corpus.utterances[:most], key=lambda u: u.frames)
    for k in range(0, len(order), size):
        group = order[k:k + size]
        batch = corpus.batch(group, random.Random(0), training=False)
        source, written = model.encoder(batch.mel), batch.tokens[:, :PROMPT]
        for _ in range(LONGEST_TEXT):
            logits = model.decoder(written, source)[0][:, -1]
            logits[:, tokens.row[NO_SPEECH]] = -1e9
            written = torch.cat([written, logits.argmax(-1, keepdim=True)], 1)
            if (written[:, PROMPT:] == tokens.row[END]).any(1).all():
                break
        for utterance, rows in zip(group, written[:, PROMPT:].tolist()):
            tally.add(utterance.text, tokens.decode(rows), utterance.manner)
    model.train()
    return tally.rates()


class Team:
    """Processes that train one model together, told of each other by RANK and WORLD_SIZE; without them a team of one."""

    def __init__(self):
        self.size, self.rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        if self.size > 1:
            # on a busy machine the others may wait long while one evaluates
            dist.init_process_group("gloo", timeout=timedelta(hours=12))

    def average(self, parameters, numbers):
        """Averages the gradients, and a few numbers, over the team: all go on from the same."""
        if self.size == 1:
            return numbers
        gradients = [q.grad for q in parameters if q.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients] + [gradients[0].new_tensor(numbers)])
        dist.all_reduce(flat)
        flat /= self.size
        *means, averages = flat.split([g.numel() for g in gradients] + [len(numbers)])
        for gradient, mean in zip(gradients, means):
            gradient.copy_(mean.view_as(gradient))
        return averages.tolist()


class Run:
    """A model in training with all that its files hold."""

    def __init__(self, a, device, team):
        self.a, self.device, self.team = a, device, team
        self.state_path, self.weights_path = f"{a.out}/state.pt", f"{a.out}/weights.pt"
        state = torch.load(self.state_path, weights_only=True) if os.path.exists(self.state_path) else None
        self.tokens = TokenSet(load(a.tokens), state["tokens"] if state else None)
        self.phones = state["phones"] if state else {"": 0}
        self.step, self.heard_s = (state["step"], state["heard_s"]) if state else (0, 0.0)
        self.worked_s = state["worked_s"] if state else 0.0
        files = glob.glob(f"{a.data}/*.npz")
        tests = [f for f in files if "-test-" in f]
        repeat = [part.split(":") for part in a.repeat.split(",") if part]
        self.train = Corpus([f for f in files if f not in tests], self.tokens, self.phones, device, repeat)
        self.tests = {os.path.basename(f)[:-4]: Corpus([f], self.tokens, dict(self.phones), device) for f in tests}
        self.model = self._model(state).to(device)
        matrices = [q for q in self.model.parameters() if q.ndim > 1]
        vectors = [q for q in self.model.parameters() if q.ndim <= 1]
        self.optimizer = torch.optim.AdamW([dict(params=matrices, weight_decay=0.02),
                                            dict(params=vectors, weight_decay=0.0)], a.rate, betas=(0.9, 0.98),
                                           fused=True)
        if state:
            self.optimizer.load_state_dict(state["optimizer"])

    def _model(self, state):
        a = self.a
        if state:
            if len(self.phones) > state["dims"]["phones"]:
                raise SystemExit("the new shards hold too many new phones for this run; begin another with --start")
            model = Model(**state["dims"])
            model.load_state_dict(state["model"])
            return model
        torch.manual_seed(a.seed)
        start = torch.load(a.start, weights_only=True) if a.start else None
        dims = start["dims"] if start else dict(encoder_layers=4, decoder_layers=3)
        model = Model(a.width, a.heads, a.encoder_layers or dims["encoder_layers"],
                      a.decoder_layers or dims["decoder_layers"], len(self.tokens.ids), PHONES)
        if start:
            model.start_from(start, self.tokens.ids, self.phones)
        return model

    def done(self):
        """Share of the budget, of speech or of time, that is used up."""
        return max(self.heard_s / (self.a.hours * 3600), self.worked_s / (self.a.minutes * 60))

    def save(self):
        """Writes both files whole or not at all."""
        if self.team.rank:
            return
        shared = dict(dims=self.model.dims, tokens=self.tokens.ids, phones=self.phones, step=self.step,
                      heard_s=self.heard_s, worked_s=self.worked_s)
        slim = {k: v.half().cpu() for k, v in self.model.state_dict().items()}
        full = dict(shared, model=self.model.state_dict(), optimizer=self.optimizer.state_dict())
        for path, content in ((self.state_path, full), (self.weights_path, dict(shared, model=slim))):
            torch.save(content, path + ".part")
            os.replace(path + ".part", path)

    def learn(self, batch):
        """One step; returns the three losses. Rate: warm-up, then a cosine to 3 %."""
        rate = self.a.rate * min(1, (self.step + 1) / self.a.warmup) * \
            (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1, self.done()))))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        frame, word, guide = losses(self.model, batch)
        aid = max(0.2, 1 - 1.2 * self.done())  # the aids fade as the decoder stands on its own
        self.optimizer.zero_grad(set_to_none=True)
        (word + aid * frame + 0.3 * aid * guide).backward()
        self.worked_s, seconds = self.team.average(self.model.parameters(),
                                                   [self.worked_s, batch.label.numel() / ENCODER_RATE])
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self.heard_s += self.team.size * seconds
        return torch.stack([frame, word, guide]).detach()

    def report(self):
        """Evaluates on every test shard, prints it and adds it to the curve."""
        if self.team.rank:
            return
        for name, corpus in self.tests.items():
            row = dict(hours=round(self.heard_s / 3600, 1), step=self.step, test=name,
                       **evaluate(self.model, corpus, self.tokens, self.a.evaluate_size))
            print(json.dumps(row), flush=True)
            with open(f"{self.a.out}/curve.jsonl", "a", encoding="utf8") as file:
                file.write(json.dumps(row) + "\n")


def main():
    a = options()
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    os.makedirs(a.out, exist_ok=True)
    team = Team()
    run = Run(a, torch.device("cuda" if torch.cuda.is_available() else "cpu"), team)
    rng = random.Random(a.seed + run.step + 1_000_003 * team.rank)
    torch.manual_seed(rng.randrange(1 << 40))
    print(f"{len(run.train.utterances)} utterances, {run.train.seconds() / 3600:.1f} h, {len(run.tokens.ids)} tokens, "
          f"{sum(q.numel() for q in run.model.parameters()) / 1e6:.2f} M parameters, {run.device}, from "
          f"{run.heard_s / 3600:.1f} h", flush=True)
    begin = saved = shown = time.time()
    evaluated, begun_s, groups, mean = run.heard_s, run.heard_s, [], torch.zeros(3, device=run.device)
    worked_s = run.worked_s
    while run.done() < 1 and run.worked_s - worked_s < a.stop_minutes * 60:
        run.worked_s = worked_s + time.time() - begin
        groups = groups or run.train.groups(a.frames, rng)
        new = run.learn(run.train.batch(groups.pop(), rng, training=True))
        mean = new if not mean.any() else mean * 0.98 + new * 0.02
        if time.time() - shown > 30 and team.rank == 0:
            shown = time.time()
            speed = (run.heard_s - begun_s) / (shown - begin)
            print(f"{100 * run.done():.1f} % step {run.step} frame {mean[0]:.3f} word {mean[1]:.3f} guide {mean[2]:.3f}"
                  f" | {speed:.0f} x real time", flush=True)
        if time.time() - saved > a.save_minutes * 60:
            run.save()
            saved = time.time()
        if run.heard_s - evaluated > a.evaluate_hours * 3600:
            evaluated = run.heard_s
            run.report()
    run.save()
    run.report()


if __name__ == "__main__":
    main()
