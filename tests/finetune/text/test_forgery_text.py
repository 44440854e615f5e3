import json
import re

import numpy as np
import pytest

from evals.data.synthesis.records import Portrait
from evals.data.synthesis.splice import self_blend, splice, untouched
from faceagent.types import Evidence, Score, ToolStamp, Verdict
from finetune.data.samples import SamplePicture, TrainingSample
from finetune.text.case import ExplanationCase, RejectedCase
from finetune.text.feature_assessment import expert_evidence, load_features
from finetune.text.forgery import evidence_sample, maker_sample

BY = ToolStamp(name="forgery", version="1")
PLACES = ("left_eye", "right_eye", "nose", "mouth", "skin", "outer_face")


def case(levels, label="forged", truth="forged", experts=()):
    regional = [
        Evidence(
            id=f"F1:forgery_{place}",
            tool=BY,
            question="forgery",
            subject="F1",
            region=place,
            score=Score(value=levels.get(place, 0.1), scale="probability"),
            statement=f"In the region {place} the strongest patches reach {levels.get(place, 0.1):.2f} of 1.",
        )
        for place in PLACES
    ]
    whole = Evidence(
        id="F1:forgery",
        tool=BY,
        question="forgery",
        subject="F1",
        score=Score(value=2.0, scale="logit"),
        statement="The forgery detector's raw output is 0.88 of 1.",
    )
    return ExplanationCase(
        id="c",
        images=(SamplePicture(path="c.png"),),
        source="s:c",
        evidence=(whole, *regional, *(expert_evidence(name, value, "F1", BY) for name, value in experts)),
        verdict=Verdict(
            id="V:F1:forgery",
            question="forgery",
            subject="F1",
            label=label,
            wording=f"{label}.",
            status="stable",
            supports=("F1:forgery",),
        ),
        truth=truth,
    )


def portrait(seed, source):
    rng = np.random.default_rng(seed)
    points = 112 + 60 * (rng.random((478, 2)) - 0.5)
    return Portrait(rng.integers(0, 255, (224, 224, 3), dtype=np.uint8), points, source, "made")


def shot(record):
    maker = str(record.parameters["maker"])
    return SamplePicture(
        path="a.png", maker=None if maker == "untouched" else maker, parameters=dict(record.parameters)
    )


def test_what_the_makers_did_is_told_as_they_did_it():
    rng = np.random.default_rng(1)
    a, b = portrait(1, "a"), portrait(2, "b")
    for made in (splice(a, b, ("nose", "mouth"), rng), self_blend(a, ("left_eye",), rng), untouched(a)):
        told = json.loads(maker_sample(shot(made), "s:a", "k", 4).answer)
        forged = made.label == "splice"
        assert told["verdict"] == ("forged" if forged else "bona_fide")
        assert told["regions"] == list(made.parameters.get("regions", ()))
        assert told["alpha"] == (round(made.parameters["alpha"], 2) if forged else None)
        for region in told["regions"]:
            assert region.replace("_", " ") in told["text"]
        assert set(re.findall(r"\d\.\d+", told["text"])) <= {str(told["alpha"])}
    morphed = SamplePicture(path="m.png", maker="morph", parameters={"alpha": 0.412, "donor": "b"})
    assert "0.41" in json.loads(maker_sample(morphed, "s:a", "k", 4).answer)["text"]


def test_a_picture_without_its_makers_record_is_no_sample():
    with pytest.raises(KeyError):
        maker_sample(SamplePicture(path="a.png", maker="splice"), "s", "k", 0)


def test_regions_are_told_with_their_numbers_and_cited():
    made = evidence_sample(case({"mouth": 0.91, "nose": 0.45}), ("mouth",), (), 3)
    assert isinstance(made, TrainingSample)
    told = json.loads(made.answer)
    steps = [step for steps in told.values() for step in steps]
    lines = {step["cites"][0]: step["text"] for step in steps}
    assert "0.91" in lines["mouth"] and "0.45" in lines["nose"] and told["Mouth"][0]["text"] == lines["mouth"]
    assert "forged" in lines["V"] and made.meta["regions"] == ("mouth",)
    assert all(f"[{cite}]" in made.prompt for step in steps for cite in step["cites"])


def test_what_points_elsewhere_or_contradicts_the_truth_makes_no_text():
    away = evidence_sample(case({"nose": 0.9}), ("mouth",), (), 0)
    assert isinstance(away, RejectedCase) and "conspicuous" in away.reason
    wrong = evidence_sample(case({}, label="bona_fide"), ("mouth",), (), 0)
    assert isinstance(wrong, RejectedCase) and "not the truth" in wrong.reason
    open_case = evidence_sample(case({}, label="inconclusive"), ("mouth",), (), 0)
    assert isinstance(open_case, TrainingSample) and "nconclusive" in open_case.answer


def test_experts_stand_in_the_prompt_and_support_only_where_they_agree():
    experts = (("blending", 0.973), ("spectrum", 0.512), ("diffusion", None))
    made = evidence_sample(case({"mouth": 0.9}, experts=experts), ("mouth",), (), 0)
    assert "P(fake) = 0.973" in made.prompt and "P(fake) = 0.512" in made.prompt and "P(fake) = N/A" in made.prompt
    assert "0.973" in made.answer and "0.512" not in made.answer and "diffusion" not in made.answer
    genuine = case({}, label="bona_fide", truth="bona_fide", experts=(("blending", 0.973), ("spectrum", 0.021)))
    made = evidence_sample(genuine, (), (), 0)
    assert "0.021" in made.answer and "0.973" not in made.answer


def test_strong_features_are_told_only_where_the_maker_worked_and_the_detector_agrees():
    strong = [one for one in load_features() if one.regions]
    for seed in range(20):
        made = evidence_sample(case({"mouth": 0.9, "nose": 0.9}), ("mouth", "skin"), strong, seed)
        cites = {cite for step in json.loads(made.answer)["Overall"] for cite in step["cites"]}
        assert cites == {"forgery", "mouth"}
    genuine = evidence_sample(case({}, label="bona_fide", truth="bona_fide"), (), strong, 0)
    assert "does not fit" not in genuine.answer
