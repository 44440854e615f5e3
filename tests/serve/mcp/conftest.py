"""An MCP server over light tools, one of them a third party's with a heat map, and the official client."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcp import Client
from numpy.typing import NDArray
from PIL import Image

from faceagent import Analyst, Settings
from faceagent.agent.runtime import build_tools
from faceagent.serve.mcp.server import build
from faceagent.serve.mcp.service import McpService, local
from faceagent.tools.base import Tool, ToolSpec, View, stamped
from faceagent.types import Evidence, HeatMap, Score, ToolStamp


class Brightness:
    """What a third party adds: the server must offer it without knowing it."""

    spec = ToolSpec(
        name="brightness",
        version="1.0.0",
        title="Brightness",
        summary="Mean grey level of a face.",
        questions=("quality",),
        scope="face",
    )

    def stamp(self) -> ToolStamp:
        return stamped(self.spec)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        return [(self._measure(view),) for view in batch]

    def _measure(self, view: View) -> Evidence:
        mean = float(view.pixels().mean())
        assert view.face is not None
        return Evidence(
            id=f"{view.subject}:brightness",
            tool=self.stamp(),
            question="quality",
            subject=view.subject,
            score=Score(value=mean, scale="count"),
            heatmap=HeatMap(box=view.face.box, values=((0.0, 1.0), (0.5, 0.2))),
            statement=f"The mean grey level is {mean:.0f} of 255.",
        )


class Crashing(Brightness):
    spec = Brightness.spec.model_copy(update={"name": "crashing"})

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        raise RuntimeError("/home/secret")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    place = tmp_path_factory.mktemp("pictures")
    Image.fromarray(astronaut).save(place / "photo.jpg", quality=95)
    Image.new("RGB", (64, 64), "green").save(place / "green.png")
    (place / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    return place


@pytest.fixture
def service(tmp_path: Path, folder: Path) -> Iterator[McpService]:
    settings = Settings(workers=1, memory=str(tmp_path / "conversations"), explain="ledger", turn_seconds=600)
    tools: dict[str, Tool] = {"quality": build_tools(settings)["quality"], "brightness": Brightness()}
    with Analyst(settings, {**tools, "crashing": Crashing()}) as analyst:
        made = local(analyst, [folder])
        yield made
        made.close()


@pytest.fixture
def talk(service: McpService) -> Callable[..., Any]:
    """Runs ``session(client)`` with a client of this server; ``mode="legacy"`` is the protocol before 2026."""

    def run(session: Callable[[Client], Coroutine[Any, Any, Any]], mode: str = "auto") -> Any:
        import asyncio

        async def main() -> Any:
            async with Client(build(service), mode=mode) as client:
                return await session(client)

        return asyncio.run(main())

    return run
