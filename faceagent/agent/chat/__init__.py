"""Conversations about pictures: a question in plain words, the tools it needs, an answer that cites the record."""

from faceagent.agent.chat.conversation import Conversation
from faceagent.agent.chat.events import Event

__all__ = ["Conversation", "Event"]
