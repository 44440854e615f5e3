"""Conversations of OpenAI's clients. A request brings the whole conversation; one that is still open here goes on.

A conversation is known by what was said so far. Where it is not open (another process, a restart), the earlier turns
are gone through again. Nothing is stored: an open conversation lives in memory until it is unused for a while.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from faceagent.agent.chat import Conversation
from faceagent.agent.chat.events import Event
from faceagent.errors import InputError
from faceagent.serve.chat_messages import ChatOptions, Turn, fingerprint
from faceagent.serve.errors import too_many
from faceagent.serve.service import Service
from faceagent.types import Report

MOST_OPEN = 64
IDLE_SECONDS = 1800.0
RETRY_SECONDS = 5.0


class Chats:
    """The open conversations of this process. Safe to share."""

    def __init__(self, at_once: int) -> None:
        self._open: OrderedDict[str, tuple[Conversation, float]] = OrderedDict()
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
        self, service: Service, owner: str, options: ChatOptions, turns: Sequence[tuple[Turn, list[bytes]]]
    ) -> Iterator[Event]:
        """The events of the last turn; yields nothing of the turns before. The conversation is then open under it."""
        said = [turn for turn, _ in turns]
        conversation = self._take(fingerprint(owner, options, said[:-1]))
        if conversation is None:
            conversation = service.batcher.analyst().chat(purpose=options.purpose, jurisdiction=options.jurisdiction)
            for turn, pictures in turns[:-1]:
                for _ in conversation.ask(turn.text, pictures):
                    pass
        try:
            turn, pictures = turns[-1]
            yield from conversation.ask(turn.text, pictures)
        except BaseException:
            conversation.close()
            raise
        self._put(fingerprint(owner, options, said), conversation)

    def reports(self, owner: str, options: ChatOptions, turns: Sequence[Turn], new: int) -> list[Report]:
        """The reports on the ``new`` pictures of the last turn, those that were analysed."""
        with self._lock:
            found = self._open.get(fingerprint(owner, options, list(turns)))
        if found is None:
            return []
        last = sum(len(turn.pictures) for turn in turns)
        made = []
        for number in range(last - new + 1, last + 1):
            try:
                made.append(found[0].report(number))
            except InputError:
                # It was not looked at: nothing was asked about it.
                continue
        return made

    def _take(self, name: str) -> Conversation | None:
        with self._lock:
            found = self._open.pop(name, None)
        return None if found is None else found[0]

    def _put(self, name: str, conversation: Conversation) -> None:
        now, closed = time.monotonic(), list[Conversation]()
        with self._lock:
            self._open[name] = (conversation, now)
            while len(self._open) > MOST_OPEN or next(iter(self._open.values()))[1] < now - IDLE_SECONDS:
                closed.append(self._open.popitem(last=False)[1][0])
        for one in closed:
            one.close()

    def close(self) -> None:
        """Close all."""
        with self._lock:
            left = [conversation for conversation, _ in self._open.values()]
            self._open.clear()
        for one in left:
            one.close()
