"""Explanations: do they hold against the record, and do they follow when the record changes?

The swap test gives the explainer another picture's evidence under the same question. The text must then hold against
that evidence, say the new verdict, and differ where the evidence differs. An explainer that tells a story from the
picture, or from habit, fails it. Judged are the deterministic ledger ("analyze"), or a vision-language model where a
backend is configured ("vlm"): its answer to what it is asked, counted before the check strikes anything.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from evals.bench import Bench
from evals.data import Case, Cases, Dataset, Skip
from evals.data.columns import find
from evals.metrics.arrays import Reals, mean, ratio
from evals.metrics.bootstrap import Measurement
from evals.metrics.text import rege, rouge_l
from evals.task import EvalTask, Table, Values
from evals.tasks.expression import COLUMN, WORDS
from evals.tasks.localisation import PARTS
from faceagent import explain
from faceagent.judge import weigh
from faceagent.types import Evidence, Explanation, Face, Report, Verdict
from faceagent.vlm import choose
from faceagent.vlm.portrait import shown

WriteExplanation = Callable[[Verdict, Sequence[Evidence]], Explanation | None]
"""None for a verdict that this explainer is not asked about."""
EYES = {"left_eye": "eyes", "right_eye": "eyes"}
LEDGER = "ledger"
"""Author of explanations that no model was asked for."""
REFERENCE = ("text", "explanation", "caption", "description")


def read(dataset: Dataset, tool: str) -> Cases:
    """Every picture, with the next one as its donor of evidence; reference texts and altered parts where labelled."""
    del tool
    items = dataset.items
    texts, emotions = find(dataset, REFERENCE), find(dataset, COLUMN[:2])
    cases = []
    for place, item in enumerate(items):
        truth: dict[str, str | float] = {}
        if texts and item.labels.get(texts):
            truth["text"] = item.labels[texts]
        if emotions and (word := WORDS.get(item.labels.get(emotions, "").lower())):
            truth["emotion"] = word
        truth |= {part: 1.0 for part in PARTS if item.labels.get(part) == "1"}
        donor = items[(place + 1) % len(items)].file
        cases.append(Case(item.id, item.file, truth, item.id, (donor,) if donor != item.file else ()))
    return Cases(tuple(cases))


def observe(bench: Bench, cases: Sequence[Case], explainer: explain.VlmExplainer | None = None) -> list[Values | Skip]:
    """Counts over all explanations of every picture. Raises ModelUnavailable when there is no model to judge."""
    if bench.subject == "vlm" and explainer is None:
        backend = choose.backend(bench.settings)
        explainer = explain.VlmExplainer(
            backend, bench.settings.explain_depth, needs_adapter=bench.settings.vlm_url is None
        )
    seen: dict[str, Report] = {}

    def report(file: str) -> Report:
        if file not in seen:
            seen[file] = bench.analyst.analyze(str(bench.root / file), explain="ledger")
        return seen[file]

    answers: list[Values | Skip] = []
    for case in cases:
        mine = report(case.file)
        if mine.problem is not None:
            answers.append(Skip(case.id, mine.problem.reason, mine.problem.message))
            continue
        donor = report(case.others[0]) if case.others else None
        write = (
            explain.explain_by_template
            if explainer is None
            else on_picture(explainer, bench, mine, bench.root / case.file)
        )
        counts = held(mine, write)
        if not counts["explanations"]:
            answers.append(Skip(case.id, "no_evidence", f"{case.id}: there is no verdict that is put into words."))
            continue
        answers.append({**counts, **swapped(mine, donor, write), **compared(mine, case, write)})
    return answers


def on_picture(explainer: explain.VlmExplainer, bench: Bench, report: Report, path: Path) -> WriteExplanation:
    """The explainer for one picture: it is given the face that a verdict is about."""
    view = bench.look(path)
    boxes = {face.id: face.box for face in report.faces}
    known: dict[tuple[str, ...], Explanation] = {}

    def explain_once(verdict: Verdict, evidence: Sequence[Evidence]) -> Explanation | None:
        if isinstance(view, Skip) or verdict.subject not in boxes:
            return None
        crop = partial(shown, view.pixels(), boxes[verdict.subject], large=bench.settings.vlm_url is not None)
        asked = (verdict.model_dump_json(), *(item.statement for item in evidence))
        if asked not in known:
            known[asked] = explainer.explain(verdict, evidence, crop)
        said = known[asked]
        return None if said.author == LEDGER and said.fallback is None else said

    return explain_once


def held(report: Report, write: WriteExplanation) -> dict[str, float]:
    """How many explanations are well formed, how many steps hold, and how many name their verdict."""
    count = {"explanations": 0.0, "valid": 0.0, "steps": 0.0, "cited": 0.0, "agreeing": 0.0}
    for verdict in report.verdicts:
        written = write(verdict, report.evidence)
        if written is None:
            continue
        count["explanations"] += 1
        if written.fallback is not None:
            continue  # no answer that could be used: not valid, and the ledger's words are not the model's
        checked = explain.check(written, report.evidence, verdict)
        count["valid"] += bool(written.steps) and Explanation.model_validate_json(written.model_dump_json()) == written
        count["steps"] += len(written.steps) + len(written.struck)
        count["cited"] += len(checked.steps)
        count["agreeing"] += names(written, verdict)
    return count


def names(explanation: Explanation, verdict: Verdict) -> bool:
    """Whether a step that cites the verdict says its label; that no unit is present may be said with a zero."""
    said = [plain(step.text) for step in explanation.steps if verdict.id in step.cites]
    ways = ("none", "no action unit", "0 of") if verdict.label == "none" else (plain(verdict.label),)
    return any(way in text for text in said for way in ways)


def plain(text: str) -> str:
    """Lower case, words only: how labels are compared with sentences."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def swapped(report: Report, donor: Report | None, write: WriteExplanation) -> dict[str, float]:
    """How many swaps were made, and how many the explanation followed."""
    made = followed = 0
    if donor is not None and donor.problem is None and report.faces and donor.faces:
        for verdict in report.verdicts:
            face = next((face for face in report.faces if face.id == verdict.subject), None)
            if face is not None and (outcome := follows(report, donor, face, verdict, write)) is not None:
                made += 1
                followed += outcome
    return {"swaps": float(made), "followed": float(followed)}


def follows(report: Report, donor: Report, face: Face, verdict: Verdict, write: WriteExplanation) -> bool | None:
    """Whether the explanation of one verdict follows the donor's evidence; None when the evidence says the same."""
    mine = bearing(report.evidence, verdict, face.id)
    theirs = tuple(_moved(item, face.id) for item in bearing(donor.evidence, verdict, donor.faces[0].id))
    measured = any(item.status == "ok" for item in (*mine, *theirs))
    if not measured or [item.statement for item in mine] == [item.statement for item in theirs]:
        return None
    rest = tuple(item for item in report.evidence if item not in mine)
    evidence = (*rest, *theirs)
    renewed = weigh(verdict.question, face, evidence)
    before, after = write(verdict, report.evidence), write(renewed, evidence)
    if before is None or after is None:
        return None
    if after.fallback is not None:
        return False
    checked = explain.check(after, evidence, renewed)
    return (
        len(checked.steps) == len(after.steps) > 0
        and names(after, renewed)
        and [step.text for step in before.steps] != [step.text for step in after.steps]
    )


def _moved(item: Evidence, subject: str) -> Evidence:
    """The donor's evidence as if it had been recorded about ``subject``, what it cites included."""

    def renamed(name: str) -> str:
        return f"{subject}:{name.partition(':')[2]}"

    cites = tuple(map(renamed, item.cites))
    return item.model_copy(update={"subject": subject, "id": renamed(item.id), "cites": cites})


def bearing(evidence: Sequence[Evidence], verdict: Verdict, subject: str) -> tuple[Evidence, ...]:
    """What is recorded about a face and the verdict's question; expression rests on action units too."""
    questions = {verdict.question} | ({"action_units"} if verdict.question == "expression" else set())
    return tuple(item for item in evidence if item.subject == subject and item.question in questions)


def compared(report: Report, case: Case, write: WriteExplanation) -> dict[str, float]:
    """Overlap with a reference text, agreement with its label, and whether the region pointed at is an altered one."""
    found: dict[str, float] = {}
    explanations = [told for verdict in report.verdicts if (told := write(verdict, report.evidence)) is not None]
    verdict = next((one for one in report.verdicts if one.question == "expression"), None)
    if "text" in case.truth:
        sentences = [step.text for one in explanations for step in one.steps if _tells(one, verdict)]
        found["overlap"] = rouge_l(str(case.truth["text"]), " ".join(sentences))
        if verdict is not None and "emotion" in case.truth:
            found["recognised"] = float(verdict.label == case.truth["emotion"])
    altered = {part for part in PARTS if case.truth.get(part)}
    record = {item.id: item for item in report.evidence}
    cited = [cite for one in explanations if one.question == "forgery" for step in one.steps for cite in step.cites]
    pointed = {str(record[cite].region) for cite in cited if cite in record and _strongest(record[cite])}
    if altered and pointed:
        found["region_hits"] = len(pointed & altered) / len(pointed)
        eyes = {EYES.get(part, part) for part in pointed} & {EYES.get(part, part) for part in altered}
        found["region_hits_either_eye"] = float(bool(eyes))
    return found


def _strongest(item: Evidence) -> bool:
    """Whether the detector found no stronger trace in another region: that is where a text about it points."""
    return item.region is not None and item.facts.get("strongest") == "yes"


def _tells(explanation: Explanation, verdict: Verdict | None) -> bool:
    return verdict is None or (explanation.question, explanation.subject) == (verdict.question, verdict.subject)


def measurement(table: Table) -> Measurement:
    """Schema, citations, unsupported claims, agreement, swaps; regions and REGE where the set has labels for them."""
    column = {name: table.numbers(name) for name in
              ("explanations", "valid", "steps", "cited", "agreeing", "swaps", "followed")}  # fmt: skip
    optional = {name: table.numbers(name) for name in
                ("overlap", "recognised", "region_hits", "region_hits_either_eye")}  # fmt: skip
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
    needs="nothing but pictures; text and emotion for REGE; left_eye, right_eye, nose, mouth for region pointing",
    read=read,
    observe=observe,
    measurement=measurement,
    names=("schema_valid", "citation_validity", "unsupported_claims", "verdict_agreement", "swap_follow"),
)
