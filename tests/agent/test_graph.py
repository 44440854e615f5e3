"""The graph's shape, its checkpoints, and the door for LangGraph's own tools."""

import importlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from numpy.typing import NDArray
from PIL import Image

from faceagent.agent.chat.graph import build_analyst
from faceagent.agent.graph import build_graph
from faceagent.agent.runtime import build_tools
from faceagent.agent.state import RunContext, union
from faceagent.intake import MemoryBlobs, expand
from faceagent.policy import review
from faceagent.settings import Settings
from faceagent.types import Report, Request

ROOT = Path(__file__).resolve().parents[2]


def test_the_rooms_follow_each_other() -> None:
    drawn = build_graph().get_graph()
    edges = {(edge.source, edge.target) for edge in drawn.edges}
    order = ["__start__", "intake", "find_faces", "run_tool", "weigh", "explain", "compose", "__end__"]
    assert {(one, other) for one, other in zip(order, order[1:], strict=False)} <= edges


def test_union_keeps_order_and_repeats_nothing() -> None:
    assert union(["a", "b"], ["b", "c", "a"]) == ["a", "b", "c"]


def test_a_checkpoint_holds_keys_and_loads_strictly(astronaut: NDArray[np.uint8], settings: Settings) -> None:
    # An empty list of modules: anything but plain values in the state would fail to load.
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=[]))
    graph = build_graph(saver)
    blobs = MemoryBlobs()
    config = {"configurable": {"thread_id": "t"}}
    with ThreadPoolExecutor(2) as pool:
        request = Request(questions=("quality", "action_units"))
        context = RunContext(
            request=request,
            decisions=review(request, has_reference=False),
            sources=tuple(expand([astronaut], blobs)),
            references=(),
            settings=settings,
            blobs=blobs,
            tools=build_tools(settings),
            pool=pool,
        )
        graph.invoke({}, config=config, context=context)
    loaded = graph.get_state(config).values
    assert loaded["reports"] == ["0/report"]
    assert "0/F1:AU12" in loaded["evidence"]
    assert len(json.dumps(loaded)) < 20_000


def named(graph: str) -> Any:
    """The function that ``langgraph.json`` names for a graph."""
    target = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))["graphs"][graph]
    path, _, name = target.partition(":")
    module = importlib.import_module(path.removeprefix("./").removesuffix(".py").replace("/", "."))
    return getattr(module, name)


def test_langgraph_json_names_an_analyst_that_remembers(
    astronaut: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEAGENT_MEMORY", str(tmp_path / "memory"))
    monkeypatch.setenv("FACEAGENT_EXPLAIN", "ledger")
    photo = tmp_path / "a.png"
    Image.fromarray(astronaut).save(photo)
    graph, config = named("analyst")(), {"configurable": {"thread_id": "studio-1"}}
    first = graph.invoke({"text": "does she look happy?", "pictures": [str(photo)]}, config)
    assert "this face looks happy" in first["reply"]
    second = graph.invoke({"text": "why?"}, config)
    assert "AU12" in second["reply"]
    assert [json.loads(one)["event"] for one in second["events"]] == ["plan", "done"]


def test_the_conversations_steps_follow_each_other() -> None:
    drawn = build_analyst().get_graph()
    edges = {(edge.source, edge.target) for edge in drawn.edges}
    order = [
        "__start__",
        "understand",
        "load_images",
        "resolve_faces",
        "run_tool",
        "gather",
        "weigh",
        "explain",
        "sign_off",
        "reply",
    ]
    assert {(one, other) for one, other in zip(order, order[1:], strict=False)} <= edges
    assert {("weigh", "run_tool"), ("resolve_faces", "understand"), ("reply", "__end__")} <= edges


def test_langgraph_json_names_a_graph_that_runs(astronaut: NDArray[np.uint8], tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    Image.fromarray(astronaut).save(photo)
    answer = named("pipeline")().invoke({"pictures": [str(photo)], "questions": ["quality"]})
    assert answer["verdicts"][0][0].startswith("Usable")
    assert Report.model_validate_json(answer["reports"][0]).faces[0].id == "F1"
