"""Tasks on tables made by hand, and what they read and observe."""

import json
import resource
import time

import numpy as np
import pytest

from evals.bench import Bench
from evals.data import Case, Dataset, Item, Skip, open_dataset
from evals.homemade import portrait, write, write_labels
from evals.metrics.bootstrap import estimate
from evals.run import Order, run, score
from evals.stats import cues, leaks
from evals.task import Table, lower_is_better
from evals.tasks import (
    TASKS,
    action_units,
    attributes,
    calibration,
    detection,
    explanation,
    expression,
    fairness,
    forgery,
    identity,
    localisation,
    morph,
    pose,
    quality,
    robustness,
    spoof,
)
from faceagent import Analyst, explain
from faceagent.errors import InputError
from faceagent.types import Explanation, HeatMap
from faceagent.vlm.scripted import Scripted


def table(rows):
    """Rows of (truth, values); cases are named by their place and stand for themselves."""
    cases = tuple(Case(f"{place:05}", "f.png", truth, f"{place:05}") for place, (truth, _) in enumerate(rows))
    return Table.of(zip(cases, (values for _, values in rows), strict=True))


def points(task, made):
    found = task.measurement(made)(np.ones((1, len(made))))
    return {name: float(value[0]) for name, value in found.items()}


def detected(kind, score, kind_of="", video="", **more):
    truth = {"class": kind, "type": kind_of, "video": video, "validation": 0.0}
    values = {"score": score, "probability": 1 / (1 + np.exp(-score)), "called": float(score >= 0)}
    return truth | more, values


A, B = detection.ATTACK, detection.BONA_FIDE


def test_every_task_says_what_it_is():
    TASKS.freeze()
    assert len(TASKS.names()) == 16
    for name in TASKS:
        task = TASKS.get(name)
        assert task.name == name and task.protocol.endswith(".") and task.tools and task.needs


def test_forgery_keeps_frames_and_videos_apart():
    made = table([detected(A, 2, "DF", "a"), detected(A, -2, "DF", "a"), detected(A, 1, "NT", "b"),
                  detected(B, -1, "", "c"), detected(B, -1, "", "c"), detected(B, -0.5, "", "d")])  # fmt: skip
    found = points(forgery.TASK, made)
    assert found["auc"] == pytest.approx(6 / 9) and found["video_auc"] == 1.0  # video a: mean 0 beats both
    assert found["auc.NT"] == 1.0 and found["auc.DF"] == 0.5 and found["auc_kinds_mean"] == 0.75
    assert found["accuracy"] == pytest.approx(5 / 6)


def test_a_video_is_the_mean_of_its_frames_probabilities():
    sure, torn = (detected(A, value, "DF", "a")[1] for value in (30, -3))
    rows = [({**detected(A, 0, "DF", "a")[0]}, sure), ({**detected(A, 0, "DF", "a")[0]}, torn),
            detected(B, 1, "", "c"), detected(B, 1, "", "c"), detected(A, 2, "DF", "b")]  # fmt: skip
    # By mean logits video a (13.5) would stand first; by mean probabilities (.52) below the real one (.73).
    assert points(forgery.TASK, table(rows))["video_auc"] == 0.5
    ratios = [(truth, {**values, "score": values["score"] / 2, "scale": "log10_ratio"}) for truth, values in rows]
    made = table(ratios)
    found = forgery.probabilities(made, detection.Columns(made))
    assert found == pytest.approx([1 / (1 + 10.0 ** -(score / 2)) for score in (30, -3, 1, 1, 2)])
    blank = table([(truth, {"score": values["score"]}) for truth, values in rows])
    assert forgery.probabilities(blank, detection.Columns(blank)).tolist() == [30, -3, 1, 1, 2]


def test_forgery_threshold_from_the_validation_split():
    made = table([detected(A, -1, validation=1.0), detected(B, -3, validation=1.0), detected(A, -1), detected(B, -3)])
    found = points(forgery.TASK, made)
    assert found["accuracy"] == 0.5 and found["accuracy_at_validation_threshold"] == 1.0


def test_morph_names_families_and_both_rates():
    made = table([detected(A, 3, "WebMorph"), detected(A, 2, "WebMorph"), detected(A, -2, "MIPGAN"),
                  detected(A, 1, "MIPGAN"), detected(B, -1), detected(B, 0.5)])  # fmt: skip
    found = points(morph.TASK, made)
    assert found["apcer_max"] == 0.5 and found["bpcer"] == found["bscer"] == 0.5
    assert found["d_eer.WebMorph"] == 0.0 and found["d_eer_worst"] == found["d_eer.MIPGAN"] > 0


def test_spoof_hter_uses_the_development_line_only_where_there_is_one():
    rows = [detected(A, 1), detected(B, -1)]
    assert "hter_at_shipped_line" in points(spoof.TASK, table(rows))
    developed = [*rows, detected(A, 5, validation=1.0), detected(B, 2, validation=1.0)]
    assert points(spoof.TASK, table(developed))["hter"] == 0.5  # the line is 5: the attack at 1 passes


def felt(emotion, answer, **logits):
    labels = ("happy", "sadness", "neutral")
    full = {f"logit_{name}": logits.get(name, 0.0) for name in labels}
    total = sum(np.exp(value) for value in full.values())
    chances = {f"probability_{name}": float(np.exp(full[f"logit_{name}"]) / total) for name in labels}
    return {"emotion": emotion}, {**full, **chances, "labels": "|".join(labels), "answer": answer}


def test_expression_chooses_among_the_classes_of_the_set():
    made = table([felt("happy", "neutral", happy=1, neutral=3), felt("sadness", "sadness", sadness=2),
                  felt("contempt", "happy", happy=0.1)])  # fmt: skip
    found = points(expression.TASK, made)
    assert found["accuracy"] == 1.0 and found["accuracy_free"] == 0.5
    assert found["open_set_auroc"] == 1.0 and found["open_set_fpr95"] == 0.0
    majority = expression.TASK.baselines(made)(np.ones((1, 3)))
    assert majority["majority_accuracy"][0] == 0.5


def test_action_units_with_intensities_and_unknowns():
    rows = [({"AU12": truth}, {"AU12": guess, "AU12_present": float(guess >= 0.5)})
            for truth, guess in ((0, 0.1), (1, 0.2), (2, 2.2), (4, 3.8), (3, 0.3))]  # fmt: skip
    found = points(action_units.TASK, table(rows))
    assert found["f1.AU12"] == found["f1_macro"] == pytest.approx(0.8)  # 2, 4 found; 3 missed
    assert 0 < found["icc.AU12"] < 1
    assert np.flatnonzero(~np.isnan(action_units.TASK.failures(table(rows)))).tolist() == [4]
    dataset = _set(["AU06", "au12_c", "subject"], [{"AU06": "9", "au12_c": "1"}, {"AU06": "9", "au12_c": ""}])
    read = action_units.read(dataset, "action_units")
    assert read.cases[0].truth == {"AU12": 1.0} and read.skips[0].reason == "missing_label"


@pytest.mark.parametrize(
    ("label", "span"),
    [("30-39", (30, 39)), ("more than 70", (70, 80)), ("60+", (60, 80)), ("25", (25, 25)), ("old", None), ("", None)],
)
def test_ages_as_sets_write_them(label, span):
    assert attributes.years(label) == span


def test_attributes():
    made = table(
        [
            (
                {"age_from": 30.0, "age_to": 39.0, "gender": "male"},
                {"age": 34.5, "low": 30, "high": 40, "gender": "male"},
            ),
            (
                {"age_from": 50.0, "age_to": 50.0, "gender": "female"},
                {"age": 40.0, "low": 35, "high": 45, "gender": "male"},
            ),
            ({"age_from": 5.0, "age_to": 5.0, "gender": "male"}, {"age": 6.0, "low": 2, "high": 9, "gender": "female"}),
        ]
    )
    found = points(attributes.TASK, made)
    assert found["age_mae"] == pytest.approx(11 / 3) and found["cs_5"] == pytest.approx(2 / 3)
    assert found["gender_accuracy"] == 0.5 and found["gender_accuracy_everybody"] == pytest.approx(1 / 3)
    assert found["age_interval_coverage"] == pytest.approx(2 / 3)


def test_identity_from_subjects_and_from_pairs():
    vectors = {"a": ([1, 0], [0.9, 0.1]), "b": ([0, 1], [0.1, 0.9])}
    rows = [({"subject": name}, {"embedding": list(map(float, vector)), "ms": 10.0})
            for name, both in vectors.items() for vector in both]  # fmt: skip
    found = points(identity.TASK, table(rows))
    assert found["auc"] == 1.0 and found["eer"] == 0.0 and np.isnan(found["tar_at_far_1e-3"])
    listed = table([({"same": 1.0}, {"cosine": 0.9, "ms": 1.0}), ({"same": 0.0}, {"cosine": 0.95, "ms": 1.0})])
    assert points(identity.TASK, listed)["auc"] == 0.0


def test_a_list_keeps_its_own_folds_and_its_worst_pairs_are_found():
    pairs = [(1, 0.9), (1, 0.8), (0, 0.1), (0, 0.7), (1, 0.2), (0, 0.1)]
    rows = [({"same": float(same), "fold": str(place % 2)}, {"cosine": cosine, "ms": 1.0})
            for place, (same, cosine) in enumerate(pairs)]  # fmt: skip
    made = table(rows)
    assert identity.folds_of(made, identity.comparisons(made)).tolist() == [0, 1, 0, 1, 0, 1]
    found = identity.TASK.measurement(made)(np.ones((2, 6)))
    assert found["accuracy_folds"].shape == (2,) and 0.5 <= found["accuracy_folds"][0] < 1
    worst = identity.TASK.failures(made)
    assert np.flatnonzero(~np.isnan(worst)).tolist() == [4]
    unfolded = table([({"same": truth["same"]}, values) for truth, values in rows])
    assert "accuracy_folds" in points(identity.TASK, unfolded)
    singles = table([({"subject": name}, {"embedding": vector, "ms": 1.0})
                     for name, vector in (("a", [1.0, 0.0]), ("a", [0.0, 1.0]), ("b", [0.6, 0.8]))])  # fmt: skip
    assert "accuracy_folds" not in points(identity.TASK, singles)  # nobody chose these pairs
    assert not np.isnan(identity.TASK.failures(singles)[:2]).any()


def test_rates_are_stated_only_with_strangers_enough():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [({"subject": f"{place // 2:02}"}, {"embedding": vector.tolist(), "ms": 1.0})
            for place, vector in enumerate(np.repeat(vectors[:30], 2, axis=0))]  # fmt: skip
    found = points(identity.TASK, table(rows))
    assert found["tar_at_far_1e-2"] == 1.0 and np.isnan(found["tar_at_far_1e-4"])
    assert found["fruits_100ms_fnmr_at_fmr_1e-2"] == 0.0


def test_many_pictures_give_all_pairs_of_one_person_and_enough_strangers():
    who = np.repeat(np.arange(1000), 2)
    i, j = identity.pairs_of(who)
    assert (who[i] == who[j]).sum() == 1000 and (who[i] != who[j]).sum() == identity.STRANGERS
    assert (i < j).all() and len(np.unique(np.stack([i, j]), axis=1).T) == len(i)
    few = identity.pairs_of(np.array([0, 0, 1]))
    assert few[0].tolist() == [0, 0, 1] and few[1].tolist() == [1, 2, 2]


def test_a_tool_without_a_line_has_no_decisions():
    rows = [({"class": kind, "type": "", "validation": 0.0}, {"score": value}) for kind, value in ((A, 2.0), (B, 1.0))]
    made = table(rows)
    for task in (forgery.TASK, spoof.TASK, morph.TASK):
        found = points(task, made)
        assert found["auc"] == 1.0 and "accuracy" not in found and "apcer_max" not in found and "bpcer" not in found


def test_fairness_names_the_widest_gap():
    rows = []
    for group, wrong in (("East", 2), ("West", 10)):
        for place in range(20):
            answer = "female" if place < wrong else "male"
            rows.append(({"tool": "attributes", "gender": "male", "group_race": group},
                         {"answered": 1.0, "gender": answer}))  # fmt: skip
    found = points(fairness.TASK, table(rows))
    assert found["gender_error.race.East"] == 0.1 and found["gender_error.race.West"] == 0.5
    assert found["worst_gap"] == found["gap_gender_error.race"] == pytest.approx(0.4)


def test_fairness_counts_faces_without_an_answer():
    rows = [({"tool": "spoof", "class": B, "group_gender": "x"}, {"answered": 0.0}),
            ({"tool": "spoof", "class": B, "group_gender": "x"}, {"answered": 1.0, "called": 1.0})]  # fmt: skip
    found = points(fairness.TASK, table(rows))
    assert found["non_response"] == 0.5 and found["false_alarm"] == 1.0


def test_robustness_reports_the_largest_drop():
    rows = []
    for kind, clean, spoiled in ((A, 2.0, -2.0), (A, 1.0, 1.0), (B, -1.0, -1.0), (B, -2.0, -1.5)):
        truth, values = detected(kind, clean)
        rows.append((truth | {"tool": "spoof"}, {"clean": values, "jpeg_30": detected(kind, spoiled)[1]}))
    found = points(robustness.TASK, table(rows))
    assert found["auc"] == 1.0 and found["auc.jpeg_30"] == 0.5 and found["auc_drop_worst"] == 0.5
    assert found["kept.jpeg_30"] == 1.0


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
    write(tmp_path, [("a.png", pasted, {"mask": "mask.png"}), ("b.png", pixels, {"mask": ""}),
                     ("c.png", pasted[:, ::-1], {"mask": "gone.png"}), ("d.png", mask, {"mask": "mask.png"}),
                     ("e.png", pasted // 2, {"mask": "small.png"}), ("f.png", pixels, {"mask": "/x"})])  # fmt: skip
    outcome = run(Order("localisation", tmp_path, settings, out=tmp_path / "run", rounds=10))
    assert outcome.result.dataset.n == 1  # a.png; b.png is unaltered, d.png shows no face
    assert 0 <= outcome.result.metrics["mask_iou"].value <= 1 and outcome.result.metrics["mask_pointing"].value in (
        0,
        1,
    )
    assert {(skip.id, skip.reason) for skip in outcome.skips} >= {("c.png", "no_mask"), ("e.png", "no_mask"),
                                                                  ("f.png", "outside")}  # fmt: skip


def test_pictures_without_an_answer_are_counted_per_class():
    truths = [{"class": A, "type": "print"}, {"class": A, "type": "print"}, {"class": A, "type": "mask"},
              {"class": B, "type": ""}, {"class": B, "type": ""}]  # fmt: skip
    cases = tuple(Case(str(place), "f", {**truth, "video": "", "validation": 0.0}, str(place))
                  for place, truth in enumerate(truths))  # fmt: skip
    answered = {"score": 1.0, "called": 1.0}
    answers = [answered, {"skipped": ["too_blurry", ""], "cue_sharpness": 1.0}, answered,
               Skip("3", "no_face", ""), Skip("4", "corrupt_picture", "")]  # fmt: skip
    found = score(spoof.TASK, zip(cases, answers, strict=True), rounds=10)
    assert found.metrics["apnrr"].value == pytest.approx(1 / 3) and found.metrics["bpnrr"].value == 1.0
    assert found.metrics["apnrr.print"].value == 0.5 and found.metrics["apnrr.mask"].value == 0.0
    silent = score(morph.TASK, [(cases[3], answers[3])], rounds=10)
    assert silent.n == 0 and silent.metrics["bpnrr"].value == silent.metrics["bsnrr"].value == 1.0
    assert silent.metrics["apnrr"].value is None


def test_differential_morph_detection_reads_pairs_and_references(tmp_path, settings):
    dataset = _set(["label", "reference"], [{"label": "morph", "reference": "b.png"}, {"label": "bona_fide"},
                                            {"label": "morph", "reference": "../x.png"}])  # fmt: skip
    found = morph.TASK.read(dataset, "morph_differential")
    assert [case.others for case in found.cases] == [("b.png",)]
    assert [skip.reason for skip in found.skips] == ["no_reference", "outside"]
    with pytest.raises(InputError, match="--tool morph_differential"):
        morph.TASK.read(_set(["label", "second"], [{"label": "morph", "second": "b.png"}]), "morph")
    assert len(morph.TASK.read(dataset, "morph").cases) == 3
    with pytest.raises(InputError, match="which trusted picture"):
        morph.TASK.read(_set(["label"], [{"label": "morph"}]), "morph_differential")
    source = portrait()
    write(tmp_path, [("a.png", source, {}), ("b.png", (source * 0.8).astype(np.uint8), {})])
    (tmp_path / "labels.csv").unlink()
    (tmp_path / "pairs.csv").write_text(
        "suspected,trusted,label,family\na.png,b.png,bona_fide,\nb.png,a.png,morph,WebMorph\na.png,gone.png,morph,x\n"
    )
    outcome = run(Order("morph", tmp_path, settings, out=tmp_path / "run", rounds=10))
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


def test_quality_by_landmark_errors():
    rows = [({"outcome": "nme"}, {"nme": error, **{f"q_{name}": value for name in quality.NAMES}})
            for error, value in ((0.1, 10.0), (0.05, 50.0), (0.03, 90.0))]  # fmt: skip
    found = points(quality.TASK, table(rows))
    assert found["edc_gain"] > 0 and found["error_at_discard_40"] == pytest.approx(0.03)


def test_pose_needs_no_labels():
    made = table([({}, {"yaw": 20.0, "pitch": 0.0, "roll": 1.0, "mirrored_yaw": -19.0}), ({"yaw": 5.0}, {"yaw": 2.0})])
    found = points(pose.TASK, made)
    assert found["mirror_sign_flips"] == 1.0 and found["mirror_yaw_error"] == 1.0 and found["mae_yaw"] == 3.0


def test_ten_thousand_cases_are_scored_in_time_and_in_little_memory():
    rng = np.random.default_rng(1)
    positive = rng.random(10_000) < 0.5
    made = [detected(A if flag else B, float(value), "print" if flag else "")
            for flag, value in zip(positive, rng.normal(size=10_000) + positive, strict=True)]  # fmt: skip
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
    logits = cues.cross_validated(features, truth, names)
    assert np.mean((logits > 0) == truth) > 0.85
    assert np.isnan(cues.cross_validated(features, np.ones(200, bool), names)).all()
    assert (cues.oriented([1, 2, 3, 4], [1, 1, 0, 0]) == [-1, -2, -3, -4]).all()
    smooth = cues.radial_spectrum(np.add.outer(np.arange(64.0), np.arange(64.0)))
    noisy = cues.radial_spectrum(rng.normal(0, 40, (64, 64)))
    assert smooth.shape == (32,) and noisy[-1] > smooth[-1]


def test_leaks_find_a_recompressed_copy(tmp_path, settings):
    import cv2

    source = portrait()
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
    write(tmp_path / "train", [("a.png", source, {"label": "live"})])
    cv2.imwrite(str(tmp_path / "test" / "b.jpg"), cv2.resize(source[..., ::-1], None, fx=0.6, fy=0.6))
    rng = np.random.default_rng(0)
    noise = cv2.resize(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8), (200, 200))
    cv2.imwrite(str(tmp_path / "test" / "c.png"), noise)
    write_labels(tmp_path / "test", [{"file": "b.jpg", "label": "live"}, {"file": "c.png", "label": "live"}])
    found = leaks.find(tmp_path / "train", tmp_path / "test", settings)
    assert {pair.test for pair in found.pairs} == {"b.jpg"} and {"hash", "face"} >= {pair.how for pair in found.pairs}
    assert "1 of 2 test pictures" in found.summary


def test_swap_test_catches_an_explainer_that_ignores_its_evidence(tmp_path, settings):
    paths = []
    for name, pixels in (("a.png", portrait()), ("b.png", (portrait() * 0.5).astype(np.uint8)[60:320, 60:330])):
        write(tmp_path, [(name, pixels, {"label": "x"})])
        paths.append(str(tmp_path / name))
    with Analyst(settings) as analyst:
        one, other = (analyst.analyze(path) for path in paths)

    def stubborn(verdict, evidence) -> Explanation:
        """Tells the first picture's story, whatever was recorded."""
        del evidence
        return next(told for told in one.explanations if told.question == verdict.question)

    honest = explanation.swapped(one, other, explain.write)
    assert honest["swaps"] > 0 and honest["followed"] == honest["swaps"]
    assert explanation.swapped(one, other, stubborn)["followed"] == 0
    kept = explanation.held(one, explain.write)
    assert kept["cited"] == kept["steps"] > 0 and kept["valid"] == kept["explanations"] == kept["agreeing"]


def test_a_models_explanations_are_counted_before_the_check(tmp_path, settings):
    write(tmp_path, [("a.png", portrait(), {"label": "x"})])
    bench = Bench(tmp_path, settings, "vlm")
    report = bench.analyst.analyze(str(tmp_path / "a.png"), explain="ledger")

    def struck(verdict, evidence) -> Explanation | None:
        """The ledger's words as if a model had said them, and one more claim that the check removed."""
        if verdict.question != "expression":
            return None
        return explain.write(verdict, evidence).model_copy(update={"author": "model", "struck": ("AU99: no such id",)})

    counts = explanation.held(report, struck)
    assert counts["explanations"] == counts["valid"] == counts["agreeing"] == 1
    assert counts["cited"] == counts["steps"] - 1 > 0
    case = Case("a.png", "a.png", {}, "a.png")
    [silent] = explanation.observe(bench, [case], explain.Narrator(Scripted(lambda ask: "no answer")))
    assert silent["explanations"] > 0 and silent["valid"] == silent["steps"] == 0
    [skipped] = explanation.observe(bench, [case], explain.Narrator(Scripted([], adapters=()), adapted=True))
    assert skipped.reason == "no_evidence"


def test_agent_recovers(tmp_path, settings):
    write(tmp_path, [("a.png", portrait(), {"label": "x"})])
    outcome = run(Order("agent", tmp_path, settings, out=tmp_path / "run", rounds=10))
    assert outcome.result.metrics["recovery"].value == 1.0 and "tool_selection" in outcome.result.metrics


def test_calls_are_those_of_the_labelled_plan(tmp_path, settings):
    lines = [
        {"text": "Is this photo real?", "group": "en", "expect": {"questions": ["forgery"]}},
        {"text": "Is this photo real?", "group": "wrong", "expect": {"questions": ["expression"]}},
        {"text": "What can you do?", "group": "en", "expect": {"kind": "help"}},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join([*map(json.dumps, lines), '{"text": 1}', "no json"]))
    outcome = run(Order("agent", path, settings, out=tmp_path / "run", rounds=10))
    found = {name: one.value for name, one in outcome.result.metrics.items()}
    assert found["tool_selection"] == pytest.approx(2 / 3) and found["tool_selection.wrong"] == 0.0
    assert found["missing_calls"] > 0 and found["extra_calls"] > 0 and found["plan_exact"] == pytest.approx(2 / 3)
    assert outcome.result.dataset.n == 3 and outcome.result.dataset.skipped == 2
    assert "line 00004" in outcome.skips[0].message and "recovery" not in found
    path.write_text("")
    with pytest.raises(InputError, match="no labelled query"):
        run(Order("agent", path, settings, out=tmp_path / "other"))


def test_directions():
    assert lower_is_better("eer") and lower_is_better("age_mae") and lower_is_better("bpcer_at_apcer_10")
    assert not lower_is_better("auc") and not lower_is_better("tar_at_far_1e-3")
    assert not lower_is_better("mirror_sign_flips") and lower_is_better("mirror_yaw_error")


def test_readers_leave_out_what_they_do_not_understand():
    dataset = _set(["label", "attack"], [{"label": "Live"}, {"label": "print", "attack": "print 1"}, {"label": "?"}])
    found = spoof.TASK.read(dataset, "spoof")
    assert [case.truth["class"] for case in found.cases] == [B, A] and found.cases[1].truth["type"] == "print_1"
    assert isinstance(found.skips[0], Skip) and "'?' is none of" in found.skips[0].message


def _set(columns, labels):
    from pathlib import Path

    items = tuple(Item(str(place), f"{place}.png", row) for place, row in enumerate(labels))
    return Dataset("set", Path("."), tuple(columns), items)


def test_hand_made_suites_can_be_read(tmp_path):
    write(tmp_path, [("a.png", portrait(), {"subject": "x"})])
    assert open_dataset(tmp_path, export=tmp_path).columns == ("subject",)
    assert estimate(lambda weights: {}, []) == {}


def test_references_and_altered_parts_are_compared():
    counts = {
        "explanations": 1.0,
        "valid": 1.0,
        "steps": 4.0,
        "cited": 3.0,
        "agreeing": 1.0,
        "swaps": 2.0,
        "followed": 1.0,
    }
    found = points(
        explanation.TASK,
        table(
            [
                ({}, {**counts, "overlap": 0.5, "recognised": 1.0}),
                ({}, {**counts, "region_hits": 0.5, "region_hits_either_eye": 1.0}),
            ]
        ),
    )
    assert found["citation_validity"] == 0.75 and found["unsupported_claims"] == 0.25 and found["swap_follow"] == 0.5
    assert found["rege"] == 1.5 and found["rouge_l"] == 0.5 and found["region_pointing"] == 0.5
    assert found["region_pointing_either_eye"] == 1.0
