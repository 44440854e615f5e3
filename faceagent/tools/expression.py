"""Apparent expression from action units, by EMFACS rules: what a face appears to show, not what a person feels.

Seven basic labels and "other". Every rule is a sum over action units in ``facs.toml`` (EMFACS, Friesen & Ekman
1983), so each answer can name the units it rests on. "Other" is for units that no basic expression uses and for
faces that show two at once which exclude each other; contempt is not a label of its own and falls under it.

The rules know posed, complete expressions best. They do not know the person's resting face, the situation, or time.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from faceagent.faces.needs import clause
from faceagent.settings import Settings
from faceagent.tools.action_units import Activation, activations, hidden_for_unit
from faceagent.tools.base import ToolSpec, View, hidden_evidence, stamped
from faceagent.tools.facs import Rule, table
from faceagent.types import PARTS, Evidence, Face, FacePart, PartVisibility, Score, ToolStamp

CALIBRATION = "expression/emfacs-1"
EYES: frozenset[FacePart] = frozenset({"right_eye", "left_eye"})
"""Without both, what is left is the mouth's reading: nothing says how often that is right, so it is not calibrated."""
BASIS = 0.5
"""Deviations from which a unit is named as support of an answer; below presence it is called faint."""


class Reading(NamedTuple):
    """The logit of every label, and the rule that gave the winner its logit (None: a clash)."""

    logits: Mapping[str, float]
    label: str
    rule: Rule | None


def read(deviations: Mapping[int, float]) -> Reading:
    """Weigh deviations per unit (standard deviations of neutral faces, -3 to 6) by every rule."""
    best: dict[str, tuple[float, Rule | None]] = {}
    for rule in table().rules:
        logit = rule.logit(deviations)
        if rule.label not in best or logit > best[rule.label][0]:
            best[rule.label] = (logit, rule)
    clash = table().clash
    if clash.logit(deviations) > best[clash.label][0]:
        best[clash.label] = (clash.logit(deviations), None)
    label = max(best, key=lambda name: best[name][0])
    return Reading({name: logit for name, (logit, _) in best.items()}, label, best[label][1])


def supporting_units(reading: Reading, found: Mapping[int, Activation]) -> tuple[int, ...]:
    """Codes of the units that the winning label rests on.

    Those that count for it; for "neutral", or where none does, all units that any rule counts.
    """
    if reading.rule is not None:
        codes = tuple(code for code in reading.rule.adds if found[code].deviation >= BASIS)
        codes += tuple(code for code in reading.rule.also if codes and code in found and found[code].present)
    else:
        codes = tuple(code for code, unit in found.items() if unit.present)
    return tuple(sorted(codes)) or tuple(sorted({code for rule in table().rules for code in rule.adds} & found.keys()))


class Expression:
    """The rules over the same activations that ``action_units`` reports; runs no model of its own."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="expression",
        version="1.2.0",
        title="Apparent expression",
        summary="Which of seven basic expressions, or another, a face appears to show, and by which action units.",
        questions=("expression",),
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
        """One item per face: ``F1:expression`` with a logit per label, citing the action units behind it."""
        by = self.stamp()
        return [() if view.face is None else (_evidence(by, view, view.face),) for view in batch]


def _evidence(by: ToolStamp, view: View, face: Face) -> Evidence:
    found = activations(face)
    hidden = {code: missing for code in found if (missing := hidden_for_unit(face, code))}
    # What cannot be seen speaks neither for nor against: it stands at the mean of neutral faces.
    reading = read({code: 0.0 if code in hidden else unit.deviation for code, unit in found.items()})
    if hidden and (reading.rule is None or not reading.rule.adds or hidden.keys() & reading.rule.adds.keys()):
        return _unreadable(by, view, hidden)
    seen = {code: unit for code, unit in found.items() if code not in hidden}
    codes = supporting_units(reading, seen)
    blind = {one.part for one in _parts(hidden)} >= EYES
    return Evidence(
        id=f"{view.subject}:expression",
        tool=by,
        question="expression",
        subject=view.subject,
        label=reading.label,
        score=Score(value=reading.logits[reading.label], scale="logit", calibration=None if blind else CALIBRATION),
        distribution=reading.logits,
        cites=tuple(f"{view.subject}:AU{code}" for code in codes),
        facts={"read_without": ", ".join(f"AU{code}" for code in sorted(hidden))} if hidden else {},
        statement=_statement(reading, codes, seen) + (f" Read in part: {clause(_parts(hidden))}." if hidden else ""),
    )


def _unreadable(by: ToolStamp, view: View, hidden: Mapping[int, Sequence[PartVisibility]]) -> Evidence:
    """No label: what the reading would rest on is hidden, or it would be that nothing shows."""
    return hidden_evidence(
        by,
        view,
        name="expression",
        question="expression",
        subject_words="The apparent expression",
        missing=_parts(hidden),
    )


def _parts(hidden: Mapping[int, Sequence[PartVisibility]]) -> list[PartVisibility]:
    """The hidden parts behind hidden units, each once, in the order of ``PARTS``."""
    found = {one.part: one for missing in hidden.values() for one in missing}
    return [found[part] for part in PARTS if part in found]


def _statement(reading: Reading, codes: Sequence[int], found: Mapping[int, Activation]) -> str:
    start = f"The apparent expression is {reading.label}"
    if reading.label == "neutral":
        return f"{start}: no action unit speaks strongly enough for another."
    if reading.rule is None:
        return f"{start}: a smile and units that exclude it are shown at once."
    clear = ", ".join(f"AU{code}" for code in codes if found[code].present)
    faint = ", ".join(f"AU{code}" for code in codes if found[code].deviation >= BASIS and not found[code].present)
    if clear:
        return f"{start}, after EMFACS from {clear}" + (f", and faintly from {faint}." if faint else ".")
    return f"{start}, weakly: " + (
        f"after EMFACS only faintly from {faint}." if faint else "no action unit stands out."
    )
