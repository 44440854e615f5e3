"""The typed client and the official MCP client do the main job at a running service with real models."""

import asyncio
import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from mcp import Client as McpClient
from mcp.client.streamable_http import streamable_http_client
from numpy.typing import NDArray
from PIL import Image
from running_service import RunningService

from faceagent.cli.doctor_server import examine_server
from faceagent.client import AsyncClient, Client, ServiceError

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    running = RunningService(tmp_path_factory.mktemp("service"))
    yield running
    assert running.end() == 0


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "photo.jpg"
    Image.fromarray(astronaut).save(path, quality=92)
    return path


def test_the_typed_client_analyses_moderates_and_waits_for_a_job(service: RunningService, photo: Path) -> None:
    with Client(service.url, service.key, seconds=300) as client:
        made = client.analyze(photo, questions=["expression", "quality"])
        assert {one.question: one.label for one in made.report.verdicts}["expression"] == "happy"
        assert client.case(made.case_id).report == made.report
        assert client.moderate(photo, dry_run=True).decision in ("allow", "review")
        job = client.wait(client.submit([photo, io.BytesIO(b"no picture")], questions=["quality"]), progress=False)
        items = list(client.items(job))
        assert job.state == "done" and items[0].case_id is not None
    with Client(service.url, "fa_wrong") as stranger, pytest.raises(ServiceError, match="not valid"):
        stranger.tools()


def test_the_asynchronous_client_streams_a_large_upload(service: RunningService, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(300 * 2**20)

    async def main() -> None:
        async with AsyncClient(service.url, service.key, seconds=300, retries=0) as client:
            await client.analyze(large)

    with pytest.raises(ServiceError) as caught:
        asyncio.run(main())
    # The service refuses before it has read; the connection may end before its answer is read.
    assert caught.value.status == 413 or caught.value.code == "unreachable"


def test_the_official_mcp_client_over_http(service: RunningService, photo: Path) -> None:
    url = "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()

    async def main() -> Any:
        async with (
            httpx2.AsyncClient(headers=service.headers, timeout=300) as http,
            McpClient(streamable_http_client(f"{service.url}/mcp", http_client=http)) as client,
        ):
            found = await client.call_tool("analyze", {"images": [url], "questions": ["expression"]})
            asked = await client.call_tool("ask", {"text": "does she look happy?", "images": [url]})
            session = asked.structured_content["session"]
            return found, asked, await client.call_tool("ask", {"text": "why?", "session": session})

    found, asked, again = asyncio.run(main())
    assert found.structured_content["pictures"][0]["verdicts"][0]["label"] == "happy"
    assert asked.structured_content["reply"].startswith("Yes") and "AU12" in again.structured_content["reply"]


def test_doctor_finds_the_service_well(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEAGENT_SERVICE_KEY", service.key)
    found = {one.what: one.state for one in examine_server(service.url)}
    assert found == {"service packages": "ok", "service": "ok", "service is ready": "ok", "key": "ok"}
