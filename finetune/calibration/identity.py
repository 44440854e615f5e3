"""``python -m finetune.calibration.identity --data DIR --cache DIR [--out DIR]``: crowding, line and ratio of identity.

Fitted on FairFace's training part (each race and gender, each age band: the labels only form the groups of which the
worst sets the line), FRLL's training people (one studio) and the news photographs of muxspace, each as it is, in grey,
small, and small and grey. No evaluation set is read. Same data, same files. FairFace's faces before one drawn backdrop
and under one light give one more mean: what all faces of a studio have in common.
"""

import argparse
import json
import sys
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.data.held_out import may_train
from evals.data.identity_vectors import CONDITIONS, STUDIO, Vectors, vectors
from faceagent.settings import load
from faceagent.tools import crowding
from finetune.calibration import platt
from finetune.calibration.records import CALIBRATIONS, binary_record, operating_point, write_record

Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]
Scored = tuple[Reals, NDArray[np.int64]]
"""Scores of pairs, and the number of the person or picture that each belongs to."""

CLUSTERS, ROUNDS, DRAWS = 16, 40, 100
STUDIO_SHARE = 0.7
"""How much of the mean of faces in one drawn studio counts: the least, in steps of .05, at which fewer than 2 in 1,000
strangers of one race and gender pass there, the mean from one half of the training faces and the pairs from the other.
"""
FEWEST_PAIRS = 500
RECURRING = 0.62
"""FairFace shows some people twice: pairs from this cosine on are left out, seen to be mostly one person, except among
children under ten, where strangers reach it."""
MOST_NEGATIVE = 4000
"""About as many pairs of strangers enter the ratio, evenly drawn: more make its bootstrap slow and no surer."""
SMALL = ("s48", "s48grey")
IDS = {"identity/sface-2": ("full", "grey", "s90", "s90grey"), "identity/sface-small-2": SMALL}


def cluster_means(table: Reals) -> Reals:
    """Means of spherical k-means clusters of unit vectors; the mean of a dense cluster is long."""
    rng = np.random.default_rng(0)
    centres = table[rng.choice(len(table), CLUSTERS, replace=False)]
    for _ in range(ROUNDS):
        nearest = (table @ centres.T).argmax(axis=1)
        means = np.array([table[nearest == k].mean(axis=0) for k in range(CLUSTERS)])
        centres = means / np.linalg.norm(means, axis=1, keepdims=True)
    return means


def studio_mean(found: Vectors) -> Reals:
    """What faces before one backdrop and under one light have in common, as a row of the means."""
    return np.asarray(STUDIO_SHARE * np.concatenate([found.by[name][1] for name in STUDIO]).mean(axis=0))


class Fit:
    """Adjusted cosines of pairs under pairs of conditions."""

    def __init__(self, means: Reals, usual: float) -> None:
        self._means, self._usual = means, usual

    def scores(self, first: Reals, second: Reals) -> Reals:
        """Adjusted cosine of every row of ``first`` with every row of ``second``."""
        a, b = ((table @ self._means.T).max(axis=1) for table in (first, second))
        return np.asarray(first @ second.T - crowding.WEIGHT * ((a[:, np.newaxis] + b) / 2 - self._usual))

    def pairs(self, found: Vectors, conditions: tuple[str, str], wanted: Flags) -> tuple[Reals, NDArray[np.int64]]:
        """Scores of the wanted pairs, and the place of each one's first picture."""
        (i, v), (j, w) = (found.by[name] for name in conditions)
        kept = wanted[np.ix_(i, j)] & (i[:, np.newaxis] < j)
        return self.scores(v, w)[kept], np.broadcast_to(i[:, np.newaxis], kept.shape)[kept]


def fit(data: Path, cache: Path, out: Path) -> None:
    """Fit and write the cluster means and both calibrations."""
    settings = load()
    faces, sat, news = (
        vectors(data, name, cache, settings) for name in ("fairface_train_4k", "frll_london", "muxspace_expressions")
    )
    clusters = cluster_means(np.concatenate([faces.by[name][1] for name in CONDITIONS]))
    means = np.vstack([clusters, studio_mean(faces)])
    usual = float(np.median((news.by["full"][1] @ means.T).max(axis=1)))
    card = {
        "fitted_on": f"{len(faces.rows)} faces of FairFace's training part (Kärkkäinen and Joo, CC BY 4.0), "
        f"{len(CONDITIONS)} conditions, and the last mean on them in one drawn studio",
        "usual": round(usual, 4),
        "means": [[round(float(x), 4) for x in mean] for mean in means],
    }
    target = Path(str(resources.files("faceagent.tools").joinpath("crowding.json")))
    target.write_text(json.dumps(card) + "\n", encoding="utf-8")
    done = Fit(means, usual)
    groups = groups_of(faces)
    different = apart(faces)
    strictest = 0.0
    for name, conditions in IDS.items():
        negative, negative_by, lines = [], [], {}
        for one in conditions:
            for group, members in groups.items():
                scores, by = done.pairs(faces, (one, one), different & members[:, np.newaxis] & members)
                if len(scores) >= FEWEST_PAIRS:
                    lines[f"{group}, {one}"] = scores
                    if group.startswith("age"):
                        continue
                    negative.append(scores)
                    negative_by.append(by)
            scores, by = done.pairs(sat, (one, one), strangers_of_one_studio(sat))
            lines[f"one studio, {one}"] = scores
            negative.append(scores)
            negative_by.append(by + len(faces.rows))
        shown = [one for one in conditions if one in news.by]
        combos = [(one, one) for one in shown] + [("full", one) for one in shown if one != "full"]
        positive, positive_by = _joined([_same(done, news, pair) for pair in combos])
        points = [
            operating_point(label, line, {"fmr": rate, "fnmr": float(np.mean(positive < line))})
            for label, rate in (("FMR 0.1 %", 0.001), ("FMR 1 %", 0.01))
            for line in [max(float(np.quantile(scores, 1 - rate)) for scores in lines.values())]
        ]
        # A small face never gets a laxer line than a large one.
        strictest = max(strictest, points[0]["threshold"])
        points[0] = operating_point(
            "FMR 0.1 %", strictest, {"fmr": 0.001, "fnmr": float(np.mean(positive < strictest))}
        )
        worst = max(lines, key=lambda group: float(np.quantile(lines[group], 0.999)))
        every, every_by = np.concatenate(negative), np.concatenate(negative_by)
        step = max(1, len(every) // MOST_NEGATIVE)
        record = binary_record(
            name,
            "cosine",
            ("same_person", "different_person"),
            (positive, every[::step]),
            (positive_by, every_by[::step]),
            points,
            fitted_on=f"news photographs of muxspace against themselves; FairFace's training part within each race and "
            f"gender and FRLL's training people, {' and '.join(conditions)}",
            note=f"The line is that of the worst of {len(lines)} groups and conditions: {worst}. Scores are cosines "
            "less the crowding of both faces. The photographs of one person are years apart at most.",
        )
        record["interval_log10"] = round(half_width((positive, positive_by), (every[::step], every_by[::step])), 2)
        print(json.dumps(record, indent=1))
        print(f"wrote {write_record(record, out)}", flush=True)


def half_width(positive: Scored, negative: Scored) -> float:
    """Half of the 95 % bootstrap interval of log10 LR where it is 10: at the percentiles of the scores it is capped."""
    rng = np.random.default_rng(0)
    slope, intercept = platt.fit(positive[0], negative[0])
    at, found = (np.log(10) - intercept) / slope, []
    for _ in range(DRAWS):
        sides = []
        for scores, by in (positive, negative):
            names, place = np.unique(by, return_inverse=True)
            often = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
            sides.append(np.repeat(scores, often[place]))
        drawn = platt.fit(*sides)
        found.append((drawn.slope * at + drawn.intercept) / np.log(10))
    low, high = np.quantile(found, (0.025, 0.975))
    return float(high - low) / 2


def groups_of(found: Vectors) -> dict[str, Flags]:
    """Which pictures belong to each race and gender, and to each age band."""
    names = [(f"{row['race']} {row['gender']}", f"age {row['age']}") for row in found.rows]
    every = sorted({name for both in names for name in both})
    return {name: np.array([name in both for both in names]) for name in every}


def apart(found: Vectors) -> Flags:
    """Pairs of FairFace that are taken to be two people."""
    places, table = found.by["full"]
    young = np.array([row["age"] in ("0-2", "3-9") for row in found.rows])
    kept = np.ones((len(found.rows), len(found.rows)), dtype=bool)
    kept[np.ix_(places, places)] = table @ table.T < RECURRING
    return np.asarray(kept | (young[:, np.newaxis] & young))


def strangers_of_one_studio(found: Vectors) -> Flags:
    """Pairs of two training people of FRLL."""
    number = np.array([Path(row["file"]).name[:3] for row in found.rows])
    train = np.array([may_train(row) for row in found.rows])
    return np.asarray((number[:, np.newaxis] != number) & train[:, np.newaxis] & train)


def _same(done: Fit, found: Vectors, conditions: tuple[str, str]) -> tuple[Reals, NDArray[np.int64]]:
    people = np.unique([row["person"] for row in found.rows], return_inverse=True)[1]
    scores, first = done.pairs(found, conditions, people[:, np.newaxis] == people)
    return scores, people[first]


def _joined(parts: list[tuple[Reals, NDArray[np.int64]]]) -> tuple[Reals, NDArray[np.int64]]:
    return np.concatenate([scores for scores, _ in parts]), np.concatenate([by for _, by in parts])


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m finetune.calibration.identity", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--cache", type=Path, required=True, help="where measured vectors are kept")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS)
    options = parser.parse_args(arguments)
    fit(options.data, options.cache, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
