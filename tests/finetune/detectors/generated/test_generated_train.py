"""The fits of the generated-face branch on features whose truth is known, and the degradation of a picture."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evals.data.synthesis.located_faces import LocatedFace
from faceagent.judge.calibrate import _ADAPTER, RANKED, Familiarity, Platt
from finetune.detectors.generated import calibrate as calibrate
from finetune.detectors.generated import data as generated
from finetune.detectors.generated import fit
from finetune.detectors.generated.data import DEPTHS, GENERATORS, GeneratedRows
from finetune.detectors.generated.train import transfer_auc

PHOTOGRAPHS = ("fairface_train_4k", "muxspace_expressions", "frll_london")
WIDTH = 70
"""Features per block: a little more than there are axes."""


@pytest.fixture(scope="module")
def rows() -> GeneratedRows:
    """Every set has a mark of its own, every family too; what is generated also moves along one shared direction."""
    rng = np.random.default_rng(0)
    names = np.repeat([*PHOTOGRAPHS, *GENERATORS], 60)
    block = rng.normal(0, 1, (len(names), WIDTH))
    for index, name in enumerate((*PHOTOGRAPHS, *GENERATORS)):
        block[names == name, index] += 3
        block[names == name, 10] += 2.5 * (name in GENERATORS)
    features = np.concatenate([block] * len(DEPTHS), axis=1).astype(np.float16)
    source = np.array([f"{name}/{index // 2}" for index, name in enumerate(names)])
    return GeneratedRows(features, names, source, np.arange(len(names)) % 2 == 1)


def test_both_sides_weigh_alike_and_small_sets_are_not_drowned(rows: GeneratedRows) -> None:
    uneven = fit.select_rows(rows, (rows.made_by != "flux") | (np.arange(len(rows.made_by)) % 6 == 0))
    share = fit.row_weights(uneven)
    assert share[uneven.synthetic].sum() == pytest.approx(share[~uneven.synthetic].sum())
    assert share[uneven.made_by == "flux"].max() > share[uneven.made_by == "sdxl"].max()


def test_a_set_never_seen_is_told_by_what_all_generated_faces_share(rows: GeneratedRows) -> None:
    found = transfer_auc(rows, (4,), 0.3)
    assert set(found) == {
        (name, family, late) for name in PHOTOGRAPHS for family in GENERATORS for late in (False, True)
    }
    assert min(found.values()) > 0.75


def test_stacked_fits_say_what_each_says(rows: GeneratedRows) -> None:
    parts = [fit.fit_detector(rows, (4,), 1.0), fit.fit_families(rows, (4,), 1.0), fit.fit_whitening(rows, (4,))]
    x = rows.beside((4,))
    np.testing.assert_allclose(fit.stack_fits(parts)(x), np.concatenate([part(x) for part in parts], axis=1), atol=1e-6)


def test_training_faces_are_familiar_and_others_are_not(rows: GeneratedRows) -> None:
    fitted = fit.fit_whitening(rows, (4,))
    inside = calibrate.distances(fitted(rows.beside((4,))))
    assert np.sqrt(np.mean(inside**2)) == pytest.approx(1, abs=0.05)
    record = _ADAPTER.validate_python(calibrate.familiarity_record(inside))
    assert isinstance(record, Familiarity)
    assert record.unfamiliarity(float(np.median(inside))) == "none"
    assert record.unfamiliarity(float(calibrate.distances(fitted(rows.beside((4,)) + 9)).min())) == "unfamiliar"


def test_records_are_what_the_judge_reads(rows: GeneratedRows, tmp_path: Path) -> None:
    ratio, near, family = calibrate.calibration_records(rows, (4,), 1.0, tmp_path)
    fitted = _ADAPTER.validate_python(ratio)
    assert isinstance(fitted, Platt)
    assert fitted.attack_type and fitted.slope > 0
    assert fitted.ratio(-99).value == pytest.approx(calibrate.FLOOR - RANKED)
    assert fitted.ratio(99).value == calibrate.CAP
    # One line since faces unlike the training faces leave a question open: the 95 % quantile.
    assert 1 < near["usual"] == near["far"]
    errors = family["operating_points"][0]["errors"]
    assert errors["wrong_when_named"] < 0.1
    # A family without any other generator cannot be named rightly once that one is left out.
    assert errors["stylegan2_unseen_named_rightly"] == 0
    for name in GENERATORS:
        assert 0 <= errors[f"{name}_unseen_named_rightly"] + errors[f"{name}_unseen_named_wrongly"] <= 1
    assert cv2.imread(str(tmp_path / "reliability.png")) is not None


def test_the_degradation_is_one_per_file_and_leaves_a_small_face(astronaut: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), astronaut[:, :, ::-1])
    one = LocatedFace("frll_london", str(path), "frll_london/1", (170.0, 60.0, 290.0, 220.0), ((0.0, 0.0),))
    first, again, plain = generated.degraded_crop(one), generated.degraded_crop(one), generated.original_crop(one)
    np.testing.assert_array_equal(first, again)
    assert first.shape == plain.shape == (224, 224, 3)
    detail = [float(cv2.Laplacian(picture, cv2.CV_64F).var()) for picture in (first, plain)]
    assert detail[0] != detail[1]
