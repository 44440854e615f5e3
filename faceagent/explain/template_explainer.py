"""The deterministic explainer: fills a template with the recorded statements and cites every one; no model is used.

Its explanations have the author "ledger". It also explains wherever a vision-language model fails.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from faceagent.prompts import Prompt, prompt
from faceagent.types import SUBJECT, Evidence, Explanation, Question, Region, Step, Verdict

REGIONS: tuple[tuple[str, tuple[Region, ...]], ...] = (
    ("Outer face", ("outer_face",)),
    ("Eyes", ("left_eye", "right_eye")),
    ("Nose", ("nose",)),
    ("Mouth", ("mouth",)),
    ("Skin", ("skin",)),
)
"""Sections of a forgery explanation; "Overall" and "Conclusion" follow (after VIPGuard's six items)."""


def explain_by_template(verdict: Verdict, evidence: Sequence[Evidence]) -> Explanation:
    """Explain ``verdict`` from ``evidence``: everything recorded about one picture and its faces."""
    about = {verdict.subject, SUBJECT}
    template, variables = _template(verdict, [item for item in evidence if item.subject in about])
    text = template.render({**variables, "verdict": _plain(verdict)})
    return Explanation(
        question=verdict.question,
        subject=verdict.subject,
        steps=tuple(_steps(text)),
        author="ledger",
        prompt=template.name,
        prompt_sha256=template.sha256,
    )


def _template(verdict: Verdict, evidence: Sequence[Evidence]) -> tuple[Prompt, dict[str, Any]]:
    """The template of the verdict's question and its variables, without the verdict."""
    question: Question = verdict.question
    measured = [item for item in evidence if item.status == "ok"]
    skipped = [item for item in evidence if item.status != "ok"]
    if verdict.reason == "no_face":
        return prompt("any/ledger"), {"measured": [], "silent": []}
    if question in ("expression", "action_units"):
        units = [item for item in measured if item.question == "action_units"]
        variables: dict[str, Any] = {
            "present": _items(item for item in units if item.label == "present"),
            "absent": _items(item for item in units if item.label == "absent"),
            "silent": _items(item for item in skipped if item.question in ("action_units", question)),
        }
        if question == "expression":
            variables["reading"] = _items(item for item in measured if item.question == "expression")
        return prompt(f"{question}/ledger"), variables
    mine = [item for item in measured if item.question == question]
    missing = [item for item in skipped if item.question == question]
    if question == "forgery":
        fused = {*verdict.supports, *verdict.contradicts}
        regional = any(item.region is not None for item in mine)
        return prompt("forgery/ledger"), {
            "regional": regional,
            "regions": [
                {"title": title, "items": _items(item for item in mine if item.region in parts)}
                for title, parts in REGIONS
            ],
            "overall": _items([item for item in mine if item.region is None and item.id in fused] + missing),
            "context": _items(item for item in mine if item.region is None and item.id not in fused),
        }
    return prompt("any/ledger"), {"measured": _items(mine), "silent": _items(missing)}


def _items(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    return [_plain(item) | {"name": item.id.rpartition(":")[2].replace("_", " ")} for item in evidence]


def _plain(noun: Evidence | Verdict) -> dict[str, Any]:
    """The fields as plain values, each text on one line: a line break in a statement must not start a step."""
    values = noun.model_dump(mode="json")
    return {key: " ".join(value.split()) if isinstance(value, str) else value for key, value in values.items()}


def _steps(text: str) -> Iterable[Step]:
    """Steps from ``## Section`` and ``- sentence [id, id]`` lines; the template puts the citation last."""
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        elif line.startswith("- "):
            sentence, _, cites = line[2:].strip().rpartition(" [")
            yield Step(section=section, text=sentence, cites=tuple(cites.rstrip("]").split(", ")))
