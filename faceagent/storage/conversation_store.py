"""The record of a conversation: nouns by key, held in memory and kept in a store under the conversation's id.

The same record that one run of the pipeline has, with two more habits: what is there from earlier turns is read on
opening, and ``keep`` writes what is new. Keys are ``item/noun-id`` as ever, where an item is a picture of the
conversation: "1" is the first, "ref" the references. Writing a key again replaces it, so a turn that is done twice
leaves one entry of each. Pixels and files are never kept.
"""

from langgraph.store.base import BaseStore, PutOp
from pydantic import Field

from faceagent.storage.record import Record
from faceagent.types import (
    Evidence,
    Explanation,
    Face,
    FrozenModel,
    Picture,
    PolicyDecision,
    Problem,
    Question,
    Refused,
    Source,
    Verdict,
)

MOST = 100_000
"""Entries read at once; more than any conversation has."""


class ToolRun(FrozenModel):
    """What a tool has been asked about a subject, whatever it answered: it need not be asked again."""

    questions: tuple[Question, ...]
    references: tuple[str, ...] = Field(default=(), description="sha256 of the references it had")


class Exchange(FrozenModel):
    """What was said in one turn, for whoever opens the conversation again."""

    turn: int
    text: str
    reply: str


class SignOff(FrozenModel):
    """A person looked at the verdicts of a turn and released them, or did not."""

    turn: int
    released: bool
    words: str = Field(description="what the person typed")


_TYPES: tuple[type[FrozenModel], ...] = (
    Source, Picture, Problem, Face, Evidence, Verdict, Explanation, PolicyDecision, Refused, ToolRun, Exchange, SignOff,
)  # fmt: skip
# Conversations begun before the class was renamed say "Looked".
KINDS: dict[str, type[FrozenModel]] = {kind.__name__: kind for kind in _TYPES} | {"Looked": ToolRun}
"""What may be kept, and so what may be read back."""


class ConversationStore(Record):
    """A ``Record`` that survives the process. ``keep`` is called at the end of every node of the conversation."""

    def __init__(self, store: BaseStore, conversation: str) -> None:
        super().__init__()
        self._store = store
        self._namespace = namespace(conversation)
        self._new: set[str] = set()
        found = sorted(store.search(self._namespace, limit=MOST), key=lambda entry: entry.value["place"])
        for entry in found:
            self._nouns[entry.key] = KINDS[entry.value["kind"]].model_validate(entry.value["noun"])
        self._place = {entry.key: int(entry.value["place"]) for entry in found}
        self._next = max(self._place.values(), default=0) + 1

    def put(self, key: str, noun: FrozenModel) -> str:
        """Store ``noun``; it is kept with the next ``keep``."""
        with self._lock:
            self._new.add(key)
            if key not in self._place:
                self._place[key] = self._next
                self._next += 1
        return super().put(key, noun)

    def drop(self, key: str) -> None:
        """Forget what is under ``key``; unknown keys are fine."""
        with self._lock:
            if self._nouns.pop(key, None) is not None:
                self._new.add(key)
                self._place.pop(key)

    def keys(self, item: str, kind: type[FrozenModel]) -> list[str]:
        """Keys of one item's nouns of that kind, in the order they were recorded."""
        with self._lock:
            found = [key for key, noun in self._nouns.items() if isinstance(noun, kind)]
        return [key for key in found if key.partition("/")[0] == item]

    def sources(self) -> list[str]:
        """Keys of all pictures and references ever handed over, in that order, read or not."""
        with self._lock:
            found = [key for key, noun in self._nouns.items() if isinstance(noun, Source)]
        return [key.removesuffix(":source") for key in found]

    def numbered(self) -> list[str]:
        """Keys of all evidence in the order it was first recorded; the first is E1."""
        with self._lock:
            found = [key for key, noun in self._nouns.items() if isinstance(noun, Evidence)]
        return sorted(found, key=lambda key: self._place[key])

    def keep(self) -> None:
        """Write what was put or dropped since the last time, in one transaction."""
        with self._lock:
            changed, self._new = self._new, set()
            changes = [(key, self._nouns.get(key)) for key in sorted(changed)]
        if not changes:
            return
        try:
            entries = [PutOp(self._namespace, key, self._entry(key, noun), index=False) for key, noun in changes]
            self._store.batch(entries)
        except BaseException:
            with self._lock:
                self._new |= changed
            raise

    def move(self, store: BaseStore) -> None:
        """Keep everything in another store from now on, as when the first one fails."""
        with self._lock:
            self._store = store
            self._new = set(self._nouns)

    def _entry(self, key: str, noun: FrozenModel | None) -> dict[str, object] | None:
        if noun is None:
            return None
        return {"kind": type(noun).__name__, "place": self._place[key], "noun": noun.model_dump(mode="json")}


def namespace(conversation: str) -> tuple[str, ...]:
    """The namespace of a conversation's nouns."""
    return ("nouns", conversation)
