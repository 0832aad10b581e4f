"""Shards in memory, and batches of them with tokens, frame labels and the frame span of every token."""
import math
import os
from dataclasses import dataclass

import numpy as np
import torch

import augment
from mel import FLOOR
from tokens import END, NO_SPEECH

IGNORE = -100
PROMPT = 4  # tokens before the first word
SILENT_SHARE = 0.03  # windows without speech in place of an utterance
STRANGE_SHARE = 0.03  # speech made unlike any voice: backwards, far too slow or fast, of no throat
CORRUPT_SHARE = 0.12  # input tokens replaced, so that the decoder trusts the sound more than its own words


@dataclass
class Utterance:
    """Where an utterance lies in the bank, and what is to be written."""
    first: int
    frames: int
    language: str
    rows: list
    spans: list
    text: str
    manner: str


@dataclass
class Batch:
    """mel [B, 80, 2T]; label [B, T]; tokens, target [B, L]; now, before [B, L, 2]: frame span, -1 for none."""
    mel: torch.Tensor
    label: torch.Tensor
    tokens: torch.Tensor
    target: torch.Tensor
    now: torch.Tensor
    before: torch.Tensor


class Corpus:
    """Utterances of several shards. Phone names are added to `phones` (name -> class; class 0 is silence)."""

    def __init__(self, paths, tokens, phones, device="cpu", repeat=()):
        self.tokens, self.device, self.utterances = tokens, device, []
        mels, labels, total = [], [], 0
        for path in sorted(paths):
            shard, name = np.load(path), os.path.basename(path)
            classes = [phones.setdefault(str(p), len(phones)) for p in shard["phone_names"]] + [IGNORE]
            mels.append(torch.from_numpy(shard["mel"]).to(device))
            labels.append(torch.from_numpy(np.array(classes)[shard["phones"]].astype(np.int16)).to(device))
            times = math.prod(int(count) for part, count in repeat if part in name)
            self.utterances += self._read(shard, name.split("-")[0], total) * times
            total += len(shard["mel"])
        self.mel, self.label = torch.cat(mels), torch.cat(labels)

    def _read(self, shard, language, base):
        found = []
        offset, word_offset, words = shard["offset"], shard["word_offset"], shard["words"]
        for k, (text, manner) in enumerate(zip(shard["text"].tolist(), shard["manner"].tolist())):
            encoded = self.tokens.encode(text)
            if encoded is None:
                continue
            own = words[word_offset[k]:word_offset[k + 1]]
            spans = []
            for _, character in encoded:
                word = -1 if character is None else np.searchsorted(own[:, 0], character, side="right") - 1
                spans.append((int(own[word, 1]), int(own[word, 2])) if word >= 0 else (-1, -1))
            found.append(Utterance(base + int(offset[k]), int(offset[k + 1] - offset[k]) // 2, language,
                                   [row for row, _ in encoded], spans, text, manner))
        return found

    def seconds(self):
        """Length of the speech, repetitions included."""
        return sum(u.frames for u in self.utterances) / 50

    def groups(self, frames, rng):
        """One epoch: lists of utterances of like length, each about `frames` encoder frames, in any order."""
        order = sorted(self.utterances, key=lambda u: u.frames * rng.uniform(0.93, 1.07))
        groups, group = [], []
        for utterance in order:
            group.append(utterance)
            if len(group) * (utterance.frames + 30) >= frames:
                groups.append(group)
                group = []
        groups += [group] if group else []
        rng.shuffle(groups)
        return groups

    def batch(self, group, rng, training):
        """Joins a group; in training with random lead, tail, silence and everything of augment.py."""
        size, total = len(group), max(u.frames for u in group) + (rng.randint(8, 60) if training else 40)
        lead = [rng.randint(0, min(20, total - u.frames)) if training else 10 for u in group]
        at = torch.arange(total, device=self.device)[None] - torch.tensor(lead, device=self.device)[:, None]
        length = torch.tensor([u.frames for u in group], device=self.device)[:, None]
        first = torch.tensor([u.first for u in group], device=self.device)[:, None]
        spoken = (at >= 0) & (at < length)
        frame = at.clamp(min=0).minimum(length - 1)
        label = torch.where(spoken, self.label[first // 2 + frame].long(), 0)
        double = torch.stack([first + 2 * frame, first + 2 * frame + 1], 2).flatten(1)
        raw = self.mel[double].float()
        raw[~spoken.repeat_interleave(2, 1)] = FLOOR
        silent = [training and rng.random() < SILENT_SHARE + STRANGE_SHARE for _ in group]
        for k in [k for k in range(size) if silent[k]]:
            strange = rng.random() * (SILENT_SHARE + STRANGE_SHARE) < STRANGE_SHARE
            raw[k] = augment.strange(raw[k], rng) if strange else augment.not_speech(raw.shape[1], rng, self.device)
            label[k] = IGNORE
        mel = augment.features(augment.distort(raw, [2 * (s + u.frames) for s, u in zip(lead, group)], rng)
                               if training else raw)
        if training:
            augment.mask(mel, rng)
        text = [t.to(self.device) for t in self._text(group, lead, silent, rng, training)]
        return Batch(mel.transpose(1, 2).contiguous(), label, *text)

    def _text(self, group, lead, silent, rng, training):
        size, longest = len(group), max(len(u.rows) for u in group) + PROMPT
        end, nothing = self.tokens.row[END], self.tokens.row[NO_SPEECH]
        tokens, target = torch.full((size, longest), end), torch.full((size, longest), IGNORE)
        now, before = torch.full((size, longest, 2), -1), torch.full((size, longest, 2), -1)
        for k, u in enumerate(group):
            prompt = self.tokens.prompt(u.language)
            tokens[k, :PROMPT] = torch.tensor(prompt)
            if silent[k] or not u.rows:
                # whisper.cpp never lets <|nospeech|> win; the end token has to be second, for an empty text
                target[k, PROMPT - 1] = nothing if rng.random() < 0.5 else end
                continue
            count = len(u.rows)
            given = [rng.randrange(len(self.tokens.ids)) if training and rng.random() < CORRUPT_SHARE else row
                     for row in u.rows]
            tokens[k, PROMPT:PROMPT + count] = torch.tensor(given)
            target[k, 0] = prompt[1]  # the language, for detection
            target[k, PROMPT - 1:PROMPT + count] = torch.tensor(u.rows + [end])
            spans = torch.tensor(u.spans)
            spans = torch.where(spans >= 0, spans + lead[k], spans)
            now[k, PROMPT - 1:PROMPT - 1 + count] = spans
            before[k, PROMPT:PROMPT + count] = spans
        return tokens, target, now, before
