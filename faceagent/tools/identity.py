"""Who is it: the same person as on the reference pictures, or another one?

SFace (Zhong et al. 2021, OpenCV zoo) turns an aligned face into 128 numbers; two faces are compared by the cosine
between theirs. The tool compares one to one with the references it is given and searches nothing. The cosine's
meaning (how often strangers reach it) is in the calibration; OpenCV's published threshold .363 lets five times
as many strangers pass here as the .1 % that one would expect of it.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceagent.faces import align
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, ToolSpec, View, silent
from faceagent.types import Evidence, Face, Score, ToolStamp
from faceagent.weights import stamp
from faceagent.weights.sessions import device_of, open_session

Floats = NDArray[np.float32]

WEIGHTS = "sface"
CALIBRATION = "identity/sface-1"


def prepare(pixels: Pixels, face: Face) -> Floats:
    """1×3×112×112 float32, RGB 0-255: the face on the ArcFace template, as OpenCV's alignCrop puts it there."""
    return align.aligned(pixels, face.points5).transpose(2, 0, 1)[np.newaxis].astype(np.float32)


def comparable(view: View) -> bool:
    """Whether a reference shows a face that may be compared."""
    return view.face is not None and not view.face.reasons.get("identity", ())


class Identity:
    """SFace embeddings and their cosine with every reference."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="identity",
        version="1.0.0",
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
        return ToolStamp(name=self.spec.name, version=self.spec.version, weights=(stamp(WEIGHTS),), device=device)

    def embed(self, views: Sequence[View]) -> NDArray[np.float64]:
        """N×128 unit vectors, one per view; every view must have a face."""
        session = open_session(WEIGHTS, self._settings)
        # The published graph takes one face at a time, and on a CPU a batch of it is the slower way.
        rows = [
            session.run(["fc1"], {"data": prepare(view.pixels(), view.face)})[0][0]
            for view in views
            if view.face is not None
        ]
        table = np.asarray(rows, dtype=np.float64).reshape(-1, 128)
        return np.asarray(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12))

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """One item per face: ``F1:identity``, the cosine with the nearest reference, the others in ``facts``."""
        usable = {
            (reference.picture.id, reference.subject): reference
            for view in batch
            for reference in view.references
            if comparable(reference)
        }
        faces = {index: view for index, view in enumerate(batch) if any(map(comparable, view.references))}
        if not faces:
            return [(_no_face(self.spec, view),) for view in batch]
        vectors = self.embed([*usable.values(), *faces.values()])
        known = dict(zip(usable, vectors, strict=False))
        probes = dict(zip(faces, vectors[len(usable) :], strict=True))
        by = self.stamp()
        return [
            (_evidence(by, view, probes[index], known) if index in probes else _no_face(self.spec, view),)
            for index, view in enumerate(batch)
        ]


def _evidence(
    by: ToolStamp, view: View, probe: NDArray[np.float64], known: dict[tuple[str, str], NDArray[np.float64]]
) -> Evidence:
    cosines = {
        reference.picture.id: float(probe @ known[reference.picture.id, reference.subject])
        for reference in view.references
        if comparable(reference)
    }
    nearest = max(cosines, key=lambda name: cosines[name])
    skipped = len(view.references) - len(cosines)
    among = f", the nearest of {len(cosines)}," if len(cosines) > 1 else ""
    return Evidence(
        id=f"{view.subject}:identity",
        tool=by,
        question="identity",
        subject=view.subject,
        score=Score(value=cosines[nearest], scale="cosine", calibration=CALIBRATION),
        facts={f"cosine_{name}": value for name, value in cosines.items()}
        | {"nearest": nearest, "references_compared": len(cosines), "references_unusable": skipped},
        statement=f"The face and reference {nearest}{among} have a cosine similarity of {cosines[nearest]:.2f}.",
    )


def _no_face(spec: ToolSpec, view: View) -> Evidence:
    words = f"{spec.title}: not measured, no reference shows a face that can be compared."
    return silent(spec, view, "not_applicable", "reference_unusable", words)
