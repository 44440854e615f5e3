"""Typed queries as a set: JSON lines with ``text``, ``group``, ``context`` and ``expect``, and no pictures.

The labelled queries that faceagent ships lie beside this module; ``queries.py`` says what the fields mean.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.data.dataset import Dataset, Item, Skip
from evals.data.queries import Query
from faceagent.errors import InputError

SHIPPED = "paraphrases*.jsonl"
"""The shipped sets that were written after the grammar was frozen, in the order in which they were written."""
COLUMNS = ("text", "group", "context", "expect")


def shipped(name: str) -> Path:
    """The shipped set of that name. Raises InputError when there is none."""
    path = Path(__file__).parent / f"{name}.jsonl"
    if not path.is_file():
        raise InputError(f"There is no shipped set of queries called {name!r}.")
    return path


def latest() -> Path:
    """The newest of the shipped sets of paraphrases: the one that fewest rules were written after."""
    return sorted(Path(__file__).parent.glob(SHIPPED))[-1]


def read(path: Path) -> Dataset:
    """One item per line; a line that is no query is left out with its number and what is wrong with it."""
    items, skips = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        name = f"line {number:05}"
        if not line.strip():
            continue
        try:
            raw: Mapping[str, Any] = json.loads(line)
            query = Query.model_validate(raw)
        except (ValueError, ValidationError) as error:
            told = " ".join(str(error).split("For further information")[0].split())
            skips.append(Skip(name, "unknown_label", f"{path.name}, {name}: no labelled query ({told})."))
            continue
        items.append(Item(name, "", labels(query)))
    if not items:
        first = f" {skips[0].message}" if skips else ""
        raise InputError(
            f"{path} holds no labelled query.{first}",
            remedy='A line is {"text": "is this photo real?", "group": "en", "expect": {"questions": ["forgery"]}}.',
        )
    return Dataset(path.stem, path.parent, COLUMNS, tuple(items), tuple(skips))


def labels(query: Query) -> dict[str, str]:
    """A query as the labels of a row."""
    return {
        "text": query.text,
        "group": query.group,
        "context": query.context.model_dump_json(),
        "expect": json.dumps(dict(query.expect), ensure_ascii=False),
    }


def query_of(truth: Mapping[str, str | float]) -> Query:
    """The query in the labels of a row."""
    return Query(
        text=str(truth["text"]),
        group=str(truth["group"]),
        context=json.loads(str(truth["context"])),
        expect=json.loads(str(truth["expect"])),
    )
