"""Pictures that were not read before are, and their faces found; the same for references."""

from langgraph.runtime import Runtime

from faceagent.agent import nodes
from faceagent.agent.chat import looking, phrases
from faceagent.agent.chat.events import FacesFound, Noted
from faceagent.agent.chat.state import Remark, Talk, Turn
from faceagent.agent.route import Plan
from faceagent.agent.state import REFERENCES, State
from faceagent.agent.views import item_of
from faceagent.types import Picture, Problem, Question, Source


def look(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """Pictures that were not read before are, and their faces found; the same for references."""
    talk, plan = runtime.context, Plan.model_validate(state["plan"])
    book, write = talk.book, runtime.stream_writer
    items = _with_reference(talk, plan, state["items"], state["allowed"])
    remarks = state["remarks"]
    if items != state["items"]:
        first = looking.name_of(book, state["items"][0])
        remarks = [*remarks, Remark(key="became_reference", values={"picture": first})]
    fresh = looking.unread(book, items)
    with talk.meter.work():
        read = {key: talk.shelf.take(key) for key in fresh}
        readable = [key for key, found in read.items() if isinstance(found, Picture)]
        if readable:
            nodes.find_all_faces(State(pictures=readable), runtime=runtime)  # type: ignore[arg-type]  # a Talk is a Context
    book.keep()
    for key in fresh:
        if book.is_a(key, Problem):
            name = book.get(f"{key}:source", Source).name
            problem = book.get(key, Problem)
            write(Noted(code=problem.reason, text=phrases.unreadable(plan.language, name, problem)))
    for key in readable:
        if item_of(key) != REFERENCES:
            faces = tuple(face.id for face in looking.faces_of(book, item_of(key), None))
            source = looking.name_of(book, item_of(key))
            write(FacesFound(picture=int(item_of(key)), source=source, faces=faces))
    return {"items": items, "remarks": remarks}


def _with_reference(talk: Talk, plan: Plan, items: list[str], allowed: list[Question]) -> list[str]:
    """Where persons of two pictures shall be compared and there is no reference, the first picture becomes it."""
    if not comparing(talk, plan, items, allowed):
        return items
    book = talk.book
    first = looking.subject_key(items[0])
    book.put(f"{REFERENCES}/R1:source", book.get(f"{first}:source", Source))
    return items[1:]


def comparing(talk: Talk, plan: Plan, items: list[str], allowed: list[Question]) -> bool:
    """Whether persons of several pictures shall be compared with each other."""
    asked = "identity" in allowed and "identity" in plan.questions
    return asked and len(items) > 1 and not looking.references_of(talk.book)
