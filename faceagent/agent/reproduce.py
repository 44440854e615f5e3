"""Runs a report again: the same bytes, the same request, the same settings; what comes out is compared."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from faceagent.agent.analyst import Analyst
from faceagent.errors import InputError
from faceagent.intake import NamedBytes
from faceagent.report.differences import Comparison, compare
from faceagent.settings import Settings, load
from faceagent.types import Report


def reproduce(report: Report, picture: bytes, references: Sequence[bytes] = ()) -> Comparison:
    """Analyse the picture of a report again, and say what differs.

    Args:
        report: the earlier report; one from before settings were kept is repeated with those of this process.
        picture: the bytes of its picture.
        references: the bytes of its references, in any order.

    Raises:
        InputError: the picture is another one, or a reference is missing or is none of the report's.
        SettingsError: a setting of the report is not possible here.
    """
    _check_picture(report, picture)
    own = {hashlib.sha256(data).hexdigest(): data for data in references}
    _check_references(report, own)
    with Analyst(load(**settings_of(report))) as analyst:
        made = analyst.analyze(
            NamedBytes(report.source, picture),
            questions=report.request.questions,
            references=[NamedBytes(one.source, own[one.sha256]) for one in report.references],
            purpose=report.request.purpose,
            jurisdiction=report.request.jurisdiction,
            explain="vlm" if _asked_a_model(report) else "ledger",
        )
    return compare(report, made)


def settings_of(report: Report) -> dict[str, Any]:
    """The settings that a report was made with, as far as it names them."""
    kept = {name: value for name, value in report.manifest.settings.items() if name in Settings.model_fields}
    return {"profile": report.manifest.profile, "seed": report.manifest.seed, **kept}


def _asked_a_model(report: Report) -> bool:
    return any(one.author != "ledger" or one.fallback is not None for one in report.explanations)


def _check_picture(report: Report, picture: bytes) -> None:
    found = hashlib.sha256(picture).hexdigest()
    if report.picture is not None and found != report.picture.sha256:
        raise InputError(
            f"This is another picture: its SHA-256 is {found}, the report is about {report.picture.sha256}.",
            remedy="Name the file as it was received; a copy that was saved again is another file.",
        )


def _check_references(report: Report, given: Mapping[str, bytes]) -> None:
    wanted = {one.sha256: one.id for one in report.references}
    if missing := [f"{name} (SHA-256 {digest})" for digest, name in wanted.items() if digest not in given]:
        raise InputError(
            f"The report has references that were not given: {', '.join(missing)}.",
            remedy="Name each with --reference.",
        )
    if foreign := sorted(given.keys() - wanted.keys()):
        raise InputError(f"No reference of the report has the SHA-256 {foreign[0]}.")
