"""The occlusion head is fitted from covered patches, written with its card, and read back as what was fitted."""

from pathlib import Path

import numpy as np
import pytest

from evals.data.synthesis.located_faces import LocatedFace
from faceagent.encoder.occlusion import load_head
from faceagent.encoder.tower import load_tower
from faceagent.errors import WeightsCorrupt
from faceagent.settings import Settings
from faceagent.types import OCCLUDERS, PARTS
from finetune.detectors.occlusion.calibrate import RANGE, limits
from finetune.detectors.occlusion.data import CLEAN, Rows, load, save
from finetune.detectors.occlusion.train import fit, one_class, patches, write

WIDTH = 24


def _rows(seed: int = 0) -> Rows:
    """Sixteen faces of 16 patches: a covered patch's token leans to the axis of its kind."""
    rng = np.random.default_rng(seed)
    kinds = np.array([CLEAN, *OCCLUDERS] * 8)
    cover = np.zeros((len(kinds), 16), np.float16)
    cover[kinds != CLEAN, :8] = 1
    tokens = rng.normal(0, 1, (len(kinds), 16, WIDTH))
    for row, kind in enumerate(kinds):
        if kind != CLEAN:
            tokens[row, :8, OCCLUDERS.index(kind)] += 6
            tokens[row, :8, -1] += 6
    parts = np.ones((len(kinds), len(PARTS), 16), np.float16)
    source = np.array([f"made/{row}" for row in range(len(kinds))])
    return Rows(tokens.astype(np.float16), cover, parts, kinds, source)


def test_the_fit_tells_covered_patches_and_what_covers_them(tmp_path: Path, settings: Settings) -> None:
    rows = _rows()
    tokens, kinds = patches(rows, np.ones(len(rows.kind), bool), seed=0)
    covered, named = fit(tokens, kinds)
    write(tmp_path, load_tower(settings), covered, named)
    head = load_head(tmp_path)
    fresh = _rows(seed=1)
    chance, shares = head(fresh.tokens.astype(np.float32))
    truth = fresh.cover > 0.5
    assert ((chance > 0.5) == truth).mean() > 0.98
    best = np.array(head.card.labels)[shares.argmax(axis=-1)]
    assert (best[truth] == np.repeat(fresh.kind[:, None], 16, axis=1)[truth]).mean() > 0.95
    assert np.allclose(np.log(chance / (1 - chance)), covered(fresh.tokens.astype(np.float64))[..., 0], atol=0.05)


def test_a_changed_head_is_refused(tmp_path: Path, settings: Settings) -> None:
    rows = _rows()
    write(tmp_path, load_tower(settings), *fit(*patches(rows, np.ones(len(rows.kind), bool), seed=0)))
    with (tmp_path / "head.safetensors").open("ab") as file:
        file.write(b"0")
    with pytest.raises(WeightsCorrupt):
        load_head(tmp_path)


def test_the_one_class_distance_grows_away_from_uncovered_patches() -> None:
    rng = np.random.default_rng(0)
    near = rng.normal(0, 1, (400, 6)) * (1, 2, 3, 1, 1, 1)
    assert one_class(np.array([[9.0, 0, 0, 0, 0, 0]]), near)[0] > one_class(np.array([[0, 9.0, 0, 0, 0, 0]]), near)[0]


def test_rows_survive_the_disk(tmp_path: Path) -> None:
    rows = _rows()
    save(rows, tmp_path / "deep" / "rows.npz")
    again = load(tmp_path / "deep" / "rows.npz")
    assert all(
        np.array_equal(getattr(rows, name), getattr(again, name)) for name in ("tokens", "cover", "kind", "source")
    )


def test_limits_are_the_quantile_within_their_range() -> None:
    shares = np.tile(np.linspace(0, 0.5, 101)[:, None], (1, len(PARTS)))
    shares[:, 0], shares[:, 1] = 0.0, 1.0
    found = limits(shares)
    assert (found[PARTS[0]], found[PARTS[1]]) == RANGE
    assert found[PARTS[2]] == pytest.approx(0.49, abs=0.01)


def test_examples_hold_every_face_with_and_without_an_object(
    tmp_path: Path, astronaut: np.ndarray, settings: Settings
) -> None:
    import cv2

    from evals.views import drawn, portrait
    from finetune.detectors.occlusion.data import examples

    view = portrait(drawn(astronaut), settings)
    assert view is not None
    assert view.face is not None
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), np.ascontiguousarray(astronaut[..., ::-1]))
    face = LocatedFace("frll_london", str(path), "made/astronaut", view.face.box, view.face.landmarks)
    found = list(examples([face], grid=16, objects=2, seed=0))
    assert [one.kind for one in found] == [CLEAN, *OCCLUDERS[:2]]
    assert found[0].cover.max() == 0
    assert all(one.cover.max() > 0.5 for one in found[1:])
    assert all(one.parts.shape == (len(PARTS), 256) and one.pixels.shape == (224, 224, 3) for one in found)
