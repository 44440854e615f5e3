"""Conversations of OpenAI's clients. A request brings the whole conversation; one that is still open here goes on.

A conversation is known by what was said so far. Where it is not open (another process, a restart), the earlier turns
are gone through again. Nothing is stored: an open conversation lives in memory until it is unused for a while.
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from faceagent.agent.chat.events import Decided, Done, Event, FacesFound, Recorded
from faceagent.errors import InputError
from faceagent.serve.chat_messages import ChatNotes, ChatOptions, Citation, Turn, fingerprint
from faceagent.serve.errors import too_many
from faceagent.serve.service import Service
from faceagent.types import Report

if TYPE_CHECKING:
    from faceagent.agent.chat import Conversation

MOST_OPEN = 64
IDLE_SECONDS = 1800.0
RETRY_SECONDS = 5.0
_CITED = re.compile(r"\bE(\d{1,6})\b")


class OpenChat:
    """A conversation, the evidence that it has numbered, and the cases that its pictures were last kept as."""

    def __init__(self, conversation: "Conversation") -> None:
        self._conversation = conversation
        self._evidence: dict[int, tuple[int, str]] = {}
        self._cases: dict[int, str] = {}
        self._measured: set[int] = set()
        self._shown, self._reply = 0, ""

    def ask(self, text: str, pictures: list[bytes]) -> Iterator[Event]:
        """One turn."""
        # Those that came with this turn count whether they can be read or not.
        self._measured, self._reply = set(range(self._shown + 1, self._shown + len(pictures) + 1)), ""
        self._shown += len(pictures)
        for event in self._conversation.ask(text, pictures):
            if isinstance(event, Recorded):
                self._evidence[event.number] = (event.picture, event.evidence.id)
            if isinstance(event, FacesFound | Recorded | Decided):
                self._measured.add(event.picture)
            if isinstance(event, Done):
                self._reply = event.reply
            yield event

    def notes(self, keep: Callable[[Report], str]) -> ChatNotes:
        """The cases of the pictures that the last turn measured, and what its citations stand for in them.

        What was measured earlier stands in the case that was made then.
        """
        cited = {number: self._evidence[number] for number in _numbers(self._reply) if number in self._evidence}
        unkept = {picture for picture, _ in cited.values()} - self._cases.keys()
        new = sorted(self._measured | unkept)
        for picture in new:
            with suppress(InputError):  # it was not looked at: nothing was asked about it
                self._cases[picture] = keep(self._conversation.report(picture))
        made = [self._cases[picture] for picture in new if picture in self._cases]
        return ChatNotes(
            case_id=made[-1] if made else next(reversed(self._cases.values()), None),
            case_ids=made,
            citations=[
                Citation(label=f"E{number}", case_id=self._cases[picture], evidence_id=evidence)
                for number, (picture, evidence) in cited.items()
                if picture in self._cases
            ],
        )

    def close(self) -> None:
        """Release the conversation."""
        self._conversation.close()


def _numbers(reply: str) -> list[int]:
    """The numbers of the evidence that a reply cites, in its order."""
    return list(dict.fromkeys(int(found[1]) for found in _CITED.finditer(reply)))


class Chats:
    """The open conversations of this process. Safe to share."""

    def __init__(self, at_once: int) -> None:
        self._open: OrderedDict[str, tuple[OpenChat, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(at_once)

    def acquire(self) -> None:
        """Take room for one turn. Raises ApiError (429) where too many are under way."""
        if not self._slots.acquire(blocking=False):
            raise too_many("Too many conversations are being answered. Try again later.", RETRY_SECONDS)

    def release(self) -> None:
        """Give the room back."""
        self._slots.release()

    def ask(
        self,
        service: Service,
        owner: str,
        options: ChatOptions,
        turns: Sequence[tuple[Turn, list[bytes]]],
        keep: Callable[[Report], str],
    ) -> Iterator[Event | ChatNotes]:
        """The events of the last turn, then its cases; yields nothing of the turns before.

        The conversation is then open under all of its turns. ``keep`` makes a case of a report.
        """
        said = [turn for turn, _ in turns]
        with ExitStack() as stack:
            chat = self._take(fingerprint(owner, options, said[:-1]))
            earlier: Sequence[tuple[Turn, list[bytes]]] = ()
            if chat is None:
                analyst = service.batcher.analyst()
                chat = OpenChat(analyst.chat(purpose=options.purpose, jurisdiction=options.jurisdiction))
                earlier = turns[:-1]
            # Whatever goes wrong, or where nobody listens any more: a turn that was cut off is not gone on with.
            stack.callback(chat.close)
            for turn, pictures in earlier:
                for _ in chat.ask(turn.text, pictures):
                    pass
            turn, pictures = turns[-1]
            yield from chat.ask(turn.text, pictures)
            yield chat.notes(keep)
            stack.pop_all()
        self._put(fingerprint(owner, options, said), chat)

    def _take(self, name: str) -> OpenChat | None:
        with self._lock:
            found = self._open.pop(name, None)
        return None if found is None else found[0]

    def _put(self, name: str, chat: OpenChat) -> None:
        now, closed = time.monotonic(), list[OpenChat]()
        with self._lock:
            self._open[name] = (chat, now)
            while len(self._open) > MOST_OPEN or next(iter(self._open.values()))[1] < now - IDLE_SECONDS:
                closed.append(self._open.popitem(last=False)[1][0])
        for one in closed:
            one.close()

    def close(self) -> None:
        """Close all."""
        with self._lock:
            left = [chat for chat, _ in self._open.values()]
            self._open.clear()
        for one in left:
            one.close()
