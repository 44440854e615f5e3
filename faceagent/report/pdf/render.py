"""Typesets a report as PDF/A-3a and PDF/UA-1, with its ``report.json`` attached.

The same report, case and packages give the same bytes. typst is only ever given our own template and data as JSON.
"""

import json
import tempfile
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from faceagent.errors import FaceagentError, InputError, OutputError
from faceagent.intake.blobs import Blobs
from faceagent.report.pdf.case_file import CaseFile
from faceagent.report.pdf.content import content
from faceagent.report.pdf.fonts import collection, families, folders
from faceagent.report.pdf.legible import all_legible
from faceagent.report.pdf.pictures import Files
from faceagent.types import Report

if TYPE_CHECKING:
    import typst

STANDARDS: "tuple[typst.PDFStandard, ...]" = ("a-3a", "ua-1")
"""PDF/A-3: for archives, may have any file attached; level a and PDF/UA-1: readable for screen readers."""
TEMPLATE = ("main.typ", "parts.typ")
REMEDY = "pip install 'faceagent[pdf]'"


def check_installed() -> None:
    """Raises InputError where the packages of the extra ``pdf`` are not installed."""
    try:
        import fontTools  # noqa: F401
        import typst  # noqa: F401

        folders()
    except ModuleNotFoundError as error:
        message = f"A PDF needs {error.name}, which is not installed."
        raise InputError(message, remedy=REMEDY) from error


def render_pdf(report: Report, source: bytes, case: CaseFile, blobs: Blobs) -> bytes:
    """The report as one PDF file.

    Args:
        report: what is printed.
        source: its ``report.json``, attached as it is; the digest of these bytes stands on every page.
        case: number, custody and sign-offs.
        blobs: must hold the pixels of the picture and of the references.

    Raises:
        InputError: the packages of the extra ``pdf`` are not installed.
        FaceagentError: the document cannot be set; a fault of this program.
    """
    check_installed()
    import typst

    files = Files()
    values = all_legible({**content(report, source, case, blobs, files), "families": families()})
    folder = resources.files("faceagent.report.pdf").joinpath("template")
    project = {name: folder.joinpath(name).read_bytes() for name in TEMPLATE}
    project |= {"data.json": json.dumps(values, ensure_ascii=False).encode(), "report.json": source, **files.named}
    try:
        # Its own folder is all that typst may read.
        with tempfile.TemporaryDirectory(prefix="faceagent-pdf-") as place:
            for name, data in project.items():
                Path(place, name).write_bytes(data)
            made = typst.compile(
                str(Path(place, "main.typ")),
                root=place,
                font_paths=collection(),
                ignore_system_fonts=True,
                pdf_standards=list(STANDARDS),
                timestamp=_seconds(case.made),
            )
    except OSError as error:
        raise OutputError(f"The PDF cannot be set: {error.strerror}.", remedy="Free some space.") from error
    except typst.TypstError as error:
        raise FaceagentError(f"The PDF could not be set: {error.message}") from error
    if not isinstance(made, bytes):
        raise FaceagentError("The PDF could not be set: no document came out.")
    return made


def _seconds(moment: str) -> int:
    """Seconds since 1970 of an ISO 8601 moment; moments without a zone are UTC."""
    found = datetime.fromisoformat(moment)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
