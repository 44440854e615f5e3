"""From the notebook to what tools take: which pictures, faces and references a turn is about, and what is new.

Plain functions over the record; no graph and no event here.
"""

from collections.abc import Iterable, Mapping, Sequence

from faceagent import judge
from faceagent.agent.chat.state import ToolCall, TurnContext
from faceagent.agent.state import REFERENCES, PipelineState, ToolBatch
from faceagent.router.plan import ImageReference
from faceagent.storage.conversation_store import ConversationStore, ToolRun
from faceagent.tools.base import Tool
from faceagent.types import (
    SUBJECT,
    Evidence,
    Explanation,
    Face,
    Picture,
    Problem,
    Question,
    Source,
    Verdict,
)


def items_of(store: ConversationStore) -> list[str]:
    """Numbers of the conversation's pictures, "1" first."""
    known = (key for key in store.sources() if not key.startswith(f"{REFERENCES}/"))
    return [key.partition("/")[0] for key in known]


def references_of(store: ConversationStore) -> list[str]:
    """Keys of the reference pictures, read or not."""
    return [key for key in store.sources() if key.startswith(f"{REFERENCES}/")]


def subject_key(item: str) -> str:
    """Key of the picture with that number."""
    return f"{item}/{SUBJECT}"


def name_of(store: ConversationStore, item: str) -> str:
    """What the picture with that number is called."""
    return store.get(f"{subject_key(item)}:source", Source).name


def pointed(
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


def views_of(store: ConversationStore, item: str, tool: Tool, faces: Sequence[str] | None) -> list[str]:
    """Keys of what a tool looks at in one picture."""
    if not store.is_a(subject_key(item), Picture):
        return []
    if tool.spec.scope == "picture":
        return [subject_key(item)]
    return [f"{item}/{face.id}" for face in faces_of(store, item, faces)]


def reference_digests(store: ConversationStore, tool: Tool) -> tuple[str, ...]:
    """The references a tool compares with, as what it has looked at depends on them."""
    if "reference" not in tool.spec.needs and not {"identity", "morph"} & set(tool.spec.questions):
        return ()
    return tuple(store.get(key, Picture).sha256 for key in references_of(store) if store.is_a(key, Picture))


def unseen(store: ConversationStore, tool: Tool, views: Iterable[str], questions: Iterable[Question]) -> list[str]:
    """The views that this tool has not been asked these questions about."""
    wanted = set(questions) & set(tool.spec.questions)
    digests = reference_digests(store, tool)

    def known(view: str) -> bool:
        key = looked_key(view, tool.spec.name)
        if not store.is_a(key, ToolRun):
            return False
        looked = store.get(key, ToolRun)
        return wanted <= set(looked.questions) and looked.references == digests

    return [view for view in views if not known(view)]


def unread(store: ConversationStore, items: Sequence[str]) -> list[str]:
    """Keys of these pictures and of all references that were never read."""
    keys = [subject_key(item) for item in items] + references_of(store)
    return [key for key in keys if not store.is_a(key, Picture) and not store.is_a(key, Problem)]


def decided(store: ConversationStore, items: Sequence[str], subjects: Mapping[str, list[str]]) -> bool:
    """Whether there is a verdict to talk about."""
    return any(
        not subjects.get(item) or store.get(key, Verdict).subject in subjects[item]
        for item in items
        for key in store.keys(item, Verdict)
    )


def looked_key(view: str, tool: str, look: str = "") -> str:
    """Where it is recorded that a tool looked at a view."""
    return f"{view}:looked:{tool}{look}"


def needed(
    context: TurnContext,
    items: Sequence[str],
    subjects: dict[str, list[str]],
    questions: Sequence[Question],
    *,
    again: bool,
    without: frozenset[str] = frozenset(),
) -> list[ToolCall]:
    """The calls that answer these questions: one per tool that has something new to look at, or any with ``again``."""
    calls: list[ToolCall] = []
    wanted = {source for question in questions for source in judge.sources(question)}
    for name, tool in context.tools.items():
        answers = [question for question in tool.spec.questions if question in wanted]
        if not answers or name in without or not _has_model(context, tool):
            continue
        views = {item: views_of(context.store, item, tool, subjects.get(item)) for item in items}
        fresh = [item for item, keys in views.items() if keys and (again or unseen(context.store, tool, keys, answers))]
        if fresh:
            meant = {item: subjects[item] for item in fresh if subjects.get(item)}
            calls.append(
                ToolCall(tool=name, items=fresh, faces=meant, questions=answers, look="", again=again, why=None)
            )
    return calls


def _has_model(context: TurnContext, tool: Tool) -> bool:
    """Whether a tool that asks a vision-language model for its own reading has one that was asked for."""
    if "model" not in tool.spec.needs:
        return True
    voice = context.voice() if context.settings.explain == "vlm" else None
    return voice is not None and voice.opinionated


def fan_of(store: ConversationStore, call: ToolCall, views: list[str]) -> ToolBatch:
    """The call as the pipeline's own node takes it."""
    keys = references_of(store)
    return ToolBatch(
        tool=call["tool"],
        allowed=call["questions"],
        views=views,
        pictures=[key for key in keys if store.is_a(key, Picture)],
        faces=store.keys(REFERENCES, Face),
    )


def pipeline_state(
    store: ConversationStore, items: Sequence[str], verdicts: Sequence[str] | None = None
) -> PipelineState:
    """What is recorded about some pictures, as the pipeline's nodes take it."""
    keys = references_of(store)

    def every(kind: type[Evidence] | type[Verdict] | type[Explanation] | type[Face]) -> list[str]:
        return [key for item in items for key in store.keys(item, kind)]

    return PipelineState(
        items=list(items),
        pictures=[*map(subject_key, items), *(key for key in keys if store.is_a(key, Picture))],
        faces=[*every(Face), *store.keys(REFERENCES, Face)],
        evidence=every(Evidence),
        verdicts=every(Verdict) if verdicts is None else list(verdicts),
        explanations=every(Explanation),
    )
