"""The forensic PDF of a report: a view of ``report.json``, which is attached to it."""

from faceagent.report.pdf.case_file import CaseFile, CustodyEvent, CustodyKind, SignOff, number
from faceagent.report.pdf.render import check_installed, render_pdf

__all__ = ["CaseFile", "CustodyEvent", "CustodyKind", "SignOff", "check_installed", "number", "render_pdf"]
