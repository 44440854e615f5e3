"""Template texts of the embedded model: each line of the prompt in its section, a summary, the verdict.

A model of 135 million parameters learns a small grammar well and a rich one badly: it has to learn which lines there
are, where they belong and what they add up to. Larger models are trained on the other texts.
"""

from collections.abc import Sequence

from faceagent.explain import explanation_prompt
from faceagent.explain.template_explainer import REGIONS
from faceagent.types import INCONCLUSIVE, Evidence, Step
from finetune.data.samples import TrainingSample
from finetune.text.case import ExplanationCase, RejectedCase, build_sample, rejected_sentences
from finetune.text.grammar import join_words

OBSERVED, INTERPRETED = explanation_prompt.SECTIONS["expression"][:2]
OVERALL = "Overall"


def template_sample(case: ExplanationCase, seed: int) -> TrainingSample | RejectedCase:
    """The explanation of a case by the template. Rejected when the product's check rejects a sentence."""
    shown = explanation_prompt.select_evidence(case.verdict, case.evidence)
    steps = (_expression if case.verdict.question == "expression" else _regional)(case, shown)
    rejected = rejected_sentences(case.verdict.question, steps, case)
    if rejected:
        return RejectedCase(case.id, f"Not measured: {rejected[0]}")
    return build_sample(case, steps, shown, seed, engine="terse")


def conclusion(case: ExplanationCase) -> Step:
    """The verdict in one sentence."""
    label = case.verdict.firm_label.replace("_", " ")
    apparent = case.verdict.question == "expression" and label != INCONCLUSIVE
    text = f"The {'apparent expression' if apparent else 'verdict'} is {label}."
    return Step(section=explanation_prompt.CONCLUSION, text=text, cites=(case.verdict.id,))


def _expression(case: ExplanationCase, shown: Sequence[Evidence]) -> list[Step]:
    steps = []
    for item in shown:
        open_ = item.question == "expression" and case.verdict.firm_label == INCONCLUSIVE
        text = f"{explanation_prompt.format_evidence(item)}{', but not clearly enough' if open_ else ''}."
        section = INTERPRETED if item.question == "expression" else OBSERVED
        steps.append(Step(section=section, text=text, cites=(item.id,)))
    return [*steps, conclusion(case)]


def _regional(case: ExplanationCase, shown: Sequence[Evidence]) -> list[Step]:
    steps = [
        Step(section=section, text=f"{explanation_prompt.format_evidence(item)}.", cites=(item.id,))
        for section, parts in REGIONS
        for part in parts
        for item in shown
        if item.region == part
    ]
    whole = [item for item in shown if item.region is None]
    steps += [
        Step(section=OVERALL, text=f"{explanation_prompt.format_evidence(item)}.", cites=(item.id,)) for item in whole
    ]
    return [*steps, *_together(case, shown, whole), conclusion(case)]


def _together(case: ExplanationCase, shown: Sequence[Evidence], whole: Sequence[Evidence]) -> list[Step]:
    """The regions that stand out, in one sentence; empty when no region was measured."""
    regions = {part: item for _, parts in REGIONS for part in parts for item in shown if item.region == part}
    if not regions:
        return []
    same_person = case.verdict.question == "identity"
    mark, verb = ("different", "differ") if same_person else ("stands out", "stand out")
    odd = {
        part.replace("_", " "): item
        for part, item in regions.items()
        if mark in explanation_prompt.format_evidence(item)
    }
    if odd:
        text = f"{join_words(list(odd)).capitalize()} {verb}." if odd.keys() - {next(iter(odd))} else _alone(mark, *odd)
        return [Step(section=OVERALL, text=text, cites=tuple(item.id for item in odd.values()))]
    text = f"No region {'differs' if same_person else 'stands out'}."
    return [Step(section=OVERALL, text=text, cites=(whole[0].id if whole else case.verdict.id,))]


def _alone(mark: str, part: str) -> str:
    return f"Only the {part} {'differs' if mark == 'different' else mark}."
