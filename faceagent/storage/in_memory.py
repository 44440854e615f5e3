"""Conversations in the memory of this process; what they fall back to when the configured storage fails."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from faceagent.storage.protocol import strict_serializer


class InMemory:
    """Everything in this process; gone with it. What conversations fall back to when the store fails."""

    persistent = False
    location = "this process"
    errors: tuple[type[Exception], ...] = ()

    def __init__(self) -> None:
        self.saver: BaseCheckpointSaver[Any] = InMemorySaver(serde=strict_serializer())
        self.store: BaseStore = InMemoryStore()

    @contextmanager
    def lock(self, conversation: str) -> Iterator[None]:
        """Nobody else can be here."""
        del conversation
        yield

    def prune(self, conversation: str) -> None:
        """Drop all checkpoints but the newest."""
        config: Any = {"configurable": {"thread_id": conversation, "checkpoint_ns": ""}}
        newest = self.saver.get_tuple(config)
        if newest is not None and isinstance(self.saver, InMemorySaver):
            for name in list(self.saver.storage[conversation][""]):
                if name != newest.checkpoint["id"]:
                    del self.saver.storage[conversation][""][name]
                    self.saver.writes.pop((conversation, "", name), None)
            used = newest.checkpoint["channel_versions"]
            for blob in [key for key in self.saver.blobs if key[0] == conversation and used.get(key[2]) != key[3]]:
                del self.saver.blobs[blob]

    def purge(self, conversations: Sequence[str]) -> None:
        """Nothing to do."""
