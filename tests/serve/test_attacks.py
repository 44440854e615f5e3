"""What a hostile client tries: being read before it is known, filling memory and threads, pages of other sites."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_service import FakeAnalyst, Server, picture_bytes

from faceagent.intake import NamedBytes
from faceagent.serve.app import create_app
from faceagent.serve.settings import ServiceSettings
from faceagent.settings import Settings
from faceagent.storage.database import api_keys


@pytest.mark.parametrize("path", ["/v1/analyze", "/v1/chat/completions", "/v1/keys", "/v1/policies/test", "/mcp"])
def test_nothing_of_a_body_is_read_before_the_key_is_known(tmp_path: Path, path: str) -> None:
    read: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    async def main() -> int:
        app = create_app(ServiceSettings(database=str(tmp_path)), Settings(workers=1), FakeAnalyst)
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
                answer = await client.post(path, content=body(), headers={"content-type": "application/json"})
                return answer.status_code

    assert asyncio.run(main()) == 401 and read == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8156"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:8156"}, 200),
        ({"host": "127.0.0.1", "origin": "http://127.0.0.1:3000"}, 200),
        ({"host": "rebound.attacker.example"}, 403),
        ({"host": "127.0.0.1.attacker.example"}, 403),
        ({"host": ""}, 403),
        ({"host": "127.0.0.1", "origin": "https://attacker.example"}, 403),
        ({"host": "127.0.0.1", "origin": "null"}, 403),
    ],
)
def test_without_keys_no_web_page_of_another_site_is_answered(
    serve: Callable[..., Server], headers: dict[str, str], status: int
) -> None:
    client = serve(open=True).client
    answer = client.post("/v1/analyze", files={"image": ("a.png", picture_bytes())}, headers=headers)
    assert answer.status_code == status
    assert client.get("/v1/keys", headers=headers).status_code == status


def test_all_requests_together_hold_a_bounded_number_of_bytes(serve: Callable[..., Server]) -> None:
    server = serve(held_bytes=300_000)
    answer = server.post("/v1/analyze", files={"image": ("a.png", b"x" * 400_000)})
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
    # What was held is let go again.
    for _ in range(3):
        assert server.post("/v1/analyze", files={"image": ("a.png", b"x" * 200_000)}).status_code == 200


def test_what_would_not_fit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    read: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"x"

    async def main() -> tuple[int, str]:
        app = create_app(ServiceSettings(database=str(tmp_path), held_bytes=2000), Settings(workers=1), FakeAnalyst)
        async with app.router.lifespan_context(app):
            key = api_keys.create_key(app.state.service.database, "a", "submit").secret
            headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "content-length": "3000"}
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x") as client:
                answer = await client.post("/v1/analyze", content=body(), headers=headers)
                return answer.status_code, answer.headers["retry-after"]

    assert asyncio.run(main()) == (429, "5") and read == []


def test_one_key_has_a_bounded_number_of_requests_under_way(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(FakeAnalyst):
        def analyze_many(self, given: Sequence[NamedBytes], **options: Any) -> Any:
            begun.set()
            go_on.wait(60)
            return super().analyze_many(given, **options)

    async def main() -> list[int]:
        app = create_app(ServiceSettings(database=str(tmp_path), concurrent=1), Settings(workers=1), Slow)
        async with app.router.lifespan_context(app):
            keys = [api_keys.create_key(app.state.service.database, name, "submit").secret for name in ("a", "b")]
            first, other = (
                httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(app),
                    base_url="http://x",
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=60,
                )
                for key in keys
            )
            slow = asyncio.create_task(first.post("/v1/analyze", files={"image": ("a.png", picture_bytes())}))
            await asyncio.to_thread(begun.wait, 60)
            meanwhile = [(await client.get("/v1/jobs")).status_code for client in (first, other)]
            go_on.set()
            return [*meanwhile, (await slow).status_code, (await first.get("/v1/jobs")).status_code]

    assert asyncio.run(main()) == [429, 200, 200, 200]
