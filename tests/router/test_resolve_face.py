"""Which face a description means, on boxes and records made up for the purpose."""

import math

import pytest

from faceagent.errors import FaceagentError, ModelUnavailable, VlmAnswerInvalid
from faceagent.faces.needs import table
from faceagent.router import FaceReference
from faceagent.router.resolve_face import VISUAL_TRAITS, FaceMatch, needs, resolve
from faceagent.router.visual_traits import TRAIT_ANSWERS, visual_trait_scorer
from faceagent.types import Evidence, Face, FacePart, PartVisibility, Quality, Reason, Score, ToolStamp
from faceagent.vlm.protocol import GenerationRequest
from faceagent.vlm.scripted import Scripted

GOOD = Quality(unified=90, sharpness=90, illumination=90, exposure=90, resolution=90, pose=90, visibility=90)
BY = ToolStamp(name="attributes", version="1")


def face(number: int, x: float, y: float, side: float = 100) -> Face:
    return Face(id=f"F{number}", picture="P1", box=(x, y, x + side, y + side), confidence=0.9, points5=(), quality=GOOD)


def male(name: str, share: float) -> Evidence:
    score = Score(value=math.log(share / (1 - share)), scale="logit")
    return Evidence(id=f"{name}:gender", tool=BY, question="gender", subject=name, score=score, statement="made up")


def aged(name: str, years: float) -> Evidence:
    score = Score(value=years, scale="years", low=years - 8, high=years + 8)
    return Evidence(id=f"{name}:age", tool=BY, question="age", subject=name, score=score, statement="made up")


ROW = (face(1, 100, 100), face(2, 700, 110), face(3, 400, 90))
"""F1, F3, F2 from left to right."""


@pytest.mark.parametrize(
    ("who", "meant"),
    [
        (FaceReference(side="left"), "F1"),
        (FaceReference(side="right"), "F2"),
        (FaceReference(side="middle"), "F3"),
        (FaceReference(index=2), "F2"),
        (FaceReference(index=2, side="left"), "F3"),
        (FaceReference(index=1, side="right"), "F2"),
        (FaceReference(index=4), None),
        (FaceReference(index=4, side="left"), None),
    ],
)
def test_places_and_numbers_are_read_off_the_boxes(who: FaceReference, meant: str | None) -> None:
    assert resolve(who, ROW).face == meant
    assert needs(who, ROW) == ()


def test_rows_and_sizes() -> None:
    crowd = (face(1, 400, 400, 200), face(2, 100, 60, 80), face(3, 300, 400, 60))
    assert resolve(FaceReference(superlative="largest"), crowd).face == "F1"
    assert resolve(FaceReference(side="front"), crowd).face == "F1"
    assert resolve(FaceReference(side="back"), crowd).face == "F2"
    equal = resolve(FaceReference(superlative="largest"), ROW)
    assert (equal.face, set(equal.rivals)) == (None, {"F1", "F2", "F3"})


def test_a_gender_singles_out_or_is_asked_about() -> None:
    who = FaceReference(words=("woman",))
    assert needs(who, ROW) == ("gender",)
    one = resolve(who, ROW, [male("F1", 0.9), male("F2", 0.05), male("F3", 0.97)])
    assert one.face == "F2"
    assert one.confidence > 0.8
    two = resolve(who, ROW, [male("F1", 0.1), male("F2", 0.05), male("F3", 0.97)])
    assert (two.face, set(two.rivals)) == (None, {"F1", "F2"})
    nobody = resolve(who, ROW, [male(name, 0.98) for name in ("F1", "F2", "F3")])
    assert nobody == FaceMatch(face=None, confidence=0.0)


def test_a_place_is_looked_for_among_those_the_words_are_true_of() -> None:
    evidence = [male("F1", 0.98), male("F3", 0.03), male("F2", 0.04)]
    assert resolve(FaceReference(side="left", words=("woman",)), ROW, evidence).face == "F3"
    assert resolve(FaceReference(side="left", words=("man",)), ROW, evidence).face == "F1"


def test_the_oldest_needs_ages_that_differ() -> None:
    who = FaceReference(superlative="oldest")
    assert needs(who, ROW) == ("age",)
    assert resolve(who, ROW, [aged("F1", 30), aged("F2", 70), aged("F3", 24)]).face == "F2"
    assert (
        resolve(FaceReference(superlative="youngest"), ROW, [aged("F1", 40), aged("F2", 70), aged("F3", 8)]).face
        == "F3"
    )
    close = resolve(who, ROW, [aged("F1", 40), aged("F2", 41), aged("F3", 8)])
    assert (close.face, set(close.rivals)) == (None, {"F1", "F2"})


def test_without_the_evidence_nobody_is_preferred_by_it() -> None:
    unknown = resolve(FaceReference(words=("woman",)), ROW)
    assert (unknown.face, unknown.unknown, len(unknown.rivals)) == (None, ("woman",), 3)
    placed = resolve(FaceReference(side="left", words=("woman",)), ROW)
    assert (placed.face, placed.unknown) == ("F1", ("woman",))
    assert resolve(FaceReference(superlative="oldest"), ROW).unknown == ("oldest",)


def test_a_single_face_is_meant_by_whatever_cannot_be_told() -> None:
    alone = ROW[:1]
    assert resolve(FaceReference(words=("woman", "glasses")), alone).face == "F1"
    assert needs(FaceReference(words=("woman",), superlative="oldest"), alone) == ()


def test_traits_are_looked_at_where_somebody_can() -> None:
    looked: list[tuple[str, str]] = []

    def look(one: Face, trait: str) -> float | None:
        looked.append((one.id, trait))
        return 0.95 if one.id == "F3" else 0.02

    found = resolve(FaceReference(words=("glasses",)), ROW, score_trait=look)
    assert (found.face, found.unknown) == ("F3", ())
    assert set(looked) == {("F1", "glasses"), ("F2", "glasses"), ("F3", "glasses")}
    assert resolve(FaceReference(words=("glasses",)), ROW, score_trait=lambda face, trait: None).unknown == ("glasses",)


def test_nobody_is_found_where_there_is_no_face() -> None:
    assert resolve(FaceReference(side="left"), ()) == FaceMatch(face=None, confidence=0.0)


def answers(ask: GenerationRequest) -> str:
    """F3's crop shows glasses and red hair."""
    shown = ask.turns[0].images[0] == b"F3"
    if "glasses" in ask.turns[0].text:
        return "yes" if shown else "no"
    return "red" if shown else "black"


@pytest.mark.parametrize("trait", ["glasses", "red_hair"])
def test_the_face_with_the_trait_is_meant(trait: str) -> None:
    look = visual_trait_scorer(Scripted(answers), lambda face: face.id.encode())
    assert resolve(FaceReference(words=(trait,)), ROW, score_trait=look).face == "F3"


def test_the_adapter_is_named_only_where_there_is_one() -> None:
    for adapters, named in ((("vqa",), "vqa"), ((), None)):
        backend = Scripted(answers, adapters=adapters)
        visual_trait_scorer(backend, lambda face: b"")(ROW[0], "glasses")
        assert [ask.adapter for ask in backend.asked] == [named]


@pytest.mark.parametrize("error", [ModelUnavailable("none here"), VlmAnswerInvalid("gibberish")])
def test_where_nobody_can_look_the_trait_is_unknown(error: FaceagentError) -> None:
    found = resolve(
        FaceReference(words=("hat",)), ROW, score_trait=visual_trait_scorer(Scripted([error] * 3), lambda face: b"")
    )
    assert (found.face, found.unknown) == (None, ("hat",))


def test_what_is_asked_is_what_can_be_said() -> None:
    assert set(TRAIT_ANSWERS) <= VISUAL_TRAITS == set(table().trait)
    assert visual_trait_scorer(Scripted(answers), lambda face: b"")(ROW[0], "bald") is None


@pytest.mark.parametrize(
    ("trait", "part", "reason", "scored"),
    [
        ("beard", "chin", "occluded", False),
        ("beard", "mouth", "outside_picture", False),
        ("beard", "forehead", "outside_picture", True),
        ("glasses", "left_eye", "occluded", True),
        ("hat", "forehead", "occluded", True),
        ("hat", "forehead", "outside_picture", False),
        ("grey_hair", "forehead", "outside_picture", False),
    ],
)
def test_a_trait_is_not_scored_where_its_part_cannot_be_seen(
    trait: str, part: FacePart, reason: Reason, scored: bool
) -> None:
    hidden = ROW[0].model_copy(update={"parts": (PartVisibility(part=part, visible=0.1, reason=reason),)})
    backend = Scripted(answers)
    found = visual_trait_scorer(backend, lambda face: face.id.encode())(hidden, trait)
    assert (found is not None) == bool(backend.asked) == scored
