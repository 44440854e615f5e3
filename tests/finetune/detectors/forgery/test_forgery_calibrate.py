"""Calibration of the forgery branch: ratios point the right way, and the default point keeps bona fide faces clean."""

import numpy as np

from faceagent.judge.calibrate import Platt
from finetune.detectors.forgery.calibrate import FALSE_ALARMS, FLOOR, calibrate
from finetune.detectors.forgery.features import FeatureCache


def _data(count: int, rng: np.random.Generator) -> tuple[FeatureCache, np.ndarray]:
    """Pairs in turn of photographs and generated faces, and logits that tell forged halves imperfectly."""
    forged = np.tile([False, True], count)
    origin = np.repeat(np.where(np.arange(count) % 2 == 1, "sfhq_tiles", "us_portraits"), 2)
    logits = rng.normal(0, 1, (2 * count, 1)) + 2.0 * forged[:, np.newaxis]
    source = np.repeat([f"set/{index}" for index in range(count)], 2)
    empty = np.zeros((2 * count, 1), np.float16)
    return (
        FeatureCache(
            tokens=empty,
            mask=empty,
            regions=empty,
            forged=forged,
            maker=np.full(2 * count, "splice"),
            source=source,
            held_out=np.ones(2 * count, bool),
            origin=origin,
            profile=empty.astype(np.float32),
        ),
        logits,
    )


def test_the_ratio_points_the_right_way_and_the_default_point_is_quiet() -> None:
    rng = np.random.default_rng(0)
    data, logits = _data(200, rng)
    faces = rng.normal(0, 1, (300, 1))
    record = calibrate(data, logits[:, 0], np.arange(400), faces[:, 0], [f"face/{index}" for index in range(300)])
    assert record["slope"] > 0 and record["intercept"] < 0
    assert record["n_positive"] == 100
    assert record["n_negative"] == 100 + 300
    assert record["cap_log10"] <= np.log10(100)
    flagged = np.mean(faces[:, 0] > record["operating_points"][0]["threshold"])
    assert abs(flagged - FALSE_ALARMS[0]) < 0.01
    fitted = Platt.model_validate(record)
    assert fitted.ratio(-50.0).value == FLOOR
    assert fitted.ratio(50.0).value == fitted.cap_log10
