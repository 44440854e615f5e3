"""Reads what the service answers as types of ``faceagent.types.service``; fields that a newer one adds are ignored."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError

from faceagent.errors import ServiceError
from faceagent.types import FrozenModel

T = TypeVar("T")


class Policy(FrozenModel):
    """A moderation policy as the service has it."""

    name: str
    version: int | None = Field(default=None, description="null: built in")
    document: Mapping[str, Any] = Field(default_factory=dict, description="empty in a list")


class PolicyPage(FrozenModel):
    """All policies."""

    policies: tuple[Policy, ...]


class ToolSpecEntry(FrozenModel):
    """A tool that the service has."""

    name: str
    version: str
    title: str
    summary: str
    questions: tuple[str, ...]
    needs: tuple[str, ...] = ()


class ToolPage(FrozenModel):
    """All tools."""

    tools: tuple[ToolSpecEntry, ...]


class Health(FrozenModel):
    """The service answers."""

    status: str
    version: str


class Readiness(FrozenModel):
    """The service is ready."""

    status: str
    open_items: int


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def parse(kind: type[T], data: bytes) -> T:
    """The answer as ``kind``; ``bytes`` as they are. Raises ServiceError (not_understood) where it is another thing."""
    if kind is bytes:
        return cast(T, data)
    try:
        return cast(T, _adapter(cast(Any, kind)).validate_json(data, extra="ignore"))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole answer"
        raise ServiceError(
            f"The service's answer is not what this client expects: {where}: {first['msg']}.",
            code="not_understood",
            remedy="Check the address, and use the same version of faceagent on both sides.",
        ) from None
