"""Expression labels that the vision-language model reads: beside the recorded evidence, and from the picture alone.

Beside stands the rule-based tool's own answer: a model that reads its evidence does at least as well as the tool.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import SUBJECT, cluster_of, clustering, need
from evals.metrics.arrays import Reals, mean
from evals.metrics.bootstrap import Measurement
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from faceagent.explain import explanation_prompt
from faceagent.judge import weigh
from faceagent.tools.base import View
from faceagent.tools.base import measure as measured
from faceagent.types import Evidence
from faceagent.vlm import choose
from faceagent.vlm.face_image import encode_face
from faceagent.vlm.label import CHOICES, question
from faceagent.vlm.protocol import Backend, GenerationRequest, Message

TOOLS = ("action_units", "expression")
ADAPTER = "expression"


def read(dataset: Dataset, tool: str) -> Cases:
    """One case per picture whose label is one of the model's choices."""
    del tool
    column = need(dataset, ("emotion", "expression", "label"), "label_reading")
    grouped, note = clustering(dataset, SUBJECT)
    cases, skips = [], []
    for item in dataset.items:
        word = item.labels.get(column, "")
        if word in CHOICES["expression"]:
            cases.append(Case(item.id, item.file, {"emotion": word}, cluster_of(item, grouped)))
        else:
            skips.append(Skip(item.id, "unknown_label", f"{item.id}: {word!r} is not asked about."))
    return Cases(tuple(cases), tuple(skips), () if note is None else (note,))


def observe(runner: Runner, cases: Sequence[Case], backend: Backend | None = None) -> list[Values | Skip]:
    """Whether the label is right: the model's beside the evidence, the model's from the picture, and the tool's."""
    model = backend or choose.backend(runner.settings)
    found: list[Values | Skip] = []
    for case in cases:
        view = runner.face(runner.root / case.file)
        if isinstance(view, Skip) or view.face is None:
            found.append(view._replace(id=case.id) if isinstance(view, Skip) else Skip(case.id, "no_face", ""))
        elif not view.face.landmarks:
            found.append(Skip(case.id, "no_landmarks", f"{case.id}: the face has no landmarks."))
        else:
            evidence = [item for name in TOOLS for item in measured(runner.tools[name], [view])[0]]
            found.append(_labels(runner, model, view, evidence, str(case.truth["emotion"])))
    return found


def _labels(runner: Runner, model: Backend, view: View, evidence: Sequence[Evidence], wanted: str) -> Values:
    if view.face is None:
        raise ValueError("a view of a face is needed")
    local = runner.settings.vlm_url is None
    picture = encode_face(view.pixels(), view.face.box, large=not local)
    answers: dict[str, float] = {
        "tool": float(any(item.question == "expression" and item.label == wanted for item in evidence))
    }
    recorded = explanation_prompt.select_evidence(weigh("expression", view.face, evidence), evidence)
    for name, told in (("beside_evidence", recorded), ("picture_alone", ())):
        turn = Message(text=question("expression", lines=explanation_prompt.prompt_lines(told)), images=(picture,))
        request = GenerationRequest(turns=(turn,), adapter=ADAPTER if local else None)
        shares = model.score(request, CHOICES["expression"])
        answers[name] = float(max(shares, key=lambda label: shares[label]) == wanted)
    return answers


def measurement(table: CaseTable) -> Measurement:
    """Accuracy of the model beside the evidence and from the picture alone, of the tool, and the model's gain."""
    beside, alone, tool = (table.numbers(name) for name in ("beside_evidence", "picture_alone", "tool"))

    def measure(weights: Reals) -> Mapping[str, Reals]:
        return {
            "accuracy_beside_evidence": mean(beside, weights),
            "accuracy_from_the_picture_alone": mean(alone, weights),
            "gain_over_the_tool": mean(beside - tool, weights),
        }

    return measure


def tool_alone(table: CaseTable) -> Measurement:
    """The rule-based tool's own label."""
    tool = table.numbers("tool")
    return lambda weights: {"tool_accuracy": mean(tool, weights)}


def failures(table: CaseTable) -> Reals:
    """Labels that the model read wrongly beside the evidence."""
    return np.where(table.numbers("beside_evidence") > 0, np.nan, 1.0)


TASK = EvalTask(
    name="label_reading",
    title="Expression labels read by the model",
    protocol="The vision-language model chooses among the expression labels by the probability of its answers, with "
    "the recorded evidence beside the picture and without; beside it the rule-based tool's label. People are drawn "
    "together.",
    tools=("vlm",),
    needs="emotion; subject",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=tool_alone,
    failures=failures,
    names=("accuracy_beside_evidence", "gain_over_the_tool"),
)
