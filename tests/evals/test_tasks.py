"""Tasks on tables made by hand, and what they read and observe."""

import json

import numpy as np
import pytest
from tables import A, B, dataset_of, points, table

from evals.data import Case, open_dataset
from evals.metrics.bootstrap import estimate
from evals.run import RunConfig, run
from evals.runner import Runner
from evals.stats import leaks
from evals.synthetic_data import portrait, write, write_labels
from evals.task import lower_is_better
from evals.tasks import (
    TASKS,
    action_units,
    attributes,
    explanation,
    expression,
    fairness,
    identity,
    pose,
    quality,
)
from faceagent import Analyst, explain
from faceagent.errors import InputError
from faceagent.types import Explanation
from faceagent.vlm.scripted import Scripted


def test_every_task_says_what_it_is():
    TASKS.freeze()
    assert len(TASKS.names()) == 25
    for name in TASKS:
        task = TASKS.get(name)
        assert task.name == name and task.protocol.endswith(".") and task.tools and task.needs


def felt(emotion, answer, **logits):
    labels = ("happy", "sadness", "neutral")
    full = {f"logit_{name}": logits.get(name, 0.0) for name in labels}
    total = sum(np.exp(value) for value in full.values())
    chances = {f"probability_{name}": float(np.exp(full[f"logit_{name}"]) / total) for name in labels}
    return {"emotion": emotion}, {**full, **chances, "labels": "|".join(labels), "answer": answer}


def test_expression_chooses_among_the_classes_of_the_set():
    made = table(
        [
            felt("happy", "neutral", happy=1, neutral=3),
            felt("sadness", "sadness", sadness=2),
            felt("contempt", "happy", happy=0.1),
        ]
    )
    found = points(expression.TASK, made)
    assert found["accuracy"] == 1.0 and found["accuracy_free"] == 0.5
    assert found["open_set_auroc"] == 1.0 and found["open_set_fpr95"] == 0.0
    majority = expression.TASK.baselines(made)(np.ones((1, 3)))
    assert majority["majority_accuracy"][0] == 0.5


def test_action_units_with_intensities_and_unknowns():
    rows = [
        ({"AU12": truth}, {"AU12": guess, "AU12_present": float(guess >= 0.5)})
        for truth, guess in ((0, 0.1), (1, 0.2), (2, 2.2), (4, 3.8), (3, 0.3))
    ]
    found = points(action_units.TASK, table(rows))
    assert found["f1.AU12"] == found["f1_macro"] == pytest.approx(0.8)  # 2, 4 found; 3 missed
    assert 0 < found["icc.AU12"] < 1
    assert np.flatnonzero(~np.isnan(action_units.TASK.failures(table(rows)))).tolist() == [4]
    dataset = dataset_of(["AU06", "au12_c", "subject"], [{"AU06": "9", "au12_c": "1"}, {"AU06": "9", "au12_c": ""}])
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
    rows = [
        ({"subject": name}, {"embedding": list(map(float, vector)), "ms": 10.0})
        for name, both in vectors.items()
        for vector in both
    ]
    found = points(identity.TASK, table(rows))
    assert found["auc"] == 1.0 and found["eer"] == 0.0 and np.isnan(found["tar_at_far_1e-3"])
    listed = table([({"same": 1.0}, {"cosine": 0.9, "ms": 1.0}), ({"same": 0.0}, {"cosine": 0.95, "ms": 1.0})])
    assert points(identity.TASK, listed)["auc"] == 0.0


def test_a_list_keeps_its_own_folds_and_its_worst_pairs_are_found():
    pairs = [(1, 0.9), (1, 0.8), (0, 0.1), (0, 0.7), (1, 0.2), (0, 0.1)]
    rows = [
        ({"same": float(same), "fold": str(place % 2)}, {"cosine": cosine, "ms": 1.0})
        for place, (same, cosine) in enumerate(pairs)
    ]
    made = table(rows)
    assert identity.folds_of(made, identity.comparisons(made)).tolist() == [0, 1, 0, 1, 0, 1]
    found = identity.TASK.measurement(made)(np.ones((2, 6)))
    assert found["accuracy_folds"].shape == (2,) and 0.5 <= found["accuracy_folds"][0] < 1
    worst = identity.TASK.failures(made)
    assert np.flatnonzero(~np.isnan(worst)).tolist() == [4]
    unfolded = table([({"same": truth["same"]}, values) for truth, values in rows])
    assert "accuracy_folds" in points(identity.TASK, unfolded)
    singles = table(
        [
            ({"subject": name}, {"embedding": vector, "ms": 1.0})
            for name, vector in (("a", [1.0, 0.0]), ("a", [0.0, 1.0]), ("b", [0.6, 0.8]))
        ]
    )
    assert "accuracy_folds" not in points(identity.TASK, singles)  # nobody chose these pairs
    assert not np.isnan(identity.TASK.failures(singles)[:2]).any()


def test_rates_are_stated_only_with_strangers_enough():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [
        ({"subject": f"{place // 2:02}"}, {"embedding": vector.tolist(), "ms": 1.0})
        for place, vector in enumerate(np.repeat(vectors[:30], 2, axis=0))
    ]
    found = points(identity.TASK, table(rows))
    assert found["tar_at_far_1e-2"] == 1.0 and np.isnan(found["tar_at_far_1e-4"])
    assert found["fruits_100ms_fnmr_at_fmr_1e-2"] == 0.0


def test_many_pictures_give_all_pairs_of_one_person_and_enough_strangers():
    who = np.repeat(np.arange(1000), 2)
    i, j = identity.pairs_of(who)
    assert (who[i] == who[j]).sum() == 1000 and (who[i] != who[j]).sum() == identity.IMPOSTORS
    assert (i < j).all() and len(np.unique(np.stack([i, j]), axis=1).T) == len(i)
    few = identity.pairs_of(np.array([0, 0, 1]))
    assert few[0].tolist() == [0, 0, 1] and few[1].tolist() == [1, 2, 2]


def test_fairness_names_the_widest_gap():
    rows = []
    for group, wrong in (("East", 2), ("West", 10)):
        for place in range(20):
            answer = "female" if place < wrong else "male"
            rows.append(
                ({"tool": "attributes", "gender": "male", "group_race": group}, {"answered": 1.0, "gender": answer})
            )
    found = points(fairness.TASK, table(rows))
    assert found["gender_error.race.East"] == 0.1 and found["gender_error.race.West"] == 0.5
    assert found["worst_gap"] == found["gap_gender_error.race"] == pytest.approx(0.4)


def test_fairness_counts_faces_without_an_answer():
    rows = [
        ({"tool": "spoof", "class": B, "group_gender": "x"}, {"answered": 0.0}),
        ({"tool": "spoof", "class": B, "group_gender": "x"}, {"answered": 1.0, "called": 1.0}),
    ]
    found = points(fairness.TASK, table(rows))
    assert found["non_response"] == 0.5 and found["false_alarm"] == 1.0


def test_quality_by_landmark_errors():
    rows = [
        ({"outcome": "nme"}, {"nme": error, **{f"q_{name}": value for name in quality.NAMES}})
        for error, value in ((0.1, 10.0), (0.05, 50.0), (0.03, 90.0))
    ]
    found = points(quality.TASK, table(rows))
    assert found["edc_gain"] > 0 and found["error_at_discard_40"] == pytest.approx(0.03)


def test_quality_by_forgery_errors():
    """The two poor pictures lie on the wrong side of the threshold of equal errors."""
    good = [(label, score, 90.0) for label, score in ((A, 2.0), (A, 3.0), (B, -2.0), (B, -3.0))]
    rows = [
        ({"outcome": "forgery", "class": label}, {"score": score, **{f"q_{name}": value for name in quality.NAMES}})
        for label, score, value in (*good, (A, -1.0, 10.0), (B, 1.0, 20.0))
    ]
    found = points(quality.TASK, table(rows))
    assert found["error_without_discard"] == pytest.approx(1 / 3) and found["error_at_discard_40"] == 0.0
    assert found["edc_gain"] > 0


def test_pose_needs_no_labels():
    made = table([({}, {"yaw": 20.0, "pitch": 0.0, "roll": 1.0, "mirrored_yaw": -19.0}), ({"yaw": 5.0}, {"yaw": 2.0})])
    found = points(pose.TASK, made)
    assert found["mirror_sign_flips"] == 1.0 and found["mirror_yaw_error"] == 1.0 and found["mae_yaw"] == 3.0


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

    honest = explanation.swapped(one, other, explain.explain_by_template)
    assert honest["swaps"] > 0 and honest["followed"] == honest["swaps"]
    assert explanation.swapped(one, other, stubborn)["followed"] == 0
    kept = explanation.held(one, explain.explain_by_template)
    assert kept["cited"] == kept["steps"] > 0 and kept["valid"] == kept["explanations"] == kept["agreeing"]


def test_a_models_explanations_are_counted_before_the_check(tmp_path, settings):
    write(tmp_path, [("a.png", portrait(), {"label": "x"})])
    runner = Runner(tmp_path, settings, "vlm")
    report = runner.analyst.analyze(str(tmp_path / "a.png"), explain="ledger")

    def struck(verdict, evidence) -> Explanation | None:
        """The ledger's words as if a model had said them, and one more claim that the check removed."""
        if verdict.question != "expression":
            return None
        return explain.explain_by_template(verdict, evidence).model_copy(
            update={"author": "model", "struck": ("AU99: no such id",)}
        )

    counts = explanation.held(report, struck)
    assert counts["explanations"] == counts["valid"] == counts["agreeing"] == 1
    assert counts["cited"] == counts["steps"] - 1 > 0
    case = Case("a.png", "a.png", {}, "a.png")
    [silent] = explanation.observe(runner, [case], explain.VlmExplainer(Scripted(lambda ask: "no answer")))
    assert silent["explanations"] > 0 and silent["valid"] == silent["steps"] == 0
    [skipped] = explanation.observe(runner, [case], explain.VlmExplainer(Scripted([], adapters=()), needs_adapter=True))
    assert skipped.reason == "no_evidence"


def test_agent_recovers(tmp_path, settings):
    write(tmp_path, [("a.png", portrait(), {"label": "x"})])
    outcome = run(RunConfig("agent", tmp_path, settings, out=tmp_path / "run", rounds=10))
    assert outcome.result.metrics["recovery"].value == 1.0 and "tool_selection" in outcome.result.metrics


def test_calls_are_those_of_the_labelled_plan(tmp_path, settings):
    lines = [
        {"text": "Is this photo real?", "group": "en", "expect": {"questions": ["forgery"]}},
        {"text": "Is this photo real?", "group": "wrong", "expect": {"questions": ["expression"]}},
        {"text": "What can you do?", "group": "en", "expect": {"kind": "help"}},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join([*map(json.dumps, lines), '{"text": 1}', "no json"]))
    outcome = run(RunConfig("agent", path, settings, out=tmp_path / "run", rounds=10))
    found = {name: one.value for name, one in outcome.result.metrics.items()}
    assert found["tool_selection"] == pytest.approx(2 / 3) and found["tool_selection.wrong"] == 0.0
    assert found["missing_calls"] > 0 and found["extra_calls"] > 0
    assert outcome.result.dataset.n == 3 and outcome.result.dataset.skipped == 2
    assert "line 00004" in outcome.skips[0].message and "recovery" not in found
    path.write_text("")
    with pytest.raises(InputError, match="no labelled query"):
        run(RunConfig("agent", path, settings, out=tmp_path / "other"))


def test_directions():
    assert lower_is_better("eer") and lower_is_better("age_mae") and lower_is_better("bpcer_at_apcer_10")
    assert not lower_is_better("auc") and not lower_is_better("tar_at_far_1e-3")
    assert not lower_is_better("mirror_sign_flips") and lower_is_better("mirror_yaw_error")


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
