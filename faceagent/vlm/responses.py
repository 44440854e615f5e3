"""The responses of an OpenAI-compatible endpoint: the fields that are used, and no others."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceagent.errors import ModelUnavailable

Parsed = TypeVar("Parsed", bound="ResponsePart")


class ResponsePart(BaseModel):
    """Part of a response; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ListedModel(ResponsePart):
    """One entry of the list of models. vLLM names a LoRA's base as its ``parent``."""

    id: str
    parent: str | None = None
    owned_by: str | None = None


class ModelList(ResponsePart):
    """The list of models."""

    data: tuple[ListedModel, ...]


class TopToken(ResponsePart):
    """One of the likeliest tokens at one position."""

    token: str
    logprob: float


class GeneratedToken(ResponsePart):
    """One generated token."""

    top_logprobs: tuple[TopToken, ...] = ()


class AnswerLogprobs(ResponsePart):
    """Log-probabilities of an answer, token by token."""

    content: tuple[GeneratedToken, ...] | None = None


class AnswerMessage(ResponsePart):
    """The text of the answer, or why the model refused."""

    content: str | None = None
    refusal: str | None = None


class Choice(ResponsePart):
    """One answer; only one is ever requested."""

    message: AnswerMessage
    finish_reason: str | None = None
    logprobs: AnswerLogprobs | None = None


class PromptToken(ResponsePart):
    """A token of the prompt and its log-probability (vLLM only)."""

    logprob: float
    decoded_token: str | None = None


class Usage(ResponsePart):
    """Token counts."""

    completion_tokens: int = 0


class Completion(ResponsePart):
    """A whole answer."""

    usage: Usage | None = None
    choices: tuple[Choice, ...] = Field(min_length=1)
    prompt_logprobs: tuple[Mapping[str, PromptToken] | None, ...] | None = None


class Delta(ResponsePart):
    """A piece of text."""

    content: str | None = None


class ChunkChoice(ResponsePart):
    """A piece of an answer."""

    delta: Delta
    finish_reason: str | None = None


class Chunk(ResponsePart):
    """One event of a streamed answer."""

    choices: tuple[ChunkChoice, ...]


def read(kind: type[Parsed], value: Any) -> Parsed:
    """``value`` validated as a ``kind``. Raises ModelUnavailable when it is not valid."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ModelUnavailable(
            "The endpoint does not speak the OpenAI protocol: its answer lacks required fields.",
            remedy="Check FACEAGENT_VLM_ENDPOINT; it usually ends in /v1.",
        ) from error
