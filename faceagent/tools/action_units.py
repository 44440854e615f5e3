"""Facial action units (FACS): what moved in a face, and how much, measured against neutral faces.

Sources are MediaPipe's blendshape coefficients and a few distances on its mesh, combined by ``facs.toml``. A unit is
present beyond what 95 % of neutral faces show; intensity runs from 0 over 0.5, where presence begins, to 5, which
1 % of the training faces reach. The scale is our own: it has FACS's ends, and no FACS coder has confirmed its middle.

The module does not know the person: "neutral" is the average neutral face, so brows that are low by nature give a
small AU4. It does not know why anything moved.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from faceagent.faces import needs
from faceagent.faces.needs import lacking
from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec, View, hidden_evidence, stamped
from faceagent.tools.distances import SPANS, Sides, distances
from faceagent.tools.facs import Neutral, Unit, Unmeasurable, neutral, table
from faceagent.types import Evidence, Face, PartVisibility, Region, Score, ToolStamp

SLACK = 0.02
"""Added to the spread of every blendshape: smaller differences cannot be seen, however little neutral faces vary."""
REACH = (-3.0, 6.0)
"""Deviations are clipped to this range: the coefficients saturate."""
PITCH = 30.0
"""Degrees of pitch up to which distances are corrected for it."""
UNEVEN = 1.5
"""Difference of intensity between left and right from which the statement calls a unit uneven."""


class Activation(NamedTuple):
    """One unit of one face. ``deviation`` is in standard deviations of neutral faces, clipped to ``REACH``."""

    deviation: float
    intensity: float
    left: float
    right: float
    present: bool


def levels(face: Face) -> dict[str, Sides]:
    """Blendshapes (0-1; one without sides stands twice) and distances of a face, by name without Left and Right."""
    found = distances(face.landmarks, face.pose)
    for name, value in face.blendshapes.items():
        if name.endswith("Left"):
            base = name.removesuffix("Left")
            if f"{base}Right" in face.blendshapes:
                found[base] = Sides(value, face.blendshapes[f"{base}Right"])
                continue
        found.setdefault(name, Sides(value, value))
    return found


def activations(face: Face, reference: Neutral | None = None) -> dict[int, Activation]:
    """Every measurable unit by its code. Raises KeyError when the face has no landmarks or blendshapes."""
    reference = reference or neutral()
    whole = deviations(face, reference)
    clipped = {name: clip(sides) for name, sides in whole.items()}
    rough: dict[int, Sides] = {}
    found: dict[int, Activation] = {}
    for unit in table().units:
        # Rules need values that no saturated coefficient can dominate; intensities need the unclipped range.
        free, limited = (combined(unit, source, rough, reference) for source in (whole, clipped))
        rough[unit.code] = clip(limited)
        left, right, both = (intensity(unit, value, reference) for value in (*free, free.both))
        found[unit.code] = Activation(
            deviation=float(np.clip(limited.both, *REACH)),
            intensity=both,
            left=left,
            right=right,
            present=free.both >= reference.ranges[unit.code].present,
        )
    return found


def deviations(face: Face, reference: Neutral) -> dict[str, Sides]:
    """Every source that a unit uses, in standard deviations of neutral faces, unclipped."""
    measured, pitch = levels(face), relative_pitch(face, reference)
    found = {}
    for name in {name: None for unit in table().units for name in unit.shares}:
        level, sides = reference.levels[name], measured[name]
        spread = level.sd if name in SPANS else level.sd + SLACK
        middle = level.mean + level.slope * pitch
        found[name] = Sides((sides.left - level.tilt - middle) / spread, (sides.right + level.tilt - middle) / spread)
    return found


def combined(unit: Unit, sources: Mapping[str, Sides], others: Mapping[int, Sides], reference: Neutral) -> Sides:
    """The unit's sources in one number per side, in standard deviations of neutral faces."""
    spread = reference.ranges.get(unit.code)
    total = [
        sum(share * sources[name][side] for name, share in unit.shares.items()) / sum(map(abs, unit.shares.values()))
        - sum(share * max(others[code].both, 0.0) for code, share in unit.without.items())
        for side in (0, 1)
    ]
    return Sides(*total) if spread is None else Sides(*((one - spread.mean) / spread.sd for one in total))


def intensity(unit: Unit, deviation: float, reference: Neutral) -> float:
    """0-5 for an unclipped deviation; rises with it everywhere, so that faces can be compared below presence too."""
    spread = reference.ranges[unit.code]
    return float(np.interp(deviation, (spread.none, spread.present, spread.full), (0.0, 0.5, 5.0)))


def relative_pitch(face: Face, reference: Neutral) -> float:
    """Degrees of pitch beyond the neutral faces' mean, limited to the range that distances are corrected for."""
    return 0.0 if face.pose is None else float(np.clip(face.pose.pitch, -PITCH, PITCH)) - reference.pitch


def clip(sides: Sides) -> Sides:
    """``sides`` shifted so that their mean lies within ``REACH``; their difference stays."""
    excess = float(np.clip(sides.both, *REACH)) - sides.both
    return Sides(sides.left + excess, sides.right + excess)


class ActionUnits:
    """Arithmetic on the landmarker's output in ``Face``; runs no model of its own."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="action_units",
        version="1.1.0",
        title="Action units",
        summary="Which facial muscles moved and how much (FACS, presence and intensity 0-5).",
        questions=("action_units", "expression"),
        scope="face",
        needs=("landmarks",),
        weights=("face_landmarker",),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def stamp(self) -> ToolStamp:
        """Name, version and the landmarker whose output is read."""
        return stamped(self.spec)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """One item per unit and face: ``F1:AU12``, "present" or "absent" with its intensity."""
        by = self.stamp()
        return [() if view.face is None else _evidence(by, view, view.face) for view in batch]


def _evidence(by: ToolStamp, view: View, face: Face) -> tuple[Evidence, ...]:
    found = activations(face)
    measured = []
    for unit in sorted(table().units, key=lambda one: one.code):
        missing = hidden_for_unit(face, unit.code)
        measured.append(_hidden(by, view, unit, missing) if missing else _measured(by, view, unit, found[unit.code]))
    return (*measured, *(_unmeasurable(by, view, unit) for unit in table().unmeasurable))


def hidden_for_unit(face: Face, code: int) -> tuple[PartVisibility, ...]:
    """The hidden parts because of which a unit cannot be measured on a face; nothing where it can."""
    return lacking(face, needs.table().action_unit.get(code))


def _hidden(by: ToolStamp, view: View, unit: Unit, missing: Sequence[PartVisibility]) -> Evidence:
    return hidden_evidence(
        by,
        view,
        name=unit.key,
        question="action_units",
        subject_words=f"{unit.key} ({unit.name})",
        missing=missing,
        facts={"name": unit.name},
    )


def _measured(by: ToolStamp, view: View, unit: Unit, found: Activation) -> Evidence:
    statement = f"{unit.key} ({unit.name}) is absent."
    if found.present:
        statement = f"{unit.key} ({unit.name}) is present at intensity {found.intensity:.1f} of 5."
        if abs(found.left - found.right) >= UNEVEN:
            sides = ("left", "right") if found.left > found.right else ("right", "left")
            more, less = max(found.left, found.right), min(found.left, found.right)
            statement += f" It is uneven: {sides[0]} {more:.1f}, {sides[1]} {less:.1f}."
    return Evidence(
        id=f"{view.subject}:{unit.key}",
        tool=by,
        question="action_units",
        subject=view.subject,
        label="present" if found.present else "absent",
        score=Score(value=found.intensity, scale="intensity"),
        facts={"name": unit.name, "z": found.deviation, "left": found.left, "right": found.right},
        region=_region(unit, found),
        statement=statement,
    )


def _unmeasurable(by: ToolStamp, view: View, unit: Unmeasurable) -> Evidence:
    return Evidence(
        id=f"{view.subject}:AU{unit.code}",
        tool=by,
        question="action_units",
        subject=view.subject,
        facts={"name": unit.name},
        statement=f"AU{unit.code} ({unit.name}) cannot be measured: {unit.why}.",
        status="not_applicable",
        reason="not_measurable",
    )


def _region(unit: Unit, found: Activation) -> Region:
    if unit.region == "eyes":
        return "left_eye" if found.left > found.right else "right_eye"
    return unit.region
