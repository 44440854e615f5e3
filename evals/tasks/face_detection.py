"""Face detection: on pictures that each show one face, how many faces are found and how many get landmarks.

A face counts as found at the detector's own confidence for a sure face; weaker ones are counted beside it. No label
is read: the set must show one face per picture.
"""

from collections.abc import Mapping, Sequence

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import SUBJECT, cluster_of, clustering
from evals.metrics.arrays import Reals, mean, share
from evals.metrics.bootstrap import Measurement
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from faceagent.faces.detect import SURE
from faceagent.types import Question

QUESTIONS: tuple[Question, ...] = ("expression", "identity", "age", "forgery", "spoof")
"""Questions for which a face may be usable or not."""


def read(dataset: Dataset, tool: str) -> Cases:
    """Every picture."""
    del tool
    grouped, note = clustering(dataset, SUBJECT)
    cases = (Case(item.id, item.file, {}, cluster_of(item, grouped)) for item in dataset.items)
    return Cases(tuple(cases), (), () if note is None else (note,))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Whether the main face was found and with which confidence, and what it can be used for."""
    return [_observe(runner, case) for case in cases]


def _observe(runner: Runner, case: Case) -> Values | Skip:
    picture = runner.look(runner.root / case.file)
    if isinstance(picture, Skip):
        return picture._replace(id=case.id)
    view = runner.face(runner.root / case.file)
    if isinstance(view, Skip) or view.face is None:
        return {"found": 0.0, "sure": 0.0}
    face = view.face
    usable = {f"usable_{question}": float(question in face.usable_for) for question in QUESTIONS}
    sure = float(face.confidence >= SURE)
    return {"found": 1.0, "sure": sure, "landmarks": float(bool(face.landmarks)), **usable}


def measurement(table: CaseTable) -> Measurement:
    """Share of pictures with a sure face, with any face; of the faces, shares with landmarks and usable."""
    found = table.numbers("found") > 0
    sure, landmarks = table.numbers("sure"), table.numbers("landmarks") > 0
    usable = {question: table.numbers(f"usable_{question}") > 0 for question in QUESTIONS}

    def measure(weights: Reals) -> Mapping[str, Reals]:
        return {
            "faces_found": mean(sure, weights),
            "faces_found_any_confidence": mean(found, weights),
            "landmarks_given_face": share(landmarks, found, weights),
            **{f"usable.{question}": share(flags, found, weights) for question, flags in usable.items()},
        }

    return measure


def failures(table: CaseTable) -> Reals:
    """Pictures without a sure face."""
    sure = table.numbers("sure")
    sure[sure > 0] = float("nan")
    return 1.0 - sure


TASK = EvalTask(
    name="face_detection",
    title="Faces found",
    protocol="Pictures that show one face each: share in which the main face was found at the detector's confidence "
    f"for a sure face ({SURE}), and of the faces found, shares with landmarks and usable for a question.",
    tools=("faces",),
    needs="nothing but pictures with one face each",
    read=read,
    observe=observe,
    measurement=measurement,
    failures=failures,
    names=("faces_found", "landmarks_given_face"),
)
