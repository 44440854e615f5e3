"""Tasks that measure the product as a whole: faces found, false alarms, requests, face references, questions."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tables import dataset_of, points, table

from evals.data import Skip, open_dataset
from evals.data.synthesis import composed_people
from evals.run import RunConfig, run
from evals.runner import Runner
from evals.synthetic_data import portrait, write, write_labels
from evals.tasks import (
    action_units,
    calibration,
    expression,
    face_detection,
    face_reference,
    false_alarms,
    identity,
    label_reading,
    routing,
    visual_questions,
)
from faceagent.errors import InputError
from faceagent.router.resolve_face import FaceMatch
from faceagent.settings import Settings
from faceagent.types import Face, Quality
from faceagent.vlm.scripted import Scripted


def test_faces_are_found_and_walls_are_not(tmp_path: Path, settings: Settings) -> None:
    wall: NDArray[np.uint8] = np.full((200, 200, 3), 128, np.uint8)
    write(tmp_path, [("a.png", portrait(), {}), ("b.png", wall, {})])
    dataset = open_dataset(tmp_path, export=tmp_path)
    cases = face_detection.read(dataset, "faces").cases
    found = face_detection.observe(Runner(tmp_path, settings, "faces"), cases)
    assert found[0]["landmarks"] == found[0]["usable_expression"] == 1.0 and found[1] == {"found": 0.0, "sure": 0.0}
    made = table([({}, one) for one in found])
    assert points(face_detection.TASK, made)["faces_found"] == 0.5
    assert points(face_detection.TASK, made)["landmarks_given_face"] == 1.0
    assert np.flatnonzero(~np.isnan(face_detection.failures(made))).tolist() == [1]


def test_false_alarms_are_of_the_threshold_and_of_the_judge() -> None:
    rows = [
        ({}, {"called": 1.0, "verdict_attack": 0.0, "verdict": "inconclusive", "doubt": "unfamiliar", "score": 2.0}),
        ({}, {"called": 1.0, "verdict_attack": 1.0, "verdict": "forged", "doubt": "none", "score": 3.0}),
        ({}, {"called": 0.0, "verdict_attack": 0.0, "verdict": "bona_fide", "doubt": "unusual", "score": -1.0}),
        ({}, {"called": 0.0, "verdict_attack": 0.0, "verdict": "bona_fide", "doubt": "none", "score": -2.0}),
    ]
    found = points(false_alarms.TASK, table(rows))
    assert found == {
        "false_alarm_rate": 0.5,
        "verdict_false_alarm_rate": 0.25,
        "inconclusive_rate": 0.25,
        "unfamiliar_rate": 0.25,
        "unusual_or_unfamiliar_rate": 0.5,
    }


def test_false_alarms_need_no_labels(tmp_path: Path, settings: Settings) -> None:
    write(tmp_path, [("a.png", portrait(), {"age": 43})])
    outcome = run(RunConfig("false_alarms", tmp_path, settings, tool="spoof", out=tmp_path / "run", rounds=10))
    assert outcome.result.metrics["verdict_false_alarm_rate"].value in (0.0, 1.0)
    assert "unfamiliar_rate" not in outcome.result.metrics
    assert outcome.result.metrics["non_response"].value == 0.0


def queries(path: Path, *lines: dict[str, object]) -> Path:
    path.write_text("\n".join(json.dumps({"group": "en", **line}) for line in lines))
    return path


def test_exact_plans_are_counted(tmp_path: Path, settings: Settings) -> None:
    path = queries(
        tmp_path / "mine.jsonl",
        {"text": "Is this photo real?", "expect": {"questions": ["forgery"], "language": "en"}},
        {"text": "Is this photo real?", "group": "wrong", "expect": {"questions": ["expression"]}},
        {"text": "What race is she?", "expect": {"kind": "refused", "refused": ["race"]}},
    )
    found = run(RunConfig("routing", path, settings, out=tmp_path / "run", rounds=10)).result.metrics
    assert found["plan_exact"].value == pytest.approx(2 / 3, abs=1e-6) and found["plan_exact.wrong"].value == 0.0
    assert found["refusal_precision"].value == found["refusal_recall"].value == 1.0
    assert found["ms_per_request"].value is not None


def test_a_set_of_refusals_is_judged_by_refusals_alone(tmp_path: Path, settings: Settings) -> None:
    path = queries(
        tmp_path / "policy.jsonl",
        {"text": "What race is she?", "expect": {"kind": "refused", "refused": ["race"]}},
        {"text": "Is this photo real?", "expect": {"refused": ["religion"]}},
        {"text": "Is this photo real?", "expect": {"questions": ["forgery"]}},
    )
    found = run(RunConfig("routing", path, settings, out=tmp_path / "run", rounds=10)).result.metrics
    assert "plan_exact" not in found
    assert found["refusals_and_questions_exact"].value == pytest.approx(2 / 3, abs=1e-6)
    assert (found["refusal_precision"].value, found["refusal_recall"].value) == (1.0, 0.5)


def test_pictures_are_no_queries() -> None:
    with pytest.raises(InputError, match="no typed queries"):
        routing.read(dataset_of(["label"], [{"label": "x"}]), "analyze")


QUALITY = Quality(unified=90, sharpness=90, illumination=90, exposure=90, resolution=90, pose=90, visibility=90)


def face(name: str, x: float) -> Face:
    return Face(id=name, picture="P1", box=(x, 0.0, x + 10, 10.0), confidence=0.9, points5=(), quality=QUALITY)


def match(name: str | None = None, rivals: tuple[str, ...] = ()) -> FaceMatch:
    return FaceMatch(face=name, rivals=rivals, confidence=1.0 if name else 0.0)


def test_an_ambiguous_description_must_ask_about_all_that_are_meant_and_no_other() -> None:
    faces = (face("F1", 0), face("F2", 20), face("F3", 40))
    boxes = [(0, 0, 12, 12), (18, 0, 32, 12), (38, 0, 52, 12)]
    is_right = face_reference.is_right
    assert is_right(match("F1"), faces, boxes[:1]) and not is_right(match("F2"), faces, boxes[:1])
    assert is_right(match(None, ("F1", "F2")), faces, boxes[:2])
    assert not is_right(match(None, ("F1", "F2", "F3")), faces, boxes[:2])
    assert not is_right(match(None, ("F1",)), faces, boxes[:2]) and not is_right(match(), faces, boxes[:1])


def test_face_references_are_counted_by_kind() -> None:
    rows = [
        ({}, {"kind": "left", "right": 1.0, "right_by_place": 1.0}),
        ({}, {"kind": "woman", "right": 1.0, "right_by_place": 0.0}),
        ({}, {"kind": "woman", "right": 0.0, "right_by_place": 0.0}),
    ]
    found = points(face_reference.TASK, table(rows))
    assert found["resolved"] == pytest.approx(2 / 3) and found["resolved_by_place"] == 1.0
    assert found["resolved_by_age_and_gender"] == found["resolved.woman"] == 0.5
    beside = face_reference.boxes_alone(table(rows))(np.ones((1, 3)))
    assert beside["boxes_alone"][0] == pytest.approx(1 / 3) and beside["boxes_alone_for_age_and_gender"][0] == 0


def test_people_are_composed_where_their_labels_say(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    frll, sfhq = tmp_path / "frll_london", tmp_path / "sfhq_t2i_tiles"
    (frll / "neutral_front").mkdir(parents=True)
    sfhq.mkdir()
    lines = ["face,age,gender"]
    for number in range(1, 13):
        lines.append(f"{number:03},{20 + 5 * number},{'female' if number % 2 else 'male'}")
        cv2.imwrite(str(frll / "neutral_front" / f"{number:03}_03.jpg"), astronaut[:200, 150:350, ::-1])
    (frll / "london_info.csv").write_text("\n".join(lines))
    cv2.imwrite(str(sfhq / "child.jpg"), astronaut[:200, 150:350, ::-1])
    write_labels(sfhq, [{"file": "child.jpg", "query_label": "small child"}])
    made = open_dataset(composed_people.make(tmp_path, tmp_path / "made"), export=tmp_path)
    cases = face_reference.read(made, "analyze").cases
    assert len(cases) == len(composed_people.TEXTS) * composed_people.PER_KIND
    for case in cases:
        boxes, targets = json.loads(str(case.truth["boxes"])), json.loads(str(case.truth["targets"]))
        assert len(targets) == (2 if str(case.truth["kind"]).endswith("of_two") else 1) and max(targets) < len(boxes)
    left = next(case for case in cases if case.truth["kind"] == "left")
    boxes = json.loads(str(left.truth["boxes"]))
    assert json.loads(str(left.truth["targets"])) == [int(np.argmin([box[0] for box in boxes]))]
    with pytest.raises(InputError, match="frll_london is not below"):
        composed_people.make(tmp_path / "nothing", tmp_path / "made")


def test_questions_are_asked_with_the_right_and_with_another_picture(tmp_path: Path, settings: Settings) -> None:
    write(
        tmp_path,
        [
            ("a.png", portrait(), {"topic": "smile", "question": "Smiling?", "answer": "yes", "swap": "b.png"}),
            ("b.png", portrait()[:, ::-1], {"topic": "light", "question": "Dark?", "answer": "no", "swap": "gone.png"}),
        ],
    )
    dataset = open_dataset(tmp_path, export=tmp_path)
    cases = visual_questions.read(dataset, "vlm").cases
    runner = Runner(tmp_path, settings, "vlm")
    found = visual_questions.observe(runner, cases, Scripted(lambda ask: "yes"))
    assert found[0] == {"right": 1.0, "right_with_another": 1.0, "topic": "smile"}
    assert isinstance(found[1], Skip) and found[1].reason == "missing_file"
    rows = [
        ({}, {"topic": topic, "right": right, "right_with_another": other})
        for topic, right, other in (("a", 1.0, 0.0), ("a", 1.0, 1.0), ("b", 0.0, 0.0))
    ]
    scored = points(visual_questions.TASK, table(rows))
    assert scored["accuracy"] == 0.5 and scored["accuracy_with_another_picture"] == 0.25
    assert scored["gain_of_the_right_picture"] == 0.25 and scored["accuracy.a"] == 1.0


def test_labels_that_are_not_asked_about_are_left_out() -> None:
    read = label_reading.read(dataset_of(["emotion"], [{"emotion": "happy"}, {"emotion": "bored"}]), "vlm")
    assert len(read.cases) == 1 and read.skips[0].reason == "unknown_label"


def test_units_that_rise_with_a_smile() -> None:
    labels = [{"AU12": "0", "emotion": "neutral", "subject": "a"}, {"AU12": "1", "emotion": "happy", "subject": "a"}]
    cases = action_units.read(dataset_of(["AU12", "emotion", "subject"], labels), "action_units").cases
    assert [case.truth["smiling"] for case in cases] == [0.0, 1.0]
    rows = [
        ({"AU12": float(smile), "smiling": float(smile)}, {"AU12": value, "AU6": other, "AU12_present": 0.0})
        for smile, value, other in ((0, 0.1, 0.5), (1, 2.0, 0.2))
    ]
    made = table(rows)
    one_person = type(made)(tuple(case._replace(cluster="a") for case in made.cases), made.values)
    found = points(action_units.TASK, one_person)
    assert found["higher_when_smiling.AU12"] == 1.0 and found["higher_when_smiling.AU6"] == 0.0
    assert "higher_when_smiling.AU12" not in points(action_units.TASK, made)


def test_errors_at_the_shipped_identity_thresholds() -> None:
    rows = [
        ({"same": float(same)}, {"cosine": cosine, "ms": 1.0})
        for same, cosine in ((1, 0.9), (1, 0.1), (0, 0.95), (0, 0.0), (0, -0.1), (0, 0.2))
    ]
    found = points(identity.TASK, table(rows))
    for name in identity.shipped_thresholds():
        assert found[f"impostors_accepted_at.{name}"] == 0.25 and found[f"genuine_refused_at.{name}"] == 0.5
    assert len(identity.shipped_thresholds()) >= 1


def test_one_expression_against_the_rest() -> None:
    def felt(emotion: str, **logits: float) -> tuple[dict[str, str], dict[str, float | str]]:
        full = {f"logit_{name}": logits.get(name, 0.0) for name in ("happy", "sadness", "neutral")}
        return {"emotion": emotion}, {**full, "labels": "happy|sadness|neutral", "answer": "happy"}

    found = points(expression.TASK, table([felt("happy", happy=2), felt("happy", happy=1), felt("sadness", happy=1.5)]))
    assert found["auc.happy"] == 0.5


def test_strong_evidence_for_the_wrong_side_is_misleading() -> None:
    rows = [
        (
            {"class": kind, "type": "", "video": "", "validation": 0.0},
            {"score": llr, "llr": llr, "probability": 1 / (1 + 10.0**-llr), "called": 0.0, "verdict": "inconclusive"},
        )
        for kind, llr in (("attack", -1.2), ("attack", 2.0), ("bona_fide", 0.5), ("bona_fide", -1.0))
    ]
    found = points(calibration.TASK, table(rows))
    assert found["misleading.attack"] == 0.5 and found["misleading.bona_fide"] == 0.0
