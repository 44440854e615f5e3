import pytest

from faceagent import judge
from faceagent.types import Evidence, Face, Quality, Score, ToolStamp

BY = ToolStamp(name="t", version="1")
GOOD = Quality(unified=90, sharpness=90, illumination=90, exposure=90, resolution=90, pose=90, visibility=90)
FACE = Face(
    id="F1",
    picture="P1",
    box=(0, 0, 9, 9),
    confidence=1,
    points5=((0, 0),) * 5,
    quality=GOOD,
    usable_for=("identity",),
)


def item(name, question, value, scale, calibration):
    return Evidence(
        id=f"F1:{name}",
        tool=BY,
        question=question,
        subject="F1",
        statement="Said.",
        score=Score(value=value, scale=scale, calibration=calibration),
    )


def alike(cosine):
    return item("identity", "identity", cosine, "cosine", "identity/sface-2")


def splice(logit):
    return item("forgery", "forgery", logit, "logit", "forgery/splice-1")


@pytest.mark.parametrize(
    ("evidence", "label"),
    [
        ([alike(0.8), splice(-3.0)], "genuine"),
        ([alike(0.8)], "genuine"),
        ([alike(0.05), splice(-3.0)], "other_person"),
        ([alike(0.05), splice(6.0)], "other_person"),
        ([alike(0.8), splice(6.0)], "forged"),
        ([alike(0.99), splice(6.0)], "forged"),
        ([alike(0.8), splice(2.0)], "inconclusive"),
        ([alike(0.345), splice(6.0)], "inconclusive"),
        ([splice(6.0)], "inconclusive"),
        ([], "inconclusive"),
    ],
)
def test_similarity_decides_between_people_and_never_against_a_forgery(evidence, label):
    assert judge.weigh("identity", FACE, evidence).label == label


def test_what_speaks_for_and_against_a_forged_identity_is_named():
    forged = judge.weigh("identity", FACE, [alike(0.9), splice(6.0)])
    assert (forged.supports, forged.contradicts) == (("F1:forgery",), ("F1:identity",))
    assert forged.wording.startswith("Forged: ") and "LR" in forged.wording
    torn = judge.weigh("identity", FACE, [alike(0.9), splice(2.0)])
    assert torn.status == "contested" and torn.reason == "contradictory" and "may be forged" in torn.wording


def test_a_face_whose_forgery_could_not_be_measured_is_genuine_with_a_reservation():
    bare = judge.weigh("identity", FACE, [alike(0.9)])
    assert bare.label == "genuine" and bare.status == "uncertain" and "could not be measured" in bare.wording
    assert judge.weigh("identity", FACE, [alike(0.9), splice(-3.0)]).wording.endswith("No forgery was found.")


def test_an_identity_question_brings_its_forgery_tools_along():
    assert set(judge.sources("identity")) == {"identity", "forgery", "morph"}
    assert judge.sources("age") == ("age",)


@pytest.mark.parametrize(("cosine", "side"), [(0.33, "genuine"), (0.27, "other_person")])
def test_a_lean_never_gives_the_label_that_access_can_depend_on(cosine, side):
    verdict = judge.weigh("identity", FACE, [alike(cosine)])
    assert (verdict.label, verdict.leaning, verdict.reason) == ("inconclusive", side, "weak_evidence")
    assert verdict.strength == "weak" and verdict.positive is not None
    assert verdict.action == "review"


def test_a_weak_likeness_that_may_be_forged_leans_to_nobody():
    verdict = judge.weigh("identity", FACE, [alike(0.33), splice(6.0)])
    assert (verdict.label, verdict.leaning, verdict.reason) == ("inconclusive", None, "contradictory")
