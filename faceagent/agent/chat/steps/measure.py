"""One tool over its pictures, on a branch of its own: first measurements, and second ones through another crop."""

from langgraph.runtime import Runtime

from faceagent.agent import pipeline
from faceagent.agent.chat import follow_up, phrases, queries
from faceagent.agent.chat.events import Noted, Recorded, ToolStarted
from faceagent.agent.chat.state import ToolCall, TurnContext, TurnState
from faceagent.agent.views import reference_views, view_of
from faceagent.storage.conversation_store import ToolRun
from faceagent.storage.keys import item_of, picture_key, record_key, tool_run_key
from faceagent.types import Evidence, Problem


def run_tool(state: ToolCall, runtime: Runtime[TurnContext]) -> TurnState:
    """One tool over its pictures. Pictures that are gone are reported; everything else is kept at once."""
    call, context, store, write = state, runtime.context, runtime.context.record, runtime.stream_writer
    tool = context.tools[call["tool"]]
    with context.stopwatch.work():
        gone = _gone(context, call)
    for item, problem in gone.items():
        if context.images.first_time(picture_key(item)):
            words = phrases.gone(call["language"], queries.name_of(store, item), problem)
            write(Noted(code=problem.reason, text=words))
    items = [item for item in call["items"] if item not in gone]
    most = context.settings.max_faces
    views = [view for item in items for view in queries.views_of(store, item, tool, call["faces"].get(item), most)]
    if not call["crop"] and not call["again"]:
        # Where a killed process stopped, a tool may have measured already.
        views = queries.unmeasured(store, tool, views, call["questions"])
    if not views:
        return {}
    numbers = tuple(int(item) for item in items)
    write(ToolStarted(tool=call["tool"], pictures=numbers, crop=call["crop"], why=call["why"]))
    with context.stopwatch.work():
        keys = _measure_again(context, call, views) if call["crop"] else _measure(context, call, views)
    store.flush()
    order = {key: place for place, key in enumerate(store.evidence_keys(), start=1)}
    for key in keys:
        write(Recorded(picture=int(item_of(key)), number=order[key], evidence=store.get(key, Evidence)))
    return {}


def _gone(context: TurnContext, call: ToolCall) -> dict[str, Problem]:
    """The pictures of a call that can no longer be read, and why."""
    problems = {item: context.images.problem(picture_key(item)) for item in call["items"]}
    return {item: problem for item, problem in problems.items() if problem is not None}


def _measure(context: TurnContext, call: ToolCall, views: list[str]) -> list[str]:
    """The keys of new evidence; that these views were measured is recorded whatever came of it."""
    store, tool = context.record, context.tools[call["tool"]]
    for key in queries.references_of(store):
        context.images.problem(key)
    references = reference_views(context, *queries.reference_keys(store))
    with store.clock(f"tool.{call['tool']}"):
        groups = pipeline.run_tool(tool, [view_of(context, view, references) for view in views], call["questions"])
    keys = [
        store.put(record_key(item_of(view), evidence.id), evidence)
        for view, group in zip(views, groups, strict=True)
        for evidence in group
    ]
    digests = queries.reference_digests(store, tool)
    for view in views:
        key = tool_run_key(view, call["tool"])
        before = store.get(key, ToolRun).questions if store.is_a(key, ToolRun) else ()
        store.put(key, ToolRun(questions=tuple(dict.fromkeys((*before, *call["questions"]))), references=digests))
    return keys


def _measure_again(context: TurnContext, call: ToolCall, views: list[str]) -> list[str]:
    """The keys of evidence from another crop, each beside the evidence from the usual one."""
    store, name = context.record, call["tool"]
    references = reference_views(context, *queries.reference_keys(store))
    keys: list[str] = []
    for view in views:
        item = item_of(view)
        first = [one for one in queries.evidence_of(store, item) if one.tool.name == name]
        whole = view_of(context, view, references)
        for evidence in follow_up.measure_again(context.tools[name], [whole], call["crop"], [first]):
            keys.append(store.put(record_key(item, evidence.id), evidence))
        store.put(tool_run_key(view, name, call["crop"]), ToolRun(questions=tuple(call["questions"])))
    return keys


def gather(state: TurnState) -> TurnState:
    """All branches are done; what they measured is in the record."""
    del state
    return {"calls": []}
