"""Face references: which face of a group a description means ("the oldest person", "左边的女人").

The router reads the description, faces are found, and the face is resolved from places and sizes, and from apparent
age and gender where the words need them. An ambiguous description is right when every face that could be meant, and
no other, is asked about.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import need
from evals.data.synthesis.composed_people import GEOMETRY
from evals.metrics.arrays import Reals, mean, mean_among
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, Figure
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from faceagent.faces import find_faces
from faceagent.router import FaceReference, route
from faceagent.router.resolve_face import FaceMatch, needs, resolve
from faceagent.tools.base import View
from faceagent.tools.base import measure as measured
from faceagent.types import Evidence, Face

Box = tuple[float, float, float, float]


def read(dataset: Dataset, tool: str) -> Cases:
    """Every picture with its description, the boxes of the people in it, and which of them are meant."""
    del tool
    for column in ("text", "kind", "boxes", "targets"):
        need(dataset, (column,), "face_reference")
    keys = ("text", "kind", "boxes", "targets")
    cases = (Case(item.id, item.file, {key: item.labels[key] for key in keys}, item.id) for item in dataset.items)
    return Cases(tuple(cases))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Whether the right face was resolved, and whether places and sizes alone would have done."""
    return [_observe(runner, case) for case in cases]


def _observe(runner: Runner, case: Case) -> Values | Skip:
    view = runner.look(runner.root / case.file)
    if isinstance(view, Skip):
        return view._replace(id=case.id)
    described = route(str(case.truth["text"])).faces
    if not described:
        return {"right": 0.0, "right_by_place": 0.0, "kind": str(case.truth["kind"])}
    faces = find_faces(view.picture, view.pixels(), runner.settings)
    boxes, meant = json.loads(str(case.truth["boxes"])), json.loads(str(case.truth["targets"]))
    targets = [boxes[place] for place in meant]
    evidence = _evidence(runner, view, faces, described[0])
    return {
        "right": float(is_right(resolve(described[0], faces, evidence), faces, targets)),
        "right_by_place": float(is_right(resolve(described[0], faces), faces, targets)),
        "kind": str(case.truth["kind"]),
    }


def _evidence(runner: Runner, view: View, faces: Sequence[Face], who: FaceReference) -> list[Evidence]:
    """What a conversation would measure for this description."""
    if not needs(who, faces):
        return []
    views = [View(view.picture, view.pixels, view.original, face) for face in faces]
    return [item for found in measured(runner.tools["attributes"], views) for item in found]


def is_right(found: FaceMatch, faces: Sequence[Face], targets: Sequence[Box]) -> bool:
    """Whether the one face is meant, or exactly those that could be meant are asked about."""
    named = [face for face in faces if face.id == found.face or (found.face is None and face.id in found.rivals)]
    if len(targets) == 1:
        return found.face is not None and bool(named) and _holds(targets[0], named[0])
    every = all(any(_holds(box, face) for face in named) for box in targets)
    return found.face is None and every and all(any(_holds(box, face) for box in targets) for face in named)


def _holds(box: Box, face: Face) -> bool:
    """Whether the middle of the face lies in the box."""
    x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def measurement(table: CaseTable) -> Measurement:
    """Share of descriptions that led to the right face: all, by place and size, by age and gender, and per kind."""
    right, kinds = table.numbers("right"), np.array(table.words("kind"))
    by_place = np.isin(kinds, GEOMETRY)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        return {
            "resolved": mean(right, weights),
            "resolved_by_place": mean_among(right, by_place, weights),
            "resolved_by_age_and_gender": mean_among(right, ~by_place, weights),
            **{f"resolved.{kind}": mean_among(right, kinds == kind, weights) for kind in sorted(set(kinds.tolist()))},
        }

    return measure


def boxes_alone(table: CaseTable) -> Measurement:
    """The same from places and sizes alone, without age and gender."""
    right, kinds = table.numbers("right_by_place"), np.array(table.words("kind"))
    others = ~np.isin(kinds, GEOMETRY)
    return lambda weights: {
        "boxes_alone": mean(right, weights),
        "boxes_alone_for_age_and_gender": mean_among(right, others, weights),
    }


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Share resolved per kind of description."""
    names = sorted(set(table.words("kind")))
    return (Bars("Faces resolved per kind of description", tuple((n, f"resolved.{n}") for n in names)),)


def failures(table: CaseTable) -> Reals:
    """Descriptions that led to another face."""
    return np.where(table.numbers("right") > 0, np.nan, 1.0)


TASK = EvalTask(
    name="face_reference",
    title="The face that a description means",
    protocol="Pictures of several people with one description each: share that leads to the right face, or to a "
    "question about exactly the faces that could be meant; beside it what places and sizes alone reach.",
    tools=("analyze",),
    needs="text, kind, boxes (JSON, x0 y0 x1 y1 in px) and targets (JSON, indices of boxes)",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=boxes_alone,
    figures=figures,
    failures=failures,
    names=("resolved",),
)
