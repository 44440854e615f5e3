"""One conversation about pictures: its turns, its record and the storage that keeps both.

``ask`` runs one turn of the ``analyst`` graph and yields its events. Where the storage fails the conversation
goes on in memory and reports it; a turn that a killed process left unfinished is finished by ``resume``.
"""

import secrets
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from langgraph.types import Command

from faceagent import policy, report
from faceagent.agent import pipeline
from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.events import Clarification, Done, Event, Noted
from faceagent.agent.chat.graph import STEPS, build_analyst
from faceagent.agent.chat.state import MOST_PICTURES, MOST_TEXT, Stopwatch, TurnContext
from faceagent.agent.explainer import build_explainer
from faceagent.agent.runtime import AgentRuntime
from faceagent.agent.views import findings_of, reference_findings_of
from faceagent.errors import InputError, StorageError
from faceagent.intake import Input, MemoryBlobs, expand, name_apart, pixels_of
from faceagent.router.grammar import grammar
from faceagent.storage.conversation_store import ConversationStore, Exchange, PendingTurn
from faceagent.storage.image_cache import ImageCache
from faceagent.storage.keys import PENDING, picture_key, reference_key, source_key
from faceagent.storage.protocol import translate_error, validate_name
from faceagent.storage.session import Session
from faceagent.types import (
    Evidence,
    Explanation,
    Face,
    Picture,
    PolicyDecision,
    Problem,
    Refused,
    Report,
    Request,
    Source,
    Verdict,
)

TRIES = 2
"""How often a turn is run: once as it is, once more in memory when the store failed."""


class Conversation(AbstractContextManager["Conversation"]):
    """A conversation, held alone by this process until it is closed. One turn at a time; safe to share."""

    def __init__(
        self,
        runtime: AgentRuntime,
        session: str | None = None,
        *,
        purpose: str | None = None,
        jurisdiction: str | None = None,
        sign_off: bool = False,
    ) -> None:
        """Open or begin the conversation called ``session``; see ``Analyst.chat``."""
        self.id = validate_name(session) if session else f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(3)}"
        self.settings = runtime.settings
        self._runtime, self._sign_off = runtime, sign_off
        self._rules = {"purpose": purpose, "jurisdiction": jurisdiction}
        self._check_policy(purpose, jurisdiction)
        self._blobs = MemoryBlobs(restore=partial(pixels_of, settings=self.settings))
        self._load_explainer = cache(partial(build_explainer, self.settings, self.settings.explain, alone=True))
        self._lock = threading.Lock()
        self._sent: set[str] = set()
        self._traits: dict[str, float | None] = {}
        self._session = Session(self.id, self.settings, build_analyst, steps=STEPS)
        self._images = ImageCache(self.store, self._blobs, self.settings)
        # A third of a second of compiling, while the first question is typed.
        runtime.pool.submit(grammar)

    def _check_policy(self, purpose: str | None, jurisdiction: str | None) -> None:
        """Raises InputError for a purpose or jurisdiction that does not exist."""
        policy.decide("quality", purpose or self.settings.purpose, jurisdiction or self.settings.jurisdiction)

    @property
    def store(self) -> ConversationStore:
        """Everything recorded."""
        return self._session.store

    @property
    def turns(self) -> int:
        """Turns so far, finished or not."""
        return int(self._session.values.get("number", 0))

    @property
    def persistent(self) -> bool:
        """Whether the conversation will be there when the program has ended."""
        return self._session.storage.persistent

    @property
    def unfinished(self) -> str | None:
        """The text of a turn that was cut off, or None."""
        pending = self._not_begun()
        if pending is not None:
            return pending.text
        snapshot = self._session.state()
        return str(snapshot.values.get("text", "")) if snapshot.next and not snapshot.interrupts else None

    def _not_begun(self) -> PendingTurn | None:
        """The turn that was cut off before its first checkpoint was written, or None."""
        if not self.store.is_a(PENDING, PendingTurn):
            return None
        pending, snapshot = self.store.get(PENDING, PendingTurn), self._session.state()
        if pending.number > int(snapshot.values.get("number", 0)):
            return pending
        # The first checkpoint may be there without what it has to go on with.
        stuck = not snapshot.next and not snapshot.interrupts
        return pending if stuck and all(one.turn != pending.number for one in self.exchanges) else None

    @property
    def waiting(self) -> Clarification | None:
        """The question that the last turn ended with, if it is still open."""
        found = self._session.state().interrupts
        return Clarification.model_validate(found[0].value) if found else None

    @property
    def exchanges(self) -> list[Exchange]:
        """The words of the latest turns, oldest first."""
        return sorted(self.store.all(Exchange), key=lambda one: one.turn)

    def ask(
        self,
        text: str,
        pictures: Iterable[Input] = (),
        references: Iterable[Input] = (),
        *,
        purpose: str | None = None,
        jurisdiction: str | None = None,
    ) -> Generator[Event, None, None]:
        """One turn: its events as they happen, ``done`` last, or ``question`` when the agent has to ask back.

        Args:
            text: what is asked, in plain words; or the answer to the agent's question.
            pictures: pictures that join the conversation with this turn.
            references: pictures of a person to compare with, for this and later turns.
            purpose: why this is asked; replaces the conversation's from here on.
            jurisdiction: whose rules apply; likewise.

        Raises:
            InputError: for a purpose or jurisdiction that does not exist, or too many pictures; before any event.
        """
        self._check_policy(purpose, jurisdiction)
        limit = self.settings.max_bytes
        shown, compared = (
            name_apart(list(expand(given, self._blobs, limit=limit))) for given in (pictures, references)
        )
        self._check_room(shown, compared)
        return self._turn(text, shown, compared, {"purpose": purpose, "jurisdiction": jurisdiction})

    def resume(self) -> Generator[Event, None, None]:
        """Finish the turn that a killed process left; what it had recorded is neither lost nor measured again."""
        with self._lock:
            pending = self._not_begun()
            yield from self._guarded(None if pending is None else _begun(pending))

    def report(self, number: int = 1) -> Report:
        """The report on one picture of the conversation, from what is recorded. Raises InputError without one."""
        item = str(number)
        if item not in queries.items_of(self.store):
            raise InputError(f"There is no picture {number} in this conversation.")
        if not any(self.store.is_a(picture_key(item), kind) for kind in (Picture, Problem)):
            raise InputError(f"Picture {number} has not been analysed yet.", remedy="Ask something about it first.")
        context = self._turn_context(Stopwatch(), [item])
        kept = [picture_key(item), *queries.keys_of(self.store, item, Face, Evidence, Verdict, Explanation)]
        pictures, faces = queries.reference_keys(self.store)
        composed = pipeline.compose_report(
            context.request,
            self.settings,
            findings_of(self.store, kept, item, queries.name_of(self.store, item)),
            reference_findings_of(context, [*pictures, *faces]),
            (),
            tools=context.tools,
            timings_ms=self.store.timings_ms(1),
        )
        decided = tuple(sorted(self.store.all(PolicyDecision), key=lambda one: (one.question, one.purpose)))
        return composed.model_copy(update={"policy": decided, "refused": tuple(self.store.all(Refused))})

    def write_report(self, folder: Path | str, number: int = 1) -> Path:
        """Write ``report.json`` and ``report.html`` into ``folder``. Raises InputError, as when the picture is gone."""
        composed = self.report(number)
        problem = self._images.problem(picture_key(str(number)))
        if problem is not None and composed.picture is not None:
            raise InputError(f"The page shows the picture, and it is gone: {problem.message}")
        try:
            for key in queries.references_of(self.store):
                self._images.problem(key)
            return report.write(composed, Path(folder), self._blobs)
        finally:
            self._images.clear()

    def _check_room(self, pictures: list[Source], references: list[Source]) -> None:
        for given, known in ((pictures, queries.items_of(self.store)), (references, queries.references_of(self.store))):
            if len(given) + len(known) > MOST_PICTURES:
                raise InputError(
                    f"A conversation holds up to {MOST_PICTURES} pictures.",
                    remedy="Use `faceagent analyze` for many, or begin another conversation.",
                )

    def _turn(
        self, text: str, pictures: list[Source], references: list[Source], rules: dict[str, str | None]
    ) -> Generator[Event, None, None]:
        with self._lock:
            ruled = {name: value or self._rules.get(name) for name, value in rules.items()}
            if self.waiting is not None and not (pictures or references or any(ruled.values())):
                yield from self._guarded(Command(resume=text))
                return
            if references and self._session.values.get("borrowed"):
                # A picture of the conversation served as reference as long as none was given.
                queries.drop_references(self.store)
            first = len(queries.items_of(self.store)) + 1
            new = [str(number) for number in range(first, first + len(pictures))]
            for item, source in zip(new, pictures, strict=True):
                self.store.put(source_key(picture_key(item)), _lasting(source))
            known = len(queries.references_of(self.store))
            for number, source in enumerate(references, start=known + 1):
                self.store.put(source_key(reference_key(number)), _lasting(source))
            pending = PendingTurn(
                number=self.turns + 1, text=text[:MOST_TEXT], new=tuple(new), referenced=bool(references), **ruled
            )
            self.store.put(PENDING, pending)
            self._rules = {}
            yield from self._guarded(_begun(pending))

    def _guarded(self, given: Any) -> Generator[Event, None, None]:
        """A turn on the storage; when that fails, a notice, and once more in memory without repeating events."""
        self._sent = set()
        if self._session.error is not None:
            yield self._storage_notice(self._session.error)
            self._session.error = None
        for _ in range(TRIES):
            errors = self._session.storage.errors
            try:
                yield from self._run(given)
                return
            except errors as error:
                yield self._storage_notice(translate_error(error, self._session.storage.location))
                given = self._move_to_memory(given)
            finally:
                self._images.clear()

    def _storage_notice(self, error: StorageError) -> Noted:
        language = (self._session.values.get("plan") or {}).get("language", "en")
        return Noted(code=error.code, text=phrases.say(language, "stored_elsewhere", trouble=str(error)))

    def _move_to_memory(self, given: Any) -> Any:
        """Go on in memory: everything recorded comes along. Returns the input that begins the turn again."""
        self._session.move_to_memory()
        text = given.resume if isinstance(given, Command) else self._session.values.get("text", "")
        begun = given if isinstance(given, dict) else {"text": text, "new": []}
        return {**{key: value for key, value in self._session.values.items() if value is not None}, **begun}

    def _run(self, given: Any) -> Iterator[Event]:
        start, stopwatch = time.perf_counter(), Stopwatch()
        self.store.flush()
        items = queries.items_of(self.store)
        if self._session.new:
            text = str(given.get("text", "")) if isinstance(given, dict) else ""
            self._session.update_info(text, self.turns, len(items))
        context, graph, outside = self._turn_context(stopwatch, items), self._session.graph, 0.0
        self._session.begin_turn()
        events: Any = graph.stream(
            given, self._session.config, context=context, stream_mode="custom", durability="async"
        )
        for event in events:
            sent = event.model_dump_json()
            if sent in self._sent and event.event != "token":
                continue
            self._sent.add(sent)
            paused = time.perf_counter()
            yield event
            outside += time.perf_counter() - paused
        snapshot = self._session.state()
        self._session.values = dict(snapshot.values)
        if snapshot.interrupts:
            self.store.drop(PENDING)
            self.store.flush()
            yield Clarification.model_validate(snapshot.interrupts[0].value)
            return
        self._session.finish(self.turns, len(items))
        seconds = time.perf_counter() - start - outside
        yield Done(
            turn=self.turns,
            reply=str(self._session.values["reply"]),
            seconds=seconds,
            overhead_ms=1000 * max(0.0, seconds - stopwatch.seconds),
            calls=int(self._session.values.get("made", 0)),
        )

    def _turn_context(self, stopwatch: Stopwatch, items: list[str]) -> TurnContext:
        store = self.store
        purpose = self._session.values.get("purpose") or self._rules.get("purpose") or self.settings.purpose
        jurisdiction = self._session.values.get("jurisdiction") or self._rules.get("jurisdiction")
        jurisdiction = jurisdiction or self.settings.jurisdiction
        return TurnContext(
            request=Request(questions=(), purpose=purpose, jurisdiction=jurisdiction),
            decisions=(),
            sources=tuple(store.get(source_key(picture_key(item)), Source) for item in items),
            references=tuple(store.get(source_key(key), Source) for key in queries.references_of(store)),
            settings=self.settings,
            blobs=self._blobs,
            tools=self._runtime.tools,
            pool=self._runtime.pool,
            record=store,
            images=self._images,
            stopwatch=stopwatch,
            sign_off=self._sign_off,
            load_explainer=self._load_explainer,
            traits=self._traits,
        )

    def close(self) -> None:
        """Release the conversation; it stays in the storage."""
        self._session.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self


def _begun(pending: PendingTurn) -> dict[str, Any]:
    """The state with which the graph begins a turn."""
    return {
        "number": pending.number,
        "text": pending.text,
        "new": list(pending.new),
        **({"borrowed": False} if pending.referenced else {}),
        **{name: value for name in ("purpose", "jurisdiction") if (value := getattr(pending, name))},
    }


def _lasting(source: Source) -> Source:
    """A path as it will still be found from another working directory."""
    if source.kind != "path" or source.ref == "\0" or source.ref.startswith("file:///"):
        return source
    return source.model_copy(update={"ref": str(Path(source.ref).absolute())})
