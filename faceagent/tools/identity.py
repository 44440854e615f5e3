"""Face verification: the same person as on the reference pictures, or another one?

SFace (Zhong et al. 2021, OpenCV zoo) gives an embedding of 128 numbers per aligned face; two faces are compared by the
cosine of their embeddings. The tool compares with the given references and searches no gallery. What a cosine means
(how often impostors reach it) is in the calibration, which was fitted on one-to-one comparisons; at OpenCV's published
threshold .363 the false match rate measured here is five times the expected .1 %.

The cosines with several references are averaged. The largest alone would give an impostor one more chance with every
reference: at the threshold for a false match rate of .1 %, one in a hundred passes ten references of ten people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceagent.faces import align
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, ToolSpec, View, not_measured, stamped
from faceagent.types import Evidence, Face, Reason, Score, ToolStamp
from faceagent.weights.sessions import device_of, open_session

Floats = NDArray[np.float32]
Vector = NDArray[np.float64]

WEIGHTS = "sface"
CALIBRATION = "identity/sface-1"
ALIKE = 0.2
"""Two references below this cosine are not accepted as one person. None of the 315 genuine pairs that the calibration
was fitted on lies below it, and 78 % of its 8,580 impostor pairs do."""


def prepare(pixels: Pixels, face: Face) -> Floats:
    """1×3×112×112 float32, RGB 0-255: the face on the ArcFace template, as OpenCV's alignCrop puts it there."""
    return align.aligned(pixels, face.points5).transpose(2, 0, 1)[np.newaxis].astype(np.float32)


@dataclass(frozen=True)
class Comparison:
    """The references of one face that are compared, and for each of the others, by id, why it is left out."""

    usable: tuple[View, ...]
    left_out: Mapping[str, Reason]

    def note(self) -> str:
        """The references left out, as sentences with a space before each; empty when none was."""
        same = [name for name, reason in self.left_out.items() if reason == "same_file"]
        faceless = [name for name in self.left_out if name not in same]
        text = f" Left out, because it is the same file: {', '.join(same)}." if same else ""
        return text + (f" Left out, because no face in it can be compared: {', '.join(faceless)}." if faceless else "")


def usable_references(view: View) -> Comparison:
    """The references of ``view`` that can be compared with it: those with a usable face, in another file."""
    left_out: dict[str, Reason] = {}
    for reference in view.references:
        if reference.picture.sha256 == view.picture.sha256:
            left_out[reference.picture.id] = "same_file"
        elif not comparable(reference):
            left_out[reference.picture.id] = "reference_unusable"
    return Comparison(tuple(one for one in view.references if one.picture.id not in left_out), left_out)


def comparable(view: View) -> bool:
    """Whether a reference shows a face that may be compared."""
    return view.face is not None and not view.face.reasons.get("identity", ())


class Identity:
    """SFace embeddings and their cosine with every reference."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="identity",
        version="1.1.0",
        title="Face comparison",
        summary="Whether a face and the main face of each reference picture belong to the same person.",
        questions=("identity",),
        scope="face",
        needs=("reference",),
        weights=(WEIGHTS,),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def stamp(self) -> ToolStamp:
        """Name, version, weights, and the device they run on."""
        device = device_of(open_session(WEIGHTS, self._settings))
        return stamped(self.spec, device)

    def embed(self, views: Sequence[View]) -> NDArray[np.float64]:
        """N×128 unit vectors, one per view; every view must have a face."""
        session = open_session(WEIGHTS, self._settings)
        # The published graph takes one face at a time, and on a CPU a batch would be slower.
        rows = [
            session.run(["fc1"], {"data": prepare(view.pixels(), view.face)})[0][0]
            for view in views
            if view.face is not None
        ]
        table = np.asarray(rows, dtype=np.float64).reshape(-1, 128)
        return np.asarray(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12))

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """One item per face: ``F1:identity``, the mean cosine with the references, each one's in ``facts``."""
        comparisons = [usable_references(view) for view in batch]
        usable = {
            (reference.picture.sha256, reference.subject): reference
            for comparison in comparisons
            for reference in comparison.usable
        }
        faces = {index: view for index, view in enumerate(batch) if comparisons[index].usable}
        if not faces:
            return [(_nothing(self.spec, view, found),) for view, found in zip(batch, comparisons, strict=True)]
        vectors = self.embed([*usable.values(), *faces.values()])
        known = dict(zip(usable, vectors, strict=False))
        probes = dict(zip(faces, vectors[len(usable) :], strict=True))
        by = self.stamp()
        return [
            (
                _compared(self.spec, by, view, found, probes[index], known)
                if index in probes
                else _nothing(self.spec, view, found),
            )
            for index, (view, found) in enumerate(zip(batch, comparisons, strict=True))
        ]


def _compared(
    spec: ToolSpec, by: ToolStamp, view: View, found: Comparison, probe: Vector, known: Mapping[tuple[str, str], Vector]
) -> Evidence:
    vectors = {one.picture.id: known[one.picture.sha256, one.subject] for one in found.usable}
    apart = [(a, b) for a, b in combinations(vectors, 2) if float(vectors[a] @ vectors[b]) < ALIKE]
    if apart:
        first, second = min(apart, key=lambda pair: float(vectors[pair[0]] @ vectors[pair[1]]))
        words = (
            f"{spec.title}: not measured, the references do not look like one person ({first} and {second} have a "
            f"cosine similarity of {float(vectors[first] @ vectors[second]):.2f}); compare with one person at a time."
        )
        return not_measured(spec, view, "not_applicable", "reference_unusable", words)
    cosines = {name: float(probe @ vector) for name, vector in vectors.items()}
    mean = float(np.mean(list(cosines.values())))
    (first, *others) = cosines
    text = (
        f"The face and its {len(cosines)} references have a mean cosine similarity of {mean:.2f} "
        f"({', '.join(f'{name} {value:.2f}' for name, value in cosines.items())})."
        if others
        else f"The face and reference {first} have a cosine similarity of {mean:.2f}."
    )
    return Evidence(
        id=f"{view.subject}:identity",
        tool=by,
        question="identity",
        subject=view.subject,
        score=Score(value=mean, scale="cosine", calibration=CALIBRATION),
        facts={f"cosine_{name}": value for name, value in cosines.items()}
        | {"references_compared": len(cosines), "references_left_out": len(found.left_out)},
        statement=text + found.note(),
    )


def _nothing(spec: ToolSpec, view: View, found: Comparison) -> Evidence:
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
