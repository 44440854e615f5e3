"""``python -m evals.stats.impostor_groups --data DIR --cache DIR``: strangers who pass as genuine, by group.

Per set, group and camera condition: pairs of strangers, the share to which the judge answers "genuine" with its Wilson
interval, and that of the unadjusted cosine at the former line. Then people who were photographed years apart, and the
worst row of strangers. Only people that no calibration was fitted on.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.held_out import FRLL, is_test_person
from evals.data.identity_vectors import Vectors, vectors
from evals.metrics.proportion import wilson
from faceagent.judge import identity
from faceagent.settings import load
from faceagent.tools.crowding import WEIGHT, crowds
from faceagent.tools.identity_evidence import CALIBRATION, SMALL_CALIBRATION
from faceagent.types import Evidence, Score, ToolStamp

Reals = NDArray[np.float64]
FEWEST = 500
FORMER = 0.4039
"""Line on the bare cosine before groups were looked at."""
SETS = {
    "fairface_val_1400": ("race", "gender"),
    "fairface_val_1400 by age": ("age",),
    "us_portraits": ("gender",),
    "twfy_years": (),
    FRLL: ("set",),
    "ckplus48": (),
    "utkface_1k": ("race",),
}


@cache
def genuine_from(calibration: str) -> float:
    """The adjusted cosine from which the judge answers "genuine" where no forgery was found, to 0.0001.

    The verdict needs the line of the calibration and a likelihood ratio of 10, and rises with the cosine.
    """
    low, high = -1.0, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if verdict_label(middle, calibration) == "genuine" else (middle, high)
    return high


def verdict_label(cosine: float, calibration: str) -> str:
    """The judge's label for one face and one reference with this adjusted cosine."""
    item = Evidence(
        id="F1:identity",
        tool=ToolStamp(name="identity", version="1"),
        question="identity",
        subject="F1",
        score=Score(value=cosine, scale="cosine", calibration=calibration),
        statement="measured",
    )
    return identity.decide("identity", "F1", [item]).label


def line_of(condition: str) -> float:
    """``genuine_from`` for a condition."""
    return genuine_from(SMALL_CALIBRATION if condition.startswith("s48") else CALIBRATION)


def scores(first: Reals, second: Reals) -> tuple[Reals, Reals]:
    """Adjusted and bare cosines of every row with every row."""
    crowded = [(table @ crowds().means.T).max(axis=1) for table in (first, second)]
    bare = first @ second.T
    return bare - WEIGHT * ((crowded[0][:, np.newaxis] + crowded[1]) / 2 - crowds().usual), bare


def person_of(name: str, row: dict[str, str]) -> str:
    """Who is on a picture, where the set says so; else the picture itself."""
    return row["file"].split("/")[-1][:3] if name == FRLL else row.get("person") or row.get("subject") or row["file"]


def is_unseen(name: str, row: dict[str, str]) -> bool:
    """Whether nothing was fitted on the person: of FRLL only the people for testing, and nobody averaged of many."""
    if name != FRLL or row["set"] == "canada":
        return True
    return row["set"] != "composite" and is_test_person(int(person_of(name, row)))


def tables(name: str, found: Vectors, columns: tuple[str, ...]) -> Iterator[tuple[str, str, Reals, Reals]]:
    """Group, condition, adjusted and bare cosines of strangers."""
    rows = [dict(row) for row in found.rows]
    people = np.array([person_of(name, row) for row in rows])
    groups = np.array([" ".join(row.get(one, "") for one in columns) for row in rows])
    unseen = np.array([is_unseen(name, row) for row in rows])
    for condition, (places, table) in found.by.items():
        for group in np.unique(groups):
            mine = (groups[places] == group) & unseen[places]
            adjusted, bare = scores(table[mine], table[mine])
            who = people[places][mine]
            strangers = np.triu(who[:, np.newaxis] != who, k=1)
            if strangers.sum() >= FEWEST:
                yield group, condition, adjusted[strangers], bare[strangers]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m evals.stats.impostor_groups", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args(arguments)
    worst = (0.0, "no row")
    for title, columns in SETS.items():
        name = title.split(" ")[0]
        if not (options.cache / f"{name}.npz").is_file() and not (options.data / name).is_dir():
            print(f"{title}: not there")
            continue
        found = vectors(options.data, name, options.cache, load())
        for group, condition, adjusted, bare in tables(name, found, columns):
            passed = int((adjusted >= line_of(condition)).sum())
            low, high = wilson(passed, len(adjusted))
            worst = max(worst, (passed / len(adjusted), f"{title}, {group or 'all'}, {condition}"))
            print(
                f"{title:26} {group or 'all':24} {condition:8} {len(adjusted):7} pairs: {passed / len(adjusted):.2%} "
                f"({low:.2%} to {high:.2%}); bare {np.mean(bare >= FORMER):.2%}"
            )
    print(f"worst row of strangers: {worst[1]}: {worst[0]:.2%}")
    found = vectors(options.data, "twfy_years", options.cache, load())
    people = np.array([row["person"] for row in found.rows])
    for condition, (places, table) in found.by.items():
        adjusted, bare = scores(table, table)
        same = np.triu(people[places][:, np.newaxis] == people[places], k=1)
        kept = adjusted[same] >= line_of(condition)
        low, high = wilson(int(kept.sum()), len(kept))
        curve = ", ".join(f"{line:.2f}: {np.mean(adjusted[same] >= line):.1%}" for line in (0.36, 0.40, 0.44, 0.48))
        print(
            f"twfy_years, one person years apart, {condition}: {len(kept)} pairs, {kept.mean():.1%} ({low:.1%} to "
            f"{high:.1%}) pass; by line {curve}; bare {np.mean(bare[same] >= FORMER):.1%}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
