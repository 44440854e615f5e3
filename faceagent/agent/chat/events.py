"""What a turn says while it runs: every step is one frozen event, the same for terminal, HTTP and tests.

``event`` names the kind. The order within a turn: ``plan``, then for as long as it takes ``faces``, ``tool_start``,
``evidence``, ``verdict``, ``check`` and ``notice``, then ``token`` by token the reply and one ``done``. A turn that
has to ask back ends with ``question`` instead; the next text is taken as the answer.
"""

from typing import Annotated, Literal

from pydantic import Field

from faceagent.router import Plan
from faceagent.tools.base import CropScale
from faceagent.types import Evidence, FrozenModel, Real, Verdict


class Planned(FrozenModel):
    """The text was understood so."""

    event: Literal["plan"] = "plan"
    plan: Plan


class FacesFound(FrozenModel):
    """The faces of one picture; none is an answer."""

    event: Literal["faces"] = "faces"
    picture: int
    source: str
    faces: tuple[str, ...]


class ToolStarted(FrozenModel):
    """A tool looks at pictures; ``why`` says so when it is more than the question needs."""

    event: Literal["tool_start"] = "tool_start"
    tool: str
    pictures: tuple[int, ...]
    crop: CropScale = ""
    why: str | None = None


class Recorded(FrozenModel):
    """Evidence was recorded; ``number`` is what ``E7`` means in this conversation."""

    event: Literal["evidence"] = "evidence"
    picture: int
    number: int
    evidence: Evidence


class Decided(FrozenModel):
    """The judge's verdict."""

    event: Literal["verdict"] = "verdict"
    picture: int
    verdict: Verdict


class Checked(FrozenModel):
    """An explanation was checked against the record; ``struck`` is what did not hold."""

    event: Literal["check"] = "check"
    picture: int
    subject: str
    question: str
    author: str
    kept: int
    struck: tuple[str, ...] = ()


class Noted(FrozenModel):
    """Something the user should know: a policy notice, a picture that is gone, a store that failed."""

    event: Literal["notice"] = "notice"
    code: str
    text: str


class Clarification(FrozenModel):
    """The agent asks back and waits; the next text is the answer."""

    event: Literal["question"] = "question"
    text: str
    options: tuple[str, ...] = ()


class Token(FrozenModel):
    """A piece of the reply; all pieces in order are the reply."""

    event: Literal["token"] = "token"  # noqa: S105  (the name of an event)
    text: str


class Done(FrozenModel):
    """The turn is over. ``overhead_ms`` is what neither tools, faces and pictures nor explanations took."""

    event: Literal["done"] = "done"
    turn: int
    reply: str
    seconds: Real
    overhead_ms: Real
    calls: int = Field(description="tool calls beyond the first round")


Event = Annotated[
    Planned | FacesFound | ToolStarted | Recorded | Decided | Checked | Noted | Clarification | Token | Done,
    Field(discriminator="event"),
]
