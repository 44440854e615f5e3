"""What a comparison with references found, in evidence: which faces were compared, with which, and what was left out.

Measures nothing; ``identity`` does.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from faceagent.tools.base import ToolSpec, View, not_measured
from faceagent.tools.reference_people import Candidates
from faceagent.types import Evidence, Reason, Score, ToolStamp

CALIBRATION = "identity/sface-2"
SMALL_CALIBRATION = "identity/sface-small-2"
SMALL = 72.0
"""px, shorter side of the smaller face: below it the calibration for small faces holds, fitted at 48 px."""
LISTED = 8
"""Faces of the references whose cosines are listed, the most alike first."""


@dataclass(frozen=True)
class Comparison:
    """The faces of the references that are compared, and for each picture without one, by id, why it is left out."""

    usable: tuple[View, ...]
    left_out: Mapping[str, Reason]

    @property
    def grouped(self) -> bool:
        """Whether a reference picture shows several faces."""
        return len({one.picture.id for one in self.usable}) < len(self.usable)

    def names(self) -> dict[str, str]:
        """What to call each face, by id: its picture's id, or its own where the picture shows several."""
        faces = Counter(one.picture.id for one in self.usable)
        return {one.subject: one.picture.id if faces[one.picture.id] == 1 else one.subject for one in self.usable}

    def note(self) -> str:
        """The references left out, as sentences with a space before each; empty when none was."""
        same = [name for name, reason in self.left_out.items() if reason == "same_file"]
        faceless = [name for name in self.left_out if name not in same]
        text = f" Left out, because it is the same file: {', '.join(same)}." if same else ""
        return text + (f" Left out, because no face in it can be compared: {', '.join(faceless)}." if faceless else "")


@dataclass(frozen=True)
class ReferenceMatch:
    """The candidate most like a face: per reference picture one view, with its cosine, and how the others compare."""

    views: tuple[View, ...]
    cosines: Mapping[str, float]
    """By face id, of the candidate's own faces."""
    others: Mapping[str, float]
    """By face id, of all other faces of the references, the most alike first."""
    comparisons: int
    """Candidates that were compared."""
    crowding: float
    """Taken off the mean cosine, see ``crowding.adjustment``."""
    small: bool
    """Whether one of the faces is small."""

    def named(self, found: Comparison) -> str:
        """The candidate in words: the reference, or the faces of a group by their ids."""
        return " and ".join(found.names()[one.subject] for one in self.views) if found.grouped else "the reference"

    @property
    def mean(self) -> float:
        """Mean cosine with the candidate's faces."""
        return float(np.mean(list(self.cosines.values())))


def usable_references(view: View) -> Comparison:
    """The faces of the references of ``view`` that can be compared with it: usable ones, in another file."""
    left_out: dict[str, Reason] = {}
    for reference in view.references:
        if reference.picture.sha256 == view.picture.sha256:
            left_out[reference.picture.id] = "same_file"
    others = [one for one in view.references if one.picture.id not in left_out]
    usable = tuple(one for one in others if comparable(one))
    shown = {one.picture.id for one in usable}
    left_out |= {one.picture.id: "reference_unusable" for one in others if one.picture.id not in shown}
    return Comparison(usable, left_out)


def comparable(view: View) -> bool:
    """Whether a reference shows a face that may be compared."""
    return view.face is not None and not view.face.reasons.get("identity", ())


def shorter_side(view: View) -> float:
    """px, shorter side of the face's box."""
    x0, y0, x1, y1 = view.face.box if view.face is not None else (0.0, 0.0, 0.0, 0.0)
    return min(x1 - x0, y1 - y0)


def comparison_evidence(by: ToolStamp, view: View, found: Comparison, match: ReferenceMatch) -> Evidence:
    """The measurement with the most alike person of the references."""
    names, grouped = found.names(), found.grouped
    facts: dict[str, float | str] = {f"cosine_{names[face]}": value for face, value in match.cosines.items()}
    facts |= {f"cosine_{names[face]}": value for face, value in list(match.others.items())[:LISTED]}
    facts |= {"references_compared": len(match.cosines), "references_left_out": len(found.left_out)}
    facts |= {"crowding": match.crowding, "smallest_face": min(shorter_side(one) for one in (view, *match.views))}
    if grouped:
        facts |= {
            "reference_face": " and ".join(names[face] for face in match.cosines),
            "reference_faces": len(found.usable),
            "comparisons": match.comparisons,
        }
    return Evidence(
        id=f"{view.subject}:identity",
        tool=by,
        question="identity",
        subject=view.subject,
        score=Score(
            value=match.mean - match.crowding,
            scale="cosine",
            calibration=SMALL_CALIBRATION if match.small else CALIBRATION,
        ),
        facts=facts,
        statement=_statement(match, names, len(found.usable), grouped=grouped) + _adjusted(match) + found.note(),
    )


def _statement(match: ReferenceMatch, names: Mapping[str, str], faces: int, *, grouped: bool) -> str:
    mean, (first, *more) = match.mean, match.cosines
    each = ", ".join(f"{names[face]} {value:.2f}" for face, value in match.cosines.items())
    if not grouped and more:
        return f"The face and its {len(match.cosines)} references have a mean cosine similarity of {mean:.2f} ({each})."
    if not grouped:
        return f"The face and reference {names[first]} have a cosine similarity of {mean:.2f}."
    listed = list(match.others.items())[:LISTED]
    rest = ", ".join(f"{names[face]} {value:.2f}" for face, value in listed)
    hidden = len(match.others) - len(listed)
    further = f" and {hidden} further faces less" if hidden else ""
    best = " and ".join(names[face] for face in match.cosines)
    whom = f"{each}, mean {mean:.2f}" if more else f"cosine similarity {mean:.2f}"
    return (
        f"The references show {faces} faces; the face is most like {best} ({whom}). The other faces: {rest}{further}."
    )


def _adjusted(match: ReferenceMatch) -> str:
    """What crowding and size do to the comparison, as sentences with a space before each."""
    text = f" Adjusted for how many strangers resemble the faces: {match.mean - match.crowding:.2f}."
    return text + (f" One of the faces is smaller than {SMALL:.0f} px." if match.small else "")


def nobody_in_common(spec: ToolSpec, view: View, found: Candidates, names: Mapping[str, str]) -> Evidence:
    """That the references show nobody in common."""
    first, second, cosine = found.unlike or ("", "", 0.0)
    words = (
        f"{spec.title}: not measured, the references do not look like one person ({names[first]} and {names[second]} "
        "have a "
        f"cosine similarity of {cosine:.2f}); compare with one person at a time."
    )
    return not_measured(spec, view, "not_applicable", "references_differ", words)


def nothing_compared(spec: ToolSpec, view: View, found: Comparison) -> Evidence:
    """Why no reference of this face can be compared; "the same file" comes before every other reason."""
    if "same_file" not in found.left_out.values():
        words = f"{spec.title}: not measured, no reference shows a face that can be compared."
        return not_measured(spec, view, "not_applicable", "reference_unusable", words)
    same = [name for name, reason in found.left_out.items() if reason == "same_file"]
    rest = " and no other shows a face that can be compared" if len(same) < len(found.left_out) else ""
    words = (
        f"{spec.title}: not measured, the reference is the same file as the picture ({', '.join(same)}), "
        f"and a file compared with itself shows nothing{rest}."
    )
    return not_measured(spec, view, "not_applicable", "same_file", words)
