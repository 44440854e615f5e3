"""Every change that is named is one the judge makes, and nothing short of it is."""

from collections.abc import Callable

import pytest

from faceagent import judge
from faceagent.judge.counterfactual import Change, what_would_change
from faceagent.types import Evidence, Face, Quality, Question, Verdict

Measured = Callable[..., Evidence]
FULL = dict.fromkeys(Quality.model_fields, 90.0)
FACE = Face(id="F1", picture="P1", box=(0, 0, 100, 100), confidence=0.9, points5=((1, 1),) * 5, quality=Quality(**FULL))


def weighed(evidence: list[Evidence], question: Question = "forgery") -> Verdict:
    return judge.weigh(question, FACE, evidence)


def after(evidence: list[Evidence], change: Change, more: float = 0.0) -> str:
    """What the judge says with the change made, ``more`` beyond it or short of it."""
    step = more if change.needed >= change.measured else -more
    moved = []
    for item in evidence:
        if item.id != change.evidence:
            moved.append(item)
        elif change.entry is None:
            assert item.score is not None
            score = item.score.model_copy(update={"value": change.needed + step})
            moved.append(item.model_copy(update={"score": score}))
        else:
            logits = {**item.distribution, change.entry: change.needed + step}
            moved.append(item.model_copy(update={"distribution": logits}))
    return weighed(moved, evidence[0].question).firm_label


@pytest.mark.parametrize("scores", [(2.5,), (-2.5,), (0.4,), (1.2, 0.3), (2.0, -1.0), (-1.5, -1.5), (9.0,)])
def test_a_named_change_turns_the_verdict_and_a_smaller_one_does_not(
    measured: Measured, scores: tuple[float, ...]
) -> None:
    evidence = [measured(f"tool{number}", value) for number, value in enumerate(scores)]
    verdict = weighed(evidence)
    found = what_would_change(verdict, FACE, evidence)
    assert found.changes
    for change in found.changes:
        assert change.label != verdict.firm_label
        assert after(evidence, change) == change.label
        assert after(evidence, change, more=-0.001) != change.label


def test_an_operating_point_is_part_of_what_must_be_crossed(measured: Measured) -> None:
    evidence = [measured("lined", 2.5, "test/point")]
    changes = {change.label: change for change in what_would_change(weighed(evidence), FACE, evidence).changes}
    # The likelihood would do down to 1.0, the operating point only down to 1.5.
    assert changes["inconclusive"].needed == pytest.approx(1.5, abs=1e-4)
    assert changes["bona_fide"].needed == pytest.approx(-1.0, abs=1e-4)


def test_even_is_where_the_ratio_is_one(measured: Measured) -> None:
    evidence = [measured("one", 2.0), measured("other", 0.5)]
    level = {change.evidence: change.needed for change in what_would_change(weighed(evidence), FACE, evidence).even}
    assert level == {"F1:one": pytest.approx(-0.5), "F1:other": pytest.approx(-2.0)}


def test_one_of_several_labels_is_overtaken_by_its_runner_up(measured: Measured) -> None:
    logits = {"happy": 3.0, "sadness": 0.0, "neutral": 1.0}
    evidence = [
        measured("expression", 3.0, "test/labels", question="expression", distribution=logits, cites=("F1:AU12",))
    ]
    verdict = weighed(evidence, "expression")
    found = what_would_change(verdict, FACE, evidence)
    assert {change.label for change in found.changes} == {"inconclusive", "sadness", "neutral"}
    assert all(after(evidence, change) == change.label for change in found.changes)


def test_what_cannot_turn_the_verdict_is_said_to_be_fixed(measured: Measured) -> None:
    evidence = [measured("uncalibrated", 5.0, None), measured("weak", 3.0)]
    assert [change.evidence for change in what_would_change(weighed(evidence), FACE, evidence).changes] == [
        "F1:weak",
        "F1:weak",
    ]


def test_what_was_not_measured_is_named(measured: Measured) -> None:
    gone = measured("morph", 0.0, None, score=None, status="unavailable", reason="not_trained_yet")
    assert what_would_change(weighed([gone]), FACE, [gone]).missing == ("F1:morph",)


def test_an_unusable_face_is_not_turned_by_numbers(measured: Measured) -> None:
    evidence = [measured("one", 2.0)]
    dark = FACE.model_copy(update={"reasons": {"forgery": ("too_dark",)}})
    verdict = judge.weigh("forgery", dark, evidence)
    assert what_would_change(verdict, dark, evidence).changes == ()
