"""Conditions: which are understood, and which verdicts and reports meet them."""

import pytest

from faceagent.errors import InputError
from faceagent.judge.conditions import parse, parse_condition
from faceagent.types import Manifest, Probability, Problem, Report, Request, Verdict


def verdict(label: str, positive: float | None = None, **changes: object) -> Verdict:
    values: dict[str, object] = {
        "id": "V:F1:forgery",
        "question": "forgery",
        "subject": "F1",
        "label": label,
        "wording": "Recorded.",
        "status": "stable",
        "positive": None if positive is None else Probability(value=positive, low=positive, high=positive),
    }
    return Verdict.model_validate(values | changes)


@pytest.mark.parametrize(
    ("line", "given", "meets"),
    [
        ("forged", verdict("forged"), True),
        ("forged", verdict("forged", status="leans"), False),
        ("forgery>=0.9", verdict("forged", 0.9, status="leans"), True),
        ("forgery > 90 %", verdict("forged", 0.9), False),
        ("forgery>=.5", verdict("bona_fide", 0.3, status="leans"), False),
        ("forgery>=0.5", verdict("inconclusive", 0.8, reason="contradictory"), True),
        ("forgery>=0.5", verdict("inconclusive", 0.8, reason="open_set"), False),
        ("morph>=0.5", verdict("forged", 0.9), False),
        ("act", verdict("forged", action="review"), False),
        ("review", verdict("forged", action="act"), True),
        ("review", verdict("bona_fide", action="allow"), False),
    ],
)
def test_a_line_is_met_by_the_verdicts_it_names(line: str, given: Verdict, meets: bool) -> None:
    (one,) = parse([line])
    assert one.met_by(given) is meets


@pytest.mark.parametrize(
    "line", ["", "fake", "age>=0.5", "forgery>=2", "forgery>=0", "forgery", "forgery<0.1", "allow"]
)
def test_a_line_that_is_none_is_named_with_a_remedy(line: str) -> None:
    with pytest.raises(InputError) as caught:
        parse([line])
    assert caught.value.remedy


@pytest.mark.parametrize(
    "line", ["forgery=inconclusive", "forged", "spoof=spoof", "no_face", "quality<40", "pose <= 5"]
)
def test_conditions_on_reports_are_read(line: str) -> None:
    assert parse_condition(line).text == line


@pytest.mark.parametrize("line", ["mood<3", "forgery=nonsense", "quality>40", "nose", "quality<forty"])
def test_conditions_that_are_none_are_refused(line: str) -> None:
    with pytest.raises(InputError):
        parse_condition(line)


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("forged", "forgery"),
        ("female", "gender"),
        ("other_person", "identity"),
        ("declares_synthetic", "provenance"),
        ("age=inconclusive", "age"),
        ("spoof>=0.9", "spoof"),
        ("act", None),
        ("no_face", None),
        ("quality<40", None),
    ],
)
def test_a_condition_knows_the_question_that_it_is_about(line: str, question: str | None) -> None:
    assert parse_condition(line).question == question


def test_a_condition_names_the_subjects_that_meet_it() -> None:
    manifest = Manifest(faceagent="0", python="3", packages={}, profile="embedded", seed=0, created="2026-01-01")
    problem = Problem(reason="corrupt_picture", message="It is damaged.")
    unread = Report(request=Request(), source="a", problem=problem, manifest=manifest)
    assert parse_condition("unreadable").met_by(unread) == ("P1",)
    assert parse_condition("no_face").met_by(unread) == ()
    judged = unread.model_copy(update={"problem": None, "verdicts": (verdict("inconclusive"), verdict("forged"))})
    assert parse_condition("forgery=inconclusive").met_by(judged) == ("F1",)
    assert parse_condition("spoof").met_by(judged) == ()
