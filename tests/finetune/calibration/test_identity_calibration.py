"""The identity calibration: whose pairs are strangers, what crowding takes off, and the line of the worst group."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data.identity_vectors import CONDITIONS, STUDIO, Vectors
from faceagent.tools import crowding
from finetune.calibration import identity

Reals = NDArray[np.float64]


def _units(table: Reals) -> Reals:
    return np.asarray(table / np.linalg.norm(table, axis=1, keepdims=True))


def _vectors(rows: Sequence[dict[str, str]], table: Reals, conditions: Sequence[str] = CONDITIONS) -> Vectors:
    """The same vectors under every condition, but for a little noise from the second on."""
    rng = np.random.default_rng(1)
    noise = [0.02 * bool(place) * rng.normal(0, 1, table.shape) for place in range(len(conditions))]
    by = {name: (np.arange(len(rows)), _units(table + off)) for name, off in zip(conditions, noise, strict=True)}
    return Vectors(tuple(rows), by)


def test_the_mean_of_a_dense_cluster_is_long() -> None:
    rng = np.random.default_rng(0)
    dense = _units(np.eye(1, 128) + rng.normal(0, 0.01, (200, 128)))
    means = identity.cluster_means(np.concatenate([dense, _units(rng.normal(0, 1, (400, 128)))]))
    lengths = np.linalg.norm(means, axis=1)
    assert means.shape == (identity.CLUSTERS, 128)
    assert lengths.max() > 0.95
    assert np.median(lengths) < 0.5


def test_what_a_studio_gives_all_faces_is_taken_off_and_the_rest_is_not() -> None:
    """People who share one direction in the studio only."""
    rng = np.random.default_rng(0)
    plain, backdrop = _units(rng.normal(0, 1, (300, 128))), np.eye(128)[0]
    shot = _units(plain + 0.9 * backdrop)
    rows = [{"race": "x"}] * 300
    by = {name: (np.arange(300), table) for name, table in (("full", plain), *((name, shot) for name in STUDIO))}
    mean = identity.studio_mean(Vectors(tuple(rows), by))
    assert mean @ backdrop > 0.9 * identity.STUDIO_SHARE * float((shot @ backdrop).mean())
    strangers = np.triu_indices(300, 1)
    without, with_mean = (identity.Fit(means, 0.0) for means in (np.zeros((1, 128)), np.vstack([np.zeros(128), mean])))
    assert without.scores(shot, shot)[strangers].mean() > 0.4 > 0.1 > with_mean.scores(shot, shot)[strangers].mean()
    np.testing.assert_allclose(with_mean.scores(plain, plain)[strangers].mean(), 0.0, atol=0.05)


def test_pairs_are_taken_once_and_less_where_strangers_crowd() -> None:
    table = _units(np.eye(3, 128) + 0.4)
    rows = [{"file": str(n)} for n in range(3)]
    found = _vectors(rows, table, ["full"])
    usual = 0.1
    scores, first = identity.Fit(np.zeros((1, 128)), usual).pairs(found, ("full", "full"), np.ones((3, 3), bool))
    assert first.tolist() == [0, 0, 1]
    bare = (table @ table.T)[np.triu_indices(3, 1)]
    assert scores == pytest.approx(bare + crowding.WEIGHT * usual)
    crowded, _ = identity.Fit(table[:1], usual).pairs(found, ("full", "full"), np.ones((3, 3), bool))
    assert (crowded < scores).all()


def test_a_person_whom_fairface_shows_twice_is_no_stranger_to_himself_but_infants_are() -> None:
    table = _units(np.array([[1.0, 0.0], [0.99, 0.1], [0.0, 1.0], [0.1, 0.99]]))
    rows = [{"age": age, "race": "x", "gender": "y"} for age in ("20-29", "30-39", "0-2", "3-9")]
    apart = identity.apart(_vectors(rows, table, ["full"]))
    assert not apart[0, 1] and apart[0, 2] and apart[2, 3]


def test_groups_are_those_of_race_with_gender_and_of_age() -> None:
    rows = [{"age": "0-2", "race": "x", "gender": "f"}, {"age": "3-9", "race": "x", "gender": "m"}]
    groups = identity.groups_of(_vectors(rows, np.eye(2), ["full"]))
    assert {name: members.tolist() for name, members in groups.items()} == {
        "x f": [True, False], "x m": [False, True], "age 0-2": [True, False], "age 3-9": [False, True],
    }  # fmt: skip


def test_test_people_of_the_studio_are_not_fitted_on() -> None:
    rows = [
        {"file": f"{kind}/{n:03}.jpg", "set": kind}
        for n, kind in (
            (1, "neutral_front"),
            (1, "smiling_front"),
            (2, "neutral_front"),
            (3, "neutral_front"),
            (4, "canada"),
        )
    ]
    pairs = identity.strangers_of_one_studio(_vectors(rows, np.eye(5), ["full"]))
    assert np.argwhere(np.triu(pairs)).tolist() == [[0, 2], [1, 2]]


def test_few_people_give_a_wide_interval() -> None:
    rng = np.random.default_rng(0)

    def width(count: int) -> float:
        sides = [(rng.normal(mean, 0.1, count), np.arange(count)) for mean in (0.5, 0.3)]
        return identity.half_width((sides[0][0], sides[0][1]), (sides[1][0], sides[1][1]))

    assert width(40) > 1.5 * width(1000)


def test_the_line_is_that_of_the_worst_group_and_small_faces_get_no_laxer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    shared = _units(rng.normal(0, 1, (1, 128)))

    def people(count: int, alike: float) -> Reals:
        return _units(_units(rng.normal(0, 1, (count, 128))) + alike * shared)

    faces = np.concatenate([people(50, 0.3), people(50, 0.9)])
    rows = [{"race": "far" if n < 50 else "near", "gender": "x", "age": "20-29"} for n in range(100)]
    sat = [{"file": f"neutral/{n:03}.jpg", "set": "neutral_front"} for n in range(1, 60)]
    news = people(60, 0.3)
    shots = _units(np.concatenate([news, news]) + 0.05 * rng.normal(0, 1, (120, 128)))
    made = {
        "fairface_train_4k": _vectors(rows, faces, (*CONDITIONS, *STUDIO)),
        "frll_london": _vectors(sat, people(59, 0.5)),
        "muxspace_expressions": _vectors([{"person": str(n % 60)} for n in range(120)], shots, ("full", "s48")),
    }
    monkeypatch.setattr(identity, "vectors", lambda data, name, cache, settings: made[name])
    monkeypatch.setattr(identity.resources, "files", lambda package: tmp_path)
    monkeypatch.setattr(identity, "DRAWS", 5)
    # Crowding would take the crowded group's advantage away.
    monkeypatch.setattr(crowding, "WEIGHT", 0.0)
    identity.fit(tmp_path, tmp_path, tmp_path)
    card = json.loads((tmp_path / "crowding.json").read_text())
    assert len(card["means"]) == identity.CLUSTERS + 1
    large, small = (json.loads((tmp_path / f"{name.replace('/', '-')}.json").read_text()) for name in identity.IDS)
    assert "near x" in large["note"]
    assert large["operating_points"][0]["errors"]["fmr"] == 0.001
    assert small["operating_points"][0]["threshold"] >= large["operating_points"][0]["threshold"]
    assert small["operating_points"][1]["threshold"] < small["operating_points"][0]["threshold"]
