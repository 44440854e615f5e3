"""The last lines of a run: what many reports together say."""

from collections.abc import Callable

import pytest

from faceagent.cli.render import MANY_UNLIKE, Tally
from faceagent.types import Report


@pytest.mark.parametrize(
    ("unlike", "others", "proposed"),
    [(MANY_UNLIKE, 5, True), (MANY_UNLIKE - 1, 0, False), (MANY_UNLIKE, 90, False)],
)
def test_many_faces_unlike_everything_are_proposed_as_a_kind_of_their_own(
    sample_report: Callable[..., Report],
    capsys: pytest.CaptureFixture[str],
    unlike: int,
    others: int,
    proposed: bool,
) -> None:
    known = sample_report()
    open_set = {"label": "inconclusive", "reason": "open_set", "status": "uncertain", "action": "review"}
    far = known.model_copy(
        update={
            "verdicts": tuple(
                one.model_copy(update=open_set if one.question == "forgery" else {}) for one in known.verdicts
            )
        }
    )
    tally = Tally(10)
    for report in [far] * unlike + [known] * others:
        tally.add(report)
    tally.print_summary(1.0)
    said = " ".join(capsys.readouterr().err.split())
    assert (f"{unlike} of {unlike + others} faces are unlike" in said) is proposed
