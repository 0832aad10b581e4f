#!/usr/bin/env python3
"""Asks a running greffier with OpenAI's own client, unchanged, in every form of answer.

    python3 -m venv /tmp/openai && /tmp/openai/bin/pip install openai
    greffier serve --anonymous --speech-model MODEL &
    /tmp/openai/bin/python scripts/test_openai_client.py http://127.0.0.1:8080 RECORDING
"""

import sys

import openai


def main() -> None:
    address, recording = sys.argv[1], sys.argv[2]
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="any", max_retries=5)
    model = client.models.list().data[0].id

    def ask(**more):
        with open(recording, "rb") as file:
            return client.audio.transcriptions.create(file=file, model=model, language="en", **more)

    text = ask().text
    assert text, "nothing was heard"
    print(f"{openai.__version__} {model}: {text[:70]}")
    assert ask(response_format="text").strip() == text
    assert ask(response_format="vtt").startswith("WEBVTT")
    assert "-->" in ask(response_format="srt")
    verbose = ask(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert verbose.language == "english" and verbose.duration > 0 and verbose.text == text, verbose
    assert verbose.segments[0].end > verbose.segments[0].start and verbose.words[0].word, verbose
    speakers = ask(response_format="diarized_json")
    assert speakers.segments and speakers.text == text, speakers
    events = list(ask(stream=True))
    assert events[-1].type == "transcript.text.done" and events[-1].text == text, events
    assert "".join(event.delta for event in events[:-1]) == text, events
    try:
        client.audio.transcriptions.create(file=("talk.txt", b"Ann: Hello."), model=model)
    except openai.UnprocessableEntityError as error:
        assert "recording" in error.message, error
    else:
        raise AssertionError("a text was transcribed")
    print("every form of answer was understood")


if __name__ == "__main__":
    main()
