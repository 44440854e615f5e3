"""Which storage the settings name, and the list of the conversations in it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from langgraph.store.base import PutOp

from faceagent.errors import InputError
from faceagent.settings import IN_MEMORY, Settings
from faceagent.storage.conversation_store import MAX_ENTRIES, namespace
from faceagent.storage.in_memory import InMemory
from faceagent.storage.protocol import Storage
from faceagent.storage.sqlite import Sqlite
from faceagent.types import FrozenModel

SESSIONS = ("conversations",)
"""The namespace of what is known about each conversation."""


class SessionInfo(FrozenModel):
    """What a list of conversations shows of one."""

    id: str
    title: str
    turns: int
    pictures: int
    started: str
    used: str


@contextmanager
def open_storage(settings: Settings) -> Iterator[Storage]:
    """The memory that the settings name. Raises StorageError when it cannot be used."""
    with ExitStack() as stack:
        if settings.memory == IN_MEMORY:
            yield InMemory()
        elif settings.memory.startswith("postgresql://"):
            from faceagent.storage.postgres import Postgres

            yield stack.enter_context(Postgres(settings.memory))
        else:
            yield stack.enter_context(Sqlite(Path(settings.memory)))


def list_sessions(storage: Storage) -> tuple[SessionInfo, ...]:
    """All conversations, the one used last first."""
    found = [SessionInfo.model_validate(entry.value) for entry in storage.store.search(SESSIONS, limit=MAX_ENTRIES)]
    return tuple(sorted(found, key=lambda one: one.used, reverse=True))


def save_session_info(storage: Storage, session: SessionInfo) -> None:
    """Keep what the list shows of a conversation."""
    storage.store.put(SESSIONS, session.id, session.model_dump(), index=False)


def delete_sessions(storage: Storage, conversations: Sequence[str]) -> None:
    """Delete conversations with everything recorded in them. Raises InputError, or ConversationBusy if one is open."""
    known = {session.id for session in list_sessions(storage)}
    for name in conversations:
        if name not in known:
            raise InputError(f"There is no conversation {name!r}.", remedy="See `faceagent sessions list`.")
    with ExitStack() as held:
        for name in conversations:
            held.enter_context(storage.lock(name))
        for name in conversations:
            storage.saver.delete_thread(name)
            entries = storage.store.search(namespace(name), limit=MAX_ENTRIES)
            storage.store.batch([PutOp(namespace(name), entry.key, None) for entry in entries])
            storage.store.delete(SESSIONS, name)
        storage.purge(conversations)
