"""A service with an analyst that answers at once: these tests are about the transport. The real one is in tests/e2e."""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

from faceagent import policy
from faceagent.agent.runtime import build_tools
from faceagent.agent.state import StepProgress
from faceagent.errors import InputError
from faceagent.intake import NamedBytes
from faceagent.serve.app import create_app
from faceagent.serve.settings import ServiceSettings
from faceagent.settings import Settings
from faceagent.storage.database import api_keys
from faceagent.types import (
    Evidence,
    Face,
    HeatMap,
    Manifest,
    Picture,
    Probability,
    Problem,
    Quality,
    Report,
    Request,
    Score,
    ToolStamp,
    Verdict,
)

STAMP = ToolStamp(name="forgery", version="1")


def picture_bytes(shade: int = 90, side: int = 32) -> bytes:
    """A small grey PNG; each shade has other bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), shade, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def report_on(given: NamedBytes, request: Request, positive: float = 0.95) -> Report:
    """A report on 32×32 px with one face that was called forged."""
    data = given.data
    manifest = Manifest(faceagent="0", python="3", packages={}, profile="embedded", seed=0, created="2026-01-01")
    if not data.startswith(b"\x89PNG"):
        problem = Problem(reason="unsupported_format", message="This is no picture.")
        return Report(request=request, source=given.name, problem=problem, manifest=manifest)
    quality = Quality.model_validate(dict.fromkeys(Quality.model_fields, 80.0))
    box = (4.0, 4.0, 28.0, 28.0)
    points = ((10.0, 12.0), (22.0, 12.0), (16.0, 17.0), (11.0, 23.0), (21.0, 23.0))
    return Report(
        request=request,
        source=given.name,
        picture=Picture(
            id="P1", sha256="0" * 64, width=32, height=32, format="PNG", bytes=len(data), source=given.name, mode="RGB",
            orientation=1,
        ),
        faces=(Face(id="F1", picture="P1", box=box, confidence=0.9, points5=points, quality=quality),),
        evidence=(
            Evidence(
                id="F1:forgery",
                tool=STAMP,
                question="forgery",
                subject="F1",
                score=Score(value=2.0, scale="logit"),
                heatmap=HeatMap(box=box, values=((0.1, 0.9), (0.2, 0.3))),
                statement="The score is 2.0.",
            ),
        ),
        verdicts=(
            Verdict(
                id="V:F1:forgery",
                question="forgery",
                subject="F1",
                label="forged",
                wording="Forged, 95 %.",
                status="stable",
                positive=Probability(value=positive, low=0.9, high=0.99),
                action="act",
            ),
        ),
        manifest=manifest,
    )  # fmt: skip


class FakeAnalyst:
    """Reports at once; counts its batches."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.batches = settings, list[int]()
        self.before: Callable[[Sequence[bytes]], None] = lambda pictures: None
        self.with_references: Callable[[list[NamedBytes]], None] = lambda references: None
        self.runtime = SimpleNamespace(tools=build_tools(settings))

    def with_tool(self, name: str) -> "FakeAnalyst":
        assert name in self.runtime.tools
        return self

    def analyze_many(self, given: Sequence[NamedBytes], **options: Any) -> Iterator[Report]:
        pictures = [one.data for one in given]
        self.batches.append(len(pictures))
        self.before(pictures)
        self.with_references(options["references"])
        if (watch := options["watch"]) is not None:
            for state in ("started", "ended"):
                watch(StepProgress(part="faces", state=state))
        if any(data == b"broken request" for data in pictures):
            raise InputError("This request is broken.")
        request = Request(questions=policy.expand(options["questions"]))
        policy.review(request.model_copy(update={"purpose": options["purpose"] or "unstated"}), has_reference=False)
        return iter([report_on(one, request) for one in given])

    def __enter__(self) -> "FakeAnalyst":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Server:
    """A running application, its parts, and keys of every role."""

    def __init__(self, client: TestClient, made: list[FakeAnalyst]) -> None:
        self.client, self.app, self._made = client, client.app, made
        self.service = self.app.state.service
        self.keys = {role: api_keys.create_key(self.service.database, role, role) for role in api_keys.ROLES}

    @property
    def analyst(self) -> FakeAnalyst:
        self.service.batcher.analyst()
        return self._made[0]

    def headers(self, role: str = "submit") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[role].secret}"}

    def get(self, path: str, role: str = "submit", **options: Any) -> Any:
        return self.client.get(path, headers={**self.headers(role), **options.pop("headers", {})}, **options)

    def post(self, path: str, role: str = "submit", **options: Any) -> Any:
        return self.client.post(path, headers={**self.headers(role), **options.pop("headers", {})}, **options)

    def delete(self, path: str, role: str = "submit") -> Any:
        return self.client.delete(path, headers=self.headers(role))

    def analyse(self, data: bytes, role: str = "submit", **fields: Any) -> Any:
        return self.post("/v1/analyze", role, files={"image": ("a.png", data)}, data=fields)


def start_server(place: Path, **settings: Any) -> "tuple[Server, TestClient]":
    """A running application in that folder, with these settings of the service, and its client to be closed."""
    made: list[FakeAnalyst] = []

    def make(wanted: Settings) -> FakeAnalyst:
        made.append(FakeAnalyst(wanted))
        return made[-1]

    wanted = ServiceSettings(**{"database": str(place), "poll_seconds": 0.05, **settings})
    client = TestClient(create_app(wanted, Settings(workers=1), make), raise_server_exceptions=False)
    client.__enter__()
    return Server(client, made), client
