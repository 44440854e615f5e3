"""The strips of the page: where a verdict stands on its scale, and in which colour."""

import pytest

from faceagent.report.headings import headings_in
from faceagent.report.strips import strip, tone_of, zones
from faceagent.types import Answer, Finding, Probability, Verdict

ENGLISH = headings_in("en")


def shown(label: str, value: float, answer: Answer, **changes: object) -> tuple[Verdict, Finding]:
    share = Probability(value=value, low=max(0.0, value - 0.05), high=min(1.0, value + 0.05))
    values: dict[str, object] = {
        "id": "V:F1:forgery",
        "question": "forgery",
        "subject": "F1",
        "label": label,
        "wording": "Recorded.",
        "status": "stable",
        "positive": share,
    }
    verdict = Verdict.model_validate(values | changes)
    return verdict, Finding(question=verdict.question, subject="F1", answer=answer, verdict=verdict.id, text="Said.")


def test_the_scale_is_whole_symmetric_and_in_the_words_of_the_judge() -> None:
    parts = zones()
    assert parts[0][0] == pytest.approx(0) and sum(width for _, width, _ in parts) == pytest.approx(100)
    words = [word for _, _, word in parts]
    assert words == words[::-1] and words[len(words) // 2] == "no" and "moderate" in words


@pytest.mark.parametrize(
    ("label", "value", "answer", "tone", "said"),
    [
        ("forged", 0.98, "yes", "alarm", "moderate support for “manipulated”, 98 %"),
        ("forged", 0.88, "leans_yes", "open", "weak support for “manipulated”, 88 %"),
        ("bona_fide", 0.3, "leans_no", "calm", "weak support for “genuine”, 70 %"),
        ("inconclusive", 0.55, "cannot_tell", "open", "no clear support for “manipulated”, 55 %"),
    ],
)
def test_a_verdict_stands_at_its_ratio_with_its_side_in_words(
    label: str, value: float, answer: Answer, tone: str, said: str
) -> None:
    made = strip(*shown(label, value, answer), ENGLISH)
    assert made.tone == tone and made.bar is not None
    assert (made.bar.value > 50) == (value > 0.5) and made.bar.low < made.bar.value < made.bar.high
    assert made.bar.text.startswith(said)


@pytest.mark.parametrize(
    ("answers", "tone"),
    [
        ((), "plain"),
        (("no", "cannot_tell", "cannot_tell"), "open"),
        (("cannot_tell", "yes", "no"), "alarm"),
        (("no", "no"), "calm"),
        (("no", "leans_yes"), "open"),
    ],
)
def test_the_tone_of_several_verdicts_is_that_of_the_most_cautious(answers: tuple[Answer, ...], tone: str) -> None:
    assert tone_of(strip(*shown("forged", 0.5, one), ENGLISH) for one in answers) == tone


def test_a_ratio_at_its_limit_is_called_the_most_that_the_test_can_say() -> None:
    limit = Probability(value=1 / 3, low=1 / 3, high=1 / 3)
    made = strip(*shown("bona_fide", 1 / 3, "leans_no", status="leans", positive=limit), ENGLISH)
    assert made.bar is not None and made.bar.text.endswith("67 %, the most that this test can say")


def test_what_has_no_two_sides_has_no_scale() -> None:
    made = strip(*shown("usable", 0.5, "described", question="quality", positive=None), ENGLISH)
    assert made.bar is None and made.tone == "plain"
