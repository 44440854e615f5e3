"""What a PDF says about its case besides the report: its number, who handled the picture and when, who signed off.

Only what a record knows stands here; the command line knows less than the service.
"""

import hashlib
from typing import Literal

from pydantic import Field

from faceagent.types import FrozenModel

CustodyKind = Literal[
    "received", "hashed", "analysed", "kept", "not_kept", "feedback", "reviewed", "audited", "printed"
]


class CustodyEvent(FrozenModel):
    """One thing that happened to the picture or to its report."""

    at: str | None = Field(description="UTC, ISO 8601; None: not recorded")
    kind: CustodyKind
    who: str | None = Field(
        default=None, description="a person, a key of the service, or a program; None: not recorded"
    )
    details: tuple[str, ...] = ()


class SignOff(FrozenModel):
    """The decision of a person about a report."""

    at: str = Field(description="UTC, ISO 8601")
    who: str
    decision: str
    reason: str | None = None


class CaseFile(FrozenModel):
    """Everything about a case that its report does not hold."""

    id: str = Field(min_length=1, max_length=60)
    made: str = Field(description="UTC, ISO 8601: when the PDF was made")
    examiner: str | None = Field(default=None, max_length=100)
    custody: tuple[CustodyEvent, ...] = Field(
        default=(), description="oldest first, beside what the report itself says"
    )
    sign_offs: tuple[SignOff, ...] = ()
    picture_kept: bool = Field(default=True, description="whether the pixels are those of the picture, and not grey")
    references_kept: bool = True
    signing_key: str | None = Field(default=None, description="fingerprint of the key that the PDF will be signed with")


def number(report: bytes) -> str:
    """The number of a case that has none: the beginning of the SHA-256 of its report.json."""
    return f"report-{hashlib.sha256(report).hexdigest()[:16]}"
