"""Voices, rooms, microphones and noises, all in the mel domain, where they cost next to nothing.

Spectra are log10 mel power [batch, mel frames, 80], 100 frames per second, FLOOR where there is digital silence.
"""
import math
from functools import cache

import numpy as np
import torch

from mel import BANDS, FLOOR, mel_filters

WARPS = np.linspace(0.86, 1.16, 16)  # vocal tract length, as a factor on frequency


def features(raw):
    """Whisper's clamp to 8 decades below the maximum, and scale."""
    return torch.maximum(raw.clamp(min=FLOOR), raw.amax((1, 2), keepdim=True) - 8) / 4 + 1


@cache
def _warp_matrices(device):
    """float32 [warps, 80, 80]: linear interpolation between bands whose frequencies are scaled."""
    frequencies = np.linspace(0, 8000, mel_filters().shape[1])
    centre = (mel_filters() * frequencies).sum(1) / mel_filters().sum(1)
    matrices = np.zeros((len(WARPS), BANDS, BANDS), np.float32)
    for k, factor in enumerate(WARPS):
        place = np.interp(centre * factor, centre, np.arange(BANDS))
        low = np.minimum(place.astype(int), BANDS - 2)
        matrices[k, low, np.arange(BANDS)] = 1 - (place - low)
        matrices[k, low + 1, np.arange(BANDS)] = place - low
    return torch.from_numpy(matrices).to(device)


def distort(raw, ends, rng):
    """Another throat, microphone, room, distance and noise for each utterance; `ends` in mel frames."""
    size, frames, _ = raw.shape
    device = raw.device

    def uniform(low, high):
        return torch.empty(size, 1, 1, device=device).uniform_(low, high)

    def some(share):
        return torch.rand(size, 1, 1, device=device) < share

    heard = raw > FLOOR + 0.01
    chosen = torch.randint(len(WARPS), (size,), device=device)
    warped = torch.bmm(raw, _warp_matrices(str(device))[chosen])
    raw = torch.where(some(0.6), warped, raw)
    tilt = torch.linspace(-1, 1, BANDS, device=device)
    curve = torch.randn(size, 1, 1, device=device) * 0.3 * tilt + torch.randn(size, 1, 1, device=device) * 0.2 * \
        torch.cos(math.pi * (tilt * uniform(0, 3) + uniform(0, 2)))
    narrow = torch.where(some(0.08) & (torch.arange(BANDS, device=device) > uniform(54, 76)), uniform(-6, -2), 0.0)
    gain = torch.where(some(0.7), uniform(-2.5, 0.4), 0.0)
    raw = torch.where(heard, raw + curve + narrow + gain, raw)
    power = _room(10 ** raw, uniform, some)
    level = torch.where(some(0.3), torch.full_like(gain, -12.0), uniform(-6.0, -0.6) + gain)
    colour = torch.randn(size, 1, 1, device=device) * 0.5 * tilt
    tail = torch.tensor([min(frames, end + rng.randint(0, 80)) for end in ends], device=device)
    covered = torch.arange(frames, device=device)[None, :, None] < tail[:, None, None]
    noise = 10 ** (level + colour) * covered * torch.empty_like(power).exponential_()
    return torch.log10(power + noise + 10.0 ** FLOOR)


def _room(power, uniform, some):
    """Adds the energy of an exponentially fading room to a third of the utterances."""
    frames = power.shape[1]
    fading = 10 ** (-6 / (100 * uniform(0.15, 0.8)))  # per frame, from the time to fall by 60 dB
    lag = torch.arange(frames, device=power.device)[:, None] - torch.arange(frames, device=power.device)[None]
    share = torch.where(some(0.35), 10 ** uniform(-1.6, -0.2), 0.0)  # room to direct energy
    response = torch.where(lag > 0, fading ** lag.clamp(min=1), torch.zeros(1, device=power.device)) * share
    return power + torch.bmm(response * (1 - fading), power)


def mask(mel, rng):
    """Hides some bands and a few moments, in place."""
    size, frames, _ = mel.shape
    mean = mel.mean((1, 2))
    for k in range(size):
        for _ in range(rng.randint(0, 2)):
            band, width = rng.randint(0, 72), rng.randint(1, 8)
            mel[k, :, band:band + width] = mean[k]
        if rng.random() < 0.5:
            start = rng.randint(0, max(0, frames - 12))
            mel[k, start:start + rng.randint(2, 10)] = mean[k]


def strange(raw, rng):
    """Speech as no voice of the training speaks it [frames, 80]: what the model is to refuse."""
    frames, kind = len(raw), rng.randrange(4)
    if kind == 0:
        return raw.flip(0)
    if kind == 1:  # much too fast, with nothing after it, or much too slow and cut
        pace = rng.choice([rng.uniform(2.2, 3.5), rng.uniform(0.25, 0.4)])
        at = (torch.arange(frames, device=raw.device) * pace).long()
        return torch.where((at < frames)[:, None], raw[at.clamp(max=frames - 1)], FLOOR)
    if kind == 2:  # bands moved as no throat can
        return raw.roll(rng.choice([-1, 1]) * rng.randint(14, 30), 1)
    size = rng.randint(6, 15)  # short pieces in any order
    pieces = list(raw.split(size))
    rng.shuffle(pieces)
    return torch.cat(pieces)


def not_speech(frames, rng, device):
    """A sound that is not speech [frames, 80]: silence, a hum or tones, clicks, or a fading chord."""
    kind = rng.randrange(4)
    silence = torch.full((frames, BANDS), FLOOR, device=device)
    if kind == 0:
        return silence
    band, time = torch.arange(float(BANDS), device=device), torch.arange(float(frames), device=device)[:, None]
    if kind == 1:
        flat = rng.uniform(-4, 0) + 0.3 * torch.randn(frames, BANDS, device=device)
        return torch.where(time % rng.randint(8, 80) < rng.randint(1, 4), flat, silence)
    spectrum = torch.full((BANDS,), FLOOR, device=device)
    for _ in range(rng.randint(1, 4)):
        peak = rng.uniform(2, 9) - 0.5 * ((band - rng.uniform(0, 79)) / rng.uniform(0.7, 3)) ** 2
        spectrum = torch.maximum(spectrum, peak + FLOOR)
    if kind == 2:
        return (spectrum + 0.05 * torch.randn(frames, BANDS, device=device)).clamp(min=FLOOR)
    return (spectrum - time * rng.uniform(0.003, 0.05)).clamp(min=FLOOR)
