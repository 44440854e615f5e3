"""``python -m evals.benchmarks.visibility --data DIR``: whether hidden parts of faces are found, and kept silent about.

Faces are cut within the face (``evals.data.synthesis.cuts``), covered with drawn objects of the kinds that training
knows (``occluders``) and of kinds that it does not know (``worn_things``), all with known extent, and go through the
product's own face finder and its action units and expression tool. Printed as JSON: how many statements were made
about parts that cannot be seen, how many covered parts were found by kind of object, and how many parts of the
pictures as they are were taken for hidden, by set.
"""

import argparse
import csv
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from evals.data.held_out import FRLL, may_train
from evals.data.synthesis.cuts import CUTS, cut
from evals.data.synthesis.occluders import MAKERS, Covered, Maker, place
from evals.data.synthesis.worn_things import THINGS
from evals.metrics.proportion import wilson
from evals.views import drawn, portrait, whole
from faceagent.faces.needs import hidden_parts, table
from faceagent.faces.parts import part_masks
from faceagent.settings import Settings
from faceagent.tools.action_units import ActionUnits
from faceagent.tools.base import Pixels, View, measure
from faceagent.tools.expression import Expression
from faceagent.types import PARTS, Face, FacePart

SETS = ("fairface_val_1400", FRLL, "us_portraits")
GONE, LEFT = 0.75, 0.05
"""Share of a part that is hidden from which nothing may be said of it, and up to which it counts as seen."""
CUTS_PER_FACE = 2
KNOWN: Mapping[str, Maker] = {kind: maker for kind, maker in MAKERS.items()}
OBJECTS: Mapping[str, Maker] = {**KNOWN, **THINGS}
Counts = dict[str, Counter[str]]


def files(folder: Path, count: int) -> list[Path]:
    """``count`` pictures of a set, drawn with a fixed seed; of FRLL single people that training never saw."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if folder.name == FRLL:
        rows = [row for row in rows if not may_train(row) and "front" in row["set"]]
    order = np.random.default_rng(0).permutation(len(rows))
    return [folder / rows[index]["file"] for index in order[:count]]


def views(paths: Sequence[Path], settings: Settings) -> Iterator[tuple[View, Face]]:
    """The main face of every picture that has one with landmarks."""
    for path in paths:
        found = portrait(whole(path, settings), settings)
        if found is not None and found.face is not None and found.face.landmarks:
            yield found, found.face


def spoken(view: View, gone: set[FacePart], settings: Settings) -> tuple[int, int]:
    """Statements about parts that are gone, and how many there could have been, of one main face."""
    needs = table().action_unit
    lost = {f"AU{code}" for code, need in needs.items() if gone & {*need.all}}
    items = [item for tool in (ActionUnits(settings), Expression(settings)) for item in measure(tool, [view])[0]]
    said = [item.id.rpartition(":")[2] for item in items if item.status == "ok"]
    cites = {cite.rpartition(":")[2] for item in items if item.status == "ok" for cite in item.cites}
    return sum(name in lost for name in said) + len(cites & lost), len(lost)


def share(part: int, total: int) -> dict[str, float]:
    """A proportion with its 95 % interval and the number it is of."""
    if not total:
        return {"n": 0}
    low, high = wilson(part, total)
    return {"n": total, "share": round(part / total, 4), "low": round(low, 4), "high": round(high, 4)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.visibility", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACEAGENT_DATA"), help="folder of the sets")
    parser.add_argument("--faces", type=int, default=100, help="pictures per set")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("say where the sets are: --data DIR or FACEAGENT_DATA")
    settings, rng = Settings(), np.random.default_rng(0)
    clean: Counts = {name: Counter() for name in SETS}
    cuts: Counts = {kind: Counter() for kind in CUTS}
    objects: Counts = {kind: Counter() for kind in OBJECTS}
    number = 0
    for name in SETS:
        for view, face in views(files(Path(options.data) / name, options.faces), settings):
            hidden = _count_clean(clean[name], face)
            for kind in _turn(CUTS, number, CUTS_PER_FACE):
                _count_cut(cuts[kind], view.pixels(), face, kind, settings, rng)
            if not hidden:
                for kind in (*_turn(KNOWN, number), *_turn(THINGS, number)):
                    made = place(view.pixels(), np.asarray(face.landmarks), OBJECTS[kind], rng)
                    _count_covered(objects[kind], made, face, settings)
            number += 1
    record = {
        "false_by_set": {
            name: {
                "parts": share(row["hidden"], len(PARTS) * row["faces"]),
                "faces": share(row["any"], row["faces"]),
                "by_part": {part: round(row[part] / max(1, row["faces"]), 3) for part in PARTS},
            }
            for name, row in clean.items()
        },
        "found_by_kind": {kind: share(row["found"], row["gone"]) for kind, row in objects.items()},
        "wrong_beside_an_object": share(
            sum(row["wrong"] for row in objects.values()), sum(row["left"] for row in objects.values())
        ),
        "statements_about_hidden_parts": {"cut": _spoken_of(cuts), "covered": _spoken_of(objects)},
    }
    print(json.dumps(record, indent=1))
    return 0


def _turn(kinds: Mapping[str, object], number: int, count: int = 1) -> list[str]:
    """The kinds whose turn it is."""
    names = list(kinds)
    return [names[(number * count + step) % len(names)] for step in range(count)]


def _spoken_of(counts: Counts) -> dict[str, object]:
    """Statements made and possible, together and by kind, and the pictures in which no face was found."""
    return {
        "said": sum(row["said"] for row in counts.values()),
        "possible": sum(row["possible"] for row in counts.values()),
        "by_kind": {kind: [row["said"], row["possible"]] for kind, row in counts.items()},
        "no_face": sum(row["no_face"] for row in counts.values()),
    }


def _count_clean(counts: Counter[str], face: Face) -> set[FacePart]:
    """Count the hidden parts of a face as it is; those that are inside the picture are false, as far as is known."""
    hidden = {part for part, one in hidden_parts(face).items() if one.reason != "outside_picture"}
    counts.update([*(["any"] if hidden else []), "faces", *hidden])
    counts["hidden"] += len(hidden)
    return hidden


def _count_cut(
    counts: Counter[str], pixels: Pixels, face: Face, kind: str, settings: Settings, rng: np.random.Generator
) -> None:
    made = cut(pixels, np.asarray(face.landmarks), kind, rng)
    gone = {part for part, seen in made.shares().items() if seen < 1 - GONE}
    _count_spoken(counts, made.pixels, gone, settings)


def _count_covered(counts: Counter[str], made: Covered, face: Face, settings: Settings) -> None:
    masks = part_masks(np.asarray(face.landmarks), (made.pixels.shape[1], made.pixels.shape[0]))
    extent = {part: float(made.cover[mask > 0].mean()) for part, mask in masks.items() if mask.any()}
    seen = _count_spoken(counts, made.pixels, {part for part in extent if extent[part] >= GONE}, settings)
    if seen is not None:
        told = set(hidden_parts(seen))
        counts["gone"] += sum(value >= GONE for value in extent.values())
        counts["found"] += sum(extent[part] >= GONE and part in told for part in extent)
        counts["left"] += sum(value <= LEFT for value in extent.values())
        counts["wrong"] += sum(extent[part] <= LEFT and part in told for part in extent)


def _count_spoken(counts: Counter[str], pixels: Pixels, gone: set[FacePart], settings: Settings) -> Face | None:
    """Count what is said about hidden parts of the main face of a made picture; the face, if one is found."""
    view = portrait(drawn(pixels), settings)
    if view is None or view.face is None or not view.face.landmarks:
        counts["no_face"] += 1
        return None
    said, possible = spoken(view, gone, settings)
    counts["said"] += said
    counts["possible"] += possible
    return view.face


if __name__ == "__main__":
    sys.exit(main())
