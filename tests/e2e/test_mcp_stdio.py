"""``faceagent mcp`` as an application runs it: a child process, real weights, the official client."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcp import Client, StdioServerParameters
from numpy.typing import NDArray
from PIL import Image

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    place = tmp_path_factory.mktemp("pictures")
    Image.fromarray(astronaut).save(place / "photo.jpg", quality=95)
    return place


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "FACEAGENT_MEMORY": str(folder / "memory"), "FACEAGENT_MCP_FOLDERS": str(folder)}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_main_job_over_a_real_child_process(folder: Path, mode: str) -> None:
    child = StdioServerParameters(
        command=sys.executable, args=["-m", "faceagent", "mcp"], env=environment(folder), cwd="/"
    )
    steps: list[str | None] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        steps.append(message)

    async def main() -> Any:
        async with Client(child, mode=mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("analyze", {"images": ["photo.jpg"]}, progress_callback=progress)
            asked = await client.call_tool("ask", {"text": "does she look happy?", "images": ["photo.jpg"]})
            measured = await client.call_tool("measure_forgery", {"images": ["photo.jpg"]})
            outside = await client.call_tool("analyze", {"images": [__file__]})
            report = found.structured_content["pictures"][0]["report"]
            return names, found, asked, measured, outside, await client.read_resource(report)

    names, found, asked, measured, outside, report = asyncio.run(main())
    assert {"analyze", "compare", "ask", "measure_expression", "measure_forgery"} <= set(names)
    verdicts = {one["question"]: one["label"] for one in found.structured_content["pictures"][0]["verdicts"]}
    assert verdicts["expression"] == "happy" and "forgery" in verdicts
    assert "analysing photo.jpg" in steps
    assert asked.structured_content["reply"].startswith("Yes")
    assert any(one.type == "image" for one in measured.content)
    assert outside.is_error and outside.structured_content["error"]["code"] == "path_not_allowed"
    assert json.loads(report.contents[0].text)["source"] == "photo.jpg"


def test_standard_output_carries_the_protocol_only_and_the_end_of_input_is_the_end(folder: Path) -> None:
    """Written by hand: the client would hide a stray line."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    call = {"name": "analyze", "arguments": {"images": ["photo.jpg", "gone.jpg"], "questions": ["quality"]}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "faceagent", "mcp", "--folder", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(folder),
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write("no JSON at all\n" + "".join(json.dumps(line) + "\n" for line in lines))
        child.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call}) + "\n")
        child.stdin.flush()
        answers = []
        while not any(one.get("id") == 3 for one in answers):
            line = child.stdout.readline()
            assert line, child.stderr.read() if child.stderr else ""
            answers.append(json.loads(line))
        child.stdin.close()
        rest = child.stdout.read()
        assert child.wait(60) == 0
    assert all(one["jsonrpc"] == "2.0" for one in answers) and rest == ""
    result = next(one for one in answers if one.get("id") == 3)["result"]
    assert not result["isError"] and result["structuredContent"]["pictures"][1]["problem"]["reason"] == "missing_file"


def test_a_folder_that_is_not_there_is_said_before_anything_is_loaded(folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "faceagent", "mcp", "--folder", str(folder / "gone")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env=environment(folder),
        timeout=120,
    )
    assert ended.returncode == 2 and "There is no folder" in ended.stderr and ended.stdout == ""
