"""The expression head: which patches a zone reads, and how its answer joins that of the rules."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from faceagent.encoder.expression_head import (
    FACE,
    ZONES,
    ExpressionCard,
    ExpressionHead,
    load_head,
    read_head,
    zone_features,
)
from faceagent.encoder.head_card import CARD, HEAD
from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.types import PARTS, FacePart, WeightStamp
from faceagent.weights.store import sha256_of

WIDTH = 4
COVER: dict[FacePart, np.ndarray] = {part: np.eye(len(PARTS), dtype=np.float32)[k] for k, part in enumerate(PARTS)}
"""Every part covers one patch of its own."""


def tokens() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1 + len(PARTS), WIDTH)).astype(np.float32)


def made_card(**files: str) -> ExpressionCard:
    return ExpressionCard(
        name="expression",
        version="0",
        base=WeightStamp(id="tower", sha256="0" * 64),
        block=2,
        margin=1.0,
        labels=("happy", "fear"),
        zones=("nose", "mouth"),
        weight=0.5,
        rules=2.0,
        calibration="x/1",
        files=files,
    )


def test_a_zone_is_the_mean_of_its_own_patches() -> None:
    rows = tokens()
    found = zone_features(rows, COVER, frozenset())
    own = rows[1:][[PARTS.index(part) for part in ZONES["mouth"]]].mean(axis=0)
    np.testing.assert_allclose(found["mouth"], own / np.linalg.norm(own), rtol=1e-5)
    np.testing.assert_allclose(found[FACE], rows[0] / np.linalg.norm(rows[0]), rtol=1e-5)


def test_hidden_patches_do_not_count() -> None:
    """What stands where a hidden part would be changes nothing; a zone that is hidden as a whole is not there."""
    rows, hidden = tokens(), frozenset[FacePart](("left_eye", "left_brow"))
    other = rows.copy()
    other[1 + PARTS.index("left_eye")] += 9
    before, after = (zone_features(one, COVER, hidden) for one in (rows, other))
    np.testing.assert_array_equal(before["eyes"], after["eyes"])
    assert not np.array_equal(before["eyes"], zone_features(other, COVER, frozenset())["eyes"])
    assert "eyes" not in zone_features(rows, COVER, frozenset(ZONES["eyes"]))


def made_head() -> ExpressionHead:
    state = {
        "mean": np.zeros(2 * WIDTH, np.float32),
        "spread": np.ones(2 * WIDTH, np.float32),
        "weight": np.random.default_rng(1).normal(size=(2, 2 * WIDTH)).astype(np.float32),
        "bias": np.array([0.5, -0.5], np.float32),
    }
    return ExpressionHead(made_card(), state)


def test_a_head_reads_its_own_zones() -> None:
    head, features = made_head(), zone_features(tokens(), COVER, frozenset())
    found = head(features)
    assert sum(np.exp(list(found.values()))) == pytest.approx(1)
    assert head({**features, "eyes": -features["eyes"], FACE: -features[FACE]}) == found
    assert head({**features, "mouth": -features["mouth"]}) != found


def test_of_a_label_that_it_does_not_know_a_head_has_no_opinion() -> None:
    rules = {"happy": 1.0, "fear": 0.0, "other": 0.3, "sadness": 0.1}
    found = made_head().added({"happy": -0.1, "fear": -2.4}, rules)
    assert found == pytest.approx(
        {"happy": 1.95, "fear": -1.2, "other": 0.6 - 0.5 * np.log(4), "sadness": 0.2 - 0.5 * np.log(4)}
    )


def test_a_folder_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable):
        read_head(tmp_path)
    save_file({"mean": np.zeros(3, np.float32)}, tmp_path / HEAD)
    (tmp_path / CARD).write_text(made_card(**{HEAD: sha256_of(tmp_path / HEAD)}).model_dump_json(), encoding="utf-8")
    assert list(read_head(tmp_path).state) == ["mean"]
    save_file({"mean": np.ones(3, np.float32)}, tmp_path / HEAD)
    with pytest.raises(WeightsCorrupt):
        read_head(tmp_path)


def test_the_shipped_head_is_small_and_fits_its_card() -> None:
    head = load_head()
    wide = head.state["mean"].shape[0]
    assert head.state["weight"].shape == (len(head.card.labels), wide)
    assert head.state["bias"].shape == (len(head.card.labels),)
    assert head.state["spread"].shape == (wide,) and wide % len(head.card.zones) == 0
    assert sum(array.nbytes for array in head.state.values()) < 150_000
    assert json.loads(head.card.model_dump_json())["files"].keys() == {HEAD}
