"""The blind sheet: who wrote what stands in the key alone, and choices are counted for their writer."""

from pathlib import Path

import pytest

from evals.benchmarks.explanation_preference import MODEL, TEMPLATE, Case, preference, sheet
from faceagent.types import Explanation, Step, Verdict


def said(author: str, text: str) -> Explanation:
    steps = (Step(section="Overall", text=text, cites=("F1:forgery",)),)
    return Explanation(
        question="forgery", subject="F1", steps=steps, author=author, prompt="forgery/explain", prompt_sha256="0" * 64
    )


def cases(count: int) -> list[Case]:
    verdict = Verdict(
        id="V:F1:forgery", question="forgery", subject="F1", label="forged", wording="It looks forged.", status="stable"
    )
    return [
        Case(
            str(number),
            verdict,
            (),
            said("ledger", f"Rules say {number}."),
            said("some-model", f"Model says {number}."),
        )
        for number in range(count)
    ]


def test_the_sheet_does_not_tell_who_wrote_a_text_and_the_key_does() -> None:
    text, key = sheet(cases(12), seed=0)
    assert "ledger" not in text and "some-model" not in text and TEMPLATE not in text
    assert {one["1"] for one in key} == {TEMPLATE, MODEL}
    for number, one in enumerate(key):
        first = text.index(f"Model says {number}.") < text.index(f"Rules say {number}.")
        assert one["1"] == (MODEL if first else TEMPLATE)
    assert sheet(cases(12), seed=0) == (text, key) and sheet(cases(12), seed=1)[1] != key


def test_choices_count_for_who_wrote_the_text(tmp_path: Path) -> None:
    _, key = sheet(cases(4), seed=0)
    chosen = tmp_path / "judged.csv"
    places = ["1" if one["1"] == MODEL else "2" for one in key[:3]]
    chosen.write_text("".join(f"{number},{place}\n" for number, place in enumerate(places, 1)) + "4,tie\n")
    found = preference(chosen, key)
    assert (found[MODEL], found["tie"], found["model_share"]) == (3, 1, pytest.approx(1.0))
