"""The check after every explanation: what does not hold against the record is struck, and said to be struck.

A step holds when every id it cites exists, and every number and action unit it names stands in what it cites.
"""

import re
from collections.abc import Iterable, Mapping

from faceagent.types import Evidence, Explanation, Step, Verdict

_UNIT = re.compile(r"\bAU\s?(\d{1,2})\b")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")


def check(explanation: Explanation, evidence: Iterable[Evidence], verdict: Verdict) -> Explanation:
    """``explanation`` without the steps that do not hold; what was removed is listed in ``struck``."""
    record: dict[str, Evidence | Verdict] = {item.id: item for item in evidence} | {verdict.id: verdict}
    kept: list[Step] = []
    struck: list[str] = list(explanation.struck)
    for step in explanation.steps:
        fault = _fault(step, record)
        if fault is None:
            kept.append(step)
        else:
            struck.append(f"{step.text} ({fault})")
    return explanation.model_copy(update={"steps": tuple(kept), "struck": tuple(struck)})


def _fault(step: Step, record: Mapping[str, Evidence | Verdict]) -> str | None:
    """What is wrong with a step, or None."""
    if not step.cites:
        return "cites nothing"
    unknown = [cite for cite in step.cites if cite not in record]
    if unknown:
        return f"cites {', '.join(unknown)}, which was not recorded"
    cited = " ".join(record[cite].model_dump_json() for cite in step.cites)
    units = set(_UNIT.findall(step.text)) - set(_UNIT.findall(cited))
    if units:
        return f"names AU{', AU'.join(sorted(units))}, which is not in what it cites"
    known = set(_NUMBER.findall(cited)) | {str(len(step.cites))}
    numbers = [number for number in _NUMBER.findall(step.text) if number not in known]
    if numbers:
        return f"names {', '.join(numbers)}, which is not in what it cites"
    return None
