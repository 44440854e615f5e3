"""One tool over its pictures, on a branch of its own: first looks, and second ones through another crop."""

from langgraph.runtime import Runtime

from faceagent.agent import nodes
from faceagent.agent.chat import further, looking, phrases
from faceagent.agent.chat.events import Noted, Recorded, ToolStarted
from faceagent.agent.chat.state import Call, Talk, Turn
from faceagent.agent.notebook import Looked
from faceagent.agent.state import REFERENCES, State
from faceagent.agent.views import item_of, reference_views, view_of
from faceagent.types import Evidence, Face


def run_tool(state: Call, runtime: Runtime[Talk]) -> Turn:
    """One tool over its pictures. What cannot be looked at any more is told; everything else is kept at once."""
    call, talk, book, write = state, runtime.context, runtime.context.book, runtime.stream_writer
    tool = talk.tools[call["tool"]]
    with talk.meter.work():
        views = [view for item in call["items"] for view in looking.views_of(book, item, tool, call["faces"].get(item))]
        gone = {
            item: problem for item in call["items"] if (problem := talk.shelf.problem(looking.subject_key(item)))
        }  # fmt: skip
    for item, problem in gone.items():
        if talk.shelf.first_time(looking.subject_key(item)):
            words = phrases.gone(call["language"], looking.name_of(book, item), problem)
            write(Noted(code=problem.reason, text=words))
    views = [view for view in views if item_of(view) not in gone]
    if not call["look"] and not call["again"]:
        # Where a killed process left off, a tool may have looked already.
        views = looking.unseen(book, tool, views, call["questions"])
    if not views:
        return {}
    numbers = tuple(int(item) for item in call["items"] if item not in gone)
    write(ToolStarted(tool=call["tool"], pictures=numbers, look=call["look"], why=call["why"]))
    with talk.meter.work():
        keys = _second_looks(talk, call, views) if call["look"] else _first_looks(runtime, call, views)
    book.keep()
    order = {key: place for place, key in enumerate(book.numbered(), start=1)}
    for key in keys:
        write(Recorded(picture=int(item_of(key)), number=order[key], evidence=book.get(key, Evidence)))
    return {}


def _first_looks(runtime: Runtime[Talk], call: Call, views: list[str]) -> list[str]:
    book, tool = runtime.context.book, runtime.context.tools[call["tool"]]
    for key in looking.references_of(book):
        runtime.context.shelf.problem(key)
    found = nodes.run_tool(looking.fan_of(book, call, views), runtime=runtime)  # type: ignore[arg-type]  # a Talk is a Context
    looked = Looked(questions=tuple(call["questions"]), references=looking.reference_digests(book, tool))
    for view in views:
        key = looking.looked_key(view, call["tool"])
        before = book.get(key, Looked).questions if book.is_a(key, Looked) else ()
        questions = tuple(dict.fromkeys((*before, *looked.questions)))
        book.put(key, looked.model_copy(update={"questions": questions}))
    return found.get("evidence", [])


def _second_looks(talk: Talk, call: Call, views: list[str]) -> list[str]:
    book, name = talk.book, call["tool"]
    state = State(pictures=looking.references_of(book), faces=book.keys(REFERENCES, Face))
    references = reference_views(talk, state)
    known = [
        [item for key in book.keys(item_of(view), Evidence) if (item := book.get(key, Evidence)).tool.name == name]
        for view in views
    ]
    whole = [view_of(talk, view, references) for view in views]
    keys: list[str] = []
    for view, lens, first in zip(views, whole, known, strict=True):
        for item in further.look_again(talk.tools[name], [lens], call["look"], [first]):
            keys.append(book.put(f"{item_of(view)}/{item.id}", item))
        book.put(looking.looked_key(view, name, call["look"]), Looked(questions=tuple(call["questions"])))
    return keys


def gather(state: Turn) -> Turn:
    """All branches are done; what they were for is in the notebook."""
    del state
    return {"calls": []}
