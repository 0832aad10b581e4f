#!/usr/bin/env python3
"""Writes a transcript of three hours: meetings of AMI one after the other where ../shared has them, else the sample meeting
again and again.

    long_meeting.py FILE.vtt
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
AMI = ROOT / "../shared/datasets/ami/val.jsonl"
SAMPLE = ROOT / "datasets/sample/2026-03-05-release-planning.vtt"
HOURS_3 = 3 * 3600


def of_ami():
    """Each meeting as a list of (start, end, speaker, text)."""
    for line in AMI.open(encoding="utf-8"):
        said = json.loads(line)["utterances"]
        yield [(start, end, speaker, text) for speaker, start, end, _, text, *_ in said if text.strip()]


def of_sample():
    cue = re.compile(r"(\d+):(\d+):([\d.]+) --> (\d+):(\d+):([\d.]+)\n<v ([^>]+)>(.*)</v>")
    seconds = lambda hours, minutes, rest: int(hours) * 3600 + int(minutes) * 60 + float(rest)
    found = cue.findall(SAMPLE.read_text(encoding="utf-8"))
    while True:
        yield [(seconds(*one[:3]), seconds(*one[3:6]), one[6], one[7]) for one in found]


def three_hours() -> str:
    cues, base = [], 0.0
    for meeting in of_ami() if AMI.exists() else of_sample():
        cues += [(base + start, base + end, speaker, text) for start, end, speaker, text in sorted(meeting)]
        base = cues[-1][1] + 5
        if base >= HOURS_3:
            break
    clock = lambda at: f"{int(at // 3600):02}:{int(at // 60 % 60):02}:{at % 60:06.3f}"
    cues = [one for one in cues if one[1] <= HOURS_3]
    lines = [f"{clock(start)} --> {clock(end)}\n<v {speaker}>{text}</v>" for start, end, speaker, text in cues]
    return "\n\n".join(["WEBVTT", *lines, ""])


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_text(three_hours(), encoding="utf-8")
