"""The weights of the overall quality: what costs the tools something is found, and the record is one that is read."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.faces.quality import COMPONENTS
from faceagent.faces.quality_score import unified
from finetune.quality import train
from finetune.quality.data import QualityRows, worse

N = 1500
COSTS = {"sharpness": 0.5, "pose": 1.0, "detection": 1.5}
"""What the errors of the made-up tools grow by per component; they mind nothing else."""


@pytest.fixture(scope="module")
def rows() -> QualityRows:
    """Copies whose errors depend on three components; the more they err, the less the copy is like its face."""
    rng = np.random.default_rng(0)
    components = 100 * rng.uniform(0.1, 1.0, (N, len(COMPONENTS)))
    cost = sum(value * -np.log(components[:, COMPONENTS.index(name)] / 100) for name, value in COSTS.items())
    error = 0.02 * np.exp(0.5 * np.asarray(cost) + rng.normal(0, 0.2, N))
    reference = rng.normal(size=(N // 3, 128)).repeat(3, axis=0)
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    noise = rng.normal(size=(N, 128)) / np.sqrt(128)
    embedding = reference + 12 * error[:, np.newaxis] * noise
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    forged = np.arange(N) % 2 == 0
    score = np.where(forged, 1.0, -1.0) + 20 * error * rng.normal(size=N)
    source = np.array([f"set/{index // 3}" for index in range(N)])
    origin = np.array([f"set{index // 500}" for index in range(N)])
    return QualityRows(components, np.ones(N), error, embedding, reference, score, forged, source, origin)


def test_what_costs_the_tools_something_gets_the_weight(rows: QualityRows) -> None:
    found = train.fit(rows, train.errors_of(rows), 5.0, np.ones(N, dtype=np.bool_)).weights
    assert all(weight >= 0 for weight in found.values())
    assert 1.5 < found["pose"] / found["sharpness"] < 3.0 and found["detection"] > found["pose"]
    assert max(found[name] for name in COMPONENTS if name not in COSTS) < 0.3 * found["sharpness"]


def test_the_record_names_gains_and_keeps_the_scale(rows: QualityRows) -> None:
    card = json.loads(json.dumps(train.card(rows)))
    gain, before = card["gain"], card["gain_of_rule"]
    for name in train.FIGURES:
        found, low, high = gain[name]
        assert low <= found <= high and found > before[name], name
    weighing = train.Weighing(card["weights"], card["floor"])
    scores = [unified(dict(zip(COMPONENTS, row, strict=True)), weighing) for row in rows.components]
    assert np.median(scores) == pytest.approx(np.median(train.rule(rows)), abs=0.5)


def test_a_copy_says_where_its_points_went(astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finetune.quality.data.COVERED", 0.0)  # what covers the face would cover the spot as well
    base = cv2.resize(astronaut[20:220, 120:320], (384, 384), interpolation=cv2.INTER_AREA).astype(np.uint8)
    points = np.zeros((478, 2))
    spot = np.array([330.0, 330.0])
    marked = cv2.circle(base.copy(), (330, 330), 12, (255, 0, 255), -1)
    for seed in range(8):
        rng = [np.random.default_rng(seed) for _ in range(2)]
        (plain, matrix), (shown, same) = worse(base, points, rng[0]), worse(marked.astype(np.uint8), points, rng[1])
        np.testing.assert_array_equal(matrix, same)
        apart = np.abs(shown.astype(float) - plain).sum(axis=2)
        apart = np.where(apart > apart.max() / 2, apart, 0)
        rows, columns = np.indices(apart.shape)
        centre = np.array([(columns * apart).sum(), (rows * apart).sum()]) / apart.sum()
        expected = matrix[:, :2] @ spot + matrix[:, 2]
        assert np.abs(centre - expected).max() < 1.0 + 0.01 * len(plain), (seed, centre, expected)


def test_the_shipped_record_is_what_the_command_writes() -> None:
    shipped = json.loads((Path(train.__file__).parents[2] / "faceagent/faces/quality_score.json").read_text())
    assert set(shipped["weights"]) == set(COMPONENTS) and shipped["floor"] in train.FLOORS
    assert set(shipped["gain"]) == set(shipped["measured_by"]) == set(train.FIGURES)
    for name in train.FITTED:
        assert shipped["gain"][name][0] > shipped["gain_of_rule"][name]
