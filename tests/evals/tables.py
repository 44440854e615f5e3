"""Tables and sets made by hand, for tests of tasks."""

from pathlib import Path

import numpy as np

from evals.data import Case, Dataset, Item
from evals.task import CaseTable
from evals.tasks import attack_detection

A, B = attack_detection.ATTACK, attack_detection.BONA_FIDE


def table(rows):
    """Rows of (truth, values); cases are named by their place and stand for themselves."""
    cases = tuple(Case(f"{place:05}", "f.png", truth, f"{place:05}") for place, (truth, _) in enumerate(rows))
    return CaseTable.of(zip(cases, (values for _, values in rows), strict=True))


def points(task, made):
    found = task.measurement(made)(np.ones((1, len(made))))
    return {name: float(value[0]) for name, value in found.items()}


def detected(kind, score, kind_of="", video="", **more):
    truth = {"class": kind, "type": kind_of, "video": video, "validation": 0.0}
    values = {"score": score, "probability": 1 / (1 + np.exp(-score)), "called": float(score >= 0)}
    return truth | more, values


def dataset_of(columns, labels):
    """A set of rows with these labels and no pictures."""
    items = tuple(Item(str(place), f"{place}.png", row) for place, row in enumerate(labels))
    return Dataset("set", Path("."), tuple(columns), items)
