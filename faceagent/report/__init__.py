"""Reports: JSON is the source, HTML a view of it."""

from faceagent.report.compose import compose
from faceagent.report.html import render
from faceagent.report.write import folder_name, index, outline, write

__all__ = ["compose", "folder_name", "index", "outline", "render", "write"]
