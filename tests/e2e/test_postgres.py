"""Conversations in a real PostgreSQL server."""

from collections.abc import Iterator

import pytest

from faceagent.errors import ConversationBusy, StorageError
from faceagent.settings import Settings
from faceagent.storage.conversation_store import ConversationStore
from faceagent.storage.protocol import Storage
from faceagent.storage.sessions import SessionInfo, delete_sessions, list_sessions, open_storage, save_session_info
from faceagent.types import Evidence, ToolStamp

pytestmark = pytest.mark.e2e


@pytest.fixture
def memory(url: str) -> Iterator[Storage]:
    with open_storage(Settings(memory=url)) as remote:
        yield remote


def test_nouns_and_conversations_are_kept_and_deleted(memory: Storage) -> None:
    stamp = ToolStamp(name="forgery", version="1")
    store = ConversationStore(memory.store, "one")
    store.put("1/F1:a", Evidence(id="F1:a", tool=stamp, question="forgery", subject="F1", statement="measured"))
    store.flush()
    day = "2026-01-01"
    save_session_info(memory, SessionInfo(id="one", title="one", turns=1, pictures=1, started=day, used=day))
    assert ConversationStore(memory.store, "one").keys("1", Evidence) == ["1/F1:a"]
    assert [one.id for one in list_sessions(memory)] == ["one"]
    delete_sessions(memory, ["one"])
    assert ConversationStore(memory.store, "one").all(Evidence) == []
    assert list_sessions(memory) == ()


def test_one_holds_a_conversation_and_the_other_is_told(memory: Storage, url: str) -> None:
    with open_storage(Settings(memory=url)) as other:
        with memory.lock("one"):
            with pytest.raises(ConversationBusy), other.lock("one"):
                pass
            with other.lock("two"):
                pass
        with other.lock("one"):
            pass


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    broken = "postgresql://tester:hush@127.0.0.1:1/postgres"
    with pytest.raises(StorageError) as caught, open_storage(Settings(memory=broken)):
        pass
    assert "127.0.0.1" in str(caught.value) and "hush" not in str(caught.value)
