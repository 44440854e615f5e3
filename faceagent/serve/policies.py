"""Which moderation policy a request means: one by name and version, or a document that it brings along."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from faceagent.errors import InputError
from faceagent.serve.errors import ApiError
from faceagent.serve.moderation import BUILT_IN, NamedPolicy, PolicyDocument, read_policy
from faceagent.storage.database import policies
from faceagent.storage.database.engine import Database
from faceagent.types import FrozenModel

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
MOST_BYTES = 64 * 2**10
VERSION = Field(default=None, ge=1, le=2**31 - 1, description="null: the newest; built-in policies have none")
DEFAULT_POLICY = NamedPolicy(name="strictest", document=BUILT_IN["strictest"])
"""What applies where a picture is moderated and no policy is named."""


def _read(given: Any) -> Any:
    """A document as text, for a form has no other."""
    if not isinstance(given, str):
        return given
    if len(given.encode("utf-8", "replace")) > MOST_BYTES:
        raise ValueError(f"a policy has up to {MOST_BYTES:,} bytes")
    try:
        return read_policy(given)
    except InputError as error:
        raise ValueError(str(error)) from None


DocumentOrText = Annotated[PolicyDocument, BeforeValidator(_read)]


class PolicyChoice(FrozenModel):
    """A policy by name, a document, or none."""

    policy: str | None = Field(default=None, pattern=NAME, description="name of a moderation policy")
    version: int | None = VERSION
    document: DocumentOrText | None = Field(
        default=None, description="a policy that is not stored, instead of a name; in a form as YAML or JSON"
    )

    @model_validator(mode="after")
    def _one_at_most(self) -> "PolicyChoice":
        if self.document is not None and (self.policy is not None or self.version is not None):
            raise ValueError("name a policy, or send a document")
        if self.version is not None and self.policy is None:
            raise ValueError("a version belongs to a policy: name it")
        return self

    def find(self, database: Database) -> NamedPolicy | None:
        """The policy that is meant, if any. Raises ApiError (404)."""
        if self.document is not None:
            return NamedPolicy(document=self.document)
        return None if self.policy is None else find_policy(database, self.policy, self.version)


def find_policy(database: Database, name: str, version: int | None) -> NamedPolicy:
    """A policy, built in or stored; without ``version`` the newest. Raises ApiError (404)."""
    if name in BUILT_IN and version is None:
        return NamedPolicy(name=name, document=BUILT_IN[name])
    found = policies.find_policy(database, name, version)
    if found is None:
        raise ApiError(404, "There is no such policy, or not in this version.")
    return NamedPolicy(name=name, version=found[0], document=PolicyDocument.model_validate_json(found[1]))
