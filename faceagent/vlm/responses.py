"""What an OpenAI-compatible endpoint answers: the parts of it that are used, and no others."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceagent.errors import ModelUnavailable

Told = TypeVar("Told", bound="Part")


class Part(BaseModel):
    """Something of an answer; what is not named here is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Model(Part):
    """One entry of the list of models. vLLM names a LoRA's base as its ``parent``."""

    id: str
    parent: str | None = None
    owned_by: str | None = None


class Models(Part):
    """The list of models."""

    data: tuple[Model, ...]


class Top(Part):
    """One of the likeliest tokens at a place."""

    token: str
    logprob: float


class Place(Part):
    """One generated token."""

    top_logprobs: tuple[Top, ...] = ()


class Logs(Part):
    """Log-probabilities of an answer, token by token."""

    content: tuple[Place, ...] | None = None


class Message(Part):
    """What the model said, or why it refused."""

    content: str | None = None
    refusal: str | None = None


class Choice(Part):
    """One answer; only one is ever asked for."""

    message: Message
    finish_reason: str | None = None
    logprobs: Logs | None = None


class PromptToken(Part):
    """A token of the prompt and its log-probability (vLLM only)."""

    logprob: float
    decoded_token: str | None = None


class Usage(Part):
    """What was counted."""

    completion_tokens: int = 0


class Completion(Part):
    """A whole answer."""

    usage: Usage | None = None
    choices: tuple[Choice, ...] = Field(min_length=1)
    prompt_logprobs: tuple[Mapping[str, PromptToken] | None, ...] | None = None


class Delta(Part):
    """A piece of text."""

    content: str | None = None


class Piece(Part):
    """A piece of an answer."""

    delta: Delta
    finish_reason: str | None = None


class Chunk(Part):
    """One event of a streamed answer."""

    choices: tuple[Piece, ...]


def read(kind: type[Told], told: Any) -> Told:
    """``told`` as a ``kind``. Raises ModelUnavailable when it is nothing of the sort."""
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        raise ModelUnavailable(
            "The endpoint does not speak the OpenAI protocol: its answer lacks what it should hold.",
            remedy="Check FACEAGENT_VLM_ENDPOINT; it usually ends in /v1.",
        ) from error
