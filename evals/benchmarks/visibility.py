"""``python -m evals.benchmarks.visibility --data DIR``: whether hidden parts of faces are found, and kept silent about.

Faces are cut at all four borders and covered with drawn objects (``evals.data.synthesis.occluders``) whose extent is
known, then go through the product's own face finder and its action units and expression tool. Printed as JSON: how
many statements were made about parts that cannot be seen, how many covered parts were found by kind of object, and
how many parts of the pictures as they are were taken for hidden, by set.
"""

import argparse
import csv
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.held_out import FRLL, may_train
from evals.data.synthesis.occluders import cover
from evals.metrics.proportion import wilson
from evals.views import drawn, portrait, whole
from faceagent.faces.needs import hidden_parts, table
from faceagent.faces.parts import inside_share, outline, part_masks
from faceagent.settings import Settings
from faceagent.tools.action_units import ActionUnits
from faceagent.tools.base import Pixels, View, measure
from faceagent.tools.expression import Expression
from faceagent.types import OCCLUDERS, PARTS, Face, FacePart, Occluder

SETS = ("fairface_val_1400", FRLL, "us_portraits")
GONE, LEFT = 0.75, 0.05
"""Share of a part that is hidden from which nothing may be said of it, and up to which it counts as seen."""
CUTS = ("top", "bottom", "left", "right")


def files(folder: Path, count: int) -> list[Path]:
    """``count`` pictures of a set, drawn with a fixed seed; of FRLL single people that training never saw."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if folder.name == FRLL:
        rows = [row for row in rows if not may_train(row) and "front" in row["set"]]
    order = np.random.default_rng(0).permutation(len(rows))
    return [folder / rows[index]["file"] for index in order[:count]]


def views(paths: Sequence[Path], settings: Settings) -> Iterator[View]:
    """The main face of every picture that has one with landmarks."""
    for path in paths:
        found = portrait(whole(path, settings), settings)
        if found is not None and found.face is not None and found.face.landmarks:
            yield found


def cut(pixels: Pixels, face: Face, edge: str, share: float) -> tuple[Pixels, NDArray[np.float64]]:
    """The picture cut at ``share`` of the face box from ``edge``, and the face's mesh in it."""
    x0, y0, x1, y1 = face.box
    points = np.asarray(face.landmarks, dtype=np.float64)
    if edge == "top":
        line = round(max(0, y0 + share * (y1 - y0)))
        return pixels[line:], points - (0, line)
    if edge == "bottom":
        return pixels[: round(y1 - share * (y1 - y0))], points
    if edge == "left":
        line = round(max(0, x0 + share * (x1 - x0)))
        return pixels[:, line:], points - (line, 0)
    return pixels[:, : round(x1 - share * (x1 - x0))], points


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
    false: dict[str, Counter[str]] = {}
    found: dict[Occluder, Counter[str]] = {kind: Counter() for kind in OCCLUDERS}
    silence: Counter[str] = Counter()
    number = 0
    for name in SETS:
        clean = false.setdefault(name, Counter())
        for view in views(files(Path(options.data) / name, options.faces), settings):
            if view.face is None:
                continue
            hidden = {part for part, one in hidden_parts(view.face).items() if one.reason == "occluded"}
            clean.update([*(["any"] if hidden else []), "faces", *hidden])
            clean["parts"] += len(PARTS)
            clean["hidden"] += len(hidden)
            pixels, points = view.pixels(), np.asarray(view.face.landmarks, dtype=np.float64)
            edge = CUTS[number % len(CUTS)]
            sliced, placed = cut(pixels, view.face, edge, float(rng.uniform(0.25, 0.6)))
            height, width = sliced.shape[:2]
            gone = {part for part in PARTS if inside_share(outline(placed, part), width, height) < 1 - GONE}
            _silence(silence, "cut", np.ascontiguousarray(sliced), gone, settings)
            if not hidden:
                kind = OCCLUDERS[number % len(OCCLUDERS)]
                made = cover(pixels, points, kind, rng)
                masks = part_masks(points, (pixels.shape[1], pixels.shape[0]))
                extent = {part: float(made.cover[mask > 0].mean()) for part, mask in masks.items() if mask.any()}
                seen = _silence(silence, kind, made.pixels, {part for part in extent if extent[part] >= GONE}, settings)
                if seen is not None:
                    told = set(hidden_parts(seen))
                    found[kind]["gone"] += sum(value >= GONE for value in extent.values())
                    found[kind].update({"found": sum(extent[part] >= GONE and part in told for part in extent)})
                    found[kind]["left"] += sum(value <= LEFT for value in extent.values())
                    found[kind].update({"wrong": sum(extent[part] <= LEFT and part in told for part in extent)})
            number += 1
    record = {
        "false_by_set": {
            name: {
                "parts": share(row["hidden"], row["parts"]),
                "faces": share(row["any"], row["faces"]),
                "by_part": {part: round(row[part] / max(1, row["faces"]), 3) for part in PARTS},
            }
            for name, row in false.items()
        },
        "found_by_kind": {kind: share(row["found"], row["gone"]) for kind, row in found.items()},
        "wrong_beside_an_object": share(
            sum(row["wrong"] for row in found.values()), sum(row["left"] for row in found.values())
        ),
        "statements_about_hidden_parts": {
            "cut": [silence["cut_said"], silence["cut_possible"]],
            "covered": [
                sum(silence[f"{kind}_said"] for kind in OCCLUDERS),
                sum(silence[f"{kind}_possible"] for kind in OCCLUDERS),
            ],
            "by_kind": {kind: [silence[f"{kind}_said"], silence[f"{kind}_possible"]] for kind in OCCLUDERS},
            "no_face_found": silence["no_face"],
        },
    }
    print(json.dumps(record, indent=1))
    return 0


def _silence(counts: Counter[str], kind: str, pixels: Pixels, gone: set[FacePart], settings: Settings) -> Face | None:
    """Count what is said about hidden parts of the main face of a made picture; the face, if one is found."""
    view = portrait(drawn(pixels), settings) if min(pixels.shape[:2]) > 1 else None
    if view is None or view.face is None or not view.face.landmarks:
        counts["no_face"] += 1
        return None
    said, possible = spoken(view, gone, settings)
    counts[f"{kind}_said"] += said
    counts[f"{kind}_possible"] += possible
    return view.face


if __name__ == "__main__":
    sys.exit(main())
