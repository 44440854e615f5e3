"""Pictures that were not read before are, and their faces found; the same for references."""

from langgraph.runtime import Runtime

from faceagent.agent import nodes
from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.events import FacesFound, Noted
from faceagent.agent.chat.state import Remark, TurnContext, TurnState
from faceagent.agent.state import REFERENCES, PipelineState
from faceagent.agent.views import item_of
from faceagent.router import Plan
from faceagent.types import Picture, Problem, Question, Source


def load_images(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Pictures that were not read before are, and their faces found; the same for references."""
    context, plan = runtime.context, Plan.model_validate(state["plan"])
    store, write = context.store, runtime.stream_writer
    items = _with_reference(context, plan, state["items"], state["allowed"])
    remarks = state["remarks"]
    if items != state["items"]:
        first = queries.name_of(store, state["items"][0])
        remarks = [*remarks, Remark(key="became_reference", values={"picture": first})]
    fresh = queries.unread(store, items)
    with context.meter.work():
        read = {key: context.images.take(key) for key in fresh}
        readable = [key for key, found in read.items() if isinstance(found, Picture)]
        if readable:
            nodes.find_all_faces(PipelineState(pictures=readable), runtime=runtime)  # type: ignore[arg-type]  # a Talk is a Context
    store.keep()
    for key in fresh:
        if store.is_a(key, Problem):
            name = store.get(f"{key}:source", Source).name
            problem = store.get(key, Problem)
            write(Noted(code=problem.reason, text=phrases.unreadable(plan.language, name, problem)))
    for key in readable:
        if item_of(key) != REFERENCES:
            faces = tuple(face.id for face in queries.faces_of(store, item_of(key), None))
            source = queries.name_of(store, item_of(key))
            write(FacesFound(picture=int(item_of(key)), source=source, faces=faces))
    return {"items": items, "remarks": remarks}


def _with_reference(context: TurnContext, plan: Plan, items: list[str], allowed: list[Question]) -> list[str]:
    """Where persons of two pictures shall be compared and there is no reference, the first picture becomes it."""
    if not comparing(context, plan, items, allowed):
        return items
    store = context.store
    first = queries.subject_key(items[0])
    store.put(f"{REFERENCES}/R1:source", store.get(f"{first}:source", Source))
    return items[1:]


def comparing(context: TurnContext, plan: Plan, items: list[str], allowed: list[Question]) -> bool:
    """Whether persons of several pictures shall be compared with each other."""
    asked = "identity" in allowed and "identity" in plan.questions
    return asked and len(items) > 1 and not queries.references_of(context.store)
