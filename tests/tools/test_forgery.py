"""The forgery tool with the shipped adapter on a real photograph, and what it answers when something is missing."""

import copy
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from evals.data.synthesis.records import Portrait
from evals.data.synthesis.splice import splice
from evals.views import drawn, portrait
from faceagent.encoder.branch import Branch, load_branch, shipped
from faceagent.encoder.crop import face_crop
from faceagent.encoder.encoder import Encoder
from faceagent.encoder.tower import CLIP, load_tower
from faceagent.judge import weigh
from faceagent.settings import Settings
from faceagent.tools.base import View, measure
from faceagent.tools.familiarity import distance
from faceagent.tools.forgery import FAMILIES, SPLICE, SPLICE_FAST, Forgery, region_scores
from faceagent.tools.splice_branches import BRANCH


@pytest.fixture(scope="module")
def view(astronaut: NDArray[np.uint8], settings: Settings) -> View:
    found = portrait(drawn(astronaut), settings)
    assert found is not None
    return found


def test_a_photograph_gets_a_score_a_map_and_its_regions(view: View, settings: Settings) -> None:
    whole, synthetic, family, far, *regions, framing = measure(Forgery(settings), [view])[0]
    assert framing.facts["as_stylegan_places_them"] == "no"
    assert whole.id == "F1:forgery"
    assert whole.score is not None and whole.score.calibration == SPLICE
    assert synthetic.score is not None and synthetic.score.calibration is None
    assert family.label in FAMILIES and family.cites == (synthetic.id,)
    assert far.score is not None and far.score.value > 0 and set(far.cites) == {whole.id, synthetic.id}
    assert whole.heatmap is not None
    # The crop follows the head, which is tilted a little: its map needs a patch more on a side.
    count = len(whole.heatmap.values)
    assert 14 <= count <= 16 and all(len(row) == count for row in whole.heatmap.values)
    assert view.face is not None
    x0, y0, x1, y1 = whole.heatmap.box
    side = max(view.face.box[2] - view.face.box[0], view.face.box[3] - view.face.box[1])
    assert 0.9 * side < x1 - x0 < 1.3 * side
    assert y1 - y0 == pytest.approx(x1 - x0)
    assert {item.region for item in regions} >= {"left_eye", "right_eye", "nose", "mouth", "skin"}
    assert [item.facts["strongest"] for item in regions].count("yes") == 1


def test_a_photograph_is_not_called_forged_and_noise_is_unlike_any_face(view: View, settings: Settings) -> None:
    assert view.face is not None
    tool = Forgery(settings)
    assert weigh("forgery", view.face, tool.run([view])[0]).label != "forged"
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3)).astype(np.uint8)
    items = tool.run([View(view.picture, lambda: noise, view.original, view.face)])[0]
    verdict = weigh("forgery", view.face, items)
    assert (verdict.label, verdict.reason) == ("inconclusive", "open_set")


def test_distance_is_the_root_mean_square_of_the_axes() -> None:
    assert distance({"synthetic": 9.0, "axis_1": 3.0, "axis_2": 4.0}) == pytest.approx(12.5**0.5)


def test_a_batch_equals_its_singles(view: View, settings: Settings) -> None:
    tool = Forgery(settings)
    assert view.face is not None
    moved = View(
        view.picture, view.pixels, view.original, view.face.model_copy(update={"box": (150.0, 40.0, 300.0, 220.0)})
    )
    together = tool.run([view, moved])
    for alone, item in zip((tool.run([view])[0][0], tool.run([moved])[0][0]), together, strict=True):
        assert alone.score is not None and item[0].score is not None
        assert alone.score.value == pytest.approx(item[0].score.value, abs=1e-3)


def test_a_foreign_mouth_raises_the_score_and_is_pointed_at(view: View, settings: Settings) -> None:
    """The mouth of a brighter, mirrored copy of the same face, pasted without care: gross, and it must be seen."""
    assert view.face is not None
    pixels, tool = view.pixels(), Forgery(settings)
    crop = face_crop(pixels, view.face.box, size=224)
    points = crop.place(np.asarray(view.face.landmarks))
    target = Portrait(crop.pixels, points, "a", "a", synthetic=False)
    gross = np.clip(255 - crop.pixels.astype(np.int16) + 40, 0, 255).astype(np.uint8)
    forged = splice(target, Portrait(gross, points, "b", "b", synthetic=False), ("mouth",), np.random.default_rng(3))
    face = portrait(drawn(np.pad(crop.pixels, ((60, 60), (60, 60), (0, 0)), mode="edge")), settings)
    assert face is not None and face.face is not None
    pasted = np.pad(forged.pixels, ((60, 60), (60, 60), (0, 0)), mode="edge")
    before = tool.run([face])[0]
    after = tool.run([View(face.picture, lambda: pasted, face.original, face.face)])[0]
    assert before[0].score is not None and after[0].score is not None
    assert after[0].score.value > before[0].score.value
    assert next(item.region for item in after if item.facts.get("strongest") == "yes") == "mouth"


def test_randomised_weights_give_another_map(view: View, settings: Settings) -> None:
    """Adebayo et al. 2018: a map that survives other weights explains the picture, not the detector."""
    tower = load_tower(settings, CLIP)
    trained = load_branch(shipped(BRANCH), tower)
    blocks, head = copy.deepcopy(trained.blocks), copy.deepcopy(trained.head)
    torch.manual_seed(0)
    for part in (*blocks.parameters(), *head.parameters()):
        torch.nn.init.normal_(part, std=0.05)
    random = Branch(trained.config, blocks, tower, head)
    assert view.face is not None
    crop = face_crop(view.pixels(), view.face.box, scale=trained.config.margin).pixels
    maps = [Encoder(tower, [one]).run([crop])[BRANCH].patches for one in (trained, random)]
    ranks = [np.argsort(np.argsort(one.ravel())) for one in maps if one is not None]
    assert abs(np.corrcoef(*ranks)[0, 1]) < 0.5


def test_a_missing_tower_makes_it_unavailable(view: View, settings: Settings, tmp_path: Path) -> None:
    tool = Forgery(settings.model_copy(update={"cache": tmp_path, "offline": True}))
    (item,) = measure(tool, [view])[0]
    assert (item.status, item.reason) == ("unavailable", "weights_missing")


def _without_clip(settings: Settings, folder: Path, **changes: object) -> Settings:
    """A cache that holds everything but CLIP."""
    (folder / "weights").mkdir()
    for home in (settings.cache / "weights").iterdir():
        if not home.name.startswith("clip_"):
            (folder / "weights" / home.name).symlink_to(home)
    return settings.model_copy(update={"cache": folder, "offline": True, **changes})


def test_without_clip_dinov2_answers_and_says_what_is_lost(
    view: View, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "faceagent"):
        whole, *_ = measure(Forgery(_without_clip(settings, tmp_path)), [view])[0]
    assert whole.score is not None and whole.score.calibration == SPLICE_FAST
    assert "without CLIP" in whole.statement and "forgery_fast takes the place of forgery" in caplog.text
    used = {stamp.id for stamp in whole.tool.weights}
    assert used == {"dinov2_vits14", "adapter:forgery_fast", "adapter:forgery_generated"}
    same, *_ = measure(Forgery(settings.model_copy(update={"detectors": "fast"})), [view])[0]
    assert same.score == whole.score, "the fast setting is what is left without CLIP"


def test_a_tampered_clip_is_refused_by_name(view: View, settings: Settings, tmp_path: Path) -> None:
    changed = _without_clip(settings, tmp_path)
    (tmp_path / "weights" / "clip_vitb16_int8").symlink_to(settings.cache / "weights" / "clip_vitb16_int8")
    home = tmp_path / "weights" / CLIP
    home.mkdir()
    record = f"{CLIP}.safetensors.json"
    (home / record).write_bytes((settings.cache / "weights" / CLIP / record).read_bytes())
    (home / f"{CLIP}.safetensors").write_bytes(b"not the tower")
    (item,) = measure(Forgery(changed), [view])[0]
    assert item.status == "unavailable" and f"{CLIP}.safetensors" in item.statement


def test_a_region_is_as_strong_as_its_strongest_patches(view: View) -> None:
    assert view.face is not None
    crop = face_crop(view.pixels(), view.face.box)
    points = crop.place(np.asarray(view.face.landmarks))
    x, y = points[[13, 14]].mean(axis=0) // 14
    heat = np.full((16, 16), 0.1)
    heat[int(y), int(x) - 1 : int(x) + 2] = 0.9
    scores = region_scores(points, heat, 224)
    assert max(scores, key=lambda region: scores[region]) == "mouth"
    assert scores["mouth"] == pytest.approx((3 * 0.9 + 0.1) / 4, abs=0.21)
    assert scores["left_eye"] == pytest.approx(0.1)
