"""Reports: JSON is the source, HTML and PDF are views of it."""

from faceagent.report.compose import compose
from faceagent.report.html import render, thumbnail
from faceagent.report.overlay import overlay_png
from faceagent.report.run_folder import RunFolder, run_key
from faceagent.report.signed_pdf import PdfMaker, pdf_maker
from faceagent.report.write import folder_name, write

__all__ = [
    "PdfMaker",
    "RunFolder",
    "compose",
    "folder_name",
    "overlay_png",
    "pdf_maker",
    "render",
    "run_key",
    "thumbnail",
    "write",
]
