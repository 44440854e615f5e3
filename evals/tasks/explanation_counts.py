"""What is counted about the explanations of one report: form, citations, the verdict named, the swap test, regions.

Knows reports and explanations, and no model: whoever explains is given as a function.
"""

import re
from collections.abc import Callable, Sequence

from evals.data import Case
from evals.metrics.text import rouge_l
from evals.tasks.localisation import PARTS
from faceagent import explain
from faceagent.judge import weigh
from faceagent.types import Evidence, Explanation, Face, Report, Verdict

WriteExplanation = Callable[[Verdict, Sequence[Evidence]], Explanation | None]
"""None for a verdict that this explainer is not asked about."""
EYES = {"left_eye": "eyes", "right_eye": "eyes"}


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
    """Whether a step that cites the verdict says its label, or that a lean is open; no unit may be said with a zero."""
    said = [plain(step.text) for step in explanation.steps if verdict.id in step.cites]
    ways = (
        ("none", "no action unit", "0 of")
        if verdict.label == "none"
        else (plain(verdict.label), plain(verdict.firm_label))
    )
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
