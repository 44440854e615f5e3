"""Loads the texts under ``prompts/``: front matter, typed variables, rendered text and its digest.

A prompt is a Jinja template in a Markdown file, ``prompts/<question>/<name>.md``, with a YAML front matter that
declares ``id``, ``version`` and ``variables``. Rendering is sandboxed and strict: a missing or undeclared variable is
an error, and a template cannot access a file, an attribute with an underscore, or the network.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import yaml
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field, ValidationError

from faceagent.errors import InputError
from faceagent.types import FrozenModel

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _template(body: str) -> Template:
    """Compiled once: compiling takes a hundred times as long as rendering."""
    return _ENVIRONMENT.from_string(body)


class Prompt(FrozenModel):
    """One text of the ``prompts/`` folder."""

    id: str
    version: int = Field(ge=1)
    variables: tuple[str, ...]
    body: str
    sha256: str = Field(description="of the whole file, front matter included")

    @property
    def name(self) -> str:
        """``id@version``, as reports quote it."""
        return f"{self.id}@{self.version}"

    def render(self, variables: Mapping[str, object]) -> str:
        """The text with its variables filled in. Raises InputError when they are not the declared ones."""
        if set(variables) != set(self.variables):
            odd = ", ".join(sorted(set(variables) ^ set(self.variables)))
            raise InputError(f"Prompt {self.name} does not take exactly these variables: {odd}.")
        try:
            return _template(self.body).render(variables)
        except TemplateError as error:
            raise InputError(f"Prompt {self.name} cannot be rendered: {error}.") from error


def folder() -> Path:
    """The folder of the prompts: inside the wheel, or beside the package in a checkout."""
    packaged = Path(str(resources.files("faceagent"))) / "_prompts"
    return packaged if packaged.is_dir() else packaged.parent.parent / "prompts"


@cache
def prompt(identifier: str) -> Prompt:
    """The prompt called ``identifier``, for example ``expression/ledger``. Raises InputError if it is unusable."""
    path = folder() / f"{identifier}.md"
    try:
        raw = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"There is no prompt called {identifier!r}.") from error
    _, front, body = raw.split("---\n", 2) if raw.startswith("---\n") else ("", "", raw)
    digest = hashlib.sha256(raw.encode()).hexdigest()
    try:
        found = Prompt(**(yaml.safe_load(front) or {}), body=body, sha256=digest)
    except (ValidationError, TypeError, yaml.YAMLError) as error:
        raise InputError(f"The front matter of prompt {identifier!r} is unusable: {error}.") from error
    if found.id != identifier:
        raise InputError(f"Prompt {identifier!r} calls itself {found.id!r}.")
    return found
