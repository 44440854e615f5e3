"""Apparent expression: what a face appears to show, not what a person feels.

Two readings, added as logits. The rules read action units: every rule is a sum over units in ``facs.toml`` (EMFACS,
Friesen & Ekman 1983), so that an answer can name the units it rests on. The head reads the look of the face on CLIP
(``encoder.expression_head``), which sees what the units miss and cannot say by what. Where both agree an answer is
explained by its units; where they do not, it says so. With ``detectors=fast`` and without CLIP the rules answer alone.

Seven basic labels and "other". "Other" is for units that no basic expression uses and for faces that show two at once
which exclude each other; contempt is not a label of its own and falls under it. Neither reading knows the person's
resting face, the situation, or time.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.faces.needs import clause, hidden_parts
from faceagent.faces.parts import part_masks
from faceagent.settings import Settings
from faceagent.tools.action_units import Activation, activations, hidden_for_unit
from faceagent.tools.base import ToolSpec, View, hidden_evidence, per_face, stamped
from faceagent.tools.facs import Rule, table
from faceagent.types import PARTS, Evidence, Face, FacePart, PartVisibility, Score, ToolStamp
from faceagent.weights import stamp

if TYPE_CHECKING:
    from faceagent.encoder.crop import Crop
    from faceagent.encoder.expression_head import ExpressionHead

logger = logging.getLogger(__name__)

CALIBRATION = "expression/emfacs-1"
"""Of the rules alone."""
EYES: frozenset[FacePart] = frozenset({"right_eye", "left_eye"})
"""Without both, what is left is the mouth: nothing says how often that is right. The rules are not calibrated then, and
the look is not read."""
BASIS = 0.5
"""Deviations from which a unit is named as support of an answer; below presence it is called faint."""


class Reading(NamedTuple):
    """The logit of every label by the rules, the best label, and each label's rule (None: a clash)."""

    logits: Mapping[str, float]
    label: str
    rules: Mapping[str, Rule | None]

    @property
    def rule(self) -> Rule | None:
        """The rule that gave the label its logit."""
        return self.rules[self.label]


@dataclass(frozen=True)
class Look:
    """What the head says of one face: log probabilities by label."""

    logits: Mapping[str, float]
    head: "ExpressionHead"

    @property
    def label(self) -> str:
        """The label that comes first."""
        return max(self.logits, key=lambda name: self.logits[name])


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
    return Reading(
        {name: logit for name, (logit, _) in best.items()}, label, {name: rule for name, (_, rule) in best.items()}
    )


def supporting_units(reading: Reading, found: Mapping[int, Activation]) -> tuple[int, ...]:
    """Codes of the units that the reading's label rests on.

    Those that count for it; for "neutral", or where none does, all units that any rule counts.
    """
    codes = counting_units(reading, found)
    return codes or tuple(sorted({code for rule in table().rules for code in rule.adds} & found.keys()))


def counting_units(reading: Reading, found: Mapping[int, Activation]) -> tuple[int, ...]:
    """Codes of the units that count for the reading's label and are seen, or faintly seen; possibly none."""
    rule = reading.rule
    if rule is None:
        return tuple(sorted(code for code, unit in found.items() if unit.present))
    codes = tuple(code for code in rule.adds if code in found and found[code].deviation >= BASIS)
    codes += tuple(code for code in rule.also if codes and code in found and found[code].present)
    return tuple(sorted(codes))


class Expression:
    """The rules over the same activations that ``action_units`` reports, and the head on the shared tower."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="expression",
        version="2.0.0",
        title="Apparent expression",
        summary="Which of seven basic expressions, or another, a face appears to show: by its action units and by its "
        "look as a whole.",
        questions=("expression",),
        scope="face",
        needs=("landmarks",),
        weights=("face_landmarker", "clip_vitb16"),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def stamp(self) -> ToolStamp:
        """Name, version, the landmarker whose output is read, and the tower with the head where it is used."""
        return self._stamp(self._head())

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """One item per face: ``F1:expression`` with a logit per label, citing the action units behind it."""
        head = self._head() if batch else None
        by = self._stamp(head)

        def measured(faces: list[tuple[View, Face]]) -> list[tuple[Evidence, ...]]:
            looks = [None] * len(faces) if head is None else self._looks(head, faces)
            return [(_evidence(by, view, face, look),) for (view, face), look in zip(faces, looks, strict=True)]

        return per_face(batch, measured)

    def _stamp(self, head: "ExpressionHead | None") -> ToolStamp:
        own = (stamp("face_landmarker"),)
        return stamped(self.spec, weights=own if head is None else (*own, head.card.base, head.stamp))

    def _head(self) -> "ExpressionHead | None":
        """The head, where it is wanted and its tower is there."""
        if self._settings.detectors != "full":
            return None
        from faceagent.encoder.encoder import backbone_with_tokens
        from faceagent.encoder.expression_head import load_head

        try:
            head = load_head()
            backbone_with_tokens(head.card.block, head.card.base, self._settings)
        except WeightsCorrupt:
            raise
        except ModelUnavailable as error:
            logger.warning("the rules read expressions alone: %s", error)
            return None
        return head

    def _looks(self, head: "ExpressionHead", faces: Sequence[tuple[View, Face]]) -> list[Look | None]:
        """What the head says of every face; None where too little of a face is seen."""
        if not faces:
            return []
        from faceagent.encoder.crop import crop_face
        from faceagent.encoder.expression_head import face_tokens, zone_features

        crops = [crop_face(view.pixels(), face, scale=head.card.margin) for view, face in faces]
        tokens, grid = face_tokens(head, crops, self._settings)
        looks: list[Look | None] = []
        for (_, face), crop, rows in zip(faces, crops, tokens, strict=True):
            hidden = frozenset(hidden_parts(face))
            features = zone_features(rows, part_cover(crop, np.asarray(face.landmarks), grid), hidden)
            # As the table of needs has it: without the mouth nothing is read, whatever the chin shows.
            known = "mouth" not in hidden and not hidden >= EYES and features.keys() >= set(head.card.zones)
            looks.append(Look(head(features), head) if known else None)
        return looks


def part_cover(crop: "Crop", landmarks: NDArray[np.float64], grid: int) -> "dict[FacePart, NDArray[np.float32]]":
    """Share 0-1 of every patch (P = grid², top row first) that a part of the face covers; landmarks 478×2 in px."""
    from faceagent.encoder.regions import patch_cover

    side = crop.pixels.shape[0]
    masks = part_masks(crop.place(landmarks), (side, side))
    return {part: patch_cover(mask, grid).ravel() for part, mask in masks.items()}


def _evidence(by: ToolStamp, view: View, face: Face, look: Look | None) -> Evidence:
    found = activations(face)
    hidden = {code: missing for code in found if (missing := hidden_for_unit(face, code))}
    seen = {code: unit for code, unit in found.items() if code not in hidden}
    # What cannot be seen speaks neither for nor against: it stands at the mean of neutral faces.
    rules = read({code: unit.deviation if code in seen else 0.0 for code, unit in found.items()})
    blind = {one.part for one in _parts(hidden)} >= EYES
    if look is None:
        if hidden and (rules.rule is None or not rules.rule.adds or hidden.keys() & rules.rule.adds.keys()):
            return _unreadable(by, view, hidden)
        logits, reading = rules.logits, rules
        calibration = None if blind else CALIBRATION
        words = _by_units(reading, supporting_units(reading, seen), seen)
        codes = supporting_units(reading, seen)
    else:
        logits = look.head.added(look.logits, rules.logits)
        reading = rules._replace(label=max(logits, key=lambda name: logits[name]))
        calibration = look.head.card.calibration
        codes = supporting_units(reading, seen) if reading.label == rules.label else counting_units(reading, seen)
        words = _by_both(reading, rules, codes, seen)
    facts = {} if look is None else {"by_units": rules.label, "by_look": look.label}
    if hidden:
        facts["read_without"] = ", ".join(f"AU{code}" for code in sorted(hidden))
    return Evidence(
        id=f"{view.subject}:expression",
        tool=by,
        question="expression",
        subject=view.subject,
        label=reading.label,
        score=Score(value=logits[reading.label], scale="logit", calibration=calibration),
        distribution=logits,
        cites=tuple(f"{view.subject}:AU{code}" for code in codes),
        facts=facts,
        statement=words + (f" Read in part: {clause(_parts(hidden))}." if hidden else ""),
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


def _by_both(reading: Reading, rules: Reading, codes: Sequence[int], found: Mapping[int, Activation]) -> str:
    """The statement of an answer that units and look gave together."""
    if reading.label == rules.label:
        return _by_units(reading, codes, found)
    start = f"The apparent expression is {reading.label}, from the look of the face as a whole"
    clear = [code for code in codes if found[code].present]
    faint = [code for code in codes if not found[code].present]
    with_it = (f", with {_listed(clear)}" if clear else "") + (f", and faintly from {_listed(faint)}" if faint else "")
    against = counting_units(rules, found)
    by = f" from {_listed(against)}" if against else ""
    return f"{start}{with_it}; after EMFACS alone it would be {rules.label}{by}."


def _by_units(reading: Reading, codes: Sequence[int], found: Mapping[int, Activation]) -> str:
    """The statement of an answer that the units give."""
    start = f"The apparent expression is {reading.label}"
    if reading.label == "neutral":
        return f"{start}: no action unit speaks strongly enough for another."
    if reading.rule is None:
        return f"{start}: a smile and units that exclude it are shown at once."
    clear = _listed([code for code in codes if found[code].present])
    faint = _listed([code for code in codes if found[code].deviation >= BASIS and not found[code].present])
    if clear:
        return f"{start}, after EMFACS from {clear}" + (f", and faintly from {faint}." if faint else ".")
    return f"{start}, weakly: " + (
        f"after EMFACS only faintly from {faint}." if faint else "no action unit stands out."
    )


def _listed(codes: Sequence[int]) -> str:
    return ", ".join(f"AU{code}" for code in codes)
