"""Which pictures of the labelled sets training never sees: the one split that training and evaluation share.

A picture belongs to a source: the person it shows where the file name says so, else itself. One source in ten, by a
hash of its name, is held out for validation and stays held out. Of Face Research Lab London the people whose number
is divisible by three, "canada" and the composites are for testing and take part in no training at all.
"""

import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from evals.data.training_sets import TRAINING_SETS

VALIDATION_PERCENT = 10
FRLL = "frll_london"


def person(name: str, file: str) -> str:
    """Who is in a file of the set ``name``, where its name says so; else the file itself."""
    training_set = TRAINING_SETS.get(name)
    pattern = training_set.person if training_set else None
    match = re.match(pattern, Path(file).name) if pattern else None
    return match[1] if match else file


def source_of(name: str, file: str) -> str:
    """The source that a file belongs to: set and person, or set and file."""
    return f"{name}/{person(name, file)}"


def is_held_out(source: str) -> bool:
    """Whether a source is held out for validation."""
    return zlib.crc32(source.encode()) % 100 < VALIDATION_PERCENT


def is_test_person(number: int) -> bool:
    """Whether the person with this number of Face Research Lab London is kept from every training and fit."""
    return number % 3 == 0


def may_train(row: Mapping[str, str]) -> bool:
    """FRLL's fixed split, for a row of its labels (``file``, ``set``): whether training may see the picture."""
    number = re.match(r"\d+", Path(row["file"]).name)
    return (
        row["set"] in ("neutral_front", "smiling_front") and number is not None and not is_test_person(int(number[0]))
    )


def held_out_files(name: str, rows: list[dict[str, str]]) -> list[str]:
    """Files of a set that belong to validation, in the order of its rows; FRLL's test people are not among them."""
    files = [row["file"] for row in rows if name != FRLL or may_train(row)]
    return [file for file in files if is_held_out(source_of(name, file))]
