"""What differs between two reports on one picture: measured values, and what they were measured with.

Times, names of files and moments are no results and are not compared.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from faceagent.types import Report

LISTED = ("faces", "reference_faces", "evidence", "verdicts", "rollups", "policy", "refused", "explanations")
"""Parts of a report that are compared item by item."""
WHOLE = ("request", "summary", "problem", "limitations")
NO_RESULT = frozenset({"source", "prompt_sha256", "tool"})

KEPT_LATER = ("setting ", "platform")


class Difference(NamedTuple):
    """One value that differs. ``before`` and ``after`` are as in the JSON; None where there is no value."""

    place: str
    before: Any
    after: Any

    @property
    def size(self) -> float | None:
        """By how much two numbers differ; None for anything else."""
        numbers = [
            one for one in (self.before, self.after) if isinstance(one, int | float) and not isinstance(one, bool)
        ]
        return abs(numbers[1] - numbers[0]) if len(numbers) == 2 else None


class Comparison(NamedTuple):
    """Differences in the results, and in what they were measured with."""

    values: tuple[Difference, ...]
    environment: tuple[Difference, ...]
    compared: int

    @property
    def labels(self) -> tuple[Difference, ...]:
        """The verdicts whose label differs or that only one report has."""
        return tuple(one for one in self.values if one.place.startswith("verdicts V:") and _is_label(one))


def compare(before: Report, after: Report) -> Comparison:
    """Everything that differs between a report and one that was made of the same picture later."""
    first, second = (one.model_dump(mode="json") for one in (before, after))
    values: list[Difference] = []
    compared = 0
    for part in LISTED:
        items, others = _by_id(first[part]), _by_id(second[part])
        for name in dict.fromkeys([*items, *others]):
            found = list(_leaves(items.get(name), others.get(name), f"{part} {name}"))
            compared += len(found)
            values += [leaf for leaf in found if leaf.before != leaf.after]
    for part in WHOLE:
        found = list(_leaves(first[part], second[part], part))
        compared += len(found)
        values += [leaf for leaf in found if leaf.before != leaf.after]
    one, other = (_used(report) for report in (before, after))
    environment = (Difference(name, one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other]))
    # Older reports keep neither their settings nor the platform.
    known = [
        pair
        for pair in environment
        if not (pair.before is None and not before.manifest.settings and pair.place.startswith(KEPT_LATER))
    ]
    return Comparison(tuple(values), tuple(pair for pair in known if pair.before != pair.after), compared)


def _used(report: Report) -> Mapping[str, Any]:
    """Everything that the results were measured with, by name."""
    run = report.manifest
    found: dict[str, Any] = {"faceagent": run.faceagent, "Python": run.python, "profile": run.profile, "seed": run.seed}
    found |= {"platform": run.platform or None, **run.packages}
    found |= {f"setting {name}": value for name, value in run.settings.items()}
    found |= {f"tool {item.tool.name}": f"{item.tool.version} on {item.tool.device}" for item in report.evidence}
    return found | {f"weights {stamp.id}": stamp.sha256 for stamp in run.weights}


def _by_id(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Items under their id, or under their question and subject; of items with one name, the second gets a number."""
    found: dict[str, Any] = {}
    for item in items:
        name = str(
            item.get("id") or " ".join(str(item[key]) for key in ("question", "subject", "topic") if key in item)
        )
        unique, number = name, 1
        while unique in found:
            number += 1
            unique = f"{name} ({number})"
        found[unique] = item
    return found


def _leaves(before: Any, after: Any, place: str) -> Iterator[Difference]:
    """Every value below two JSON values, side by side; long lists of numbers count as one."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            if name not in NO_RESULT:
                yield from _leaves(before.get(name), after.get(name), f"{place} {name}")
    elif isinstance(before, list) and isinstance(after, list) and before != after and len(before) == len(after) <= 4:
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _leaves(one, other, f"{place} {number}")
    else:
        yield Difference(place, _short(before), _short(after))


def _short(value: Any) -> Any:
    """Long values by their digest: the landmarks of a face would fill a page."""
    if isinstance(value, list | dict) and len(text := str(value)) > 200:
        return f"{type(value).__name__} {hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return value


def _is_label(one: Difference) -> bool:
    return one.place.endswith(" label") or one.before is None or one.after is None
