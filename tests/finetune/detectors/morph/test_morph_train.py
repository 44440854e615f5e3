"""The morph branch: chosen out of fold, every set of the same weight, lines that the strictest set sets."""

import numpy as np
import pytest

from finetune.detectors.morph.calibrate import CAP, SINGLE_FALSE_ALARMS, single_image_record
from finetune.detectors.morph.features import DEPTHS, MorphRows
from finetune.detectors.morph.train import (
    Choice,
    auc_per_set,
    choose_steadiness,
    choose_taps,
    out_of_fold_scores,
    targets,
)

WIDTH = 6


def rows(count: int, seed: int, morphs: bool = True) -> MorphRows:
    """Pairs whose first feature at block 6 alone tells the morph."""
    rng = np.random.default_rng(seed)
    morphed = np.arange(count) % 2 == 1 if morphs else np.zeros(count, dtype=bool)
    features = {tap: rng.normal(size=(count, WIDTH)).astype(np.float32) for tap in DEPTHS}
    features[6][:, 0] += 3 * morphed
    person = np.arange(count) // 2
    # A tilt changes the second feature a lot, and the first hardly.
    twins = {
        tap: value + rng.normal(scale=(0.05, *[0.3] * (WIDTH - 1)), size=value.shape) for tap, value in features.items()
    }
    return MorphRows(
        features,
        {tap: value.astype(np.float32) for tap, value in twins.items()},
        rng.normal(size=(count, 4)),
        morphed,
        np.array([f"{seed}/{number}" for number in person]),
        np.where(person % 3 == 0, "frll_london", "fairface_train_4k"),
        np.where(morphed, np.array(["full", "splice", "cleaned"])[person // 3 % 3], "none"),
        np.where(morphed, "matched", "none"),
    )


def test_the_tap_that_tells_is_chosen() -> None:
    taps, strength = choose_taps(rows(300, 0))
    assert 6 in taps and strength > 0


def test_what_a_tilt_changes_moves_a_steadied_fit_less() -> None:
    made, plain = rows(300, 0), rows(100, 1, morphs=False)
    loose, steady = (out_of_fold_scores(made, plain, Choice((6,), 0.01, weight)) for weight in (0.0, 16.0))
    assert steady.change < 0.9 * loose.change
    assert choose_steadiness(made, plain, (6,), 0.01).steadiness > 0
    assert np.mean(list(auc_per_set(made, steady.pairs).values())) > 0.9


def test_sets_weigh_by_the_root_of_their_size() -> None:
    made = rows(300, 0)
    truth, share = targets(made)
    assert set(truth.ravel()) == {-1.0, 1.0}
    weight = {name: share[made.origin == name].sum() for name in ("frll_london", "fairface_train_4k")}
    assert weight["fairface_train_4k"] / weight["frll_london"] == pytest.approx(2**0.5, abs=0.01)


def test_only_kinds_that_the_bars_name_are_judged() -> None:
    made = rows(300, 0)
    found = auc_per_set(made, made.features[6][:, 0].astype(float))
    assert all(value > 0.9 for value in found.values())
    assert {key.split()[1] for key in found} == {"full", "splice", "cleaned"}


def test_the_strictest_set_sets_the_line_and_the_cap_is_ours() -> None:
    made, plain = rows(300, 0), rows(200, 1, morphs=False)
    scores, still = made.features[6][:, 0].astype(float), plain.features[6][:, 0].astype(float)
    still[plain.origin == "frll_london"] += 2
    record = single_image_record(made, scores, plain, still)
    line = record["operating_points"][0]["threshold"]
    assert np.mean(still[plain.origin == "frll_london"] >= line) == pytest.approx(SINGLE_FALSE_ALARMS[0], abs=0.02)
    assert np.mean(still[plain.origin != "frll_london"] >= line) < 0.01
    assert record["cap_log10"] == CAP and record["slope"] > 0
