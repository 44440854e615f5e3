"""Explanations: do they hold against the record, and do they follow when the record changes?

The swap test gives the explainer another picture's evidence under the same question. The text must then hold against
that evidence, say the new verdict, and differ where the evidence differs. An explainer that tells a story from the
picture, or from habit, fails it. Judged are the deterministic ledger ("analyze"), or a vision-language model where a
backend is configured ("vlm"): its answer to what it is asked, counted before the check strikes anything.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evals.data import Case, Cases, Dataset, Item, Skip
from evals.data.columns import find
from evals.metrics.arrays import Reals, mean, ratio
from evals.metrics.bootstrap import Measurement
from evals.metrics.text import rege
from evals.recording_backend import RecordingBackend
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from evals.tasks.explanation_counts import WriteExplanation, compared, held, swapped
from evals.tasks.expression import COLUMN, WORDS
from evals.tasks.localisation import PARTS
from faceagent import explain
from faceagent.types import Evidence, Explanation, Report, Verdict
from faceagent.vlm import choose
from faceagent.vlm.face_image import encode_face

LEDGER = "ledger"
"""Author of explanations that no model was asked for."""
REFERENCE = ("text", "explanation", "caption", "description")


def read(dataset: Dataset, tool: str) -> Cases:
    """Every picture, with the next one as its donor of evidence; reference texts and altered parts where labelled."""
    del tool
    items = dataset.items
    donors = _donors(items)
    texts, emotions = find(dataset, REFERENCE), find(dataset, COLUMN[:2])
    cases = []
    for place, item in enumerate(items):
        truth: dict[str, str | float] = {}
        if texts and item.labels.get(texts):
            truth["text"] = item.labels[texts]
        if emotions and (word := WORDS.get(item.labels.get(emotions, "").lower())):
            truth["emotion"] = word
        truth |= {part: 1.0 for part in PARTS if item.labels.get(part) == "1"}
        truth |= {key: item.labels[key] for key in ("questions", "reference") if item.labels.get(key)}
        donor = items[donors[place]]
        if donor.labels.get("reference"):
            truth["donor_reference"] = donor.labels["reference"]
        others = [donor.file] if donor is not item else []
        others += [str(truth[key]) for key in ("reference", "donor_reference") if key in truth]
        cases.append(Case(item.id, item.file, truth, item.labels.get("subject") or item.id, tuple(others)))
    return Cases(tuple(cases))


def _donors(items: Sequence[Item]) -> list[int]:
    """For every item the next one that is asked the same questions: whose evidence is put in its place."""
    groups: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault(item.labels.get("questions", ""), []).append(place)
    following = {place: group[(at + 1) % len(group)] for group in groups.values() for at, place in enumerate(group)}
    return [following[place] for place in range(len(items))]


def observe(
    runner: Runner,
    cases: Sequence[Case],
    explainer: explain.VlmExplainer | None = None,
    heard: RecordingBackend | None = None,
) -> list[Values | Skip]:
    """Counts over all explanations of every picture; ``heard`` is the explainer's backend where one is given.

    Raises ModelUnavailable when there is no model to judge.
    """
    if runner.subject == "vlm" and explainer is None:
        heard = RecordingBackend(choose.backend(runner.settings))
        explainer = explain.VlmExplainer(
            heard, runner.settings.explain_depth, needs_adapter=runner.settings.vlm_url is None
        )
    seen: dict[tuple[str, str], Report] = {}

    def report(file: str, questions: str, reference: str) -> Report:
        if (file, reference) not in seen:
            references = [runner.root / reference] if reference else []
            asked: dict[str, Any] = {"questions": tuple(questions.split())} if questions else {}
            seen[file, reference] = runner.analyst.analyze(
                str(runner.root / file), references=references, explain="ledger", **asked
            )
        return seen[file, reference]

    answers: list[Values | Skip] = []
    for case in cases:
        questions = str(case.truth.get("questions", ""))
        mine = report(case.file, questions, str(case.truth.get("reference", "")))
        if mine.problem is not None:
            answers.append(Skip(case.id, mine.problem.reason, mine.problem.message))
            continue
        donor = report(case.others[0], questions, str(case.truth.get("donor_reference", ""))) if case.others else None
        write = (
            explain.explain_by_template
            if explainer is None
            else on_picture(explainer, runner, mine, runner.root / case.file)
        )
        counts = held(mine, write)
        if not counts["explanations"]:
            answers.append(Skip(case.id, "no_evidence", f"{case.id}: there is no verdict that is put into words."))
            continue
        answers.append(
            {
                **counts,
                **swapped(mine, donor, write),
                **compared(mine, case, write),
                **spent(heard),
            }
        )
    return answers


def spent(heard: RecordingBackend | None) -> dict[str, float]:
    """Structured answers of the model since the last case: how many, how many were valid, their tokens and seconds."""
    if heard is None:
        return {}
    found = {
        "answers": float(len(heard.valid)),
        "answers_valid": float(sum(heard.valid)),
        "tokens": float(sum(tokens for tokens, _ in heard.spent)),
        "seconds": round(sum(seconds for _, seconds in heard.spent), 3),
    }
    heard.valid.clear()
    heard.spent.clear()
    return found


def on_picture(explainer: explain.VlmExplainer, runner: Runner, report: Report, path: Path) -> WriteExplanation:
    """The explainer for one picture: it is given the face that a verdict is about."""
    view = runner.look(path)
    boxes = {face.id: face.box for face in report.faces}
    known: dict[tuple[str, ...], Explanation] = {}

    def explain_once(verdict: Verdict, evidence: Sequence[Evidence]) -> Explanation | None:
        if isinstance(view, Skip) or verdict.subject not in boxes:
            return None
        crop = partial(encode_face, view.pixels(), boxes[verdict.subject], large=runner.settings.vlm_url is not None)
        asked = (verdict.model_dump_json(), *(item.statement for item in evidence))
        if asked not in known:
            known[asked] = explainer.explain(verdict, evidence, crop)
        said = known[asked]
        return None if said.author == LEDGER and said.fallback is None else said

    return explain_once


def measurement(table: CaseTable) -> Measurement:
    """Schema, citations, unsupported claims, agreement, swaps; regions and REGE where the set has labels for them."""
    column = {name: table.numbers(name) for name in
              ("explanations", "valid", "steps", "cited", "agreeing", "swaps", "followed", "answers", "answers_valid",
               "tokens", "seconds")}  # fmt: skip
    counted = not np.isnan(column["answers"]).any()
    optional = {
        name: table.numbers(name) for name in ("overlap", "recognised", "region_hits", "region_hits_either_eye")
    }
    known = {name: ~np.isnan(values) for name, values in optional.items()}

    def measure(weights: Reals) -> Mapping[str, Reals]:
        def rate(part: str, whole: str) -> Reals:
            return ratio(weights @ column[part], weights @ column[whole])

        found = {
            "schema_valid": rate("valid", "explanations"),
            "citation_validity": rate("cited", "steps"),
            "unsupported_claims": 1.0 - rate("cited", "steps"),
            "verdict_agreement": rate("agreeing", "valid"),
            "swap_follow": rate("followed", "swaps"),
        }
        if counted:
            found["answers_valid"] = rate("answers_valid", "answers")
            found["tokens_per_explanation"] = rate("tokens", "answers_valid")
            found["ms_per_explanation"] = 1000.0 * rate("seconds", "answers_valid")
        shares = {
            name: mean(values[known[name]], weights[..., known[name]])
            for name, values in optional.items()
            if known[name].any()
        }
        if "region_hits" in shares:
            found["region_pointing"] = shares["region_hits"]
            found["region_pointing_either_eye"] = shares["region_hits_either_eye"]
        if "overlap" in shares:
            found["rouge_l"] = shares["overlap"]
            if "recognised" in shares:
                found["rege"] = rege(shares["recognised"], shares["overlap"])
        return found

    return measure


TASK = EvalTask(
    name="explanation",
    title="Explanations against the record",
    protocol="Every explanation of every verdict: well-formed, each step checked against what it cites (of a model's "
    "answer those count too that the check strikes), the verdict named; the swap test with the next picture's "
    "evidence; region pointing and REGE where labels exist. vlm judges the model's answers alone.",
    tools=("analyze", "vlm"),
    needs="nothing but pictures; questions (parted by spaces) and reference; text and emotion for REGE; left_eye, "
    "right_eye, nose, mouth for region pointing",
    read=read,
    observe=observe,
    measurement=measurement,
    names=("schema_valid", "citation_validity", "unsupported_claims", "verdict_agreement", "swap_follow"),
)
