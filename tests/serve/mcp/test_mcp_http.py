"""MCP at the service's address: the official client over HTTP, keys, the queue, cases. The analyst is a fake."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_service import FakeAnalyst, Server, picture_bytes
from fastapi import FastAPI
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from faceagent.serve.app import create_app
from faceagent.serve.settings import ServiceSettings
from faceagent.settings import Settings
from faceagent.storage.database import api_keys

URL = "data:image/png;base64," + base64.b64encode(picture_bytes()).decode()


def talk(
    place: Path, session: Callable[..., Coroutine[Any, Any, Any]], roles: tuple[str, ...] = ("submit",), **more: Any
) -> Any:
    """Runs ``session`` with one client per role, over the application in this event loop."""
    app = create_app(ServiceSettings(database=str(place), **more), Settings(workers=1), FakeAnalyst)

    async def main() -> Any:
        async with app.router.lifespan_context(app):
            keys = [api_keys.create_key(app.state.service.database, role, role).secret for role in roles]
            return await _connected(app, keys, session)

    return asyncio.run(main())


async def _connected(app: FastAPI, keys: list[str], session: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    clients: list[Client] = []
    for key in keys:
        http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        clients.append(Client(streamable_http_client("http://127.0.0.1/mcp", http_client=http)))
    if len(clients) == 1:
        async with clients[0] as one:
            return await session(one, app)
    async with clients[0] as one, clients[1] as other:
        return await session(one, other)


def test_an_analysis_goes_through_the_queue_and_its_report_is_a_case(tmp_path: Path) -> None:
    steps: list[str | None] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        steps.append(message)

    async def session(client: Client, app: FastAPI) -> Any:
        names = [one.name for one in (await client.list_tools()).tools]
        arguments = {"images": [URL, URL], "questions": ["forgery"], "language": "es", "show_images": False}
        found = await client.call_tool("analyze", arguments, progress_callback=progress)
        uri = found.structured_content["pictures"][0]["report"]
        texts = [(await client.read_resource(uri)).contents[0] for uri in (uri, uri.replace(".json", ".html"))]
        heat = await client.read_resource(uri.replace("report.json", "heatmaps/F1%3Aforgery.png"))
        listed = [one.uri for one in (await client.list_resources()).resources]
        measured = await client.call_tool("measure_forgery", {"images": [URL], "show_images": False})
        return names, found, texts, heat, listed, measured

    names, found, (report, page), heat, listed, measured = talk(tmp_path, session)
    assert "analyze" in names and "measure_expression" in names and not found.is_error
    pictures = found.structured_content["pictures"]
    assert len(pictures) == 2 and pictures[0]["verdicts"][0]["label"] == "forged"
    assert pictures[0]["summary"]["language"] == "es" and "done" in steps
    assert pictures[0]["report"] in listed and "/case" in pictures[0]["report"]
    assert json.loads(report.text)["faces"] and page.mime_type == "text/html"
    assert base64.b64decode(heat.contents[0].blob).startswith(b"\x89PNG")
    assert measured.structured_content["pictures"][0]["evidence"][0]["id"] == "F1:forgery"


def test_no_file_of_the_server_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(picture_bytes())

    async def session(client: Client, app: FastAPI) -> Any:
        names = [str(tmp_path / "photo.png"), "photo.png", "/etc/passwd", f"file://{tmp_path}/photo.png"]
        return [await client.call_tool("analyze", {"images": [name]}) for name in names]

    for result in talk(tmp_path, session):
        assert result.is_error and result.structured_content["error"]["code"] == "path_not_allowed"


def test_one_key_does_not_read_the_reports_of_another(tmp_path: Path) -> None:
    async def session(one: Client, other: Client) -> Any:
        found = await one.call_tool("analyze", {"images": [URL], "show_images": False})
        uri = found.structured_content["pictures"][0]["report"]
        with pytest.raises(MCPError):
            await other.read_resource(uri)
        lost = await other.call_tool("ask", {"text": "why?", "session": "somebody-elses"})
        return (await other.list_resources()).resources, lost

    listed, lost = talk(tmp_path, session, ("submit", "submit"))
    assert listed == [] and lost.is_error and "not open" in lost.content[0].text


def test_a_full_queue_is_a_tool_error_that_says_to_try_again(tmp_path: Path) -> None:
    async def session(client: Client, app: FastAPI) -> Any:
        app.state.service.batcher.close(0)
        return await client.call_tool("analyze", {"images": [URL]})

    result = talk(tmp_path, session)
    assert result.is_error and result.structured_content["error"]["code"] == "too_many_requests"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_without_a_key_nothing_is_answered(server: Server, method: str) -> None:
    for headers in ({}, {"Authorization": "Bearer fa_wrong"}):
        answer = server.client.request(method, "/mcp", headers=headers, json={"jsonrpc": "2.0", "id": 1, "method": "x"})
        assert answer.status_code == 401 and answer.json()["error"]["code"] == "unauthorized"


def test_a_body_that_is_no_protocol_is_refused_by_it(server: Server) -> None:
    for body in (b"", b"[]", b"{", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}' * 2):
        answer = server.client.post(
            "/mcp",
            content=body,
            headers={**server.headers(), "content-type": "application/json", "accept": "application/json"},
        )
        assert 400 <= answer.status_code < 500
