"""The occlusion head is fitted from covered patches, written with its card, and read back as what was fitted."""

from pathlib import Path

import numpy as np
import pytest

from evals.data.synthesis.located_faces import LocatedFace
from faceagent.encoder.occlusion import load_head
from faceagent.encoder.tower import load_tower
from faceagent.errors import WeightsCorrupt
from faceagent.settings import Settings
from faceagent.types import OCCLUDERS, PARTS, FacePart
from finetune.detectors.linear import LinearFit, softmax_regression
from finetune.detectors.occlusion.calibrate import RANGE, floors, limits
from finetune.detectors.occlusion.data import CLEAN, CUT, Rows, load, save
from finetune.detectors.occlusion.train import fit, one_class, part_patches, patches, write

WIDTH = 24


def _rows(seed: int = 0) -> Rows:
    """Faces of 16 patches: the token of a covered one leans to the axis of its kind, of another one to its part."""
    rng = np.random.default_rng(seed)
    kinds = np.array([CLEAN, *OCCLUDERS] * 8)
    cover = np.zeros((len(kinds), 16), np.float16)
    cover[kinds != CLEAN, :8] = 1
    tokens = rng.normal(0, 1, (len(kinds), 16, WIDTH))
    for row, kind in enumerate(kinds):
        if kind != CLEAN:
            tokens[row, :8, OCCLUDERS.index(kind)] += 6
            tokens[row, :8, -1] += 6
    parts = np.zeros((len(kinds), len(PARTS), 16), np.float16)
    shows = rng.integers(0, len(PARTS), (len(kinds), 16))
    row, patch = np.indices(shows.shape)
    parts[row, shows, patch] = 1
    tokens[row, patch, WIDTH // 3 + shows] += 6 * (cover < 0.5)
    shown = np.ones_like(cover)
    source = np.array([f"made/{row}" for row in range(len(kinds))])
    return Rows(tokens.astype(np.float16), cover, parts, shown, kinds, source)


def _shows(rows: Rows) -> LinearFit:
    return softmax_regression(*part_patches(rows, np.ones(len(rows.kind), bool), seed=0), len(PARTS) + 1, 1e-3)


def test_the_fit_tells_covered_patches_and_what_covers_them(tmp_path: Path, settings: Settings) -> None:
    rows = _rows()
    tokens, kinds = patches(rows, np.ones(len(rows.kind), bool), seed=0)
    covered, named = fit(tokens, kinds)
    write(tmp_path, load_tower(settings), covered, named, _shows(rows))
    head = load_head(tmp_path)
    fresh = _rows(seed=1)
    chance, shares, likeness = head(fresh.tokens.astype(np.float32))
    truth = fresh.cover > 0.5
    assert ((chance > 0.5) == truth).mean() > 0.98
    best = np.array(head.card.labels)[shares.argmax(axis=-1)]
    assert (best[truth] == np.repeat(fresh.kind[:, None], 16, axis=1)[truth]).mean() > 0.95
    assert ((likeness.argmax(axis=-1) == fresh.parts.argmax(axis=1)) == ~truth).mean() > 0.9
    assert np.allclose(np.log(chance / (1 - chance)), covered(fresh.tokens.astype(np.float64))[..., 0], atol=0.05)


def test_a_changed_head_is_refused(tmp_path: Path, settings: Settings) -> None:
    rows = _rows()
    write(tmp_path, load_tower(settings), *fit(*patches(rows, np.ones(len(rows.kind), bool), seed=0)), _shows(rows))
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
        np.array_equal(getattr(rows, name), getattr(again, name))
        for name in ("tokens", "cover", "shown", "kind", "source")
    )


def test_limits_are_the_quantile_within_their_range() -> None:
    shares = np.tile(np.linspace(0, 0.5, 101)[:, None], (1, len(PARTS)))
    shares[:, PARTS.index("nose")], shares[:, PARTS.index("mouth")] = 0.0, 1.0
    found = limits(shares)
    assert (found["nose"], found["mouth"]) == RANGE
    assert found["chin"] == pytest.approx(0.49, abs=0.01)


def test_both_sides_of_a_face_have_one_limit_and_one_floor() -> None:
    rng = np.random.default_rng(0)
    shares, likeness = rng.uniform(0, 0.6, (200, len(PARTS))), rng.uniform(0.2, 1, (200, len(PARTS)))
    for found in (limits(shares), floors(likeness, shares, limits(shares), 0.1)):
        assert all(found[part] == found[twin] for part in PARTS if (twin := _twin(part)) is not None)


def _twin(part: FacePart) -> FacePart | None:
    return next((other for other in PARTS if other == part.replace("left_", "right_") != part), None)


def test_what_is_covered_does_not_lower_the_floor() -> None:
    likeness, covered = np.full((100, len(PARTS)), 0.8), np.zeros((100, len(PARTS)))
    likeness[:20], covered[:20] = 0.1, 0.9
    assert set(floors(likeness, covered, dict.fromkeys(PARTS, 0.5), 0.1).values()) == {0.8}
    assert set(floors(likeness, 0 * covered, dict.fromkeys(PARTS, 0.5), 0.1).values()) == {0.1}


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
    assert [one.kind for one in found] == [CLEAN, *OCCLUDERS[:2], CUT]
    assert found[0].cover.max() == found[3].cover.max() == 0
    assert all(one.cover.max() > 0.5 for one in found[1:3])
    assert (found[3].shown < 0.5).sum() > (found[0].shown < 0.5).sum()
    assert all(one.parts.shape == (len(PARTS), 256) and one.pixels.shape == (224, 224, 3) for one in found)
