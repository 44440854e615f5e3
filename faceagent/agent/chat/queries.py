"""From the record of a conversation to what the pipeline takes: which pictures, faces and references are meant.

Plain functions over the record; no graph and no event here.
"""

from collections.abc import Iterable, Mapping, Sequence

from faceagent.agent.chat.state import ToolCall, TurnContext
from faceagent.router.plan import ImageReference
from faceagent.storage.conversation_store import ConversationStore, ToolRun
from faceagent.storage.keys import REFERENCES, item_of, picture_key, record_key, source_key, tool_run_key
from faceagent.tools.base import Tool
from faceagent.types import Evidence, Face, FrozenModel, Picture, Problem, Question, Source, Verdict


def items_of(store: ConversationStore) -> list[str]:
    """Numbers of the conversation's pictures, "1" first."""
    return [item for key in store.sources() if (item := item_of(key)) != REFERENCES]


def references_of(store: ConversationStore) -> list[str]:
    """Keys of the reference pictures, read or not."""
    return [key for key in store.sources() if item_of(key) == REFERENCES]


def drop_references(store: ConversationStore) -> None:
    """Forget the reference pictures and their faces; what was measured with them stays."""
    for key in [*references_of(store), *store.keys(REFERENCES, Face)]:
        store.drop(source_key(key))
        store.drop(key)
    store.flush()


def name_of(store: ConversationStore, item: str) -> str:
    """What the picture with that number is called."""
    return store.get(source_key(picture_key(item)), Source).name


def pictures_meant(
    which: Sequence[ImageReference], items: Sequence[str], new: Sequence[str], focus: Sequence[str]
) -> list[str]:
    """The pictures that words like "the second" mean; those that do not exist are left out."""
    total = len(items)
    this = list(new or focus or items)
    before = int(this[0]) - 1 if this else 0
    meant: dict[ImageReference, list[str]] = {
        "this": this,
        "first": ["1"],
        "second": ["2"],
        "third": ["3"],
        "last": [str(total)],
        "previous": [str(before)],
        "both": list(items) if total <= 2 else this if len(this) == 2 else list(items[-2:]),
        "all": list(items),
    }
    found = [item for name in which for item in meant[name] if item in items]
    return list(dict.fromkeys(found))


def faces_of(store: ConversationStore, item: str, subjects: Sequence[str] | None) -> tuple[Face, ...]:
    """Faces of one picture, all of them or those named."""
    faces = [store.get(key, Face) for key in store.keys(item, Face)]
    return tuple(face for face in faces if not subjects or face.id in subjects)


def views_of(
    store: ConversationStore, item: str, tool: Tool, faces: Sequence[str] | None, most: int | None = None
) -> list[str]:
    """Keys of what a tool measures in one picture: the faces named, or the ``most`` largest of all."""
    if not store.is_a(picture_key(item), Picture):
        return []
    if tool.spec.scope == "picture":
        return [picture_key(item)]
    found = [record_key(item, face.id) for face in faces_of(store, item, faces)]
    return found if faces or tool.spec.every_face else found[:most]


def reference_digests(store: ConversationStore, tool: Tool) -> tuple[str, ...]:
    """sha256 of the references that a tool compares with: what it has measured holds for these only."""
    if "reference" not in tool.spec.needs and not {"identity", "morph"} & set(tool.spec.questions):
        return ()
    return tuple(store.get(key, Picture).sha256 for key in references_of(store) if store.is_a(key, Picture))


def unmeasured(store: ConversationStore, tool: Tool, views: Iterable[str], questions: Iterable[Question]) -> list[str]:
    """The views that this tool has not been asked these questions about."""
    wanted = set(questions) & set(tool.spec.questions)
    digests = reference_digests(store, tool)

    def measured(view: str) -> bool:
        key = tool_run_key(view, tool.spec.name)
        if not store.is_a(key, ToolRun):
            return False
        run = store.get(key, ToolRun)
        return wanted <= set(run.questions) and run.references == digests

    return [view for view in views if not measured(view)]


def unread(store: ConversationStore, items: Sequence[str]) -> list[str]:
    """Keys of these pictures and of all references that were never read."""
    keys = [picture_key(item) for item in items] + references_of(store)
    return [key for key in keys if not store.is_a(key, Picture) and not store.is_a(key, Problem)]


def decided(store: ConversationStore, items: Sequence[str], subjects: Mapping[str, list[str]]) -> bool:
    """Whether there is a verdict about what is meant."""
    return any(
        not subjects.get(item) or store.get(key, Verdict).subject in subjects[item]
        for item in items
        for key in store.keys(item, Verdict)
    )


def calls_of(
    context: TurnContext,
    needed: Mapping[str, Sequence[Question]],
    items: Sequence[str],
    subjects: Mapping[str, list[str]],
    *,
    again: bool,
) -> list[ToolCall]:
    """One call per needed tool that has something to measure.

    Args:
        context: the turn.
        needed: tools and what they are to answer, see ``planning.tools_of_turn``.
        items: numbers of the pictures meant.
        subjects: faces meant, by item; an item that is missing is meant with all of its faces.
        again: whether to measure once more what was measured before.
    """
    calls: list[ToolCall] = []
    for name, answers in needed.items():
        tool = context.tools[name]
        most = context.settings.max_faces
        views = {item: views_of(context.record, item, tool, subjects.get(item), most) for item in items}
        chosen = [
            item for item, keys in views.items() if keys and (again or unmeasured(context.record, tool, keys, answers))
        ]
        if chosen:
            calls.append(
                ToolCall(
                    tool=name,
                    items=chosen,
                    faces={item: subjects[item] for item in chosen if subjects.get(item)},
                    questions=list(answers),
                    crop="",
                    again=again,
                    why=None,
                )
            )
    return calls


def reference_keys(store: ConversationStore) -> tuple[list[str], list[str]]:
    """Keys of the references that could be read, and of their faces."""
    return [key for key in references_of(store) if store.is_a(key, Picture)], store.keys(REFERENCES, Face)


def keys_of(store: ConversationStore, item: str, *kinds: type[FrozenModel]) -> list[str]:
    """Keys of one picture's records of these kinds, kind by kind."""
    return [key for kind in kinds for key in store.keys(item, kind)]


def evidence_of(store: ConversationStore, item: str) -> list[Evidence]:
    """All evidence about one picture, in the order it was recorded."""
    return [store.get(key, Evidence) for key in store.keys(item, Evidence)]
