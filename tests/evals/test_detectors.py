"""Tasks of detectors, and what is computed beside them, on tables made by hand."""

import resource
import time

import numpy as np
import pytest
from tables import A, B, dataset_of, detected, points, table

from evals.data import Case, Skip
from evals.run import RunConfig, run, score
from evals.stats import shortcut_features
from evals.synthetic_data import portrait, write
from evals.tasks import (
    attack_detection,
    attack_scores,
    calibration,
    forgery,
    localisation,
    morph,
    robustness,
    spoof,
)
from faceagent.errors import InputError
from faceagent.types import Evidence, HeatMap, Score, ToolStamp


def test_forgery_keeps_frames_and_videos_apart():
    made = table(
        [
            detected(A, 2, "DF", "a"),
            detected(A, -2, "DF", "a"),
            detected(A, 1, "NT", "b"),
            detected(B, -1, "", "c"),
            detected(B, -1, "", "c"),
            detected(B, -0.5, "", "d"),
        ]
    )
    found = points(forgery.TASK, made)
    assert found["auc"] == pytest.approx(6 / 9) and found["video_auc"] == 1.0  # video a: mean 0 beats both
    assert found["auc.NT"] == 1.0 and found["auc.DF"] == 0.5 and found["auc_kinds_mean"] == 0.75
    assert found["accuracy"] == pytest.approx(5 / 6)


def test_a_video_is_the_mean_of_its_frames_probabilities():
    sure, torn = (detected(A, value, "DF", "a")[1] for value in (30, -3))
    rows = [
        ({**detected(A, 0, "DF", "a")[0]}, sure),
        ({**detected(A, 0, "DF", "a")[0]}, torn),
        detected(B, 1, "", "c"),
        detected(B, 1, "", "c"),
        detected(A, 2, "DF", "b"),
    ]
    # By mean logits video a (13.5) would stand first; by mean probabilities (.52) below the real one (.73).
    assert points(forgery.TASK, table(rows))["video_auc"] == 0.5
    ratios = [(truth, {**values, "score": values["score"] / 2, "scale": "log10_ratio"}) for truth, values in rows]
    made = table(ratios)
    found = forgery.probabilities(made, attack_detection.AttackColumns(made))
    assert found == pytest.approx([1 / (1 + 10.0 ** -(score / 2)) for score in (30, -3, 1, 1, 2)])
    blank = table([(truth, {"score": values["score"]}) for truth, values in rows])
    assert forgery.probabilities(blank, attack_detection.AttackColumns(blank)).tolist() == [30, -3, 1, 1, 2]


def test_forgery_threshold_from_the_validation_split():
    made = table([detected(A, -1, validation=1.0), detected(B, -3, validation=1.0), detected(A, -1), detected(B, -3)])
    found = points(forgery.TASK, made)
    assert found["accuracy"] == 0.5 and found["accuracy_at_validation_threshold"] == 1.0


def test_morph_names_families_and_both_rates():
    made = table(
        [
            detected(A, 3, "WebMorph"),
            detected(A, 2, "WebMorph"),
            detected(A, -2, "MIPGAN"),
            detected(A, 1, "MIPGAN"),
            detected(B, -1),
            detected(B, 0.5),
        ]
    )
    found = points(morph.TASK, made)
    assert found["apcer_max"] == 0.5 and found["bpcer"] == found["bscer"] == 0.5
    assert found["d_eer.WebMorph"] == 0.0 and found["d_eer_worst"] == found["d_eer.MIPGAN"] > 0


def test_spoof_hter_uses_the_development_line_only_where_there_is_one():
    rows = [detected(A, 1), detected(B, -1)]
    assert "hter_at_shipped_line" in points(spoof.TASK, table(rows))
    developed = [*rows, detected(A, 5, validation=1.0), detected(B, 2, validation=1.0)]
    assert points(spoof.TASK, table(developed))["hter"] == 0.5  # the line is 5: the attack at 1 passes


def test_a_tool_without_a_line_has_no_decisions():
    rows = [({"class": kind, "type": "", "validation": 0.0}, {"score": value}) for kind, value in ((A, 2.0), (B, 1.0))]
    made = table(rows)
    for task in (forgery.TASK, spoof.TASK, morph.TASK):
        found = points(task, made)
        assert found["auc"] == 1.0 and "accuracy" not in found and "apcer_max" not in found and "bpcer" not in found


def test_localisation_with_eyes_apart_and_together():
    truth = {"left_eye": 1.0, "right_eye": 0.0, "nose": 0.0, "mouth": 0.0}
    made = table([(truth, {"left_eye": 0.2, "right_eye": 0.9, "nose": 0.1, "mouth": 0.0})])
    found = points(localisation.TASK, made)
    assert found["pointing"] == 0.0 and found["pointing_either_eye"] == 1.0


def test_masks_are_compared_with_the_heat_map():
    heat = HeatMap(box=(0, 0, 4, 4), values=((0.9, 0.6), (0.1, 0.2)))
    mask = np.zeros((4, 4), dtype=bool)
    mask[:2, :2] = True
    found = localisation.overlap(heat, mask)
    assert found == {"mask_iou": 0.5, "mask_hit": 1.0, "mask_share": 0.25, "mask_auc": 1.0}
    assert localisation.overlap(heat, ~mask)["mask_hit"] == 0.0
    assert localisation.overlap(heat, np.zeros((4, 4), dtype=bool)) == {}
    whole = localisation.overlap(heat, np.ones((4, 4), dtype=bool))
    assert whole["mask_iou"] == 0.5 and "mask_auc" not in whole  # one class of pixels: nothing to be told apart
    made = table([({}, found), ({part: 1.0 for part in localisation.PARTS}, {"nose": 0.5})])
    measured = points(localisation.TASK, made)
    assert measured["mask_iou"] == 0.5 and measured["mask_pointing"] == 1.0 and measured["pointing"] == 1.0
    chance = localisation.TASK.baselines(made)(np.ones((1, 2)))
    assert chance["random_mask_pointing"][0] == 0.25 and chance["random_pointing"][0] == 1.0


def test_a_picture_is_measured_against_its_mask(tmp_path, settings):
    pixels = portrait()
    mask = np.zeros_like(pixels)
    mask[100:150, 100:150] = 255
    small = mask[:100, :100]
    pasted = pixels.copy()
    pasted[100:150, 100:150] = pixels[200:250, 200:250]
    write(tmp_path, [("mask.png", mask, {}), ("small.png", small, {})])
    write(
        tmp_path,
        [
            ("a.png", pasted, {"mask": "mask.png"}),
            ("b.png", pixels, {"mask": ""}),
            ("c.png", pasted[:, ::-1], {"mask": "gone.png"}),
            ("d.png", mask, {"mask": "mask.png"}),
            ("e.png", pasted // 2, {"mask": "small.png"}),
            ("f.png", pixels, {"mask": "/x"}),
        ],
    )
    outcome = run(RunConfig("localisation", tmp_path, settings, out=tmp_path / "run", rounds=10))
    assert outcome.result.dataset.n == 1  # a.png; b.png is unaltered, d.png shows no face
    assert 0 <= outcome.result.metrics["mask_iou"].value <= 1 and outcome.result.metrics["mask_pointing"].value in (
        0,
        1,
    )
    assert {(skip.id, skip.reason) for skip in outcome.skips} >= {
        ("c.png", "no_mask"),
        ("e.png", "no_mask"),
        ("f.png", "outside"),
    }


def test_pictures_without_an_answer_are_counted_per_class():
    truths = [
        {"class": A, "type": "print"},
        {"class": A, "type": "print"},
        {"class": A, "type": "mask"},
        {"class": B, "type": ""},
        {"class": B, "type": ""},
    ]
    cases = tuple(
        Case(str(place), "f", {**truth, "video": "", "validation": 0.0}, str(place))
        for place, truth in enumerate(truths)
    )
    answered = {"score": 1.0, "called": 1.0}
    answers = [
        answered,
        {"skipped": ["too_blurry", ""], "cue_sharpness": 1.0},
        answered,
        Skip("3", "no_face", ""),
        Skip("4", "corrupt_picture", ""),
    ]
    found = score(spoof.TASK, zip(cases, answers, strict=True), rounds=10)
    assert found.metrics["apnrr"].value == pytest.approx(1 / 3) and found.metrics["bpnrr"].value == 1.0
    assert found.metrics["apnrr.print"].value == 0.5 and found.metrics["apnrr.mask"].value == 0.0
    silent = score(morph.TASK, [(cases[3], answers[3])], rounds=10)
    assert silent.n == 0 and silent.metrics["bpnrr"].value == silent.metrics["bsnrr"].value == 1.0
    assert silent.metrics["apnrr"].value is None


def test_differential_morph_detection_reads_pairs_and_references(tmp_path, settings):
    dataset = dataset_of(
        ["label", "reference"],
        [{"label": "morph", "reference": "b.png"}, {"label": "bona_fide"}, {"label": "morph", "reference": "../x.png"}],
    )
    found = morph.TASK.read(dataset, "morph_differential")
    assert [case.others for case in found.cases] == [("b.png",)]
    assert [skip.reason for skip in found.skips] == ["no_reference", "outside"]
    with pytest.raises(InputError, match="--tool morph_differential"):
        morph.TASK.read(dataset_of(["label", "second"], [{"label": "morph", "second": "b.png"}]), "morph")
    assert len(morph.TASK.read(dataset, "morph").cases) == 3
    with pytest.raises(InputError, match="which trusted picture"):
        morph.TASK.read(dataset_of(["label"], [{"label": "morph"}]), "morph_differential")
    source = portrait()
    write(tmp_path, [("a.png", source, {}), ("b.png", (source * 0.8).astype(np.uint8), {})])
    (tmp_path / "labels.csv").unlink()
    (tmp_path / "pairs.csv").write_text(
        "suspected,trusted,label,family\na.png,b.png,bona_fide,\nb.png,a.png,morph,WebMorph\na.png,gone.png,morph,x\n"
    )
    outcome = run(RunConfig("morph", tmp_path, settings, out=tmp_path / "run", rounds=10))
    assert outcome.result.tool == "morph_differential" and outcome.result.dataset.n == 2
    assert outcome.result.metrics["auc"].value is not None
    assert [skip.reason for skip in outcome.skips] == ["missing_file"]


def test_calibration_of_a_detector():
    rows = []
    for kind, llr in ((A, 2.0), (A, -1.0), (B, -2.0), (B, -1.0)):
        truth, values = detected(kind, llr)
        chance = 1 / (1 + 10.0**-llr)
        rows.append(
            (truth, {**values, "llr": llr, "probability": chance, "verdict": "spoof" if llr > 1 else "inconclusive"})
        )
    found = points(calibration.TASK, table(rows))
    assert found["error_rate"] == 0.25 and found["answered"] == 0.25 and found["accuracy_answered"] == 1.0
    assert found["cllr"] > 0 and 0 < found["brier"] < 0.25
    assert np.flatnonzero(~np.isnan(calibration.TASK.failures(table(rows)))).tolist() == [1]


def test_robustness_reports_the_largest_drop():
    rows = []
    for kind, clean, spoiled in ((A, 2.0, -2.0), (A, 1.0, 1.0), (B, -1.0, -1.0), (B, -2.0, -1.5)):
        truth, values = detected(kind, clean)
        rows.append((truth | {"tool": "spoof"}, {"clean": values, "jpeg_30": detected(kind, spoiled)[1]}))
    found = points(robustness.TASK, table(rows))
    assert found["auc"] == 1.0 and found["auc.jpeg_30"] == 0.5 and found["auc_drop_worst"] == 0.5
    assert found["kept.jpeg_30"] == 1.0


def test_ten_thousand_cases_are_scored_in_time_and_in_little_memory():
    rng = np.random.default_rng(1)
    positive = rng.random(10_000) < 0.5
    made = [
        detected(A if flag else B, float(value), "print" if flag else "")
        for flag, value in zip(positive, rng.normal(size=10_000) + positive, strict=True)
    ]
    big = table(
        [
            (truth, {**values, "cue_file_size": 1.0, "cue_resolution": 1.0, "cue_sharpness": 1.0})
            for truth, values in made
        ]
    )
    started, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = score(spoof.TASK, zip(big.cases, big.values, strict=True))
    assert time.process_time() - started < 10
    assert found.n == 10_000 and found.metrics["auc"].low is not None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kB


def test_cues_separate_what_they_can():
    rng = np.random.default_rng(2)
    truth = np.arange(200) % 2 == 0
    features = rng.normal(size=(200, 4)) + np.outer(truth, [3, 0, 0, 0])
    names = [f"{place:03}" for place in range(200)]
    logits = shortcut_features.cross_validated(features, truth, names)
    assert np.mean((logits > 0) == truth) > 0.85
    assert np.isnan(shortcut_features.cross_validated(features, np.ones(200, bool), names)).all()
    assert (shortcut_features.oriented([1, 2, 3, 4], [1, 1, 0, 0]) == [-1, -2, -3, -4]).all()
    smooth = shortcut_features.radial_spectrum(np.add.outer(np.arange(64.0), np.arange(64.0)))
    noisy = shortcut_features.radial_spectrum(rng.normal(0, 40, (64, 64)))
    assert smooth.shape == (32,) and noisy[-1] > smooth[-1]


def test_readers_leave_out_what_they_do_not_understand():
    dataset = dataset_of(
        ["label", "attack"], [{"label": "Live"}, {"label": "print", "attack": "print 1"}, {"label": "?"}]
    )
    found = spoof.TASK.read(dataset, "spoof")
    assert [case.truth["class"] for case in found.cases] == [B, A] and found.cases[1].truth["type"] == "print_1"
    assert isinstance(found.skips[0], Skip) and "'?' is none of" in found.skips[0].message


def test_an_answer_that_is_reported_and_not_weighed_is_ranked_by_itself():
    def said(name, value, **changes):
        return Evidence(
            id=name,
            tool=ToolStamp(name="t", version="1"),
            question="forgery",
            subject="F1",
            score=Score(value=value, scale="logit", **changes.pop("score", {})),
            statement=name,
            **changes,
        )

    splice = said("F1:forgery", -1.5, score={"calibration": "forgery/splice-1"})
    whole, family = said("F1:forgery_synthetic", 0.4), said("F1:forgery_family", 0.9, cites=("F1:forgery_synthetic",))
    alone = attack_scores.score_of([splice], "forgery")
    both = attack_scores.score_of([splice, whole, family], "forgery")
    assert not any(name.startswith("way_") for name in alone)
    assert both == alone | {"way_forgery": -1.5, "way_forgery_synthetic": 0.4}
