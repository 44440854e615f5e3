"""Expression cases of the labelled set: pictures measured by the product's tools, with the judge's verdict."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from evals.data.held_out import person
from evals.data.training_sets import EXPRESSION_LABELS, EXPRESSION_SET
from evals.views import portraits
from faceagent.judge import weigh
from faceagent.settings import Settings
from faceagent.tools.action_units import ActionUnits
from faceagent.tools.expression import Expression
from faceagent.types import INCONCLUSIVE, Evidence, Verdict
from finetune.data.samples import SamplePicture
from finetune.text.case import ExplanationCase


def expression_cases(data: Path, settings: Settings, every: int = 1) -> Iterator[ExplanationCase]:
    """One case per measurable face of every ``every``-th picture; sources are people."""
    folder = data / EXPRESSION_SET
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as table:
        labels = {row["file"]: row["emotion"] for row in csv.DictReader(table)}
    tools: Sequence[ActionUnits | Expression] = (ActionUnits(settings), Expression(settings))
    for file, view in portraits(folder, list(labels)[::every], settings):
        if view is None or view.face is None or not view.face.landmarks:
            continue
        evidence = tuple(item for tool in tools for item in tool.run([view])[0])
        truth = EXPRESSION_LABELS.get(labels[file], labels[file])
        yield ExplanationCase(
            id=f"{EXPRESSION_SET}/{file}",
            images=(SamplePicture(path=f"{EXPRESSION_SET}/{file}"),),
            source=f"{EXPRESSION_SET}/{person(EXPRESSION_SET, file)}",
            evidence=evidence,
            verdict=_settled(weigh("expression", view.face, evidence), evidence, truth),
            truth=truth,
        )


def _settled(verdict: Verdict, evidence: Sequence[Evidence], truth: str) -> Verdict:
    """``verdict``, or the truth where the judge abstains and the tool reads the truth.

    On pictures this small the judge abstains nine times in ten; a model trained on that would always abstain.
    """
    rightly = any(item.question == "expression" and item.label == truth for item in evidence)
    if verdict.firm_label != INCONCLUSIVE or not rightly:
        return verdict
    changed = {"label": truth, "wording": f"Apparent {truth}.", "probability": None, "reason": None}
    return verdict.model_copy(update=changed)
