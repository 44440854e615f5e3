"""The shapes of OpenAI's chat completions that faceagent reads and writes, and the turns that messages stand for.

Fields that change how a model samples (temperature and the like) are accepted and have no effect. What would promise
something that faceagent does not do (tools, a JSON schema, several answers) is refused.
"""

import hashlib
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from faceagent.policy import Jurisdiction, Purpose
from faceagent.types import FrozenModel

MODEL: Literal["faceagent"] = "faceagent"
MOST_MESSAGES = 200
MOST_TEXT = 20_000
MOST_URL = 400 * 2**20


class ForeignModel(BaseModel):
    """What a client of OpenAI's sends: unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ImageUrl(ForeignModel):
    """A picture: a ``data:`` URL, ``case:case_3f…`` (a case that has kept it), or http(s) at a public address."""

    url: str = Field(min_length=1, max_length=MOST_URL)


class TextPart(ForeignModel):
    """Words of a message."""

    type: Literal["text"]
    text: str = Field(max_length=MOST_TEXT)


class ImagePart(ForeignModel):
    """A picture of a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


class Message(ForeignModel):
    """One message. Only those of the user count: what the assistant said is known, and nobody else gives orders."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart | ImagePart] | None = None


class ChatOptions(FrozenModel):
    """What faceagent takes beyond OpenAI's fields, as ``faceagent``."""

    purpose: Purpose | None = None
    jurisdiction: Jurisdiction | None = None


class ResponseFormat(ForeignModel):
    """Only text is answered."""

    type: Literal["text"]


class ChatRequest(ForeignModel):
    """A conversation so far, the user's newest message last."""

    model: Literal["faceagent"] = MODEL
    messages: list[Message] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool = False
    n: Literal[1] | None = None
    tools: list[Any] | None = Field(default=None, max_length=0, description="there are none to call")
    response_format: ResponseFormat | None = None
    faceagent: ChatOptions = ChatOptions()


class Citation(FrozenModel):
    """What a number in the answer stands for."""

    label: str = Field(description="as the answer has it: E5")
    case_id: str
    evidence_id: str = Field(description="id of the evidence in the report of that case")


class ChatNotes(FrozenModel):
    """What faceagent says beyond OpenAI's fields, as ``faceagent``."""

    case_id: str | None = Field(
        default=None,
        description="the report on the picture that was measured last, in this turn or before",
    )
    case_ids: list[str] = Field(default=[], description="the reports that this turn has made, one per picture")
    citations: list[Citation] = Field(default=[], description="the evidence that the answer cites, in its order")
    notices: list[str] = []
    asks_back: bool = Field(default=False, description="the answer is a question; the next message answers it")


class AnswerMessage(FrozenModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(FrozenModel):
    """The one choice."""

    index: Literal[0] = 0
    message: AnswerMessage
    finish_reason: Literal["stop"] = "stop"


class ChatCompletion(FrozenModel):
    """The whole answer. There is no ``usage``: most words come from rules and are no model's tokens."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = MODEL
    choices: list[Choice]
    usage: None = None
    faceagent: ChatNotes


class Turn(NamedTuple):
    """One message of the user: words and pictures, still as URLs."""

    text: str
    pictures: tuple[str, ...]


def turns_of(messages: list[Message]) -> list[Turn]:
    """The user's messages. Messages of his that no answer stands between are one turn."""
    turns: list[Turn] = []
    answered = True
    for message in messages:
        if message.role == "assistant":
            answered = True
        if message.role != "user":
            continue
        turn = _turn(message)
        if answered:
            turns.append(turn)
        else:
            turns[-1] = Turn("\n".join(filter(None, (turns[-1].text, turn.text))), turns[-1].pictures + turn.pictures)
        answered = False
    return turns


def _turn(message: Message) -> Turn:
    if message.content is None or isinstance(message.content, str):
        return Turn((message.content or "")[:MOST_TEXT], ())
    words = [part.text for part in message.content if isinstance(part, TextPart)]
    return Turn("\n".join(words), tuple(part.image_url.url for part in message.content if isinstance(part, ImagePart)))


def fingerprint(owner: str, options: ChatOptions, turns: list[Turn]) -> str:
    """What tells a conversation up to some turn from every other one."""
    digest = hashlib.sha256(f"{owner}\0{options.model_dump_json()}".encode())
    for turn in turns:
        for text in (turn.text, *turn.pictures):
            data = text.encode("utf-8", "replace")
            digest.update(f"{len(data)}:".encode() + data)
        digest.update(b"\0")
    return digest.hexdigest()
