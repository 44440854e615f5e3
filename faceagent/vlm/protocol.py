"""The interface of every backend of the vision-language model: requests, answers, methods.

Knows no model, no transport and no question of ours.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol

from pydantic import Field

from faceagent.types import FrozenModel


class Message(FrozenModel):
    """One message. ``images``: encoded JPEG or PNG, placed before the text; only user messages have images."""

    role: Literal["user", "assistant"] = "user"
    text: str
    images: tuple[bytes, ...] = ()


class GenerationRequest(FrozenModel):
    """One request: a conversation that ends with a message of the user."""

    turns: tuple[Message, ...] = Field(min_length=1)
    system: str | None = None
    format: Mapping[str, Any] | None = Field(default=None, description="JSON schema that the answer has to satisfy")
    adapter: str | None = Field(default=None, description="name of the LoRA to answer with; None: the base model")
    max_tokens: int = Field(default=256, ge=1)


class Answer(FrozenModel):
    """One generated answer. ``parsed`` is set, and valid under the schema, whenever the request has a ``format``."""

    text: str
    parsed: Any = None
    first: Mapping[str, float] = Field(
        default_factory=dict,
        description="log-probability of the 20 likeliest first tokens before any constraint, where available",
    )
    tokens: int = Field(ge=0, description="tokens generated")
    seconds: float = Field(ge=0)
    finish: Literal["stop", "length"]
    model: str
    adapter: str | None = None


class Backend(Protocol):
    """One model. Safe to call from many threads; decoding is greedy, so equal requests get equal answers.

    Every method raises ModelUnavailable when the model cannot be reached or loaded, and VlmAnswerInvalid when its
    answer is not usable.
    """

    name: str

    def ask(self, request: GenerationRequest) -> Answer:
        """The whole answer."""
        ...

    def stream(self, request: GenerationRequest) -> Iterator[str]:
        """The answer's text piece by piece; with a format the pieces are JSON only when put together."""
        ...

    def score(self, request: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """Probability of each of ``choices`` as the whole answer, normalised over them; uncalibrated."""
        ...

    def adapters(self) -> frozenset[str]:
        """Names that ``GenerationRequest.adapter`` may have."""
        ...

    def close(self) -> None:
        """Free the model or close the connection."""
        ...
