"""What every place that keeps conversations provides, and what its errors mean.

A storage holds LangGraph's checkpoints and the records they point at. It knows no picture and no question; it stores
what it is given. One process at a time may have a conversation open.
"""

import re
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.store.base import BaseStore

from faceagent.errors import ConversationBusy, InputError, StorageError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What a conversation may be called: its name becomes part of a file's."""


class Storage(Protocol):
    """Checkpoints and records of all conversations."""

    saver: BaseCheckpointSaver[Any]
    store: BaseStore
    persistent: bool
    location: str
    """What to call the place in a message."""
    errors: tuple[type[Exception], ...]
    """What the store itself raises when it fails."""

    @abstractmethod
    def lock(self, conversation: str) -> AbstractContextManager[None]:
        """Hold a conversation alone. Raises ConversationBusy at once when another process holds it."""

    @abstractmethod
    def prune(self, conversation: str) -> None:
        """Drop all checkpoints but the newest."""

    @abstractmethod
    def purge(self, conversations: Sequence[str]) -> None:
        """Leave nothing of conversations whose rows were deleted, and give back their space."""


def validate_name(conversation: str) -> str:
    """``conversation`` as it is. Raises InputError for a name that cannot be one."""
    if not NAME.fullmatch(conversation):
        raise InputError(
            f"A conversation cannot be called {conversation[:80]!r}.",
            remedy="Use up to 64 letters, digits, hyphens and underscores.",
        )
    return conversation


def strict_serializer() -> JsonPlusSerializer:
    """Plain values only: a checkpoint that holds anything else was not written here and is not loaded."""
    return JsonPlusSerializer(allowed_msgpack_modules=[])


def busy_error(conversation: str) -> ConversationBusy:
    """The error for a conversation that another process has open."""
    return ConversationBusy(
        f"Another process has the conversation {conversation!r} open.",
        remedy="Close it there, or start a new conversation.",
    )


def translate_error(error: Exception, where: str) -> StorageError:
    """What a store's own exception means, and what can be done."""
    words = " ".join(str(one) for one in (error, error.__context__) if one is not None).lower()
    if "locked" in words or "busy" in words:
        return StorageError(f"{where} is locked by another program.", remedy="Close that program and try again.")
    if "full" in words or "no space" in words:
        return StorageError(f"There is no room left for {where}.", remedy="Free some space, or set FACEAGENT_MEMORY.")
    if "malformed" in words or "not a database" in words or "corrupt" in words:
        return StorageError(f"{where} is damaged.", remedy="Move it away; a new one is made. Or set FACEAGENT_MEMORY.")
    reason = " ".join(str(error).split())[:200]
    return StorageError(f"{where} cannot be used: {reason}.", remedy="Set FACEAGENT_MEMORY to another place.")
