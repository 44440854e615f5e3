"""Reports: JSON is the source, HTML a view of it."""

from faceagent.report.compose import compose
from faceagent.report.html import render
from faceagent.report.write import Row, folder_name, index, row, write

__all__ = ["Row", "compose", "folder_name", "index", "render", "row", "write"]
