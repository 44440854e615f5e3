"""Sets that are made from the labelled sets before they are measured on, by name.

A set is made once into a folder of its own and found there afterwards. Knows no task.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from evals.data import folder, typed
from evals.data.synthesis import (
    composed_people,
    frll_morphs,
    held_out_sets,
    pencil_drawings,
    spliced_faces,
    upright_faces,
)
from faceagent.settings import Settings

Maker = Callable[[Path, Path, Settings], Path]
"""(folder of the labelled sets, folder to write into, settings) → the folder written."""

MAKERS: Mapping[str, Maker] = {
    frll_morphs.NAME: frll_morphs.make,
    composed_people.NAME: lambda data, target, settings: composed_people.make(data, target),
    pencil_drawings.NAME: lambda data, target, settings: pencil_drawings.make(data, target),
    spliced_faces.NAME: spliced_faces.make,
    upright_faces.NAME: upright_faces.make,
    held_out_sets.PEOPLE: held_out_sets.make_people,
    held_out_sets.EXPRESSIONS: held_out_sets.make_expressions,
    held_out_sets.QUESTIONS: held_out_sets.make_questions,
}
QUERIES = "queries/"
"""What the names of the shipped sets of typed queries begin with."""


def locate(name: str, data: Path, made: Path, settings: Settings) -> Path:
    """Where the set ``name`` is: below ``data``, among the shipped queries, or made below ``made`` now.

    Raises InputError when a set that is to be made lacks its sources.
    """
    if name.startswith(QUERIES):
        return typed.shipped(name.removeprefix(QUERIES))
    if name not in MAKERS:
        return data / name
    target = made / name
    return target if (target / folder.NAME).is_file() else MAKERS[name](data, target, settings)
