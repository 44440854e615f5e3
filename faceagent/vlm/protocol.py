"""What every backend of the vision-language model takes and gives, whoever runs the model.

Knows no model, no transport and no question of ours.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol

from pydantic import Field

from faceagent.types import FrozenModel


class Message(FrozenModel):
    """One message. ``images``: encoded JPEG or PNG, shown before the text; only the user shows pictures."""

    role: Literal["user", "assistant"] = "user"
    text: str
    images: tuple[bytes, ...] = ()


class GenerationRequest(FrozenModel):
    """One request: a conversation that ends with the user's turn."""

    turns: tuple[Message, ...] = Field(min_length=1)
    system: str | None = None
    format: Mapping[str, Any] | None = Field(default=None, description="JSON schema that the answer has to satisfy")
    adapter: str | None = Field(default=None, description="name of the LoRA to answer with; None: the base model")
    max_tokens: int = Field(default=256, ge=1)


class Answer(FrozenModel):
    """What came back. ``parsed`` is set, and valid, whenever a format was asked for."""

    text: str
    parsed: Any = None
    first: Mapping[str, float] = Field(
        default_factory=dict,
        description="log-probability of the 20 likeliest first tokens before any constraint, where that is told",
    )
    tokens: int = Field(ge=0, description="tokens generated")
    seconds: float = Field(ge=0)
    finish: Literal["stop", "length"]
    model: str
    adapter: str | None = None


class Backend(Protocol):
    """A model behind a door. Safe to call from many threads; greedy, so that the same ask gets the same answer.

    Every method raises ModelUnavailable when there is no model to ask, and VlmAnswerInvalid when what it said cannot
    be used.
    """

    name: str

    def ask(self, ask: GenerationRequest) -> Answer:
        """The whole answer."""
        ...

    def stream(self, ask: GenerationRequest) -> Iterator[str]:
        """The answer's text piece by piece; with a format the pieces are JSON only when put together."""
        ...

    def score(self, ask: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """Probability of each of ``choices`` as the whole answer, normalised over them; uncalibrated."""
        ...

    def adapters(self) -> frozenset[str]:
        """Names that ``GenerationRequest.adapter`` may have."""
        ...

    def close(self) -> None:
        """Let go of the model or the connection."""
        ...
