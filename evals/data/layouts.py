"""Columns that a known set carries in its file names instead of in its table.

Only what the set's authors state is derived: who is shown, which expression was asked for, and the fixed split.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from evals.data.dataset import Item
from evals.data.held_out import is_test_person


class Layout(NamedTuple):
    """How to know a set by its columns and file names, and what its file names say."""

    name: str
    columns: frozenset[str]
    file: re.Pattern[str]
    derive: Callable[[re.Match[str]], Mapping[str, str]]


def _frll(found: re.Match[str]) -> Mapping[str, str]:
    """Face Research Lab London: one neutral and one smiling picture per person, the person's number in the name."""
    smiling = found["set"] == "smiling"
    number = found["person"]
    return {
        "subject": number,
        "emotion": "happy" if smiling else "neutral",
        "AU12": "1" if smiling else "0",
        "split": "test" if is_test_person(int(number)) else "train",
    }


LAYOUTS = (
    Layout("frll", frozenset({"set"}), re.compile(r"^(?P<set>neutral|smiling)_front/(?P<person>\d{3})(?=\D)"), _frll),
)


def complete(items: tuple[Item, ...], columns: tuple[str, ...]) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Items and columns with what their layout says; a column that the table has is left as it is."""
    for layout in LAYOUTS:
        if not layout.columns <= set(columns) or not any(layout.file.match(item.file) for item in items):
            continue
        added: dict[str, None] = {}
        full = []
        for item in items:
            found = layout.file.match(item.file)
            new = {key: text for key, text in layout.derive(found).items() if key not in columns} if found else {}
            added.update(dict.fromkeys(new))
            full.append(Item(item.id, item.file, {**item.labels, **new}))
        return tuple(full), (*columns, *added)
    return items, columns
