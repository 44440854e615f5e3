import pytest

from faceagent.judge import wording


@pytest.mark.parametrize(
    ("llr", "word"),
    [(0.0, "no"), (0.29, "no"), (0.3, "weak"), (-0.5, "weak"), (1.0, "moderate"), (-2.0, "moderately strong"),
     (3.5, "strong"), (4.0, "very strong"), (7.0, "extremely strong")],
)  # fmt: skip
def test_support_follows_the_scale_on_both_sides(llr: float, word: str) -> None:
    assert wording.support(llr) == word


@pytest.mark.parametrize(
    ("llr", "text"), [(0.0, "LR 1"), (0.5, "LR 3.2"), (1.544, "LR 35"), (3.0, "LR 1,000"), (-2.0, "LR 1/100")]
)
def test_ratio_reads_like_people_write_it(llr: float, text: str) -> None:
    assert wording.ratio(llr) == text


@pytest.mark.parametrize(("p", "text"), [(0.0, "under 1 %"), (0.5, "50 %"), (0.994, "over 99 %"), (1.0, "over 99 %")])
def test_percent_is_never_certain(p: float, text: str) -> None:
    assert wording.percent(p) == text


def test_join() -> None:
    assert wording.join([]) == ""
    assert wording.join(["a"]) == "a"
    assert wording.join(["a", "b", "c"]) == "a, b and c"
