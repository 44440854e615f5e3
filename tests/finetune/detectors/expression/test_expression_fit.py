"""The expression head is chosen on sets that it did not see: a set's own style counts for nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from faceagent.encoder.expression_head import read_head
from faceagent.encoder.tower import CLIP, load_tower
from faceagent.settings import Settings
from finetune.detectors.expression.data import CODES, NAMES, OTHER, ExpressionRows
from finetune.detectors.expression.fit import (
    LABELS,
    LEARNT,
    Table,
    balance,
    best_pool,
    by_set,
    gain,
    head_fit,
    left_out,
    mean_recall,
    opinions,
    recalls,
)
from finetune.detectors.expression.train import fit_and_write
from finetune.detectors.linear import Shrinkage, discriminant

SETS = ("one", "two", "three")
FIRM = Shrinkage(even=1.0, apart=3.0)


def made(look: float, units: float, labels: tuple[str, ...] = ("happy", "sadness", "anger")) -> Table:
    """Faces of three sets, 20 a label: how much features and rules know of a label, beside each set's own style."""
    rng = np.random.default_rng(0)
    where = {label: rng.normal(size=30) for label in labels}
    rows = [(label, name, person) for label in labels for name in SETS for person in range(20)]
    style = {(label, name): rng.normal(size=30) for label in labels for name in SETS}
    features = [look * where[label] + 2 * style[label, name] + rng.normal(size=30) for label, name, _ in rows]
    truth = np.array([LABELS.index(label) for label, _, _ in rows])
    rules = units * np.eye(len(LABELS))[truth] + rng.normal(size=(len(rows), len(LABELS)))
    return Table(
        np.array(features, np.float32),
        rules,
        truth,
        np.array([name for _, name, _ in rows]),
        np.array([f"{name}/{label}{person}" for label, name, person in rows]),
        np.array(["whole"] * len(rows)),
    )


def test_a_label_weighs_as_much_as_another_however_many_rows_it_has() -> None:
    rows = made(1, 1)[np.arange(180) % 60 < np.repeat([60, 10, 30], 60)]
    weight = balance(rows)
    assert [weight[rows.truth == one].sum() for one in np.unique(rows.truth)] == pytest.approx([1, 1, 1])


def test_directions_in_which_sets_differ_count_for_less() -> None:
    rng = np.random.default_rng(0)
    classes, groups = np.repeat([0, 1], 200), np.tile([0, 1], 200)
    # The first feature knows the class; the second knows it too, but shifts with the set.
    x = np.column_stack([classes + rng.normal(0, 1, 400), classes + 2.0 * groups + rng.normal(0, 0.3, 400)])
    equal = np.ones(400)
    loose, firm = (discriminant(x, classes, 2, Shrinkage(1e-6, apart), equal, groups).weight for apart in (0.0, 10.0))
    shares = [abs(one[1, 1] - one[0, 1]) / abs(one[1, 0] - one[0, 0]) for one in (loose, firm)]
    assert shares[1] < 0.5 * shares[0]


def test_a_discriminant_is_what_a_pen_would_find() -> None:
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 2], 50)
    x = rng.normal(size=(100, 4)) + classes[:, np.newaxis]
    found = discriminant(x, classes, 3, Shrinkage(0.1, 0.0), np.ones(100), np.zeros(100))
    z = (x - found.mean) / found.spread
    centres = np.array([z[classes == one].mean(axis=0) for one in (0, 2)])
    within = sum(
        (z[classes == one] - centre).T @ (z[classes == one] - centre)
        for one, centre in zip((0, 2), centres, strict=True)
    )
    within = within / 100
    within += 0.1 * np.trace(within) / 4 * np.eye(4)
    np.testing.assert_allclose(found.weight[[0, 2]], np.linalg.solve(within, centres.T).T, rtol=1e-8)
    assert np.isneginf(found.bias[1]) and np.isfinite(found.bias[[0, 2]]).all()


def test_of_what_no_row_showed_the_head_has_no_opinion() -> None:
    rows = made(3, 0)
    found = opinions(head_fit(rows, FIRM), rows.features)
    for label in (OTHER, "fear"):
        np.testing.assert_allclose(found[:, LABELS.index(label)], -np.log(len(LABELS)))
    assert recalls(found, rows.truth)["happy"] > 0.9


@pytest.mark.parametrize(("look", "units"), [(6, 0), (0, 3)])
def test_the_reading_that_knows_nothing_of_unseen_sets_does_no_harm(look: float, units: float) -> None:
    rows = made(look, units)
    pool, head = best_pool(rows)
    alone = {"look": mean_recall(head, rows.truth), "units": mean_recall(rows.rules, rows.truth)}
    assert max(alone, key=lambda name: alone[name]) == ("look" if look else "units")
    assert mean_recall(pool.added(head, rows.rules), rows.truth) > max(alone.values()) - 0.05 > min(alone.values())


def test_the_gain_over_the_rules_is_measured_on_sets_left_out() -> None:
    rows = made(look=6, units=0.5)
    pool, head = best_pool(rows)
    np.testing.assert_array_equal(head, left_out(rows, pool.shrinkage, rows.origin))
    more, low, high = gain(pool.added(head, rows.rules), rows, rounds=50)
    means = [np.mean(list(by_set(one, rows).values())) for one in (pool.added(head, rows.rules), rows.rules)]
    assert more == pytest.approx(means[0] - means[1])
    assert 0 < low < more < high
    assert set(LEARNT) == set(LABELS) - {OTHER}


def test_from_rows_to_a_head_that_loads(settings: Settings, tmp_path: Path) -> None:
    """The head answers as the fit does, and carries the calibration that was written beside it."""
    rows, zones = made(look=6, units=0.5), len(NAMES)
    features = np.concatenate([rows.features, np.ones((len(rows.truth), 2), np.float32)], axis=1)
    shaped = features.reshape(len(rows.truth), zones, -1).astype(np.float16)
    labels = np.array([LABELS[one] for one in rows.truth])
    units = np.random.default_rng(2).normal(size=(len(labels), len(CODES))).astype(np.float32)
    found = ExpressionRows(shaped, units, labels, rows.origin, rows.source, rows.kind)
    adapter, out = tmp_path / "expression", tmp_path / "calibration"
    out.mkdir()
    fit_and_write(found, load_tower(settings, CLIP), adapter, out)
    head = read_head(adapter)
    (record,) = out.iterdir()
    assert head.card.calibration == json.loads(record.read_text(encoding="utf-8"))["id"]
    right = 0
    for face, label in zip(shaped[:60], labels[:60], strict=True):
        look = head({zone: face[place].astype(np.float32) for place, zone in enumerate(NAMES)})
        right += max(look, key=lambda name: look[name]) == label
    assert right > 50
