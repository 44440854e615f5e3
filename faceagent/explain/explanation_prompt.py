"""The prompt with which a vision-language model explains a verdict, and the JSON schema of its answer.

Ids are shortened by what is the same in every line ("F1:AU12" is "AU12", "F1:forgery_nose" is "nose", the verdict is
"V"), and evidence of a known kind is formatted in a few words: tokens cost time, and a small model copies short text
best. Only measured values and statements enter a prompt: no file name, no metadata, no text from the picture. Training
uses these functions too, so that training and inference have the same prompts.
"""

import json
import re
from collections.abc import Mapping, Sequence
from math import exp
from typing import Any, get_args

from faceagent.explain.heat import COLD, HOT
from faceagent.explain.template_explainer import REGIONS
from faceagent.judge.wording import of_100
from faceagent.prompts import Prompt, prompt
from faceagent.tools.expression import BASIS
from faceagent.types import Evidence, Question, Region, Step, Verdict

CONCLUSION = "Conclusion"
PLANNING = "Planning"
_BY_REGION = (*(title for title, _ in REGIONS), "Overall", CONCLUSION)
SECTIONS: Mapping[Question, tuple[str, ...]] = {
    "expression": ("Key observations", "Interpretation", CONCLUSION),
    "forgery": _BY_REGION,
    "identity": _BY_REGION,
}
"""Questions that a model explains, with the sections of its answer; templates explain every other question."""
LONGEST = 240
"""Characters of one sentence, and of one statement in the prompt."""
MOST = 6
"""Sentences of one section, and ids that one of them cites."""
UNITS = 3
"""Most action units in a prompt, the strongest first. More made the answers neither clearer nor more correct."""
_PARTS: tuple[str, ...] = get_args(Region)


def prompt_template(question: Question) -> Prompt:
    """The prompt of a question in ``SECTIONS``."""
    return prompt(f"{question}/vlm")


def section_names(question: Question, *, plan: bool = False) -> tuple[str, ...]:
    """The sections of an answer, in order."""
    return (PLANNING, *SECTIONS[question]) if plan else SECTIONS[question]


def select_evidence(verdict: Verdict, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The evidence that goes into the prompt, in order.

    For expression the strongest units and the reading; for the others every region and the fused evidence.
    """
    mine = [item for item in evidence if item.subject == verdict.subject and item.status == "ok"]
    if verdict.question == "expression":
        reading = [item for item in mine if item.question == "expression" and item.distribution]
        return (*_units(mine, {cite for item in reading for cite in item.cites}), *reading)
    weighed = {*verdict.supports, *verdict.contradicts}
    return tuple(
        item
        for item in mine
        if (item.region is not None and item.question == verdict.question) or (item.id in weighed and not item.region)
    )


def _units(mine: Sequence[Evidence], grounds: set[str]) -> list[Evidence]:
    """Units that are present, or faint and cited by the reading; if there is none, those nearest to presence."""
    units = [item for item in mine if item.question == "action_units" and item.score]
    faint = {item.id for item in units if item.id in grounds and float(item.facts.get("z", 0.0)) >= BASIS}
    active = [item for item in units if item.label == "present" or item.id in faint]
    ranked = sorted(
        active or units, key=lambda item: (item.id not in grounds, -(item.score.value if item.score else 0.0))
    )
    return ranked[:UNITS]


def build_prompt(verdict: Verdict, evidence: Sequence[Evidence], *, plan: bool = False) -> str:
    """The text of the user's message: the task, the evidence line by line, the verdict."""
    variables = {"lines": prompt_lines(evidence), "verdict": verdict.firm_label.replace("_", " "), "plan": plan}
    return prompt_template(verdict.question).render(variables).strip()


def prompt_lines(evidence: Sequence[Evidence]) -> list[dict[str, str]]:
    """``id`` and ``text`` of every piece of evidence, the variables of the prompts."""
    return [{"id": short_id(item.id), "text": format_evidence(item)} for item in evidence]


def format_evidence(item: Evidence) -> str:
    """One piece of evidence as a short clause that an answer may repeat; for an unknown kind, its own statement.

    Each value is also described in words: a small model reads words well and compares numbers badly.
    """
    value = None if item.score is None else item.score.value
    if item.question == "action_units" and value is not None:
        level = f"at {value:.1f} of 5" if item.label == "present" else "below presence"
        return _capital(f"{item.facts['name']} {level}")
    if item.question == "expression" and item.label:
        return _reading(item)
    if item.region is not None and (value is not None or item.label):
        word = item.label or _level(value or 0.0)
        where = _capital(f"{item.region} {'the same' if word == 'same' else word}".replace("_", " "))
        return where if value is None else f"{where}{',' if item.label else ' at'} {value:.2f}"
    if item.question == "identity" and value is not None:
        return f"Similarity {of_100(value)}/100, never decisive alone"
    text = " ".join(item.statement.split())
    if item.score is not None and item.score.scale == "logit" and (share := f"{_sigmoid(item):.2f}") in text:
        return f"Detector output {share} of 1"
    return text.removesuffix(".") if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _reading(item: Evidence) -> str:
    """The label of the expression tool with the first units that its statement names."""
    units = list(dict.fromkeys(re.findall(r"AU\d+", item.statement)))[:UNITS]
    if not units:
        return f"{'Signs that exclude each other' if item.label == 'other' else 'No unit speaks clearly'}: {item.label}"
    listed = f"{', '.join(units[:-1])} and {units[-1]}" if units[1:] else units[0]
    return f"{listed} {'speak' if units[1:] else 'speaks'} for {item.label}"


def _level(value: float) -> str:
    """The size of a region's score, in the words that ``check`` understands."""
    return "stands out" if value >= HOT else "quiet" if value <= COLD else "undecided"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sigmoid(item: Evidence) -> float:
    return 0.0 if item.score is None else 1 / (1 + exp(-item.score.value))


def answer_schema(verdict: Verdict, evidence: Sequence[Evidence], *, plan: bool = False) -> dict[str, Any]:
    """The JSON schema of the answer: the question's sections, each a list of sentences with ids from the prompt.

    The ids come before the sentence, so that a sentence is generated after the evidence that it cites.
    """
    ids = [*(short_id(item.id) for item in evidence), "V"]
    step = {
        "type": "object",
        "properties": {
            "cites": {"type": "array", "items": {"enum": ids}, "minItems": 1, "maxItems": MOST},
            "text": {"type": "string", "minLength": 1, "maxLength": LONGEST},
        },
        "required": ["cites", "text"],
        "additionalProperties": False,
    }
    names = section_names(verdict.question, plan=plan)
    lists = {
        name: {"type": "array", "items": step, "minItems": int(name == CONCLUSION), "maxItems": MOST} for name in names
    }
    return {"type": "object", "properties": lists, "required": list(names), "additionalProperties": False}


def format_answer(verdict: Verdict, steps: Sequence[Step], *, plan: bool = False) -> str:
    """Steps as the JSON that ``answer_schema`` allows: the target of training."""
    answer = {
        name: [
            {"cites": [short_id(cite) for cite in step.cites], "text": step.text}
            for step in steps
            if step.section == name
        ]
        for name in section_names(verdict.question, plan=plan)
    }
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def parse_steps(valid: Mapping[str, Any], verdict: Verdict, evidence: Sequence[Evidence]) -> tuple[Step, ...]:
    """An answer that satisfies ``answer_schema`` as steps, with full evidence ids again."""
    whole = {short_id(item.id): item.id for item in evidence} | {"V": verdict.id}
    return tuple(
        Step(section=name, text=" ".join(one["text"].split()), cites=tuple(whole[cite] for cite in one["cites"]))
        for name in section_names(verdict.question, plan=PLANNING in valid)
        for one in valid[name]
        if one["text"].strip()
    )


def short_id(name: str) -> str:
    """An evidence id without its subject, a region's without its tool either; a verdict's id is "V"."""
    if name.startswith("V:"):
        return "V"
    tail = name.rpartition(":")[2]
    part = tail.partition("_")[2]
    return part if part in _PARTS else tail
