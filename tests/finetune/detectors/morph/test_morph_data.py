"""Morph pairs: one degradation for both halves, contributors of the same fold, frontal faces."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from evals.data.synthesis.located_faces import LocatedFace
from faceagent.encoder.regions import OVAL
from finetune.detectors.linear import fold_of
from finetune.detectors.morph.data import is_frontal, morph_pairs, nearest_contributor

SIDE = 160


def found(folder: Path, number: int) -> LocatedFace:
    """A drawn face on disk: a ring for the oval, eyes and nose where a face has them."""
    rng = np.random.default_rng(number)
    points = SIDE / 2 + rng.uniform(-30, 30, (478, 2))
    angle = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    points[list(OVAL)] = SIDE / 2 + 48 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points[[33, 263, 1]] = [(55, 65), (105, 65), (80, 90)]
    path = folder / f"{number}.png"
    cv2.imwrite(str(path), np.kron(rng.integers(40, 216, (20, 20, 3)), np.ones((8, 8, 1))).astype(np.uint8))
    mesh = tuple((float(x), float(y)) for x, y in points)
    return LocatedFace("fairface_train_4k", str(path), f"fairface_train_4k/{number}", (30.0, 30.0, 130.0, 130.0), mesh)


@pytest.fixture
def faces(tmp_path: Path) -> list[LocatedFace]:
    return [found(tmp_path, number) for number in range(24)]


def test_the_same_seed_makes_the_same_pairs(faces: list[LocatedFace]) -> None:
    first, second = (list(morph_pairs({"a": faces}, {"a": 6}, seed=1)) for _ in range(2))
    assert len(first) == 6
    for one, other in zip(first, second, strict=True):
        for half, again in zip(one, other, strict=True):
            np.testing.assert_array_equal(half.pixels, again.pixels)


def test_halves_share_all_but_the_morph(faces: list[LocatedFace]) -> None:
    for bona_fide, morphed in morph_pairs({"a": faces}, {"a": 8}, seed=2):
        assert bona_fide.pixels.shape == morphed.pixels.shape == morphed.twin.shape == (224, 224, 3)
        assert (bona_fide.morphed, morphed.morphed) == (False, True) and bona_fide.source == morphed.source
        assert morphed.method in ("full", "cleaned", "splice") and morphed.finish != "unsharp"
        grey = [bool((half.pixels.std(axis=2) < 1.5).mean() > 0.9) for half in (bona_fide, morphed)]
        assert grey[0] == grey[1]


def test_a_contributor_is_somebody_else(faces: list[LocatedFace]) -> None:
    rng = np.random.default_rng(0)
    side = [one for one in faces if fold_of(one.source) == fold_of(faces[0].source)]
    other = nearest_contributor(faces[0], side, rng)
    assert other is not None and other.source != faces[0].source
    assert nearest_contributor(faces[0], [faces[0]], rng) is None


def test_a_profile_is_no_document(faces: list[LocatedFace]) -> None:
    points = np.asarray(faces[0].points).copy()
    assert is_frontal(faces[0])
    points[1] += (18, 0)
    turned = LocatedFace("a", "b", "c", (0.0, 0.0, 1.0, 1.0), tuple((float(x), float(y)) for x, y in points))
    assert not is_frontal(turned)
