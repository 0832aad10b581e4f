#!/usr/bin/env python3
"""Asks greffier with the official Python client of the Model Context Protocol: over HTTP, and over a pipe.

    python3 -m venv /tmp/mcp && /tmp/mcp/bin/pip install mcp
    greffier serve --anonymous &
    /tmp/mcp/bin/python scripts/test_mcp_client.py http://127.0.0.1:8080 greffier WORDS…

`greffier` is the program; its library is that of the server. GREFFIER_TOKEN is sent to the server where it is set.
"""

import asyncio
import importlib.metadata
import json
import os
import sys

import mcp
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client


async def ask(client: mcp.Client, words: str) -> dict:
    tools = (await client.list_tools()).tools
    assert {"actions", "minutes", "recommend", "search"} == {tool.name for tool in tools}, tools

    # The client checks each answer against the schema that the tool gives for it.
    async def call(tool: str, **arguments) -> dict:
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, result
        assert json.loads(result.content[0].text) == result.structured_content
        return result.structured_content

    found = await call("search", query=words)
    assert found["hits"], f"nothing was found for {words!r}"
    meeting = next(hit["meeting"] for hit in found["hits"] if "meeting" in hit)
    answers = {
        "search": found,
        "minutes": await call("minutes", meeting=meeting),
        "recommend": await call("recommend", text=words, limit=2),
        "actions": await call("actions", status="all"),
    }
    wrong = await client.call_tool("minutes", {"meeting": "nonesuch"})
    assert wrong.is_error and "search" in wrong.content[0].text, wrong
    return answers


async def main() -> None:
    address, program, words = sys.argv[1], sys.argv[2], " ".join(sys.argv[3:])
    token = os.environ.get("GREFFIER_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    pipe = mcp.StdioServerParameters(command=program, args=["mcp"], env=dict(os.environ))
    answers = []
    # Today's protocol, and the one with a handshake that came before it.
    for mode in ["auto", "legacy"]:
        http = streamable_http_client(f"{address}/mcp", http_client=create_mcp_http_client(headers))
        for name, server in [("http", http), ("pipe", pipe)]:
            async with mcp.Client(server, mode=mode) as client:
                answers.append(await ask(client, words))
                print(f"{name}, protocol {client.protocol_version}: understood")
    assert token or all(answer == answers[0] for answer in answers), "the ways differ"
    hit, minutes = answers[0]["search"]["hits"][0], answers[0]["minutes"]
    print(f"mcp {importlib.metadata.version('mcp')} found {hit['kind']} of {hit['title']}: {hit['text'][:80]}")
    print(f"{minutes['title']}: {len(minutes['decisions'])} decisions, {len(minutes['actions'])} actions")


if __name__ == "__main__":
    asyncio.run(main())
