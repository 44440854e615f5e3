"""The nodes of the graph of ``analyze``: each fetches records by key, calls one function of ``pipeline``, stores."""

from collections.abc import Callable
from functools import wraps
from typing import Literal, Protocol, cast

from langgraph.runtime import Runtime
from langgraph.types import Send

from faceagent.agent import pipeline
from faceagent.agent.state import PipelineState, RunContext, ToolBatch
from faceagent.agent.views import (
    explained_crops,
    findings_of,
    largest_faces,
    of_item,
    put_faces,
    reference_findings_of,
    reference_views,
    view_of,
)
from faceagent.storage.keys import (
    REFERENCES,
    explanation_key,
    item_of,
    picture_key,
    record_key,
    reference_key,
    report_key,
)
from faceagent.storage.record import Record
from faceagent.types import Evidence, Face, Picture, Problem, Verdict


class Node(Protocol):
    """What LangGraph calls: the parameters' names matter, for it passes ``runtime`` by keyword."""

    def __call__(self, state: PipelineState, *, runtime: Runtime[RunContext]) -> PipelineState:
        """State in, what changes out."""
        ...


def _timed(part: str) -> Callable[[Node], Node]:
    """A node is a step of the run called ``part``."""

    def clocked(node: Node) -> Node:
        @wraps(node)
        def run(state: PipelineState, *, runtime: Runtime[RunContext]) -> PipelineState:
            with runtime.context.step(part):
                return node(state, runtime=runtime)

        return cast(Node, run)

    return clocked


@_timed("intake")
def load_images(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """Every picture asked about, and the references, which all batches of a run share and which are read once."""
    context = runtime.context
    items = [str(index) for index in range(len(context.sources))]
    sources = {picture_key(item): source for item, source in zip(items, context.sources, strict=True)}
    references = {reference_key(number): source for number, source in enumerate(context.references, start=1)}
    sources |= {key: source for key, source in references.items() if not _read(context.record, key)}
    found = pipeline.load_images(sources, context.blobs, context.settings, context.pool)
    for key, one in found.items():
        context.record.put(key, one)
    return {"items": items, "pictures": list(dict.fromkeys([*found, *references]))}


def _read(record: Record, key: str) -> bool:
    """Whether the picture under ``key`` was read before, as references are after the first batch of a run."""
    return record.is_a(key, Picture) or record.is_a(key, Problem)


@_timed("faces")
def find_faces(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """The faces of every picture that could be read."""
    context = runtime.context
    record = context.record
    readable = {key: record.get(key, Picture) for key in state["pictures"] if record.is_a(key, Picture)}
    new = {key: picture for key, picture in readable.items() if picture.faces_found is None}
    compared = "identity" in context.allowed and bool(context.references)
    every_face = {key for key in new if compared or item_of(key) == REFERENCES}
    found = pipeline.find_faces(
        new, context.blobs, context.settings, context.pool, every_face=every_face, is_late=context.is_late
    )
    return {"faces": list(dict.fromkeys([*put_faces(record, found), *record.keys(REFERENCES, Face)]))}


def send_tools(state: PipelineState, runtime: Runtime[RunContext]) -> list[Send] | Literal["weigh"]:
    """One branch per required tool, with all faces or all pictures it measures."""
    context = runtime.context
    faces, pictures = state.get("faces", []), state["pictures"]
    every_face = [key for key in faces if item_of(key) != REFERENCES]
    largest = largest_faces(every_face, context.settings.max_faces)
    whole = [key for key in pictures if item_of(key) != REFERENCES and context.record.is_a(key, Picture)]
    specs = [tool.spec for tool in context.tools.values()]
    views = {
        spec.name: whole if spec.scope == "picture" else every_face if spec.every_face else largest for spec in specs
    }
    needed = pipeline.required_tools(context.allowed, specs, has_vlm=context.has_vlm)
    sends = [
        Send(
            "run_tool",
            ToolBatch(
                tool=spec.name,
                views=views[spec.name],
                pictures=[key for key in pictures if item_of(key) == REFERENCES],
                faces=[key for key in faces if item_of(key) == REFERENCES],
            ),
        )
        for spec in specs
        if spec.name in needed and views[spec.name]
    ]
    return sends or "weigh"


def run_tool(state: ToolBatch, runtime: Runtime[RunContext]) -> PipelineState:
    """One tool over all its views, in one batch."""
    context = runtime.context
    references = reference_views(context, state["pictures"], state["faces"])
    views = [view_of(context, key, references) for key in state["views"]]
    with context.step(f"tool.{state['tool']}"):
        groups = pipeline.run_tool(context.tools[state["tool"]], views, context.allowed, is_late=context.is_late)
    return {
        "evidence": [
            context.record.put(record_key(item_of(key), evidence.id), evidence)
            for key, group in zip(state["views"], groups, strict=True)
            for evidence in group
        ]
    }


@_timed("weigh")
def weigh(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """A verdict per allowed question and face, or picture."""
    context = runtime.context
    record = context.record
    keys: list[str] = []
    for item in state["items"]:
        faces = of_item(record, state.get("faces", []), item, Face)
        evidence = of_item(record, state.get("evidence", []), item, Evidence)
        for picture in of_item(record, state["pictures"], item, Picture):
            most = context.settings.max_faces
            verdicts = pipeline.weigh(context.allowed, picture, faces, evidence, most_faces=most)
            keys += [record.put(record_key(item, verdict.id), verdict) for verdict in verdicts]
    return {"verdicts": keys}


@_timed("explain")
def explain(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """An explanation per verdict, checked against the record before it is kept."""
    context = runtime.context
    record = context.record
    keys: list[str] = []
    for item in state["items"]:
        evidence = of_item(record, state.get("evidence", []), item, Evidence)
        verdicts = of_item(record, state.get("verdicts", []), item, Verdict)
        crops = explained_crops(context, item, state.get("faces", []))
        explainer = None if context.is_late() else context.explainer
        explanations = pipeline.explain(verdicts, evidence, explainer, crops)
        keys += [
            record.put(explanation_key(item, verdict), explanation)
            for verdict, explanation in zip(verdicts, explanations, strict=True)
        ]
    return {"explanations": keys}


@_timed("compose")
def compose(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """One report per picture asked about, also for those that could not be read."""
    context = runtime.context
    record = context.record
    kept = [*state["pictures"], *state.get("faces", [])]
    references = reference_findings_of(context, kept)
    kept += [*state.get("evidence", []), *state.get("verdicts", []), *state.get("explanations", [])]
    keys: list[str] = []
    for item, source in zip(state["items"], context.sources, strict=True):
        composed = pipeline.compose_report(
            context.request,
            context.settings,
            findings_of(record, kept, item, source.name),
            references,
            context.decisions,
            tools=context.tools,
            timings_ms=record.timings_ms(len(context.sources)),
        )
        keys.append(record.put(report_key(item), composed))
    return {"reports": keys}
