"""Conversations about pictures: a question in plain words, the tools it needs, an answer that cites the record."""

import importlib
from typing import TYPE_CHECKING, Any

from faceagent.agent.chat.events import Event

if TYPE_CHECKING:
    from faceagent.agent.chat.conversation import Conversation

__all__ = ["Conversation", "Event"]


def __getattr__(name: str) -> Any:
    # A conversation brings langgraph along; who only reads its events does not wait for that.
    if name == "Conversation":
        return importlib.import_module("faceagent.agent.chat.conversation").Conversation
    raise AttributeError(f"module 'faceagent.agent.chat' has no attribute {name!r}")
