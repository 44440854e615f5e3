"""Pictures that were not read before are read, and their faces found; the same for references."""

from langgraph.runtime import Runtime

from faceagent.agent import pipeline
from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.events import FacesFound, Noted
from faceagent.agent.chat.state import Remark, TurnContext, TurnState
from faceagent.agent.views import put_faces
from faceagent.router import Plan
from faceagent.storage.conversation_store import ConversationStore
from faceagent.storage.keys import REFERENCES, item_of, picture_key, reference_key, source_key
from faceagent.types import Picture, Problem, Question, Source


def load_images(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Pictures that were not read before are read, and their faces found; the same for references."""
    context, plan, write = runtime.context, Plan.model_validate(state["plan"]), runtime.stream_writer
    store = context.record
    items = _with_reference(store, plan, state["items"], state["allowed"])
    remarks = state["remarks"]
    if items != state["items"]:
        first = queries.name_of(store, state["items"][0])
        remarks = [*remarks, Remark(key="became_reference", values={"picture": first})]
    sources = {key: store.get(source_key(key), Source) for key in queries.unread(store, items)}
    with context.stopwatch.work():
        found = pipeline.load_images(sources, context.blobs, context.settings, context.pool)
        for key, one in found.items():
            context.images.add(key, one)
        readable = {key: one for key, one in found.items() if isinstance(one, Picture)}
        # Whoever is asked about later may be the smallest of a crowd, so all faces are found; the cap is for the tools.
        faces = pipeline.find_faces(readable, context.blobs, context.settings, context.pool, every_face=readable)
        put_faces(store, faces)
    store.flush()
    for key, source in sources.items():
        # A picture asked about is told in the reply.
        if item_of(key) == REFERENCES and store.is_a(key, Problem):
            problem = store.get(key, Problem)
            write(Noted(code=problem.reason, text=phrases.unreadable(plan.language, source.name, problem)))
    for key in readable:
        if item_of(key) != REFERENCES:
            item = item_of(key)
            names = tuple(face.id for face in queries.faces_of(store, item, None))
            write(FacesFound(picture=int(item), source=queries.name_of(store, item), faces=names))
            if len(names) > context.settings.max_faces:
                remarks = [*remarks, _crowd(context, queries.name_of(store, item), len(names))]
    return {"items": items, "remarks": remarks, "borrowed": state.get("borrowed", False) or items != state["items"]}


def _crowd(context: TurnContext, picture: str, found: int) -> Remark:
    """That only the largest faces of a crowd are measured, and what for all of them are."""
    return Remark(
        key="crowd", values={"picture": picture, "found": str(found), "most": str(context.settings.max_faces)}
    )


def _with_reference(store: ConversationStore, plan: Plan, items: list[str], allowed: list[Question]) -> list[str]:
    """Where people of two pictures are to be compared and there is no reference, the first picture becomes it."""
    if not comparing(store, plan, items, allowed):
        return items
    source = store.get(source_key(picture_key(items[0])), Source)
    store.put(source_key(reference_key(1)), source)
    return items[1:]


def comparing(store: ConversationStore, plan: Plan, items: list[str], allowed: list[Question]) -> bool:
    """Whether people of several pictures are to be compared with each other."""
    asked = "identity" in allowed and "identity" in plan.questions
    return asked and len(items) > 1 and not queries.references_of(store)
