"""The check strikes what speaks of a part of the face that cannot be seen, and keeps what says that it cannot."""

import pytest

from faceagent.explain.check import check
from faceagent.types import Evidence, Explanation, Score, Step, ToolStamp, Verdict

BY = ToolStamp(name="action_units", version="1.0.0")


def _record() -> tuple[list[Evidence], Verdict]:
    smile = Evidence(
        id="F1:AU12",
        tool=BY,
        question="action_units",
        subject="F1",
        label="present",
        score=Score(value=3.0, scale="intensity"),
        facts={"name": "lip corner puller"},
        statement="AU12 (lip corner puller) is present at intensity 3.0 of 5.",
    )
    lids = Evidence(
        id="F1:AU7",
        tool=BY,
        question="action_units",
        subject="F1",
        status="not_applicable",
        reason="not_measurable",
        facts={"name": "lid tightener", "cause": "occluded", "hidden_parts": "right_eye, left_eye"},
        statement="AU7 (lid tightener) cannot be measured: the eyes are covered, apparently by sunglasses.",
    )
    verdict = Verdict(
        id="V:F1:expression",
        question="expression",
        subject="F1",
        label="happy",
        wording="Apparent happy.",
        supports=("F1:AU12",),
        status="uncertain",
    )
    return [smile, lids], verdict


def _kept(text: str, *cites: str) -> bool:
    evidence, verdict = _record()
    explanation = Explanation(
        question="expression",
        subject="F1",
        steps=(Step(section="Key observations", text=text, cites=cites),),
        author="test",
        prompt="test@1",
        prompt_sha256="0" * 64,
    )
    checked = check(explanation, evidence, verdict)
    assert len(checked.steps) + len(checked.struck) == 1
    return bool(checked.steps)


@pytest.mark.parametrize(
    "text", ["The gaze is warm.", "With squinting lids she smiles.", "Both eyes narrow above the lip corner puller."]
)
def test_a_hidden_part_is_not_spoken_of(text: str) -> None:
    assert not _kept(text, "F1:AU12")


def test_what_is_seen_and_what_hides_the_rest_may_be_said() -> None:
    assert _kept("The lip corners are pulled up.", "F1:AU12")
    assert _kept("The eyes are covered, apparently by sunglasses.", "F1:AU7")
