"""Face verification: the same person as on the reference pictures, or another one?

SFace (Zhong et al. 2021, OpenCV zoo) gives an embedding of 128 numbers per aligned face; two faces are compared by the
cosine of their embeddings, less what ``crowding`` takes off for faces that many strangers resemble. The tool compares
with the given references and searches no gallery. What the adjusted cosine means (how often impostors reach it) is in
two calibrations, one for small faces; their line is that of the worst group and camera condition.

Every face of a reference picture is compared, see ``reference_people``: which one was used is part of the evidence,
and the number of candidates (``comparisons`` in ``facts``) is part of what the judge weighs, because an impostor has
one more chance with every candidate. The cosines of one candidate with several references are averaged. The largest
alone would again give an impostor one more chance with every reference.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from faceagent.faces import align
from faceagent.per_process import ProcessLock
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, ToolSpec, View, stamped
from faceagent.tools.crowding import adjustment
from faceagent.tools.identity_evidence import (
    SMALL,
    Comparison,
    ReferenceMatch,
    comparison_evidence,
    nobody_in_common,
    nothing_compared,
    shorter_side,
    usable_references,
)
from faceagent.tools.reference_people import Candidates, candidates
from faceagent.types import Evidence, Face, ToolStamp
from faceagent.upright import face_upright
from faceagent.weights.sessions import device_of, open_session

Floats = NDArray[np.float32]
Vector = NDArray[np.float64]

WEIGHTS = "sface"
REMEMBERED = 4096
"""Embeddings kept: the faces of a group photograph serve every picture of a run. Each takes 1 kB."""


def prepare(pixels: Pixels, face: Face) -> Floats:
    """1×3×112×112 float32, RGB 0-255: the face on the ArcFace template, as OpenCV's alignCrop puts it there."""
    part, upright = face_upright(pixels, face)
    return align.aligned(part, upright.points5).transpose(2, 0, 1)[np.newaxis].astype(np.float32)


class Identity:
    """SFace embeddings and their cosine with every face of the references."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="identity",
        version="1.3.0",
        title="Face comparison",
        summary="Whether a face and one of the faces of each reference picture belong to the same person.",
        questions=("identity",),
        scope="face",
        needs=("reference",),
        weights=(WEIGHTS,),
        every_face=True,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: OrderedDict[tuple[object, ...], Vector] = OrderedDict()
        self._lock = ProcessLock()

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

    def vector(self, view: View) -> Vector:
        """The unit vector of one face, computed once as long as it is remembered."""
        if view.face is None:
            raise TypeError(f"{view.subject} is no face")
        key = (view.picture.sha256, view.face.points5)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = self.embed([view])[0]
            with self._lock:
                self._known[key] = known
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return known

    def match(self, view: View, usable: Sequence[View]) -> ReferenceMatch | Candidates:
        """The person of the references who is most like the face; the empty candidates where there is nobody."""
        views = {one.subject: one for one in usable}
        pictures: dict[str, dict[str, Vector]] = {}
        for one in usable:
            pictures.setdefault(one.picture.id, {})[one.subject] = self.vector(one)
        found = candidates(pictures)
        if not found.people:
            return found
        probe = self.vector(view)
        vectors = {name: vector for faces in pictures.values() for name, vector in faces.items()}
        cosines = {name: float(probe @ vector) for name, vector in vectors.items()}
        adjustments = {name: adjustment(probe, vector) for name, vector in vectors.items()}
        best = max(found.people, key=lambda person: sum(cosines[name] - adjustments[name] for name in person))
        others = {name: cosines[name] for name in sorted(cosines, key=lambda name: -cosines[name]) if name not in best}
        faces = [view, *(views[name] for name in best)]
        return ReferenceMatch(
            views=tuple(faces[1:]),
            cosines={name: cosines[name] for name in best},
            others=others,
            comparisons=len(found.people),
            crowding=float(np.mean([adjustments[name] for name in best])),
            small=min(shorter_side(one) for one in faces) < SMALL,
        )

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """One item per face: ``F1:identity``, the mean cosine with the references, each one's in ``facts``."""
        comparisons = [usable_references(view) for view in batch]
        if not any(found.usable for found in comparisons):
            return [(nothing_compared(self.spec, view, found),) for view, found in zip(batch, comparisons, strict=True)]
        by = self.stamp()
        return [(self._compared(by, view, found),) for view, found in zip(batch, comparisons, strict=True)]

    def _compared(self, by: ToolStamp, view: View, found: Comparison) -> Evidence:
        if not found.usable:
            return nothing_compared(self.spec, view, found)
        match = self.match(view, found.usable)
        if isinstance(match, Candidates):
            return nobody_in_common(self.spec, view, match, found.names())
        return comparison_evidence(by, view, found, match)
