"""The acceptance of explanations counts what a model did, told by a model whose answers are known."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from evals.acceptance import Row, explaining
from evals.data.held_out import is_held_out
from faceagent.explain import explanation_prompt
from faceagent.settings import Settings
from faceagent.vlm.protocol import GenerationRequest
from faceagent.vlm.scripted import Scripted


def held_out(name: str, people: Iterator[str]) -> Iterator[str]:
    """Names that the split keeps for validation."""
    return (one for one in people if is_held_out(f"{name}/{one}"))


@pytest.fixture(scope="module")
def data(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets, with two pictures that differ, under names that were held out."""
    home = tmp_path_factory.mktemp("data")
    pictures = astronaut, np.ascontiguousarray(astronaut[:, ::-1])
    names = held_out("muxspace_expressions", (f"P{n}" for n in range(1000)))
    sitters = list(held_out("frll_london", (f"{n:03}" for n in range(1, 400) if n % 3)))[:4]
    files = {
        "muxspace_expressions": [f"{next(names)}_1.png" for _ in range(2)],
        "frll_london": [f"{number}_{side}.png" for number in sitters for side in ("a", "b")],
    }
    for name, listed in files.items():
        (home / name).mkdir()
        for place, file in enumerate(listed):
            Image.fromarray(pictures[place % 2]).save(home / name / file)
        with (home / name / "labels.csv").open("w", newline="", encoding="utf-8") as out:
            table = csv.DictWriter(out, ["file", "emotion", "set"])
            table.writeheader()
            table.writerows({"file": file, "emotion": "happiness", "set": "neutral_front"} for file in listed)
    return home


def copied(ask: GenerationRequest) -> str:
    """Every line of the prompt repeated, and the verdict; "happy" to a question for a label."""
    if ask.format is None:
        return "happy"
    lines = dict(re.findall(r"^\[(\w+)\] (.*)$", ask.turns[0].text, re.MULTILINE))
    told: dict[str, list[object]] = {name: [] for name in ask.format["properties"]}
    first = next(iter(told))
    told[first] = [{"cites": [name], "text": f"{line}."} for name, line in lines.items() if name != "V"][
        : explanation_prompt.MOST
    ]
    label = lines["V"].removeprefix("verdict: ")
    told[explanation_prompt.CONCLUSION] = [{"cites": ["V"], "text": f"The verdict is {label}."}]
    return json.dumps(told)


def habit(ask: GenerationRequest) -> str:
    """The same whatever is asked, with a number that nothing has measured."""
    if ask.format is None:
        return "anger"
    told: dict[str, list[object]] = {name: [] for name in ask.format["properties"]}
    told[explanation_prompt.CONCLUSION] = [{"cites": ["V"], "text": "It is 0.123 of something."}]
    return json.dumps(told)


def figures(data: Path, settings: Settings, model: Scripted) -> dict[str, Row]:
    return {row.figure.strip(): row for row in explaining.rows(data, settings, model)}


def test_a_model_that_tells_the_evidence_reaches_every_bar(data: Path, settings: Settings) -> None:
    found = figures(data, settings, Scripted(copied))
    assert all(row.met is not False for row in found.values())
    assert found["answers that satisfy their schema"].n >= 8 and found["swapped evidence followed"].n >= 4
    assert found["explanations left to the ledger"].value == found["sentences struck by the check"].value == 0
    assert found["expression: the model, beside the evidence"].value == 1


def test_a_model_that_tells_a_habit_misses_them(data: Path, settings: Settings) -> None:
    found = figures(data, settings, Scripted(habit))
    assert found["answers that satisfy their schema"].value == 1
    assert found["explanations left to the ledger"].value == 1 and found["swapped evidence followed"].value == 0
    assert found["swapped evidence followed"].met is False
    assert found["expression: the model beside the rules"].value <= 0
