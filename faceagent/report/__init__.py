"""Reports: JSON is the source, HTML a view of it."""

from faceagent.report.compose import compose
from faceagent.report.html import render
from faceagent.report.write import IndexEntry, folder_name, index, index_entry, write

__all__ = ["IndexEntry", "compose", "folder_name", "index", "index_entry", "render", "write"]
