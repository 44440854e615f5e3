"""The check after every explanation: what does not hold against the record is struck, and said to be struck.

A step holds when every id it cites exists, and every number and action unit it names stands in what it cites. A claim
without a number is not understood here: what keeps the ledger from making one is that it writes recorded statements.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from faceagent.types import Evidence, Explanation, Step, Verdict

_UNIT = re.compile(r"\bAU\s?(\d{1,2})\b")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")


class _Named(NamedTuple):
    """The action units and numbers that a text names."""

    units: frozenset[str]
    numbers: frozenset[str]


def check(explanation: Explanation, evidence: Iterable[Evidence], verdict: Verdict) -> Explanation:
    """``explanation`` without the steps that do not hold; what was removed is listed in ``struck``."""
    record: dict[str, Evidence | Verdict] = {item.id: item for item in evidence} | {verdict.id: verdict}
    recorded: dict[str, _Named] = {}
    kept: list[Step] = []
    struck: list[str] = list(explanation.struck)
    for step in explanation.steps:
        for cite in step.cites:
            if cite in record and cite not in recorded:
                recorded[cite] = _named(_said(record[cite]))
        fault = _fault(step, recorded)
        if fault is None:
            kept.append(step)
        else:
            struck.append(f"{step.text} ({fault})")
    return explanation.model_copy(update={"steps": tuple(kept), "struck": tuple(struck)})


def _said(noun: Evidence | Verdict) -> str:
    """What the record says in words and numbers; hashes and versions are left out, or their digits would vouch too."""
    if isinstance(noun, Verdict):
        return f"{noun.id} {noun.label} {noun.wording}"
    numbers = (noun.score.value, noun.score.low, noun.score.high) if noun.score else ()
    return " ".join(map(str, (noun.id, noun.statement, noun.label, *numbers, *noun.facts.values())))


def _named(text: str) -> _Named:
    return _Named(frozenset(_UNIT.findall(text)), frozenset(_NUMBER.findall(text)))


def _fault(step: Step, recorded: Mapping[str, _Named]) -> str | None:
    """What is wrong with a step, or None."""
    if not step.cites:
        return "cites nothing"
    unknown = [cite for cite in step.cites if cite not in recorded]
    if unknown:
        return f"cites {', '.join(unknown)}, which was not recorded"
    said = _named(step.text)
    units = said.units.difference(*(recorded[cite].units for cite in step.cites))
    if units:
        return f"names AU{', AU'.join(sorted(units))}, which is not in what it cites"
    numbers = said.numbers.difference(*(recorded[cite].numbers for cite in step.cites))
    if numbers:
        return f"names {', '.join(sorted(numbers))}, which is not in what it cites"
    return None
