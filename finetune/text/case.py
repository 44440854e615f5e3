"""A case, and the training sample that explains it.

The prompt and the form of the answer are the product's own (``explain.explanation_prompt``), so training and use are
the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from faceagent.explain import explanation_prompt
from faceagent.explain.check import check
from faceagent.types import Evidence, Explanation, Question, Step, Verdict
from finetune.data.samples import SamplePicture, TrainingSample, Value


@dataclass(frozen=True)
class ExplanationCase:
    """One face with its evidence, the judge's verdict, and the ``truth`` of the set or the maker."""

    id: str
    images: tuple[SamplePicture, ...]
    source: str
    evidence: tuple[Evidence, ...]
    verdict: Verdict
    truth: str


@dataclass(frozen=True)
class RejectedCase:
    """A case that becomes no training sample, and the reason."""

    case: str
    reason: str


def rejected_sentences(question: Question, steps: Sequence[Step], case: ExplanationCase) -> tuple[str, ...]:
    """The sentences of these steps that the product's check rejects."""
    told = Explanation(
        question=question,
        subject=case.verdict.subject,
        steps=tuple(steps),
        author="engine",
        prompt="engine",
        prompt_sha256="",
    )
    return check(told, case.evidence, case.verdict).struck


def build_sample(
    case: ExplanationCase, steps: Sequence[Step], shown: Sequence[Evidence], seed: int, **meta: Value
) -> TrainingSample:
    """The training sample of a case and the steps that explain it; ``shown``: the evidence in its prompt."""
    return TrainingSample(
        id=case.id,
        images=case.images,
        prompt=explanation_prompt.build_prompt(case.verdict, shown),
        answer=explanation_prompt.format_answer(case.verdict, steps),
        question=case.verdict.question,
        source=case.source,
        seed=seed,
        meta={"label": case.verdict.firm_label, "truth": case.truth, **meta},
    )
