"""What tests read off the events of a turn."""

from collections.abc import Sequence
from pathlib import Path

from faceagent.agent.chat import Conversation
from faceagent.agent.chat.events import Decided, Done, Event, Recorded, Token, ToolStarted


def reply(events: Sequence[Event]) -> str:
    """The whole reply; the pieces must be it."""
    done = events[-1]
    assert isinstance(done, Done)
    assert "".join(one.text for one in events if isinstance(one, Token)) == done.reply
    return done.reply


def said(conversation: Conversation, text: str, *given: Sequence[Path]) -> str:
    """The reply to one turn."""
    return reply(list(conversation.ask(text, *given)))


def started(events: Sequence[Event]) -> list[str]:
    """Tools that were started, in order."""
    return [one.tool for one in events if isinstance(one, ToolStarted)]


def recorded(events: Sequence[Event]) -> list[str]:
    """Evidence that was recorded."""
    return [f"{one.picture}/{one.evidence.id}" for one in events if isinstance(one, Recorded)]


def labels(events: Sequence[Event]) -> dict[tuple[int, str, str], str]:
    """Verdicts by picture, subject and question."""
    return {
        (one.picture, one.verdict.subject, one.verdict.question): one.verdict.label
        for one in events
        if isinstance(one, Decided)
    }
