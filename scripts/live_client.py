#!/usr/bin/env python3
"""Sends sound (16 kHz, mono, 16 bits, little-endian) from standard input to a live meeting of `greffier serve`, and prints
its events. Shows the protocol of docs/http-api.md: it comes back when the connection breaks. Needs `pip install websockets`.

live_client.py http://localhost:8080 [TITLE]      with a token in GREFFIER_TOKEN, where the server wants one
"""

import asyncio
import json
import os
import struct
import sys
import urllib.request

import websockets

FRAME_SAMPLES = 1600


async def main(server, title):
    token = os.environ.get("GREFFIER_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{server}/v1/live", json.dumps({"title": title}).encode(), {"Content-Type": "application/json", **headers})
    live = json.load(urllib.request.urlopen(request))
    sound, heard = [], asyncio.Event()  # what was read, until its end is None

    async def read():
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while True:
            try:
                sound.append(await reader.readexactly(2 * FRAME_SAMPLES))
            except asyncio.IncompleteReadError as end:
                sound.extend([end.partial[: len(end.partial) // 2 * 2], None])
                return heard.set()
            heard.set()

    async def send(socket, number):
        while True:
            while number == len(sound):
                heard.clear()
                await heard.wait()
            if sound[number] is None:
                return await socket.send(json.dumps({"type": "finish"}))
            await socket.send(struct.pack("<HQ", 0, number * FRAME_SAMPLES) + sound[number])
            number += 1

    reading, last = asyncio.create_task(read()), 0
    while True:
        address = server.replace("http", "ws", 1) + f"{live['socket']}?after={last}"
        sending = None
        try:
            async with websockets.connect(address, additional_headers=headers) as socket:
                async for text in socket:
                    event = json.loads(text)
                    last = event.get("seq", last)
                    if event["event"] == "hello":
                        sending = asyncio.create_task(send(socket, event["accepted"] // FRAME_SAMPLES))
                    print(json.dumps(event), flush=True)
                    if event["event"] in ("finished", "failed"):
                        return reading.cancel()
        except (OSError, websockets.WebSocketException) as error:
            print(f"{error}; trying again", file=sys.stderr)
            await asyncio.sleep(1)
        finally:
            if sending:
                sending.cancel()


asyncio.run(main(sys.argv[1].rstrip("/"), sys.argv[2] if len(sys.argv) > 2 else None))
