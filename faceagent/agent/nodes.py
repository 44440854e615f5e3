"""The graph's nodes. Each only fetches nouns by key, calls one plain function of a room, and stores what it returns."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial, wraps
from typing import Protocol, TypeVar, cast

from langgraph.runtime import Runtime
from langgraph.types import Send

from faceagent import intake, judge, policy, report
from faceagent.agent.explainer import VOICED
from faceagent.agent.state import REFERENCES, PipelineState, RunContext, ToolBatch
from faceagent.agent.views import item_of, of_item, portrait, reference_views, view_of
from faceagent.errors import FaceagentError
from faceagent.explain import Narrator
from faceagent.faces import find_faces
from faceagent.tools.base import measure
from faceagent.types import (
    QUESTIONS,
    SUBJECT,
    Evidence,
    Explanation,
    Face,
    LostReference,
    Picture,
    PolicyDecision,
    Problem,
    Source,
    Verdict,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")


class Node(Protocol):
    """What LangGraph calls: the parameters' names matter, for it passes ``runtime`` by keyword."""

    def __call__(self, state: PipelineState, *, runtime: Runtime[RunContext]) -> PipelineState:
        """State in, what changes out."""
        ...


def _timed(part: str) -> Callable[[Node], Node]:
    """Clock a node under ``part``."""

    def clocked(node: Node) -> Node:
        @wraps(node)
        def run(state: PipelineState, *, runtime: Runtime[RunContext]) -> PipelineState:
            with runtime.context.record.clock(part):
                return node(state, runtime=runtime)

        return cast(Node, run)

    return clocked


def _each(pool: Executor, function: Callable[[T], R], items: list[T]) -> list[R]:
    """Apply to each; one item runs in place, because a hop to another thread costs more than it gains."""
    return [function(items[0])] if len(items) == 1 else list(pool.map(function, items))


@_timed("policy")
def decide_policy(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """What may be answered. Before anything else: a refused question must not touch the picture."""
    context = runtime.context
    decisions = policy.review(context.request, has_reference=bool(context.references))
    for decision in decisions:
        context.record.put(f"policy/{decision.question}", decision)
    return {"allowed": [one.question for one in decisions if one.decision != "refuse"]}


@_timed("intake")
def take_pictures(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """Intake of every picture asked about, and of the references, which all of them share."""
    context = runtime.context
    items = [str(index) for index in range(len(context.sources))]
    jobs = [(item, SUBJECT, source) for item, source in zip(items, context.sources, strict=True)]
    jobs += [(REFERENCES, f"R{number}", source) for number, source in enumerate(context.references, start=1)]

    def take(job: tuple[str, str, Source]) -> str:
        item, name, source = job
        return context.record.put(f"{item}/{name}", intake.take(source, context.blobs, context.settings, id=name))

    return {"items": items, "pictures": _each(context.pool, take, jobs)}


@_timed("faces")
def find_all_faces(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """Faces of every picture that could be read."""
    context = runtime.context
    readable = [key for key in state["pictures"] if context.record.is_a(key, Picture)]

    def find(key: str) -> list[str]:
        picture = context.record.get(key, Picture)
        try:
            faces = find_faces(picture, context.blobs.pixels(picture.sha256), context.settings)
        except FaceagentError:
            raise
        except Exception as error:
            # A mistake of ours on one picture must not cost the others of its batch their answer.
            logger.exception("the face finder crashed on %s", picture.sha256[:12])
            words = f"The face finder failed on this picture ({type(error).__name__})."
            context.record.put(key, Problem(reason="crashed", message=words, remedy="Please report this picture."))
            return []
        return [context.record.put(f"{item_of(key)}/{face.id}", face) for face in faces]

    return {"faces": [key for keys in _each(context.pool, find, readable) for key in keys]} if readable else {}


def fan_out(state: PipelineState, runtime: Runtime[RunContext]) -> list[Send] | str:
    """One branch per tool that an allowed question needs, with all faces (or pictures) it shall look at."""
    context = runtime.context
    faces, pictures = state.get("faces", []), state["pictures"]
    mine = [key for key in faces if item_of(key) != REFERENCES]
    whole = [key for key in pictures if item_of(key) != REFERENCES and context.record.is_a(key, Picture)]
    needed = {source for question in state["allowed"] for source in judge.sources(question)}
    sends = []
    for name, tool in context.tools.items():
        if "model" in tool.spec.needs and not (context.narrator and context.narrator.opinionated):
            continue
        views = mine if tool.spec.scope == "face" else whole
        if views and not needed.isdisjoint(tool.spec.questions):
            fan = ToolBatch(
                tool=name,
                views=views,
                allowed=state["allowed"],
                pictures=[key for key in pictures if item_of(key) == REFERENCES],
                faces=[key for key in faces if item_of(key) == REFERENCES],
            )
            sends.append(Send("run_tool", fan))
    return sends or "weigh"


def run_tool(state: ToolBatch, runtime: Runtime[RunContext]) -> PipelineState:
    """One tool over all its views, in one batch."""
    context = runtime.context
    references = reference_views(context, {"pictures": state["pictures"], "faces": state["faces"]})
    with context.record.clock(f"tool.{state['tool']}"):
        groups = measure(context.tools[state["tool"]], [view_of(context, key, references) for key in state["views"]])
    return {
        "evidence": [
            context.record.put(f"{item_of(key)}/{evidence.id}", evidence)
            for key, group in zip(state["views"], groups, strict=True)
            for evidence in group
            # A tool that answers several questions says only what was asked for and allowed.
            if any(judge.bears_on(question, evidence) for question in state["allowed"])
        ]
    }


@_timed("weigh")
def weigh(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """A verdict per allowed question and face, or picture."""
    record = runtime.context.record
    keys: list[str] = []
    for item in state["items"]:
        faces = of_item(record, state.get("faces", []), item, Face)
        evidence = of_item(record, state.get("evidence", []), item, Evidence)
        for picture in of_item(record, state["pictures"], item, Picture):
            for question in (one for one in QUESTIONS if one in state["allowed"]):
                verdicts = judge.answer(question, picture, faces, evidence)
                keys += [record.put(f"{item}/{verdict.id}", verdict) for verdict in verdicts]
    return {"verdicts": keys}


@_timed("explain")
def explain_verdicts(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """An explanation per verdict, checked against the record before it is kept."""
    record, narrator = runtime.context.record, runtime.context.narrator or Narrator(None)
    keys: list[str] = []
    for item in state["items"]:
        evidence = of_item(record, state.get("evidence", []), item, Evidence)
        crops = {
            record.get(key, Face).id: partial(portrait, runtime.context, key)
            for key in [key for key in state.get("faces", []) if item_of(key) == item][:VOICED]
        }
        for verdict in of_item(record, state.get("verdicts", []), item, Verdict):
            explanation = narrator.explain(verdict, evidence, crops.get(verdict.subject))
            keys.append(record.put(f"{item}/E:{verdict.subject}:{verdict.question}", explanation))
    return {"explanations": keys}


@_timed("compose")
def compose(state: PipelineState, runtime: Runtime[RunContext]) -> PipelineState:
    """One report per picture asked about, also for those that could not be read."""
    context = runtime.context
    record = context.record
    rank = {name: number for number, name in enumerate(context.tools)}
    allowed = [key for question in QUESTIONS if record.is_a(key := f"policy/{question}", PolicyDecision)]
    decisions = of_item(record, allowed, "policy", PolicyDecision)
    faces, pictures = state.get("faces", []), state["pictures"]
    lost = tuple(
        LostReference(source=source.name, problem=record.get(key, Problem))
        for number, source in enumerate(context.references, start=1)
        if record.is_a(key := f"{REFERENCES}/R{number}", Problem)
    )
    keys: list[str] = []
    for item, source in zip(state["items"], context.sources, strict=True):
        evidence = of_item(record, state.get("evidence", []), item, Evidence)
        found = of_item(record, faces, item, Face)
        places = {face.id: place for place, face in enumerate(found)}
        composed = report.compose(
            request=context.request,
            settings=context.settings,
            source=source.name,
            problems=of_item(record, pictures, item, Problem),
            pictures=of_item(record, pictures, item, Picture),
            references=of_item(record, pictures, REFERENCES, Picture),
            lost_references=lost,
            faces=found,
            reference_faces=of_item(record, faces, REFERENCES, Face),
            evidence=tuple(sorted(evidence, key=lambda one: (places.get(one.subject, -1), rank[one.tool.name]))),
            verdicts=of_item(record, state.get("verdicts", []), item, Verdict),
            explanations=of_item(record, state.get("explanations", []), item, Explanation),
            decisions=decisions,
            timings_ms=record.timings_ms(len(context.sources)),
        )
        keys.append(record.put(f"{item}/report", composed))
    return {"reports": keys}
