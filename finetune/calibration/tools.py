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
from evals.data.synthesis import recapture
from evals.views import drawn, portrait, portraits
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, View
from faceagent.tools.identity import Identity
from faceagent.tools.spoof import WIDE, Spoof
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
TIGHT_SAMPLE = 240
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


def spoof_records(data: Path, settings: Settings) -> Iterable[CalibrationRecord]:
    """Attack against live by the MiniFASNet pair: faces with room around them, and faces that fill the picture."""
    tool, rng = Spoof(settings), np.random.default_rng(0)
    studio = [data / FRLL / file for file in _frll_train(data)]
    rows = label_rows(data / FAIRFACE)
    chosen = sorted(rng.choice(len(rows), min(TIGHT_SAMPLE, len(rows)), replace=False))
    street = [data / FAIRFACE / rows[index]["file"] for index in chosen]
    for name, paths, rooms, set_name in (
        ("wide", studio, (WIDE + 0.1, 3.0), "FRLL training people"),
        ("tight", street, (1.0, WIDE - 0.05), "FairFace train"),
    ):
        scores: dict[str, list[float]] = {"live": [], "print": [], "replay": []}
        groups: dict[str, list[int]] = {"live": [], "print": [], "replay": []}
        for number, path in enumerate(paths):
            source = _source(path)
            for kind, pixels in _takes(path, rooms, settings, np.random.default_rng(number)):
                view = portrait(drawn(pixels), settings)
                for (item,) in tool.run([view]) if view is not None else ():
                    if item.score is not None and item.score.calibration == f"spoof/{name}-1":
                        scores[kind].append(item.score.value)
                        groups[kind].append(source)
        live = np.array(scores["live"])
        attacks = {kind: np.array(scores[kind]) for kind in recapture.ATTACKS}
        points = [
            operating_point(
                f"BPCER {rate:.0%}".replace("%", " %"),
                threshold,
                {"bpcer": rate, "apcer": max(float(np.mean(x < threshold)) for x in attacks.values())},
            )
            for rate in (0.05, 0.01)
            for threshold in [float(np.quantile(live, 1 - rate))]
        ]
        yield binary_record(
            f"spoof/{name}-1",
            "logit",
            ("spoof", "live"),
            (np.concatenate([attacks[kind] for kind in recapture.ATTACKS]), live),
            (np.concatenate([groups[kind] for kind in recapture.ATTACKS]).astype(np.int64), np.array(groups["live"])),
            points,
            fitted_on=f"{set_name}; attacks simulated from the same pictures",
            note="Attacks are simulated recaptures (evals.data.synthesis.recapture), not real ones; APCER is that of "
            "the worse of print and replay among them.",
        )


JOBS: Mapping[str, Callable[[Path, Settings], Iterable[CalibrationRecord]]] = {
    "identity": identity_records,
    "spoof": spoof_records,
}


def _frll_train(data: Path) -> list[str]:
    files = [
        row["file"] for row in label_rows(data / FRLL) if row["file"].startswith(("neutral_front", "smiling_front"))
    ]
    return [file for file in files if not is_test_person(int(_person(file)))]


def _person(file: str) -> str:
    return Path(file).name[:3]


def _source(path: Path) -> int:
    return int(_person(path.name)) if FRLL in path.parts else int(path.stem)


def _takes(
    path: Path, rooms: tuple[float, float], settings: Settings, rng: np.random.Generator
) -> Iterable[tuple[str, Pixels]]:
    """The live picture, once more through a camera model, and each attack on it, with random room around the face."""
    found = next(portraits(path.parent, [path.name], settings))[1]
    if found is None or found.face is None:
        return
    yield "live", _framed(found, rooms, rng)
    for kind in ("live", *recapture.ATTACKS):
        pixels = _framed(found, rooms, rng)
        yield kind, recapture.camera(pixels, rng) if kind == "live" else _attack(pixels, kind, rooms, settings, rng)


def _framed(view: View, rooms: tuple[float, float], rng: np.random.Generator) -> Pixels:
    if view.face is None:
        raise ValueError("a view of a face is needed")
    return recapture.around(view.pixels(), view.face.box, rng.uniform(*rooms))


def _attack(
    pixels: Pixels, kind: str, rooms: tuple[float, float], settings: Settings, rng: np.random.Generator
) -> Pixels:
    """The recapture, framed like the live pictures of its kind."""
    seen = recapture.recapture(pixels, "print" if kind == "print" else "replay", rng)
    view = portrait(drawn(seen), settings)
    return seen if view is None else _framed(view, rooms, rng)


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
