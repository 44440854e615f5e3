"""``--fail-on``: labels in every language of the chat; the conditions themselves are tested with the judge."""

import pytest

from faceagent.cli.fail_on import parse
from faceagent.types import Verdict


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("forged", "forged"),
        ("Manipulada", "forged"),
        ("翻拍或重放", "spoof"),
        ("genuine", "genuine"),
        ("other person", "other_person"),
    ],
)
def test_a_label_has_a_name_in_every_language(text: str, label: str) -> None:
    (line,) = parse([text])
    verdict = Verdict(
        id="V:F1:forgery", question="forgery", subject="F1", label=label, wording="Recorded.", status="stable"
    )
    assert line.met_by(verdict)
    assert line.text == text
