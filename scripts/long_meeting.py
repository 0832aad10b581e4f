#!/usr/bin/env python3
"""Writes a transcript of three hours, or of as many as asked: meetings of AMI one after the other, and again from the
first, where ../shared has them, else the sample meeting again and again.

    long_meeting.py FILE.vtt [--hours 3]

`--hours 8` is for runs like the one of eight hours in docs/figures.md (there of QMSum's meetings).
"""

import argparse
import itertools
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
AMI = ROOT / "../shared/datasets/ami/val.jsonl"
SAMPLE = ROOT / "datasets/sample/2026-03-05-release-planning.vtt"


def of_ami():
    """Each meeting as a list of (start, end, speaker, text)."""
    for line in itertools.cycle(AMI.open(encoding="utf-8")):
        said = json.loads(line)["utterances"]
        yield [(start, end, speaker, text) for speaker, start, end, _, text, *_ in said if text.strip()]


def of_sample():
    cue = re.compile(r"(\d+):(\d+):([\d.]+) --> (\d+):(\d+):([\d.]+)\n<v ([^>]+)>(.*)</v>")
    seconds = lambda hours, minutes, rest: int(hours) * 3600 + int(minutes) * 60 + float(rest)
    found = cue.findall(SAMPLE.read_text(encoding="utf-8"))
    while True:
        yield [(seconds(*one[:3]), seconds(*one[3:6]), one[6], one[7]) for one in found]


def transcript(hours: float) -> str:
    cues, base, length = [], 0.0, hours * 3600
    for meeting in of_ami() if AMI.exists() else of_sample():
        cues += [(base + start, base + end, speaker, text) for start, end, speaker, text in sorted(meeting)]
        base = cues[-1][1] + 5
        if base >= length:
            break
    clock = lambda at: f"{int(at // 3600):02}:{int(at // 60 % 60):02}:{at % 60:06.3f}"
    cues = [one for one in cues if one[1] <= length]
    lines = [f"{clock(start)} --> {clock(end)}\n<v {speaker}>{text}</v>" for start, end, speaker, text in cues]
    return "\n\n".join(["WEBVTT", *lines, ""])


def three_hours() -> str:
    return transcript(3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--hours", type=float, default=3)
    asked = parser.parse_args()
    asked.file.write_text(transcript(asked.hours), encoding="utf-8")
