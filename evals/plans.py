"""What ``python -m evals.results`` measures, and which figures the README shows: ``plans.toml``, read and checked."""

import tomllib
from functools import cache
from importlib import resources

from pydantic import Field

from faceagent.types import FrozenModel

FILE = "plans.toml"


class PlannedRun(FrozenModel):
    """One task on one set, or on a stated part of it."""

    task: str
    data: str = Field(alias="set")
    """Name of the set: a folder below the data folder, a set made from others, or ``queries/NAME``."""
    tool: str | None = None
    split: str | None = None
    """Only rows whose column ``split`` says this."""
    where: tuple[str, str] | None = None
    """Column and value: only rows that say so."""
    limit: int | None = Field(default=None, ge=1)
    """Cases at most, drawn by the hash of their cluster's name: always the same ones."""
    note: str = ""
    """What a reader must know about the figures."""

    @property
    def name(self) -> str:
        """Folder of the run, and its name in plans, thresholds and results."""
        parts = (
            self.task,
            self.tool or "",
            self.data,
            self.split or "",
            "_".join(self.where or ()),
            str(self.limit or ""),
        )
        return "-".join(part for part in parts if part).replace(" ", "_").replace("/", "_")

    @property
    def part(self) -> str:
        """The part of the set that is taken, in words; empty for all of it."""
        split = f"split {self.split}" if self.split else ""
        rows = " ".join(self.where) if self.where else ""
        limit = f"{self.limit} cases" if self.limit else ""
        return ", ".join(word for word in (split, rows, limit) if word)

    def capped(self, limit: int | None) -> "PlannedRun":
        """The same on no more than ``limit`` cases."""
        keep = limit is None or (self.limit is not None and self.limit <= limit)
        return self if keep else self.model_copy(update={"limit": limit})


class FigureRow(FrozenModel):
    """One row of the README's table. Values are named ``RUN:METRIC``; a baseline is a metric too."""

    data: str = Field(alias="set")
    """The set, in words."""
    figure: str
    """What is measured, in words; several are parted by semicolons, as the values are."""
    values: tuple[str, ...] = Field(min_length=1)
    unit: str = ""
    beside: tuple[tuple[str, str], ...] = ()
    """What the value is compared with: words and ``RUN:METRIC``."""
    note: str = ""


class Plans(FrozenModel):
    """Everything in ``plans.toml``."""

    run: tuple[PlannedRun, ...]
    row: tuple[FigureRow, ...]


@cache
def plans() -> Plans:
    """The shipped plans."""
    text = resources.files("evals").joinpath(FILE).read_text(encoding="utf-8")
    return Plans.model_validate(tomllib.loads(text))
