"""The fit of an added family: found on unseen sources, calibrated, and weighed against what was known before."""

import numpy as np
import pytest

from faceagent.judge.calibrate import RANKED, Platt
from finetune.detectors.added.data import DEPTHS, PHOTOGRAPH, SPLICED, FamilyRows
from finetune.detectors.added.fit import Worth, family_record, fit_family, forgetting, fused, log_ratios, worth

WIDTH, EACH = 12, 60
NAME = "invented"


@pytest.fixture(scope="module")
def rows() -> FamilyRows:
    """The family differs in two features of the second block; splices in the shipped score only."""
    rng = np.random.default_rng(0)
    kind = np.repeat([NAME, PHOTOGRAPH, SPLICED], EACH)
    features = rng.normal(0, 1, (len(kind), WIDTH * len(DEPTHS))).astype(np.float32)
    features[kind == NAME, WIDTH : WIDTH + 2] += 2.5
    splice = rng.normal(np.where(kind == SPLICED, 2.0, 0.0), 1)
    # A splice and the photograph that it was made from are one source.
    numbers = np.concatenate([np.arange(EACH), np.arange(EACH, 2 * EACH), np.arange(EACH, 2 * EACH)])
    return FamilyRows(features, splice, kind, numbers.astype(str), np.arange(len(kind)) % 2 == 1)


def test_the_family_is_found_on_sources_that_the_fit_did_not_see(rows: FamilyRows) -> None:
    fitted = fit_family(rows, NAME)
    assert DEPTHS[1] in fitted.taps
    found = worth(rows, NAME, [rows.splice], fitted.scores * 3)
    assert found.before == pytest.approx(0.5, abs=0.12)
    assert found.after > 0.8
    # Fits on noise alone find nothing: the scores are not those of the rows that were fitted.
    noise = rows._replace(features=np.random.default_rng(1).normal(size=rows.features.shape).astype(np.float32))
    scores = fit_family(noise, NAME).scores
    assert worth(noise, NAME, [scores], scores).before < 0.65


def test_what_was_known_before_is_hardly_forgotten(rows: FamilyRows) -> None:
    fitted = fit_family(rows, NAME)
    record = Platt.model_validate(family_record(rows, fitted, NAME, "added_invented"))
    ratios = log_ratios(record, fitted.scores)
    found = {kind: worth(rows, kind, [rows.splice], ratios) for kind in (SPLICED, NAME)}
    assert found[SPLICED].before > 0.85
    assert 0 <= forgetting(found, NAME) < 0.1
    assert forgetting({NAME: found[NAME]}, NAME) == 0
    assert forgetting({"a": Worth(0.9, 0.8), "b": Worth(0.7, 0.7), NAME: Worth(0.5, 1.0)}, NAME) == pytest.approx(0.05)


def test_the_record_is_one_that_the_judge_reads(rows: FamilyRows) -> None:
    record = Platt.model_validate(family_record(rows, fit_family(rows, NAME), NAME, "added_invented"))
    assert record.id == "forgery/added_invented-1" and record.attack_type == NAME
    assert (record.positive, record.negative) == ("forged", "bona_fide")
    assert record.slope > 0
    assert record.floor_log10 is not None
    assert record.floor_log10 - RANKED <= record.ratio(-9.0).value <= record.floor_log10
    assert record.ratio(9.0).value == record.cap_log10


def test_alternatives_are_averaged() -> None:
    assert fused([np.array([1.0, 0.0]), np.array([-9.0, 0.0])]) == pytest.approx([np.log10(5), 0.0])
