"""How a case is put to the model, and the form its answer has: JSON with sections of cited sentences.

One place, so that what is trained is what is asked at run time. Knows no phrase and no engine.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from faceagent.explain.check import check
from faceagent.types import Evidence, Explanation, Question, Step, Verdict
from finetune.engines.record import Sample, Shot, Value

SYSTEM = (
    "You explain what was measured on a face. Say only what the evidence says, cite the ids of the evidence behind "
    "every sentence, and conclude with the given verdict."
)


@dataclass(frozen=True)
class Case:
    """One face, what was recorded about it, the judge's verdict, and the ``truth`` as the set or the maker has it."""

    id: str
    images: tuple[Shot, ...]
    source: str
    evidence: tuple[Evidence, ...]
    verdict: Verdict
    truth: str


@dataclass(frozen=True)
class Rejected:
    """A case that makes no training text, and why."""

    case: str
    reason: str


def asked(verdict: Verdict, evidence: Sequence[Evidence]) -> str:
    """The prompt: question, evidence by id, verdict."""
    lines = [f"[{item.id}] {' '.join(item.statement.split())}" for item in evidence]
    return "\n".join([f"Question: {verdict.question}", "Evidence:", *lines, f"Verdict [{verdict.id}]: {verdict.label}"])


def answered(verdict: Verdict, steps: Sequence[Step]) -> str:
    """The answer: the label and the steps, section by section, as compact JSON."""
    told = [{"section": step.section, "text": step.text, "cites": list(step.cites)} for step in steps]
    return json.dumps({"verdict": verdict.label, "steps": told}, ensure_ascii=False, separators=(",", ":"))


def faults(question: Question, steps: Sequence[Step], case: Case) -> tuple[str, ...]:
    """What the product's own check would strike from these steps."""
    told = Explanation(
        question=question,
        subject=case.verdict.subject,
        steps=tuple(steps),
        author="engine",
        prompt="engine",
        prompt_sha256="",
    )
    return check(told, case.evidence, case.verdict).struck


def sampled(case: Case, steps: Sequence[Step], shown: Sequence[Evidence], seed: int, **meta: Value) -> Sample:
    """The training sample of a case and the steps that explain it; ``shown`` is the evidence in its prompt."""
    return Sample(
        id=case.id,
        images=case.images,
        system=SYSTEM,
        prompt=asked(case.verdict, shown),
        answer=answered(case.verdict, steps),
        question=case.verdict.question,
        source=case.source,
        seed=seed,
        meta={"label": case.verdict.label, "truth": case.truth, **meta},
    )
