"""Log-mel features as whisper.cpp computes them, and the resampling of what the synthesisers give.

Slaney-style filters, 80 bands over 0-8 kHz, window of 25 ms every 10 ms, reflected start and zero end.
"""
import numpy as np
import scipy.fft
import scipy.signal

RATE, HOP, WINDOW, BANDS = 16000, 160, 400, 80
FLOOR = -10.0  # log10 power of digital silence


def mel_filters():
    """float32 [bands, frequencies]: triangles of equal area on Slaney's mel scale."""
    def hz_to_mel(hz):
        hz = np.asarray(hz, float)
        return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4))

    def mel_to_hz(mel):
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    frequencies = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    edges = mel_to_hz(np.linspace(hz_to_mel(0), hz_to_mel(RATE / 2), BANDS + 2))
    rising = (frequencies[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies[None]) / (edges[2:] - edges[1:-1])[:, None]
    area = 2 / (edges[2:] - edges[:-2])[:, None]
    return (np.maximum(0, np.minimum(rising, falling)) * area).astype(np.float32)


FILTERS = mel_filters()
HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def log_mel(samples):
    """float32 [frames, 80], log10 of mel power, before whisper's clamp and scale; 100 frames per second."""
    frames = len(samples) // HOP
    padded = np.concatenate([samples[1:WINDOW // 2 + 1][::-1], samples, np.zeros(WINDOW, np.float32)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[:frames * HOP:HOP] * HANN
    spectrum = scipy.fft.rfft(windows, axis=1)
    power = spectrum.real ** 2 + spectrum.imag ** 2
    return np.log10(np.maximum(power @ FILTERS.T, 10.0 ** FLOOR)).astype(np.float32)


def to_16k(samples, rate):
    """Resamples a whole utterance to 16 kHz."""
    if rate == RATE:
        return samples
    common = np.gcd(RATE, rate)
    return scipy.signal.resample_poly(samples, RATE // common, rate // common).astype(np.float32)
