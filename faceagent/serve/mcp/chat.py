"""One turn of a conversation for an MCP client: what happens is progress, what is said is the result."""

from collections.abc import Sequence
from functools import partial

import anyio.from_thread
import anyio.to_thread

from faceagent.agent.chat.events import Clarification, Decided, Done, Event, FacesFound, Noted, ToolStarted
from faceagent.intake import Input, MemoryBlobs, NamedBytes
from faceagent.intake.sources import path_of
from faceagent.serve.mcp.access import sources_of
from faceagent.serve.mcp.arguments import AskArguments
from faceagent.serve.mcp.calls import Answer, Call
from faceagent.serve.mcp.results import ChatResult


async def ask(call: Call, arguments: AskArguments) -> Answer:
    """The answer to a question in plain words about the pictures of a conversation."""
    async with call.service.limit:
        result = await anyio.to_thread.run_sync(partial(_turn, call, arguments))
    return Answer(result, result.text)


def _turn(call: Call, arguments: AskArguments) -> ChatResult:
    """Runs in a thread; ends between two events when the client has cancelled the call."""
    shown, compared = (_inputs(call, names) for names in (arguments.images, arguments.references))
    events: list[Event] = []
    with call.service.conversation(arguments.session, call.owner) as (session, conversation):
        turn = conversation.ask(
            arguments.text, shown, compared, purpose=arguments.purpose, jurisdiction=arguments.jurisdiction
        )
        for event in turn:
            events.append(event)
            words = _words(event)
            if words is not None:
                anyio.from_thread.run(_report, call, len(events), words)
            anyio.from_thread.check_cancelled()
    last = events[-1]
    return ChatResult(
        session=session,
        reply=last.text if isinstance(last, Clarification) else last.reply if isinstance(last, Done) else "",
        options=last.options if isinstance(last, Clarification) else (),
        verdicts=tuple(event.verdict for event in events if isinstance(event, Decided)),
        notices=tuple(event.text for event in events if isinstance(event, Noted)),
    )


async def _report(call: Call, done: int, words: str) -> None:
    await call.progress(done, None, words)


def _inputs(call: Call, names: Sequence[str]) -> list[Input]:
    """The pictures of a turn. Files and addresses are read when they are needed, in later turns again."""
    backend, blobs = call.service.backend, MemoryBlobs()
    found: list[Input] = []
    for source in sources_of(names, backend.folders, blobs, backend.settings):
        if source.kind == "path":
            found.append(path_of(source))
        elif source.kind == "url" or source.problem is not None:
            found.append(source.ref or None)
        else:
            found.append(NamedBytes(source.name, blobs.get(source.ref)))
    return found


def _words(event: Event) -> str | None:
    """What a reader is told about an event while the turn runs; None: nothing."""
    if isinstance(event, FacesFound):
        return f"{len(event.faces)} faces in {event.source}"
    if isinstance(event, ToolStarted):
        return f"measuring: {event.tool}"
    if isinstance(event, Decided):
        return f"decided: {event.verdict.question}"
    return None
