"""The FACS table and the EMFACS rules as data: the measurements of every unit, the units of every expression.

The table is ``facs.toml``, written by hand; what neutral faces look like is ``facs_neutral.json``, written by
``finetune.calibration.expression``. This module reads and checks both. It measures nothing.
"""

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import Field, model_validator

from faceagent.types import FrozenModel

Zone = Literal["eyes", "nose", "mouth"]


class Unit(FrozenModel):
    """One action unit that can be measured, and from what."""

    code: int
    name: str
    region: Zone
    shares: Mapping[str, float] = Field(description="blendshape or distance → weight")
    without: Mapping[int, float] = Field(default_factory=dict, description="other unit → share of it taken out")

    @property
    def key(self) -> str:
        """What the unit is called: AU12."""
        return f"AU{self.code}"


class Unmeasurable(FrozenModel):
    """An action unit that one still picture cannot show, and why."""

    code: int
    name: str
    region: Zone
    why: str


class Rule(FrozenModel):
    """One way to show an expression: the units that count for it and the units that count against it."""

    label: str
    level: float = Field(default=0.0, description="logit of the label when every unit is neutral")
    adds: Mapping[int, float] = Field(default_factory=dict)
    over: float = Field(default=1.0, gt=0)
    takes: Mapping[int, float] = Field(default_factory=dict)
    also: tuple[int, ...] = Field(default=(), description="units of the prototype that are reported, not weighed")

    def logit(self, deviations: Mapping[int, float]) -> float:
        """The rule's score from deviations per unit, in standard deviations of neutral faces."""
        pro = sum(weight * deviations[code] for code, weight in self.adds.items()) / self.over
        con = sum(weight * deviations[code] for code, weight in self.takes.items())
        return self.level + pro - con


class Clash(FrozenModel):
    """A unit and others that exclude it; both at once are no basic expression."""

    label: str
    unit: int
    against: Mapping[int, float]
    gain: float = Field(gt=1, description="times the weaker of the two")

    def logit(self, deviations: Mapping[int, float]) -> float:
        """0 unless both are shown."""
        against = sum(weight * max(deviations[code], 0.0) for code, weight in self.against.items())
        return self.gain * max(0.0, min(deviations[self.unit], against))


class FacsTable(FrozenModel):
    """``facs.toml``."""

    units: tuple[Unit, ...] = Field(alias="unit")
    unmeasurable: tuple[Unmeasurable, ...]
    rules: tuple[Rule, ...] = Field(alias="rule")
    clash: Clash

    @model_validator(mode="after")
    def _complete(self) -> "FacsTable":
        known: set[int] = set()
        for unit in self.units:
            if unit.code in known or not unit.without.keys() <= known:
                raise ValueError(f"{unit.key} stands twice, or before a unit it is cleared of")
            known.add(unit.code)
        named = [(rule.label, {*rule.adds, *rule.takes, *rule.also}) for rule in self.rules]
        for label, codes in (*named, (self.clash.label, {*self.clash.against, self.clash.unit})):
            if not codes <= known:
                raise ValueError(f"the rule for {label} names a unit that is not measured")
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """Expressions, in the order of their first rule."""
        return tuple(dict.fromkeys(rule.label for rule in self.rules))


class Level(FrozenModel):
    """How one measurement is spread over neutral faces."""

    mean: float
    sd: float = Field(gt=0)
    tilt: float = Field(default=0.0, description="half of left minus right: the model's own asymmetry")
    slope: float = Field(default=0.0, description="change per degree of pitch; distances only")


class Range(FrozenModel):
    """How one unit's combined deviation is spread over neutral faces, and where its intensities lie."""

    mean: float
    sd: float = Field(gt=0)
    none: float = Field(description="deviation that reads as intensity 0")
    present: float = Field(description="deviation from which the unit is called present")
    full: float = Field(description="deviation that reads as intensity 5")


class Neutral(FrozenModel):
    """``facs_neutral.json``: what the deviations are measured against."""

    id: str
    fitted_on: str
    n: int
    pitch: float = Field(description="mean pitch of the neutral faces, degrees")
    levels: Mapping[str, Level]
    ranges: Mapping[int, Range]


@cache
def table() -> FacsTable:
    """The shipped table."""
    return FacsTable.model_validate(tomllib.loads(_read("facs.toml")))


@cache
def neutral() -> Neutral:
    """The shipped reference of neutral faces."""
    record: dict[str, Any] = json.loads(_read("facs_neutral.json"))
    return Neutral.model_validate(record)


def _read(name: str) -> str:
    return resources.files("faceagent.tools").joinpath(name).read_text(encoding="utf-8")
