"""Speaks the sample meetings of datasets/sample with voices that the demo model never heard in training.

    python speak_samples.py [DIR]     default: datasets/sample; needs espeak-ng and ffmpeg with libopus

For each transcript DIR holds two recordings of the same talk, in Opus:
  <meeting>-tracks.mka   a track for each participant under his name, as platforms record them
  <meeting>-mixed.ogg    all voices on one track, as a telephone in the room records them
and manifest.tsv with the words that are said in each, in order, for `greffier evaluate speech`.
"""
import re
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

import lexicon
import voices
from mel import RATE

# Voice, words per minute and pitch of each participant; accents and variants are those held out of training.
CAST = {
    "Alice Martin": ("en-us+steph3", 170, 55),
    "Ben Carter": ("en+m7", 175, 45),
    "Carla Rossi": ("en-gb-scotland+f5", 165, 50),
    "David Chen": ("en-us+Gene2", 165, 35),
    "Nadia Lefèvre": ("fr+f5", 170, 50),
    "Paul Girard": ("fr-ch+m7", 165, 40),
    "Julie Moreau": ("fr+steph3", 170, 60),
    "Marc Dubois": ("fr+gustave", 165, 45),
}
PEAK = 0.5
PAUSE_S = 0.35  # at least, between two speakers
LANGUAGES = {"2026-03-05-release-planning": "en", "2026-03-12-comite-produit": "fr"}
CUE = re.compile(r"^(?:(\d+):)?(\d+):(\d+\.\d+) --> .*\n<v ([^>]+)>(.*)", re.MULTILINE)
# Frames of 120 ms: small packets cost more in their container than they hold.
OPUS = ["-c:a", "libopus", "-application", "voip", "-frame_duration", "120", "-vbr", "on"]


def cues(path):
    """(start in seconds, speaker, text) of a WebVTT transcript."""
    for hit in CUE.finditer(path.read_text(encoding="utf8")):
        hours, minutes, seconds, speaker, text = hit.groups()
        yield int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds), speaker, re.sub(r"<[^>]+>", "", text).strip()


def speak(path, espeak):
    """Speaker -> samples, all of the same length; nobody speaks before the one before has ended."""
    said, free_s = [], 0.0
    for start_s, speaker, text in cues(path):
        voice, rate, pitch = CAST[speaker]
        assert voice.split("+")[1] in voices.TEST_VARIANTS, voice
        speech = espeak.read(text, voice, rate, pitch)
        samples = speech.samples * (PEAK / np.abs(speech.samples).max())
        start_s = max(start_s, free_s)
        free_s = start_s + len(samples) / RATE + PAUSE_S
        said.append((round(start_s * RATE), speaker, samples))
    tracks = {speaker: np.zeros(round((free_s + 0.5) * RATE), np.float32) for _, speaker, _ in said}
    for first, speaker, samples in said:
        tracks[speaker][first:first + len(samples)] = samples
    return tracks


def encode(tracks, out, bits):
    """Writes tracks (name -> samples) as Opus; an empty name is left out. The same samples give the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["ffmpeg", "-v", "error", "-y"]
        for k, samples in enumerate(tracks.values()):
            path = f"{folder}/{k}.wav"
            with wave.open(path, "wb") as file:
                file.setparams((1, 2, RATE, 0, "NONE", ""))
                file.writeframes((samples * 32767).astype("<i2").tobytes())
            command += ["-i", path]
        for k, name in enumerate(tracks):
            command += ["-map", f"{k}:a"] + (["-metadata:s:a:" + str(k), "title=" + name] if name else [])
        command += [*OPUS, "-b:a", str(bits), "-fflags", "+bitexact", "-flags:a", "+bitexact", str(out)]
        subprocess.run(command, check=True)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else lexicon.SAMPLES)
    folder.mkdir(parents=True, exist_ok=True)
    espeak, rows = voices.Espeak(), []
    for name, language in LANGUAGES.items():
        source = lexicon.SAMPLES / f"{name}.vtt"
        tracks = speak(source, espeak)
        text = " ".join(text for _, _, text in cues(source))
        seconds = len(next(iter(tracks.values()))) / RATE
        for kind, content, bits in (("tracks.mka", tracks, 10_000), ("mixed.ogg", {"": sum(tracks.values())}, 10_000)):
            out = folder / f"{name}-{kind}"
            encode(content, out, bits)
            rows.append(f"{out.name}\t{language}\t{seconds:.2f}\t48000\t{len(content)}\topus\t{text}\n")
            print(out, out.stat().st_size, "bytes", f"{seconds:.1f} s")
    header = "file\tlang\tseconds\trate\tchannels\tcodec\treference_transcript\n"
    (folder / "manifest.tsv").write_text(header + "".join(rows), encoding="utf8")


if __name__ == "__main__":
    main()
