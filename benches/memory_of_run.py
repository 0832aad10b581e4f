#!/usr/bin/env python3
"""Peak memory and time of `greffier run` on a transcript of eight hours, strung together from AMI meetings.

  benches/memory_of_run.py target/release/greffier FILE.jsonl [--hours 8]

FILE is an AMI file (utterances with times). Prints one JSON object: hours, utterances, words, peak_mb, seconds.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time


def long_transcript(path, hours):
    """`[HH:MM:SS] Name: text` lines of one meeting after the other, until `hours` are full."""
    lines, offset, words = [], 0.0, 0
    while True:
        with open(path, encoding="utf-8") as records:
            for record in map(json.loads, records):
                end = 0.0
                for speaker, start, stop, _, text, _ in record["utterances"]:
                    at = int(offset + start)
                    if at >= hours * 3600:
                        return lines, words
                    if text.strip():
                        clock = f"{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}"
                        lines.append(f"[{clock}] {record['id'][:-1]} {speaker}: {text}")
                        words += len(text.split())
                    end = max(end, stop)
                offset += end


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("greffier")
    parser.add_argument("file")
    parser.add_argument("--hours", type=float, default=8.0)
    arguments = parser.parse_args()
    lines, words = long_transcript(arguments.file, arguments.hours)
    with tempfile.TemporaryDirectory() as folder:
        transcript = os.path.join(folder, "long.txt")
        with open(transcript, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        started = time.time()
        command = [arguments.greffier, "--json", "--library", os.path.join(folder, "library"), "run", transcript]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.time() - started
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({
        "hours": arguments.hours,
        "utterances": len(lines),
        "words": words,
        "peak_mb": round(peak_kb / 1024),
        "seconds": round(seconds, 1),
    }))


if __name__ == "__main__":
    main()
