"""Exp-CoT: expression texts whose reasoning leads to the label without being given it.

After ExpLLM (Lan et al., IEEE TMM): action units → observations → label from that text alone → verification against the
truth → reflection and another try → refinement. Two additions: a sentence about something that was not measured is
rejected, and a case whose action units do not support its label is rejected.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from faceagent.explain import explanation_prompt
from faceagent.tools.expression import BASIS
from faceagent.types import INCONCLUSIVE, Evidence, Step
from finetune.data.samples import TrainingSample
from finetune.text.case import ExplanationCase, RejectedCase, build_sample, rejected_sentences

TRIES = 2
REDRAWS = 40
"""Seeds tried to avoid a text that exists already."""
OBSERVED, INTERPRETED, CONCLUDED = "Key observations", "Interpretation", "Conclusion"


class Annotator(Protocol):
    """Writes the three parts of a text, reproducible by seed as far as possible."""

    @property
    def name(self) -> str:
        """Name of the annotator, stored in the samples."""

    def observe(self, units: Sequence[Evidence], memory: Sequence[str], seed: int) -> tuple[Step, ...]:
        """Describe the units, given the faults of earlier tries."""

    def infer(self, text: str) -> str:
        """The label that the text leads to, from the text alone."""

    def refine(self, case: ExplanationCase, told: Sequence[Evidence], seed: int) -> tuple[Step, ...]:
        """Interpretation and conclusion, after the label is verified."""


def exp_cot(
    cases: Iterable[ExplanationCase], annotator: Annotator, seed: int
) -> Iterator[TrainingSample | RejectedCase]:
    """One sample or rejection per case, in order; no two samples have the same words apart from numbers."""
    said: set[str] = set()
    for case in cases:
        for redraw in range(REDRAWS):
            made = _explained(case, annotator, zlib.crc32(f"{seed}/{redraw}/{case.id}".encode()))
            if isinstance(made, RejectedCase):
                break
            words = re.sub(r"\d", "", made.answer)
            if words not in said:
                said.add(words)
                break
        else:
            made = RejectedCase(case.id, "no words left that were not used before")
        yield made


def _explained(case: ExplanationCase, annotator: Annotator, seed: int) -> TrainingSample | RejectedCase:
    label = case.verdict.firm_label
    if label not in (case.truth, INCONCLUSIVE):
        return RejectedCase(case.id, f"the verdict {label} is not the truth, {case.truth}")
    shown = explanation_prompt.select_evidence(case.verdict, case.evidence)
    units = tuple(item for item in shown if item.question == "action_units")
    told = tuple(item for item in units if item.label == "present")
    memory: list[str] = []
    for attempt in range(TRIES):
        observed = annotator.observe(told or units, memory, seed + attempt)
        rejected = rejected_sentences("expression", observed, case)
        found = annotator.infer(" ".join(step.text for step in observed))
        if rejected:
            memory.append(f"Not measured: {rejected[0]}.")
        elif label == INCONCLUSIVE or found == label:
            steps = (*observed, *annotator.refine(case, told, seed + attempt))
            rejected = rejected_sentences("expression", steps, case)
            if not rejected:
                return build_sample(
                    case, steps, shown, seed, engine="exp-cot", annotator=annotator.name, tries=attempt + 1
                )
            memory.append(f"Not measured: {rejected[0]}.")
        else:
            memory.append(f"The observations led to {found}, not to {label}.")
            told = _reflected(told, units)
    return RejectedCase(case.id, memory[-1])


def _reflected(told: tuple[Evidence, ...], units: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The described units and the faint units that were left out."""
    return (*told, *(item for item in units if item not in told and float(item.facts["z"]) >= BASIS))
