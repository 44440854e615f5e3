"""``python -m finetune.calibration.tools NAME --data DIR [--out DIR]``: fit one shipped calibration, or ``all``.

Faces are found and scored by the product itself. Read are only sets that shipped weights may be fitted on: training
people of FRLL, FairFace train, and muxspace. The same data give the same file.
"""

import argparse
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.folder import label_rows
from evals.data.held_out import is_test_person
from evals.views import portraits
from faceagent.settings import Settings
from faceagent.tools.identity import Identity
from finetune.calibration.records import (
    CALIBRATIONS,
    CalibrationRecord,
    Groups,
    binary_record,
    operating_point,
    write_record,
)

Reals = NDArray[np.float64]

FRLL, FAIRFACE, MUXSPACE = "frll_london", "fairface_train_4k", "muxspace_expressions"
PHOTOGRAPHS = 6
"""Most photographs of one person, so that frequently photographed people do not dominate."""


def identity_records(data: Path, settings: Settings) -> Iterable[CalibrationRecord]:
    """Same person against different person by SFace cosine, with hard pairs on both sides.

    Pairs of one person are news photographs of different days (the LFW part of muxspace); pairs of two people are
    FRLL's, taken in the same light with the same camera, which makes them more similar.
    """
    tool = Identity(settings)
    photographs: dict[str, list[Reals]] = defaultdict(list)
    for file, view in portraits(data / MUXSPACE, _lfw(data), settings):
        if view is not None:
            photographs[Path(file).name[: -len("_0001.jpg")]].append(tool.embed([view])[0])
    named = [(person, vector) for person in sorted(photographs) for vector in photographs[person]]
    positive, positive_by = _pairs(named, same=True)
    sat = [
        (_person(file), tool.embed([view])[0])
        for file, view in portraits(data / FRLL, _frll_train(data), settings)
        if view is not None
    ]
    negative, negative_by = _pairs(sat, same=False)
    one_sitting, _ = _pairs(sat, same=True)
    points = [
        operating_point(
            name,
            threshold,
            {
                "fmr": rate,
                "fnmr": float(np.mean(positive < threshold)),
                "fnmr_one_sitting": float(np.mean(one_sitting < threshold)),
            },
        )
        for name, rate in (("FMR 0.1 %", 0.001), ("FMR 1 %", 0.01), ("FMR 0.01 %", 0.0001))
        for threshold in [float(np.quantile(negative, 1 - rate))]
    ]
    yield binary_record(
        "identity/sface-1",
        "cosine",
        ("same_person", "different_person"),
        (positive, negative),
        (positive_by, negative_by),
        points,
        fitted_on=f"{len(set(positive_by.tolist()))} people of LFW in muxspace against themselves, "
        f"{len(set(sat_by for sat_by, _ in sat))} training people of FRLL against each other",
        note="The photographs of one person are years apart at most, and few are turned far. SFace may have been "
        "trained on other pictures of them. FMR 0.01 % rests on a single pair of strangers.",
    )


def _pairs(vectors: Sequence[tuple[str, Reals]], *, same: bool) -> tuple[Reals, Groups]:
    """Cosines of all pairs of one person, or of two people, and per pair the index of the first person."""
    table = np.array([vector for _, vector in vectors])
    people = np.unique([person for person, _ in vectors], return_inverse=True)[1]
    i, j = np.triu_indices(len(vectors), k=1)
    wanted = (people[i] == people[j]) == same
    return (table @ table.T)[i[wanted], j[wanted]], people[i[wanted]]


def _lfw(data: Path) -> list[str]:
    """At most six photographs of each person whom the LFW part of muxspace has more than once."""
    by: dict[str, list[str]] = defaultdict(list)
    for file in sorted({row["file"] for row in label_rows(data / MUXSPACE)}):
        if re.search(r"_\d{4}\.jpg$", file):
            by[Path(file).name[: -len("_0001.jpg")]].append(file)
    return [file for person in sorted(by) if len(by[person]) > 1 for file in by[person][:PHOTOGRAPHS]]


JOBS: Mapping[str, Callable[[Path, Settings], Iterable[CalibrationRecord]]] = {
    "identity": identity_records,
}


def _frll_train(data: Path) -> list[str]:
    files = [
        row["file"] for row in label_rows(data / FRLL) if row["file"].startswith(("neutral_front", "smiling_front"))
    ]
    return [file for file in files if not is_test_person(int(_person(file)))]


def _person(file: str) -> str:
    return Path(file).name[:3]


def main(arguments: list[str] | None = None) -> int:
    """Fit and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.calibration.tools", description=__doc__)
    parser.add_argument("name", choices=[*JOBS, "all"])
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    for name in JOBS if options.name == "all" else (options.name,):
        for record in JOBS[name](Path(options.data), Settings()):
            print(json.dumps(record, indent=1))
            print(f"wrote {write_record(record, options.out)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
