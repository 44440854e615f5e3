"""The deterministic explainer: fills a template with the recorded statements and cites every one; no model is used.

Its explanations have the author "ledger". It also explains wherever a vision-language model fails.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from faceagent.explain.heat import HOT
from faceagent.explain.region_sentences import heat_sentences, likeness_sentences
from faceagent.judge.wording import join
from faceagent.prompts import Prompt, prompt
from faceagent.types import SUBJECT, Evidence, Explanation, Question, Region, Step, Verdict

REGIONS: tuple[tuple[str, tuple[Region, ...]], ...] = (
    ("Outer face", ("outer_face",)),
    ("Eyes", ("left_eye", "right_eye")),
    ("Nose", ("nose",)),
    ("Mouth", ("mouth",)),
    ("Skin", ("skin",)),
)
"""Sections of a model's explanation of forgery; "Overall" and "Conclusion" follow (after VIPGuard's six items)."""


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
            "present": _present([item for item in units if item.label == "present"]),
            "absent": _items(item for item in units if item.label == "absent"),
            "silent": _items(item for item in skipped if item.question in ("action_units", question)),
        }
        if question == "expression":
            variables["reading"] = _items(item for item in measured if item.question == "expression")
        return prompt(f"{question}/ledger"), variables
    mine = [item for item in measured if item.question == question]
    missing = [item for item in skipped if item.question == question]
    if question not in ("forgery", "identity"):
        return prompt("any/ledger"), {"measured": _items(mine), "silent": _items(missing)}
    fused = {*verdict.supports, *verdict.contradicts}
    regions = [item for item in mine if item.region is not None]
    # What is recorded and not weighed stands in the tables of a report, and in none of its sentences.
    weighed = [item for item in mine if item.region is None and item.id in fused]
    told = heat_sentences(regions) if question == "forgery" else likeness_sentences(regions)
    return prompt(f"{question}/ledger"), {
        "regions": [{"text": one.text, "id": ", ".join(one.cites)} for one in told],
        "overall": _items(weighed + missing),
        "against": _against(verdict, regions),
    }


def _present(units: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Action units that are present: several in one sentence, then what is said of one of them besides."""
    if len(units) < 2:
        return _items(units)
    ranked = sorted(units, key=lambda item: -(item.score.value if item.score else 0.0))
    names = [
        f"{item.id.rpartition(':')[2]} ({item.facts.get('name', 'action unit')}, {item.score.value:.1f} of 5)"
        for item in ranked
        if item.score
    ]
    whole = {"statement": f"{join(names)} are present.", "id": ", ".join(item.id for item in ranked)}
    more = [(item, item.statement.partition(". ")[2]) for item in ranked]
    return [
        whole,
        *({"statement": f"{item.id.rpartition(':')[2]}: {text}", "id": item.id} for item, text in more if text),
    ]


def _against(verdict: Verdict, regions: Sequence[Evidence]) -> dict[str, str] | None:
    """One sentence where single regions point the other way than the verdict; None where none does."""
    clean, forged = {"bona_fide"}, {"forged"}
    hot = [item for item in regions if item.score and item.question == "forgery" and item.score.value >= HOT]
    alike = [item for item in regions if item.label == "same"]
    if verdict.label in clean and hot:
        text, cites = "What stands out in single regions speaks against that and was not enough.", hot
    elif verdict.label in forged and regions and not hot and verdict.question == "forgery":
        text, cites = "No region stands out, which speaks against that; the face as a whole decides.", list(regions)
    elif verdict.label == "other_person" and alike:
        text, cites = "That single regions look the same speaks against that; the face as a whole decides.", alike
    else:
        return None
    return {"text": text, "id": ", ".join([verdict.id, *(item.id for item in cites)])}


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
