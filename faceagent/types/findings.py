"""What rules about a report read of it. Of a stored report only that is read, in a fifth of the time of the whole."""

from pydantic import ConfigDict

from faceagent.types.base import FrozenModel
from faceagent.types.faces import Quality
from faceagent.types.pictures import Problem
from faceagent.types.report import Report
from faceagent.types.verdicts import Verdict
from faceagent.types.vocabulary import Status


class _Part(FrozenModel):
    """A part of a report's JSON; the fields that it does not name are passed over."""

    model_config = ConfigDict(extra="ignore")


class _Picture(_Part):
    pass


class _Face(_Part):
    id: str
    quality: Quality


class _Evidence(_Part):
    subject: str
    status: Status = "ok"


class Findings(_Part):
    """The part of a report that rules read, from its JSON; the fields mean what they mean there."""

    problem: Problem | None = None
    picture: _Picture | None = None
    faces: tuple[_Face, ...] = ()
    evidence: tuple[_Evidence, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


Judged = Report | Findings
"""What a rule can be applied to."""
