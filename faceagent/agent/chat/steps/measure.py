"""One tool over its pictures, on a branch of its own: first looks, and second ones through another crop."""

from langgraph.runtime import Runtime

from faceagent.agent import nodes
from faceagent.agent.chat import follow_up, phrases, queries
from faceagent.agent.chat.events import Noted, Recorded, ToolStarted
from faceagent.agent.chat.state import ToolCall, TurnContext, TurnState
from faceagent.agent.state import REFERENCES, PipelineState
from faceagent.agent.views import item_of, reference_views, view_of
from faceagent.storage.conversation_store import ToolRun
from faceagent.types import Evidence, Face


def run_tool(state: ToolCall, runtime: Runtime[TurnContext]) -> TurnState:
    """One tool over its pictures. What cannot be looked at any more is told; everything else is kept at once."""
    call, context, store, write = state, runtime.context, runtime.context.store, runtime.stream_writer
    tool = context.tools[call["tool"]]
    with context.meter.work():
        views = [
            view for item in call["items"] for view in queries.views_of(store, item, tool, call["faces"].get(item))
        ]
        gone = {
            item: problem for item in call["items"] if (problem := context.images.problem(queries.subject_key(item)))
        }  # fmt: skip
    for item, problem in gone.items():
        if context.images.first_time(queries.subject_key(item)):
            words = phrases.gone(call["language"], queries.name_of(store, item), problem)
            write(Noted(code=problem.reason, text=words))
    views = [view for view in views if item_of(view) not in gone]
    if not call["look"] and not call["again"]:
        # Where a killed process left off, a tool may have looked already.
        views = queries.unseen(store, tool, views, call["questions"])
    if not views:
        return {}
    numbers = tuple(int(item) for item in call["items"] if item not in gone)
    write(ToolStarted(tool=call["tool"], pictures=numbers, look=call["look"], why=call["why"]))
    with context.meter.work():
        keys = _second_looks(context, call, views) if call["look"] else _first_looks(runtime, call, views)
    store.keep()
    order = {key: place for place, key in enumerate(store.numbered(), start=1)}
    for key in keys:
        write(Recorded(picture=int(item_of(key)), number=order[key], evidence=store.get(key, Evidence)))
    return {}


def _first_looks(runtime: Runtime[TurnContext], call: ToolCall, views: list[str]) -> list[str]:
    store, tool = runtime.context.store, runtime.context.tools[call["tool"]]
    for key in queries.references_of(store):
        runtime.context.images.problem(key)
    found = nodes.run_tool(queries.fan_of(store, call, views), runtime=runtime)  # type: ignore[arg-type]  # a Talk is a Context
    looked = ToolRun(questions=tuple(call["questions"]), references=queries.reference_digests(store, tool))
    for view in views:
        key = queries.looked_key(view, call["tool"])
        before = store.get(key, ToolRun).questions if store.is_a(key, ToolRun) else ()
        questions = tuple(dict.fromkeys((*before, *looked.questions)))
        store.put(key, looked.model_copy(update={"questions": questions}))
    return found.get("evidence", [])


def _second_looks(context: TurnContext, call: ToolCall, views: list[str]) -> list[str]:
    store, name = context.store, call["tool"]
    state = PipelineState(pictures=queries.references_of(store), faces=store.keys(REFERENCES, Face))
    references = reference_views(context, state)
    known = [
        [item for key in store.keys(item_of(view), Evidence) if (item := store.get(key, Evidence)).tool.name == name]
        for view in views
    ]
    whole = [view_of(context, view, references) for view in views]
    keys: list[str] = []
    for view, lens, first in zip(views, whole, known, strict=True):
        for item in follow_up.look_again(context.tools[name], [lens], call["look"], [first]):
            keys.append(store.put(f"{item_of(view)}/{item.id}", item))
        store.put(queries.looked_key(view, name, call["look"]), ToolRun(questions=tuple(call["questions"])))
    return keys


def gather(state: TurnState) -> TurnState:
    """All branches are done; what they were for is in the notebook."""
    del state
    return {"calls": []}
