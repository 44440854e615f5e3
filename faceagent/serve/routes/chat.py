"""OpenAI-compatible chat: the stock clients ask about pictures, in turns, streaming or not."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from faceagent.agent.chat.events import Clarification, Done, Event, Noted, Token
from faceagent.serve import cases
from faceagent.serve.auth import ServiceHere, Submitter
from faceagent.serve.cases import OF_CASE
from faceagent.serve.chat_messages import (
    MODEL,
    AnswerMessage,
    ChatCompletion,
    ChatNotes,
    ChatRequest,
    Choice,
    Turn,
    turns_of,
)
from faceagent.serve.chats import Chats
from faceagent.serve.errors import ApiError, error_of, unprocessable
from faceagent.serve.logs import logger
from faceagent.serve.openapi import EVENTS, json_body
from faceagent.serve.service import Service
from faceagent.serve.uploads import decode_image, fetch_picture, validated
from faceagent.storage.database.api_keys import ApiKey
from faceagent.storage.database.engine import new_id
from faceagent.types import FrozenModel, Problem, Report

router = APIRouter(tags=["chat"])
CREATED = 1_764_460_800
"""When the model was made known, as OpenAI's clients want it; it means nothing here."""


class OpenAIError(FrozenModel):
    """What went wrong, as OpenAI's clients expect it."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIErrorBody(FrozenModel):
    """The error body of these routes."""

    error: OpenAIError


class ModelEntry(FrozenModel):
    """The one model."""

    id: str = MODEL
    object: Literal["model"] = "model"
    created: int = CREATED
    owned_by: str = MODEL


class ModelList(FrozenModel):
    """The one model, as a list."""

    object: Literal["list"] = "list"
    data: list[ModelEntry] = [ModelEntry()]


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": OpenAIErrorBody, "description": "error in OpenAI's envelope"}
    for status in (400, 401, 403, 404, 408, 413, 422, 429, 500, 503)
}


@router.get("/v1/models", responses=ERRORS)
def list_models(key: Submitter) -> ModelList:
    """The models: one."""
    del key
    return ModelList()


@router.get("/v1/models/{name}", responses=ERRORS)
def get_model(key: Submitter, name: str) -> ModelEntry:
    """The model called ``faceagent``."""
    del key
    if name != MODEL:
        raise ApiError(404, f"There is no model {name[:80]!r}; there is {MODEL}.", code="model_not_found")
    return ModelEntry()


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletion,
    responses={200: {"content": EVENTS}, **ERRORS},
    openapi_extra=json_body(ChatRequest),
)
async def complete(request: Request, service: ServiceHere, key: Submitter) -> Response:
    """Answer the newest message of a conversation about pictures."""
    # Read here and not by FastAPI, which reads bodies before it asks for a key.
    body = await validated(ChatRequest, await request.body())
    chats: Chats = request.app.state.chats
    turns = turns_of(body.messages)
    if not turns or body.messages[-1].role != "user":
        raise unprocessable("body.messages", "The last message has to be the user's.")
    loaded = [(turn, await run_in_threadpool(_load, turn, place, service, key)) for place, turn in enumerate(turns)]
    chats.acquire()
    events, answer = _begin(chats, service, key, body, loaded), _Answer()
    if body.stream:
        return StreamingResponse(_stream(answer, events), media_type="text/event-stream")
    async for event in events:
        answer.add(event)
    made = ChatCompletion(
        id=answer.id,
        created=answer.created,
        choices=[Choice(message=AnswerMessage(content=answer.text))],
        faceagent=answer.notes,
    )
    return Response(made.model_dump_json(), media_type="application/json")


def _load(turn: Turn, place: int, service: Service, key: ApiKey) -> list[bytes]:
    """The pictures of a turn. Raises ApiError (422)."""
    found = []
    for number, url in enumerate(turn.pictures):
        field = f"body.messages.{place}.image_url.{number}"
        if url[:5].lower() == "data:":
            found.append(decode_image(url, field))
            continue
        if url.startswith(OF_CASE):
            found.append(cases.find_kept(service, key, url, field).picture or b"")
            continue
        data = fetch_picture(url, service.analysis)
        if isinstance(data, Problem):
            raise unprocessable(field, f"The URL gives no picture: {data.message}", code=data.reason)
        found.append(data)
    return found


def _known_cases(turns: list[tuple[Turn, list[bytes]]]) -> dict[str, str]:
    """The cases whose pictures a conversation is about, by the sha256 of the picture."""
    return {
        hashlib.sha256(data).hexdigest(): url.removeprefix(OF_CASE)
        for turn, pictures in turns
        for url, data in zip(turn.pictures, pictures, strict=True)
        if url.startswith(OF_CASE)
    }


class _Answer:
    """An answer as it grows."""

    def __init__(self) -> None:
        self.id, self.created = new_id("chatcmpl"), int(time.time())
        self.text, self.notes = "", ChatNotes()

    def add(self, event: Event | ChatNotes) -> str:
        """Take an event in; returns the words that it adds."""
        added = ""
        if isinstance(event, Token):
            added = event.text
        elif isinstance(event, Done) and not self.text:
            added = event.reply
        elif isinstance(event, Clarification):
            added = "\n".join((event.text, *(f"- {option}" for option in event.options)))
            self.notes = self.notes.model_copy(update={"asks_back": True})
        elif isinstance(event, Noted):
            self.notes = self.notes.model_copy(update={"notices": [*self.notes.notices, event.text]})
        elif isinstance(event, ChatNotes):
            self.notes = self.notes.model_copy(
                update={name: getattr(event, name) for name in ("case_id", "case_ids", "citations")}
            )
        self.text += added
        return added

    def chunk(self, delta: dict[str, str], **more: Any) -> str:
        """One line of the stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": more.pop("finish_reason", None)}
        body = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": MODEL,
            "choices": [choice],
            **more,
        }
        return f"data: {json.dumps(body)}\n\n"


async def _stream(answer: _Answer, events: AsyncIterator[Event | ChatNotes]) -> AsyncIterator[str]:
    yield answer.chunk({"role": "assistant", "content": ""})
    try:
        async for event in events:
            if words := answer.add(event):
                yield answer.chunk({"content": words})
    except Exception as error:
        # The status was sent long ago; OpenAI's clients raise on an event that holds an error.
        known = error_of(error)
        if known.status == 500:
            logger.exception("chat_crashed", kind=type(error).__name__)
        failed = {"message": known.message, "type": "server_error", "param": None, "code": known.code}
        yield f"data: {json.dumps({'error': failed})}\n\n"
        return
    yield answer.chunk({}, finish_reason="stop", faceagent=answer.notes.model_dump(mode="json"))
    yield "data: [DONE]\n\n"


def _begin(
    chats: Chats, service: Service, key: ApiKey, body: ChatRequest, turns: list[tuple[Turn, list[bytes]]]
) -> AsyncIterator[Event | ChatNotes]:
    """Begin the newest turn; returns its events, then its cases. It is finished also where nobody listens any more.

    One thread runs the whole turn, for LangGraph's context is bound to it.
    """
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[Event | ChatNotes | Exception | None]()

    def put(one: Event | ChatNotes | Exception | None) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, one)

    known = _known_cases(turns)

    def keep(report: Report) -> str:
        """A picture that is a case already needs no other one."""
        found = None if report.picture is None else known.get(report.picture.sha256)
        return found or cases.store(service, key, report)[0]

    def work() -> None:
        try:
            for event in chats.ask(service, key.id, body.faceagent, turns, keep):
                put(event)
        except Exception as error:
            put(error)
        finally:
            chats.release()
            put(None)

    async def events() -> AsyncIterator[Event | ChatNotes]:
        while (event := await queue.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    loop.run_in_executor(None, work)
    return events()
