"""A report as a signed PDF: the document, and the detached signature over it and everything that it is about.

What signs is imported with the first signature: it takes a quarter of a second, and most runs sign nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from faceagent.errors import InputError
from faceagent.intake.blobs import Blobs
from faceagent.report.pdf import CaseFile, check_installed, number, render_pdf
from faceagent.settings import Settings
from faceagent.types import Report

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LONGEST_CASE, LONGEST_EXAMINER = 60, 100
SIGNATURE = "report.pdf.sig"


class SignedPdf(NamedTuple):
    """The bytes of both files."""

    pdf: bytes
    signature: bytes


@dataclass(frozen=True)
class PdfMaker:
    """What all PDFs of one run share. ``case`` is a number of one's own; None: each report gets its own."""

    key: "Ed25519PrivateKey"
    case: str | None = None
    examiner: str | None = None

    def make(self, report: Report, source: bytes, blobs: Blobs) -> SignedPdf:
        """The PDF of a report and its signature; ``source`` are the bytes of its ``report.json``."""
        return signed_pdf(
            report,
            source,
            CaseFile(id=self.case or number(source), made=_now(), examiner=self.examiner),
            blobs,
            self.key,
        )


def pdf_maker(settings: Settings, case: str | None = None, examiner: str | None = None) -> PdfMaker:
    """Ready to make PDFs: packages and key are there.

    Raises:
        InputError: the packages are not installed, or case number or examiner are too long or not printable.
        SettingsError: the key of the setting cannot be used.
        OutputError: a new key cannot be written.
    """
    from faceagent.report.signing_key import signing_key

    check_installed()
    for name, given, longest in (("case number", case, LONGEST_CASE), ("examiner", examiner, LONGEST_EXAMINER)):
        if given is not None and (not given.strip() or len(given) > longest or not given.isprintable()):
            raise InputError(f"A {name} has 1 to {longest} printable characters.")
    return PdfMaker(signing_key(settings), case, examiner)


def signed_pdf(report: Report, source: bytes, case: CaseFile, blobs: Blobs, key: "Ed25519PrivateKey") -> SignedPdf:
    """The PDF of a report, which names the key, and its signature. Arguments and errors as ``render_pdf`` has them."""
    from faceagent.report.signature import sign
    from faceagent.report.signing_key import fingerprint

    named = case.model_copy(update={"signing_key": fingerprint(key.public_key())})
    pdf = render_pdf(report, source, named, blobs)
    return SignedPdf(pdf, sign(key, report, source, case=case.id, signed=case.made, pdf=pdf))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
