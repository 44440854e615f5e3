"""The record of a conversation: values by key, held in memory and written to the storage under the conversation's name.

It is a ``Record`` with two additions: what earlier turns recorded is read on opening, and ``flush`` writes what is new.
Keys are those of ``keys``; writing a key again replaces its value, so a turn that is run twice leaves one entry of
each. Pixels and files are never kept.
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

MAX_ENTRIES = 100_000
"""Entries read at once; more than any conversation has."""


class ToolRun(FrozenModel):
    """What a tool has been asked about a subject, whatever it answered: it need not be asked again."""

    questions: tuple[Question, ...]
    references: tuple[str, ...] = Field(default=(), description="sha256 of the references it had")


class Exchange(FrozenModel):
    """What was said in one turn, for a person who opens the conversation again."""

    turn: int
    text: str
    reply: str


class PendingTurn(FrozenModel):
    """A turn that has begun and not ended: with it, a process that opens the conversation later can begin it again."""

    number: int
    text: str
    new: tuple[str, ...] = Field(default=(), description="numbers of the pictures that came with it")
    referenced: bool = Field(default=False, description="whether references came with it")
    purpose: str | None = None
    jurisdiction: str | None = None


class SignOff(FrozenModel):
    """A person's decision to release the verdicts of a turn, or not."""

    turn: int
    released: bool
    words: str = Field(description="what the person typed")


_TYPES: tuple[type[FrozenModel], ...] = (
    Source, Picture, Problem, Face, Evidence, Verdict, Explanation, PolicyDecision, Refused, ToolRun, Exchange, SignOff,
    PendingTurn,
)  # fmt: skip
# Conversations begun before the class was renamed say "Looked".
KINDS: dict[str, type[FrozenModel]] = {kind.__name__: kind for kind in _TYPES} | {"Looked": ToolRun}
"""What may be kept, and so what may be read back."""


class ConversationStore(Record):
    """A ``Record`` that survives the process. ``flush`` is called at the end of every node of the conversation."""

    def __init__(self, store: BaseStore, conversation: str) -> None:
        super().__init__()
        self._store = store
        self._namespace = namespace(conversation)
        self._new: set[str] = set()
        found = sorted(store.search(self._namespace, limit=MAX_ENTRIES), key=lambda entry: entry.value["place"])
        for entry in found:
            self._values[entry.key] = KINDS[entry.value["kind"]].model_validate(entry.value["noun"])
        self._place = {entry.key: int(entry.value["place"]) for entry in found}
        self._next = max(self._place.values(), default=0) + 1

    def put(self, key: str, value: FrozenModel) -> str:
        """Store ``value``; it is written with the next ``flush``."""
        with self._lock:
            self._new.add(key)
            if key not in self._place:
                self._place[key] = self._next
                self._next += 1
        return super().put(key, value)

    def drop(self, key: str) -> None:
        """Forget what is under ``key``; unknown keys are fine."""
        with self._lock:
            if self._values.pop(key, None) is not None:
                self._new.add(key)
                self._place.pop(key)

    def sources(self) -> list[str]:
        """Keys of all pictures and references ever given, in that order, read or not."""
        with self._lock:
            found = [key for key, value in self._values.items() if isinstance(value, Source)]
        return [key.removesuffix(":source") for key in found]

    def evidence_keys(self) -> list[str]:
        """Keys of all evidence in the order it was first recorded; the first is E1."""
        with self._lock:
            found = [key for key, value in self._values.items() if isinstance(value, Evidence)]
        return sorted(found, key=lambda key: self._place[key])

    def flush(self) -> None:
        """Write what was put or dropped since the last time, in one transaction."""
        with self._lock:
            changed, self._new = self._new, set()
            changes = [(key, self._values.get(key)) for key in sorted(changed)]
        if not changes:
            return
        try:
            entries = [PutOp(self._namespace, key, self._entry(key, value), index=False) for key, value in changes]
            self._store.batch(entries)
        except BaseException:
            with self._lock:
                self._new |= changed
            raise

    def move_to(self, store: BaseStore) -> None:
        """Keep everything in another store from now on, as when the first one fails."""
        with self._lock:
            self._store = store
            self._new = set(self._values)

    def _entry(self, key: str, value: FrozenModel | None) -> dict[str, object] | None:
        if value is None:
            return None
        return {"kind": type(value).__name__, "place": self._place[key], "noun": value.model_dump(mode="json")}


def namespace(conversation: str) -> tuple[str, ...]:
    """The namespace of a conversation's records."""
    return ("nouns", conversation)
