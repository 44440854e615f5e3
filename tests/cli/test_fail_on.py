"""``--fail-on``: which lines are understood, and which verdicts meet them."""

import pytest

from faceagent.cli.fail_on import parse
from faceagent.errors import InputError
from faceagent.types import Probability, Verdict


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
        ("Manipulada", verdict("forged"), True),
        ("翻拍或重放", verdict("spoof"), True),
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
